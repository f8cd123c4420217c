/* SPDX-License-Identifier: Apache-2.0
 *
 * management/notify - tells the destinations of alarms (management/alarm, 0.0.97.98.30 to .33) what
 * they have not heard yet, by EventNotification (IEC 62056-5-3, 7.3.10): which events, a client
 * chooses by the mask of a destination. Each notification is that of one alarm register,
 * attribute 2, as it then is.
 *
 * The room does no input or output, like management/push: its owner asks what is due, sends what
 * wk_notify_output gives and says whether the carrier took it. EventNotification is not confirmed,
 * so what the carrier took counts as heard; what it could not take is tried again, after
 * pauses that grow from WK_NOTIFY_PAUSE_US to WK_NOTIFY_PAUSE_MOST_US, until it could, another
 * destination is set, or no bit of the mask is left. What was not heard outlives a restart, as part
 * of the alarms. An optional part of a meter; 0.3 kB of RAM. */
#ifndef WK_MANAGEMENT_NOTIFY_H
#define WK_MANAGEMENT_NOTIFY_H

#include "base/civil.h"
#include "management/alarm.h"

#define WK_NOTIFY_APDU          96 /* octets of a notification, sealed by general-glo-ciphering */
#define WK_NOTIFY_PAUSE_US      INT64_C(10000000)
#define WK_NOTIFY_PAUSE_MOST_US INT64_C(3600000000)
#define WK_NOTIFY_CARRY_US      INT64_C(10000000) /* for the carrier to say how it went */

struct wk_notify_config {
    struct wk_alarm *alarm;
    const struct wk_zone *zone;
    void *self; /* of the function */
    /** Protects a whole APDU for whoever receives; NULL: they go in clear. */
    wk_err (*seal)(void *self, struct wk_bytes_in plain, struct wk_bytes_out *out);
};

/* All members but `delivered` and `moved` are private. */
struct wk_notify {
    struct wk_notify_config config;
    uint32_t delivered; /* notifications that a carrier took, since init */
    bool moved; /* what destinations have heard changed; cleared by the owner's commit */
    bool busy;
    uint8_t number;                    /* destination under way */
    uint8_t next;                      /* register of the next notification */
    uint32_t bits[WK_ALARM_REGISTERS]; /* that are told to it */
    int64_t deadline_us;
    struct {
        uint8_t tries;
        int64_t due_us;
    } job[WK_ALARM_DESTINATIONS];
};

/** WK_E_ARGUMENT: alarms or zone are missing. */
WK_MUST_USE wk_err wk_notify_init(struct wk_notify *notify,
                                  const struct wk_notify_config *config);
/** Begins with a destination by TCP or UDP that has something to hear. False: none has, or one is
 *  under way. */
bool wk_notify_begin(struct wk_notify *notify, int64_t now_us,
                     const struct wk_alarm_destination **destination);
bool wk_notify_is_busy(const struct wk_notify *notify);
/** True while there is something to send. */
bool wk_notify_sends(const struct wk_notify *notify);
/** Appends the next notification. WK_E_STATE: there is none. */
WK_MUST_USE wk_err wk_notify_output(struct wk_notify *notify, int64_t now_us,
                                    struct wk_bytes_out *out);
/** The carrier took all that wk_notify_output gave. */
void wk_notify_sent(struct wk_notify *notify);
/** It could not: tried again later. */
void wk_notify_failed(struct wk_notify *notify, int64_t now_us);
/** Gives up a carrier that does not say how it went. */
void wk_notify_tick(struct wk_notify *notify, int64_t now_us);

#endif
