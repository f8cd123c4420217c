/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/mode_e - the sign-on of IEC 62056-21 with protocol mode E, by which a local port that
 * begins with 300 baud, 7 data bits and even parity is handed over to HDLC (IEC 62056-42, annex).
 *
 *   client  "/?!" or "/?ADDRESS!" CR LF                       300 baud 7E1
 *   meter   "/" maker, baud rate, "\2" identification CR LF   300 baud 7E1
 *   client  ACK "2" baud rate "2" CR LF                       300 baud 7E1
 *   meter   the same                                          that rate, 7E1
 *   both    HDLC                                              that rate, 8N1
 *
 * Here is the meter's side without input and output, and what a client needs to read and write.
 * Other options than mode E (readout of mode C, programming) are not offered: their selection is
 * passed over, as is everything that is no sign-on, and the meter waits for the next one. */
#ifndef WK_COSEM_MODE_E_H
#define WK_COSEM_MODE_E_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define WK_MODE_E_BAUD          300              /* before the hand-over */
#define WK_MODE_E_LINE          48               /* octets of a message, most */
#define WK_MODE_E_NAME          16               /* characters of identification and address */
#define WK_MODE_E_PAUSE_US      INT64_C(1500000) /* longest between characters, and before an ACK */
#define WK_MODE_E_REPLY_US      INT64_C(20000) /* least before an answer, of who can be quick */
#define WK_MODE_E_REPLY_SLOW_US INT64_C(200000) /* ... and of who cannot */

struct wk_mode_e_config {
    char maker[4];                 /* three letters; the last is sent small: quick to answer */
    char name[WK_MODE_E_NAME + 1]; /* printable, neither "/" nor "!" */
    char address[WK_MODE_E_NAME +
                 1]; /* "/?ADDRESS!" is for this meter; leading zeros do not count */
    uint32_t baud;   /* the highest rate: 300, 600, 1200 ... 19200 */
};

typedef enum wk_mode_e_event {
    WK_MODE_E_NOTHING = 0,
    WK_MODE_E_IDENTIFY,  /* send wk_mode_e_message */
    WK_MODE_E_HAND_OVER, /* change to `baud`, send wk_mode_e_message, change to 8N1: HDLC */
} wk_mode_e_event;

/* A meter's local port while it waits for a sign-on. */
struct wk_mode_e {
    struct wk_mode_e_config config;
    bool identified;  /* an ACK is awaited */
    uint32_t baud;    /* that was agreed upon */
    int64_t due_us;   /* when the answer goes out; 0: there is none */
    int64_t octet_us; /* when the last octet came */
    size_t size;
    char line[WK_MODE_E_LINE];
};

/** WK_E_ARGUMENT: a rate, or a character that cannot be. */
WK_MUST_USE wk_err wk_mode_e_init(struct wk_mode_e *mode,
                                  const struct wk_mode_e_config *config);
/** Waits for a sign-on again. */
void wk_mode_e_reset(struct wk_mode_e *mode);
/** Octets that came; bit 7 of each is not looked at. What an answer is due for is thrown away. */
void wk_mode_e_receive(struct wk_mode_e *mode, int64_t now_us, const uint8_t *octets,
                       size_t size);
/** What is to be done now; call it every few milliseconds. */
wk_mode_e_event wk_mode_e_tick(struct wk_mode_e *mode, int64_t now_us);
/** What is to be sent for an event. */
void wk_mode_e_message(const struct wk_mode_e *mode, wk_mode_e_event event,
                       struct wk_bytes_out *out);

/* ---- the client's side ------------------------------------------------------------------- */

struct wk_mode_e_meter {
    uint32_t baud; /* the highest rate that the meter takes */
    bool hdlc;     /* it can be handed over to */
    bool is_quick; /* an ACK may come after WK_MODE_E_REPLY_US */
};

/** Takes apart a line without its end, from "/" on. WK_E_FORMAT: it is no identification. */
WK_MUST_USE wk_err wk_mode_e_read_identity(const char *line, size_t size,
                                           struct wk_mode_e_meter *meter);
/** ACK 2 Z 2; `baud` is a rate of the table. */
void wk_mode_e_put_select(struct wk_bytes_out *out, uint32_t baud);

#endif
