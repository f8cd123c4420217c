/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/submeters.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 1000
#define RETRIES    1
#define US_PER_S   INT64_C(1000000)

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

static wk_err bus_read(void *self, const struct wk_modbus_request *request, uint16_t *to)
{
    struct wk_submeters_worker *worker = self;
    struct wk_modbus_result result = {.err = WK_OK};
    struct wk_modbus_job job = {.class = WK_MODBUS_OWN,
                                .customer = worker->index,
                                .timeout_ms = TIMEOUT_MS,
                                .retries = RETRIES};
    wk_modbus_message_of(&job.request, request);
    const wk_err err = wk_modbus_queue_ask(worker->queue, &job, &result);
    memcpy(worker->line_fault, result.why, sizeof worker->line_fault);
    worker->exception = result.answer.pdu[1];
    WK_TRY(err);
    if (!wk_modbus_registers_of(&result.answer, request->count, to)) {
        snprintf(worker->line_fault, sizeof worker->line_fault,
                 "unit %u answers other registers", request->unit);
        return WK_E_FORMAT;
    }
    return WK_OK;
}

static uint8_t bus_exception(void *self)
{
    const struct wk_submeters_worker *worker = self;
    return worker->exception;
}

static wk_err read_once(struct wk_submeters_worker *worker, struct wk_submeter *submeter,
                        char fault[WK_MODBUS_WHY])
{
    const struct wk_submeter_bus bus = {
        .self = worker, .read = bus_read, .exception = bus_exception};
    worker->line_fault[0] = '\0';
    submeter->why[0] = '\0';
    const wk_err err = wk_submeter_read(submeter, &bus);
    snprintf(fault, WK_MODBUS_WHY, "%s",
             err == WK_OK               ? ""
             : submeter->why[0] != '\0' ? submeter->why
                                        : worker->line_fault);
    return err;
}

/* Sleeps until the next reading is due; false if it is time to stop. */
static bool wait_for(struct wk_submeters *all, uint32_t period_s)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += period_s;
    int waited = 0;
    while (!all->stop && waited == 0) {
        waited = pthread_cond_timedwait(&all->wake, &all->lock, &until);
    }
    return !all->stop;
}

static void *work(void *context)
{
    struct wk_submeters_worker *worker = context;
    struct wk_submeters *all = worker->all;
    const struct wk_config_submeter *config = &all->config->submeter[worker->index];
    struct wk_submeters_state *state = &worker->state;
    struct wk_submeter submeter;
    char fault[WK_MODBUS_WHY];
    wk_submeter_init(&submeter, config->map, config->unit);
    pthread_mutex_lock(&all->lock);
    do {
        pthread_mutex_unlock(&all->lock);
        const wk_err err = read_once(worker, &submeter, fault);
        pthread_mutex_lock(&all->lock);
        memcpy(state->fault, fault, sizeof fault);
        if (err == WK_OK) {
            state->newest = submeter;
            state->read_us = now_us();
            state->readings++;
        } else {
            state->failures++;
        }
    } while (wait_for(all, config->period_s));
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

wk_err wk_submeters_start(struct wk_submeters *submeters, const struct wk_config *config,
                          const struct wk_modbus_lines *lines)
{
    pthread_condattr_t attributes;
    memset(submeters, 0, sizeof *submeters);
    submeters->config = config;
    submeters->lines = lines;
    pthread_mutex_init(&submeters->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&submeters->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    for (uint8_t n = 0; n < config->submeter_count; n++) {
        struct wk_submeters_worker *worker = &submeters->worker[n];
        worker->all = submeters;
        worker->index = n;
        worker->queue = wk_modbus_lines_of(lines, config->submeter[n].uri);
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            wk_submeters_stop(submeters);
            return WK_E_IO;
        }
        submeters->running++;
    }
    return WK_OK;
}

void wk_submeters_stop(struct wk_submeters *submeters)
{
    if (submeters->config == NULL) {
        return;
    }
    pthread_mutex_lock(&submeters->lock);
    submeters->stop = true;
    pthread_cond_broadcast(&submeters->wake);
    pthread_mutex_unlock(&submeters->lock);
    for (uint8_t n = 0; n < submeters->running; n++) {
        pthread_join(submeters->worker[n].thread, NULL);
    }
    submeters->running = 0;
    submeters->config = NULL;
}

static json_t *view_values(const struct wk_submeter *submeter)
{
    json_t *values = json_object();
    for (int q = 0; values != NULL && q < WK_SUBMETER_QUANTITIES; q++) {
        if ((submeter->have >> q & 1) != 0) {
            json_object_set_new(values, wk_submeter_names[q].key,
                                json_integer(submeter->value[q]));
        }
    }
    return values;
}

static json_t *view_one(const struct wk_config_submeter *config,
                        const struct wk_submeters_state *state)
{
    const struct wk_submeter *newest = &state->newest;
    return json_pack(
        "{s:s, s:s, s:i, s:s, s:s, s:s, s:i, s:o, s:I, s:I, s:s*, s:o}", "name", config->name,
        "uri", config->uri, "unit", config->unit, "maker", newest->maker, "type", newest->type,
        "serial", newest->serial, "model", newest->model, "read_us",
        state->read_us != 0 ? json_integer(state->read_us) : json_null(), "readings",
        (json_int_t)state->readings, "failures", (json_int_t)state->failures, "fault",
        state->fault[0] != '\0' ? state->fault : NULL, "values", view_values(newest));
}

struct wk_submeters_state wk_submeters_state_of(struct wk_submeters *submeters, uint8_t index)
{
    pthread_mutex_lock(&submeters->lock);
    const struct wk_submeters_state state = submeters->worker[index].state;
    pthread_mutex_unlock(&submeters->lock);
    return state;
}

json_t *wk_submeters_view(struct wk_submeters *submeters)
{
    json_t *all = json_array();
    const uint8_t count = submeters->running;
    for (uint8_t n = 0; all != NULL && n < count; n++) {
        const struct wk_submeters_state state = wk_submeters_state_of(submeters, n);
        json_array_append_new(all, view_one(&submeters->config->submeter[n], &state));
    }
    return json_pack("{s:o, s:o}", "submeters", all, "lines",
                     wk_modbus_lines_view(submeters->lines));
}
