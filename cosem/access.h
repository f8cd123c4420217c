/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/access - the service ACCESS: attributes and methods of any objects in one exchange
 * (IEC 62056-5-3, 7.3.13).
 *
 * A request names what it is about, then brings one value for each: null-data to read. The
 * response gives one value for each, null-data if there is none, and then one result for each.
 * Cursors borrow from the input. */
#ifndef WK_COSEM_ACCESS_H
#define WK_COSEM_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/apdu.h"

#define WK_ACCESS_TIME 12 /* octets of a date-time */

/* long-invoke-id-and-priority */
#define WK_ACCESS_ID          UINT32_C(0x00FFFFFF)
#define WK_ACCESS_DESCRIPTIVE UINT32_C(0x10000000) /* the response repeats what it is about */
#define WK_ACCESS_BREAK       UINT32_C(0x20000000) /* nothing is done after an error */
#define WK_ACCESS_CONFIRM     UINT32_C(0x40000000) /* a response is wanted */
#define WK_ACCESS_PRIORITY    UINT32_C(0x80000000)

typedef enum wk_access_kind {
    WK_ACCESS_GET = 1,
    WK_ACCESS_SET = 2,
    WK_ACCESS_ACTION = 3,
    WK_ACCESS_GET_SELECTED = 4,
    WK_ACCESS_SET_SELECTED = 5,
} wk_access_kind;

/* In a response only the first three kinds are there. */
struct wk_access_request {
    uint32_t invoke;
    struct wk_bytes_in time; /* 0 or 12 octets */
    uint32_t count;
    struct wk_bytes_in list;   /* for wk_access_read_target */
    struct wk_bytes_in values; /* `count` values, one after another */
};

struct wk_access_response {
    uint32_t invoke;
    struct wk_bytes_in time;
    bool described; /* `list` is there */
    uint32_t count;
    struct wk_bytes_in list;
    struct wk_bytes_in values;
    struct wk_bytes_in results; /* two octets each: kind, result */
};

void wk_access_put_request(struct wk_bytes_out *out, const struct wk_access_request *request);
/** WK_E_FORMAT, WK_E_SHORT: malformed, or octets left over, or not one value for each target;
 *  request->invoke is valid if it was there. */
WK_MUST_USE wk_err wk_access_read_request(struct wk_bytes_in *in,
                                          struct wk_access_request *request);
/** One of `list`. Fault WK_E_FORMAT: no such kind. */
wk_access_kind wk_access_read_target(struct wk_bytes_in *in, struct wk_apdu_target *target);
/** `target->selective` chooses between the kinds with and without selection. */
void wk_access_put_target(struct wk_bytes_out *out, wk_access_kind kind,
                          const struct wk_apdu_target *target);

void wk_access_put_response(struct wk_bytes_out *out,
                            const struct wk_access_response *response);
WK_MUST_USE wk_err wk_access_read_response(struct wk_bytes_in *in,
                                           struct wk_access_response *response);

#endif
