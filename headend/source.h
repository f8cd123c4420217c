/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/source - a meter, as the intake sees it: the one interface to read and command it.
 *
 * source_dlms is the real one; tests bring their own. A source serves one meter at a time and
 * one thread. After an error of a read the source may be unusable until it is opened again.
 * Errors: WK_E_IO, WK_E_TIMEOUT, WK_E_CLOSED: the meter cannot be reached, try later;
 * WK_E_AUTH: it refuses us; WK_E_REFUSED, WK_E_FORMAT: it answered something else. */
#ifndef WK_HEADEND_SOURCE_H
#define WK_HEADEND_SOURCE_H

#include "headend/reading.h"
#include "headend/registry.h"

#define WK_SOURCE_COLUMNS 32

/* What a column of the load profile holds. */
typedef enum wk_source_column_kind {
    WK_SOURCE_OTHER = 0, /* not collected */
    WK_SOURCE_CLOCK,
    WK_SOURCE_STATUS,
    WK_SOURCE_REGISTER,
} wk_source_column_kind;

struct wk_source_column {
    wk_source_column_kind kind;
    int32_t channel; /* of a register */
    int64_t factor;  /* 10^-6 Wh or varh per count: 1 for scaler -6 */
};

/* The form of a meter's load profile: read once, then kept by the caller for the next time. */
struct wk_source_layout {
    bool known;
    int32_t period_s;
    uint16_t no_event_log; /* logs the meter was found not to have, a bit each */
    uint32_t present;      /* bit per channel that is captured */
    int32_t columns;
    struct wk_source_column column[WK_SOURCE_COLUMNS];
};

struct wk_source_registers {
    uint32_t present;
    int64_t reg[WK_CHANNELS];
};

/* Both ends included. */
struct wk_source_span {
    int64_t from_s;
    int64_t to_s;
};

struct wk_source_event {
    int64_t at_s;
    int32_t code;
};

#define WK_SOURCE_SHIFT_MOST_S 900 /* class 8, method 6 */

struct wk_source_supply {
    bool output;           /* the contactor is closed */
    uint8_t control_state; /* 0 disconnected, 1 connected, 2 ready for reconnection */
};

#define WK_SOURCE_REQUEST 1024

/* The request for the certificate of a key pair of TLS that waits (class 64, method 5). */
struct wk_source_request {
    uint8_t der[WK_SOURCE_REQUEST];
    size_t size;
    char title[17]; /* system title of the meter that the association proved, in digits */
};

typedef wk_err (*wk_source_reading_visit)(void *context, const struct wk_reading *reading);
typedef wk_err (*wk_source_event_visit)(void *context, const struct wk_source_event *event);

struct wk_source {
    void *self;
    /** Connects and fills `layout` if it is not known. `*counter` is the first invocation
     *  counter to use, 0 = ask the meter. */
    wk_err (*open)(void *self, const struct wk_registry_meter *meter, uint32_t counter,
                   struct wk_source_layout *layout);
    wk_err (*read_serial)(void *self, char *serial, size_t room);
    wk_err (*read_clock)(void *self, int64_t *utc_s);
    wk_err (*read_registers)(void *self, struct wk_source_registers *registers);
    /** Readings with from_s <= end_s <= to_s, oldest first. */
    wk_err (*read_profile)(void *self, const struct wk_source_layout *layout, int64_t from_s,
                           int64_t to_s, wk_source_reading_visit visit, void *context);
    /** Of event log 0.0.99.98.`log`.255. WK_E_REFUSED: the meter has no such log. */
    wk_err (*read_events)(void *self, uint8_t log, struct wk_source_span span,
                          wk_source_event_visit visit, void *context);
    wk_err (*read_supply)(void *self, struct wk_source_supply *supply);
    wk_err (*switch_supply)(void *self, bool connect);
    /** Asks the meter to correct its clock by so many seconds, -WK_SOURCE_SHIFT_MOST_S to
     *  WK_SOURCE_SHIFT_MOST_S: it slews a small correction and steps a large one. */
    wk_err (*shift_clock)(void *self, int64_t shift_s);
    /** WK_E_REFUSED: no key pair waits, or the meter has no such thing. Both NULL: this source cannot. */
    wk_err (*read_request)(void *self, struct wk_source_request *request);
    /** Brings its certificate, DER. WK_E_REFUSED: the meter did not take it. */
    wk_err (*give_certificate)(void *self, struct wk_bytes_in der);
    /** The next invocation counter; 0 = not used. */
    uint32_t (*counter)(void *self);
    void (*close)(void *self); /* also right when it is not open */
    /** What the last error was, for people. */
    const char *(*why)(void *self);
    void (*destroy)(void *self);
};

#endif
