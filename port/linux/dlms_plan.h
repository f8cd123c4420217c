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

/* ---- profiles ------------------------------------------------------------------------------ */

/* Rows of a profile (class 7) by range. When the connection is lost, it connects again and asks
 * for what comes after the last row that was taken: no row is given twice, none is left out, as
 * long as the meter still holds them. */
struct wk_dlms_range {
    uint8_t obis[WK_OBIS_SIZE];
    struct wk_utc from; /* both included */
    struct wk_utc to;
    uint32_t clock;     /* which column is the clock, from 0; UINT32_MAX: none, then nothing
                           can be resumed */
    uint8_t reconnects; /* that are allowed */
    void *self;
    /** As in cosem/rows; `index` goes on over lost connections. */
    wk_err (*row)(void *self, uint32_t index, struct wk_bytes_in element);
    uint32_t rows;  /* given so far */
    uint32_t lost;  /* connections */
    bool has_last;  /* private, as what follows: the last row tells its time */
    uint32_t same;  /* rows that were given with that time */
    uint32_t again; /* ... of them still to be passed over */
    struct wk_utc last;
};

/** Errors as wk_dlms_client_get_range. */
WK_MUST_USE wk_err wk_dlms_range_read(struct wk_dlms_range *range,
                                      struct wk_dlms_client *client);

#endif
