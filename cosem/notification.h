/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/notification - what a server sends without being asked: DataNotification with its
 * confirmation, and EventNotification (IEC 62056-5-3, 7.3.12 and 7.3.10).
 *
 * Cursors borrow from the input. */
#ifndef WK_COSEM_NOTIFICATION_H
#define WK_COSEM_NOTIFICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/apdu.h"

#define WK_NOTIFICATION_TIME 12 /* octets of a date-time */
/* Most octets before the body of a DataNotification. */
#define WK_NOTIFICATION_HEAD (1 + 4 + 1 + WK_NOTIFICATION_TIME)

/* long-invoke-id-and-priority, as in cosem/access */
#define WK_NOTIFICATION_ID       UINT32_C(0x00FFFFFF)
#define WK_NOTIFICATION_CONFIRM  UINT32_C(0x40000000) /* a confirmation is wanted */
#define WK_NOTIFICATION_PRIORITY UINT32_C(0x80000000)

struct wk_notification {
    uint32_t invoke;
    struct wk_bytes_in time; /* 0 or 12 octets */
    struct wk_bytes_in body; /* one A-XDR value */
};

struct wk_notification_event {
    struct wk_bytes_in time; /* 0 or 12 octets */
    struct wk_apdu_target target;
    struct wk_bytes_in value;
};

/** The head of a DataNotification; its body follows. `size` of `time`: 0 or 12. */
void wk_notification_put_head(struct wk_bytes_out *out, uint32_t invoke,
                              struct wk_bytes_in time);
/** Readers: WK_E_FORMAT or WK_E_SHORT on any deviation, left-over octets included. */
WK_MUST_USE wk_err wk_notification_read(struct wk_bytes_in *in,
                                        struct wk_notification *notification);

/** The confirmation of a DataNotification: the same id. */
void wk_notification_put_confirm(struct wk_bytes_out *out, uint32_t invoke,
                                 struct wk_bytes_in time);
WK_MUST_USE wk_err wk_notification_read_confirm(struct wk_bytes_in *in, uint32_t *invoke);

void wk_notification_put_event(struct wk_bytes_out *out,
                               const struct wk_notification_event *event);
WK_MUST_USE wk_err wk_notification_read_event(struct wk_bytes_in *in,
                                              struct wk_notification_event *event);

#endif
