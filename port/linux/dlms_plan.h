/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/dlms_plan - many attributes of a meter, read with as few requests as it allows.
 *
 * Where lists were negotiated, attributes go with one GET as far as the meter's longest APDU and
 * WK_CLIENT_LIST allow; where not, one by one. Answers may come by blocks and be longer than any
 * APDU. What one attribute is refused with is its own result and stops no other. Reading is
 * repeatable: when the connection is lost, the plan connects again and goes on with the first
 * attribute that has no result. */
#ifndef WK_PORT_LINUX_DLMS_PLAN_H
#define WK_PORT_LINUX_DLMS_PLAN_H

#include "port/linux/dlms_client.h"

struct wk_dlms_plan_item {
    struct wk_apdu_target target;
    uint8_t result;           /* wk_apdu_access */
    struct wk_bytes_in value; /* WK_APDU_SUCCESS: one A-XDR value, in the plan's room */
};

struct wk_dlms_plan {
    struct wk_dlms_plan_item *items; /* borrowed */
    size_t count;
    uint8_t *room; /* borrowed: all values, one after another */
    size_t size;
    uint8_t reconnects; /* that are allowed */
    size_t done;        /* items with a result */
    size_t used;        /* octets of the room */
    uint32_t requests;  /* that were sent */
};

/** Reads plan->items[plan->done..count) over the open client. WK_E_FULL: the room is too small;
 *  WK_E_FORMAT: the meter's answer is none to this list; else as wk_dlms_client_get. On error
 *  the items before plan->done have their results. */
WK_MUST_USE wk_err wk_dlms_plan_read(struct wk_dlms_plan *plan, struct wk_dlms_client *client);

#endif
