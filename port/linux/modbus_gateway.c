/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/modbus_gateway.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_MOST     255
#define FUNCTION_MOST  0x7F
#define EXCEPTION      0x80
#define IDENTIFICATION 43
#define DEVICE_IDS     14 /* of function 43 */

/* A result on its way from the thread of a queue into the loop. */
struct letter {
    struct letter *next;
    uint32_t customer;
    uint32_t tag;
    struct wk_modbus_message answer;
};

struct wk_modbus_gateway {
    struct wk_modbus_gateway_config config;
    struct wk_modbus_route route[WK_MODBUS_ROUTES];
    uint8_t units[WK_MODBUS_UNIT_SET];
    uv_async_t async;
    pthread_mutex_t lock;
    bool is_stopping; /* these three by the lock */
    uint32_t under_way;
    struct letter *first;
    struct letter **last;
    bool is_closed; /* the loop is done with `async` */
};

/* ---- ending ------------------------------------------------------------------------------ */

static void free_letters(struct letter *letter)
{
    while (letter != NULL) {
        struct letter *next = letter->next;
        free(letter);
        letter = next;
    }
}

/* With the lock; it is given back, or freed with the rest. */
static void unlock_or_free(struct wk_modbus_gateway *gateway)
{
    const bool is_over = gateway->is_closed && gateway->under_way == 0;
    pthread_mutex_unlock(&gateway->lock);
    if (is_over) {
        free_letters(gateway->first);
        pthread_mutex_destroy(&gateway->lock);
        free(gateway);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct wk_modbus_gateway *gateway = handle->data;
    pthread_mutex_lock(&gateway->lock);
    gateway->is_closed = true;
    unlock_or_free(gateway);
}

/* ---- answers ----------------------------------------------------------------------------- */

static void except(struct wk_modbus_message *answer, uint8_t function, uint8_t code)
{
    answer->size = 2;
    answer->pdu[0] = function | EXCEPTION;
    answer->pdu[1] = code;
}

/* What a request of `function` gets for this result. */
static void answer_of(struct wk_modbus_message *answer, uint8_t function,
                      const struct wk_modbus_result *result)
{
    if (result->err == WK_OK || result->err == WK_E_REFUSED) {
        answer->size = result->answer.size;
        memcpy(answer->pdu, result->answer.pdu, answer->size);
        return;
    }
    const bool has_path = result->err == WK_E_TIMEOUT || result->err == WK_E_CORRUPT;
    except(answer, function, has_path ? WK_MODBUS_NO_ANSWER : WK_MODBUS_NO_PATH);
}

/* What a queue has of us: whom to tell, and of what. */
struct errand {
    struct wk_modbus_gateway *gateway;
    uint8_t unit;
    uint8_t function;
};

/* In the thread of a queue. */
static void on_done(void *self, const struct wk_modbus_result *result)
{
    struct errand *errand = self;
    struct wk_modbus_gateway *gateway = errand->gateway;
    struct letter *letter = errand->unit != 0 ? calloc(1, sizeof *letter) : NULL;
    if (letter != NULL) {
        letter->customer = (uint32_t)result->customer;
        letter->tag = result->tag;
        letter->answer.unit = errand->unit;
        answer_of(&letter->answer, errand->function, result);
    }
    free(errand);
    pthread_mutex_lock(&gateway->lock);
    gateway->under_way--;
    if (letter != NULL) {
        *gateway->last = letter;
        gateway->last = &letter->next;
    }
    if (!gateway->is_stopping) {
        (void)uv_async_send(&gateway->async);
    }
    unlock_or_free(gateway);
}

static void on_letters(uv_async_t *async)
{
    struct wk_modbus_gateway *gateway = async->data;
    pthread_mutex_lock(&gateway->lock);
    struct letter *letters = gateway->first;
    gateway->first = NULL;
    gateway->last = &gateway->first;
    pthread_mutex_unlock(&gateway->lock);
    for (const struct letter *letter = letters; letter != NULL; letter = letter->next) {
        if (!gateway->is_stopping) {
            gateway->config.answered(gateway->config.self, letter->customer, letter->tag,
                                     &letter->answer);
        }
    }
    free_letters(letters);
}

/* Customers of one port are those of no other. */
static uint64_t number_of(const struct wk_modbus_gateway *gateway, uint32_t customer)
{
    return (uint64_t)gateway->config.origin << 32 | customer;
}

/* ---- requests ---------------------------------------------------------------------------- */

static bool has_unit(const uint8_t units[WK_MODBUS_UNIT_SET], uint8_t unit)
{
    return (units[unit / 8] >> unit % 8 & 1) != 0;
}

bool wk_modbus_gateway_has(const struct wk_modbus_gateway *gateway, uint8_t unit)
{
    return has_unit(gateway->units, unit);
}

const uint8_t *wk_modbus_gateway_units(const struct wk_modbus_gateway *gateway)
{
    return gateway->units;
}

static bool only_reads(const struct wk_modbus_message *request)
{
    static const uint8_t k_reads[] = {1, 2, 3, 4, 7, 11, 12, 17, 20, 24};
    if (request->pdu[0] == IDENTIFICATION) {
        return request->size > 1 && request->pdu[1] == DEVICE_IDS;
    }
    return memchr(k_reads, request->pdu[0], sizeof k_reads) != NULL;
}

static uint8_t ask_route(struct wk_modbus_gateway *gateway, const struct wk_modbus_route *route,
                         uint32_t customer, uint32_t tag,
                         const struct wk_modbus_message *request)
{
    if (!route->writes && !only_reads(request)) {
        return WK_MODBUS_NOT_PASSED;
    }
    struct errand *errand = calloc(1, sizeof *errand);
    if (errand == NULL) {
        return WK_MODBUS_NO_PATH;
    }
    *errand = (struct errand){gateway, request->unit, request->pdu[0]};
    const struct wk_modbus_job job = {.class = WK_MODBUS_CLIENT,
                                      .customer = number_of(gateway, customer),
                                      .tag = tag,
                                      .request = *request,
                                      .timeout_ms = route->timeout_ms,
                                      .retries = route->retries,
                                      .self = errand,
                                      .done = on_done};
    pthread_mutex_lock(&gateway->lock);
    gateway->under_way++;
    pthread_mutex_unlock(&gateway->lock);
    const wk_err err = wk_modbus_queue_put(route->queue, &job);
    if (err == WK_OK) {
        return 0;
    }
    pthread_mutex_lock(&gateway->lock);
    gateway->under_way--;
    pthread_mutex_unlock(&gateway->lock);
    free(errand);
    return err == WK_E_BUSY ? WK_MODBUS_ALL_BUSY : WK_MODBUS_NO_PATH;
}

uint8_t wk_modbus_gateway_ask(struct wk_modbus_gateway *gateway, uint32_t customer,
                              uint32_t tag, const struct wk_modbus_message *request)
{
    uint8_t exception = WK_MODBUS_NO_PATH;
    if (request->size == 0 || request->pdu[0] == 0 || request->pdu[0] > FUNCTION_MOST) {
        return WK_MODBUS_NOT_PASSED;
    }
    for (uint8_t n = 0; n < gateway->config.routes; n++) {
        const struct wk_modbus_route *route = &gateway->route[n];
        if (request->unit == 0 ? route->broadcast : has_unit(route->units, request->unit)) {
            exception = ask_route(gateway, route, customer, tag, request);
        }
    }
    return exception;
}

void wk_modbus_gateway_forget(struct wk_modbus_gateway *gateway, uint32_t customer)
{
    for (uint8_t n = 0; n < gateway->config.routes; n++) {
        wk_modbus_queue_forget(gateway->route[n].queue, number_of(gateway, customer));
    }
}

/* ---- starting and stopping --------------------------------------------------------------- */

wk_err wk_modbus_gateway_start(struct wk_modbus_gateway **gateway,
                               const struct wk_modbus_gateway_config *config)
{
    if (config->routes > WK_MODBUS_ROUTES) {
        return WK_E_ARGUMENT;
    }
    struct wk_modbus_gateway *made = calloc(1, sizeof *made);
    if (made == NULL || uv_async_init(config->loop, &made->async, on_letters) != 0) {
        free(made);
        return WK_E_IO;
    }
    made->config = *config;
    made->last = &made->first;
    made->async.data = made;
    pthread_mutex_init(&made->lock, NULL);
    for (uint8_t n = 0; n < config->routes; n++) {
        made->route[n] = config->route[n];
        for (size_t octet = 0; octet < WK_MODBUS_UNIT_SET; octet++) {
            made->units[octet] |= config->route[n].units[octet];
        }
        made->units[0] |= config->route[n].broadcast ? 1 : 0;
    }
    *gateway = made;
    return WK_OK;
}

void wk_modbus_gateway_stop(struct wk_modbus_gateway *gateway)
{
    pthread_mutex_lock(&gateway->lock);
    gateway->is_stopping = true;
    pthread_mutex_unlock(&gateway->lock);
    uv_close((uv_handle_t *)&gateway->async, on_closed);
}
