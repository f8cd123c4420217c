/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/modbus_gateway - carries requests of a port to units on other lines, in the libuv loop of
 * its owner, and brings their answers back.
 *
 * Functions are carried without being known. Those that change something only where the route allows
 * it: functions that read are 1 to 4, 7, 11, 12, 17, 20, 24 and 43/14. A broadcast goes to every route that
 * takes it.
 *
 *   exception 1   a function that may change something, on a route that only reads
 *   exception 6   the customer has WK_MODBUS_QUEUE_EACH requests waiting
 *   exception 10  there is no route to the unit, its line cannot be opened, or the queue is full
 *   exception 11  the unit did not answer, or not rightly
 *
 * (Modbus application protocol V1.1b3, 7.) */
#ifndef WK_PORT_LINUX_MODBUS_GATEWAY_H
#define WK_PORT_LINUX_MODBUS_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"
#include "port/linux/modbus_queue.h"

#define WK_MODBUS_ROUTES     8
#define WK_MODBUS_UNIT_SET   32 /* octets: bit u % 8 of octet u / 8 is unit u */
#define WK_MODBUS_NO_PATH    10
#define WK_MODBUS_NO_ANSWER  11
#define WK_MODBUS_ALL_BUSY   6
#define WK_MODBUS_NOT_PASSED 1

struct wk_modbus_route {
    struct wk_modbus_queue *queue; /* borrowed */
    uint8_t units[WK_MODBUS_UNIT_SET];
    uint32_t timeout_ms;
    uint32_t retries;
    bool writes;    /* functions that may change something are carried, too */
    bool broadcast; /* unit 0, too */
};

struct wk_modbus_gateway_config {
    uv_loop_t *loop;
    const struct wk_modbus_route *route; /* copied */
    uint8_t routes;                      /* 0..WK_MODBUS_ROUTES */
    uint32_t
        origin; /* 1..: of the port, another than that of every other one at the same lines */
    void *self; /* of the function */
    /** An answer or an exception, in the loop. Not called for broadcasts. */
    void (*answered)(void *self, uint32_t customer, uint32_t tag,
                     const struct wk_modbus_message *answer);
};

struct wk_modbus_gateway;

/** WK_E_IO: no memory; WK_E_ARGUMENT: too many routes. */
WK_MUST_USE wk_err wk_modbus_gateway_start(struct wk_modbus_gateway **gateway,
                                           const struct wk_modbus_gateway_config *config);
/** Whether a route leads to the unit; to 0: whether one takes broadcasts. */
bool wk_modbus_gateway_has(const struct wk_modbus_gateway *gateway, uint8_t unit);
/** The units that routes lead to. */
const uint8_t *wk_modbus_gateway_units(const struct wk_modbus_gateway *gateway);
/** Takes a request of a customer of this port. 0: it is on its way; else the exception that answers it. */
uint8_t wk_modbus_gateway_ask(struct wk_modbus_gateway *gateway, uint32_t customer,
                              uint32_t tag, const struct wk_modbus_message *request);
/** The customer is gone: what waits is dropped, what is under way is not told any more. */
void wk_modbus_gateway_forget(struct wk_modbus_gateway *gateway, uint32_t customer);
/** Closes it; `answered` is not called any more. The memory is freed once the loop has closed its
 *  handle and all queues of the routes have told or dropped what they had of it: before
 *  wk_modbus_queue_stop returns at the latest. */
void wk_modbus_gateway_stop(struct wk_modbus_gateway *gateway);

#endif
