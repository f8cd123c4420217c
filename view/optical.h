/* SPDX-License-Identifier: Apache-2.0
 *
 * view/optical - the optical port by IEC 62056-21, mode C: data readout and programming mode.
 *
 *   reader  "/?!" or "/?ADDRESS!" CR LF                             300 baud
 *   meter   "/" maker, baud rate, name CR LF                        300 baud
 *   reader  ACK "0" rate "0" (readout) or "1" (programming) CR LF   300 baud
 *   readout: meter STX lines "!" CR LF ETX BCC; reader ACK, or NAK for it again (three times)
 *   programming: meter SOH P0 STX () ETX BCC, reader SOH P1 STX (password) ETX BCC, meter ACK; then
 *   R1, R5 read a name, W1, W5 write one, B0 ends. What has a wrong BCC gets NAK.
 *
 * All with 7 data bits and even parity. A reader that says nothing after the identification gets the
 * readout with 300 baud. Load relays may be written where the owner allows it; reading in
 * programming mode wants the password, if there is one. What an optical
 * head gives back of a message is passed over. No input and output here; time is that of a
 * clock that is never set. */
#ifndef WK_VIEW_OPTICAL_H
#define WK_VIEW_OPTICAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "view/point.h"

#define WK_OPTICAL_BAUD        300
#define WK_OPTICAL_LINE        128  /* octets of what a reader says, most */
#define WK_OPTICAL_MESSAGE     2048 /* octets of what the meter says, most */
#define WK_OPTICAL_PASSWORD    32
#define WK_OPTICAL_REPEATS     3                /* of a message; wrong passwords and BCCs */
#define WK_OPTICAL_REPLY_US    INT64_C(20000)   /* before an answer */
#define WK_OPTICAL_SELECT_US   INT64_C(1700000) /* that the reader has for its choice */
#define WK_OPTICAL_INACTIVE_US INT64_C(60000000)

struct wk_optical_config {
    const struct wk_object_table *table; /* borrowed */
    char maker[4];    /* three letters; the last is sent small: quick to answer */
    char name[17];    /* printable, neither "/" nor "!" */
    char address[17]; /* "/?ADDRESS!" is for this meter */
    uint32_t baud;    /* the highest rate: 300, 600 ... 19200 */
    char password[WK_OPTICAL_PASSWORD + 1]; /* of programming mode; "": none is wanted */
    wk_role writer; /* whose rights writing has; WK_ROLE_COUNT: nothing can be written */
};

typedef enum wk_optical_state {
    WK_OPTICAL_IDLE = 0, /* a sign-on is awaited */
    WK_OPTICAL_CHOICE,   /* ... the reader's ACK */
    WK_OPTICAL_READOUT,  /* ... its ACK for the data */
    WK_OPTICAL_LOGIN,    /* ... its password */
    WK_OPTICAL_PROGRAM,  /* ... its commands */
} wk_optical_state;

struct wk_optical {
    struct wk_optical_config config;
    struct wk_points points;
    wk_optical_state state;
    uint32_t baud;  /* that both speak now */
    int64_t due_us; /* when the message goes out; 0: there is none */
    int64_t heard_us;
    uint8_t repeats; /* of this message */
    uint8_t faults;  /* wrong passwords and BCCs since the sign-on */
    bool ends;       /* after this message */
    size_t echo;     /* octets of `message` that may come back ... */
    size_t echoed;   /* ... and did */
    bool wrote;      /* since wk_optical_take_written */
    size_t size;     /* of `line` */
    char line[WK_OPTICAL_LINE];
    size_t message_size;
    uint8_t message[WK_OPTICAL_MESSAGE];
};

/** WK_E_ARGUMENT: the rate, or a character that cannot be. `table` must outlive it. */
WK_MUST_USE wk_err wk_optical_init(struct wk_optical *optical,
                                   const struct wk_optical_config *config);
/** Octets that came; bit 7 is not looked at. `utc_us`: the meter's time. */
void wk_optical_receive(struct wk_optical *optical, int64_t now_us, int64_t utc_us,
                        const uint8_t *octets, size_t size);
/** When wk_optical_tick is to be called; INT64_MAX: not before something comes. */
int64_t wk_optical_due_us(const struct wk_optical *optical);
/** What is to be sent now, *size octets with *baud; then the reader speaks with optical->baud. NULL:
 *  nothing, and optical->baud may be WK_OPTICAL_BAUD again. */
const uint8_t *wk_optical_tick(struct wk_optical *optical, int64_t now_us, int64_t utc_us,
                               size_t *size, uint32_t *baud);
/** Whether something was written since the last call. */
bool wk_optical_take_written(struct wk_optical *optical);

/** The check octet of `size` octets behind SOH or STX, ETX included. */
uint8_t wk_optical_bcc(const uint8_t *octets, size_t size);
/** The rate of a digit of an identification, 0: there is none. */
uint32_t wk_optical_rate(char digit);

#endif
