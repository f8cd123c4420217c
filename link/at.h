/* SPDX-License-Identifier: Apache-2.0
 *
 * link/at - commands to a modem and what it answers (ITU-T V.250, 3GPP TS 27.007): one command at a
 * time, each with its deadline, and unsolicited result codes whenever they come.
 *
 * A line is what lies between CR and LF. Lines with octets that no text has, lines longer than
 * WK_AT_LINE and the echo of commands are left out; so after any junk the next line is found again.
 * What is no final result code goes to `line`: whether it answers the command in flight or came by
 * itself its owner sees from its name, for a modem may say "+CEREG:" at any time.
 *
 * After a command without an answer the engine rests until the modem has been silent for
 * WK_AT_QUIET_US, so that a late answer does not count for the next command.
 *
 * Memory: 0.5 kB. Context: one thread; `now_us` never falls. */
#ifndef WK_LINK_AT_H
#define WK_LINK_AT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_AT_LINE     240 /* octets of a line, most */
#define WK_AT_COMMAND  160 /* octets of a command, most */
#define WK_AT_FIELDS   24  /* of a line, most */
#define WK_AT_QUIET_US INT64_C(300000)
#define WK_AT_QUIET_MOST_US                                                                    \
    INT64_C(3000000) /* a modem that never is silent is not waited for longer */
#define WK_AT_NEVER_US INT64_MAX

typedef enum wk_at_result {
    WK_AT_OK = 0,
    WK_AT_ERROR,      /* "ERROR", and what else refuses without a number */
    WK_AT_CME_ERROR,  /* "+CME ERROR: n" (TS 27.007, 9.2) */
    WK_AT_CMS_ERROR,  /* "+CMS ERROR: n" (TS 27.005) */
    WK_AT_NO_CARRIER, /* "NO CARRIER", "NO ANSWER", "NO DIALTONE", "BUSY" */
    WK_AT_CONNECT,    /* "CONNECT" */
    WK_AT_SILENT,     /* nothing came until the deadline */
} wk_at_result;

struct wk_at_config {
    void *self; /* of the functions */
    void (*send)(void *self, const char *octets, size_t size);
    /** A line that is no final result code, without its end. It is valid during the call. */
    void (*line)(void *self, const char *line, size_t size, int64_t now_us);
    /** The command has ended. `code`: of the error, -1: none was given. Another may be sent at once. */
    void (*done)(void *self, wk_at_result result, int32_t code, int64_t now_us);
};

/* Since the start. */
struct wk_at_counts {
    uint32_t commands;
    uint32_t silent; /* commands without an answer */
    uint32_t refused;
    uint32_t lines;
    uint32_t junk; /* lines left out */
};

struct wk_at {
    struct wk_at_config config;
    struct wk_at_counts counts;
    int64_t deadline_us; /* of the command in flight */
    int64_t quiet_us;    /* before this no command is sent */
    int64_t quiet_most_us;
    bool busy;   /* a command is in flight */
    bool settle; /* the last one had no answer */
    bool spoilt; /* the line under way is left out */
    uint16_t size;
    char line[WK_AT_LINE];
    uint16_t command_size;
    char command[WK_AT_COMMAND];
};

void wk_at_init(struct wk_at *at, const struct wk_at_config *config);

/** Sends `command` (without its CR); its answer is to come within `patience_us`. WK_E_BUSY: one is in
 *  flight, or it is not silent yet; WK_E_ARGUMENT: it is empty, too long, or has octets below a space. */
WK_MUST_USE wk_err wk_at_send(struct wk_at *at, const char *command, int64_t patience_us,
                              int64_t now_us);
/** True: wk_at_send would not be WK_E_BUSY. */
bool wk_at_is_free(const struct wk_at *at, int64_t now_us);
/** Octets came. */
void wk_at_take(struct wk_at *at, const uint8_t *octets, size_t size, int64_t now_us);
/** Looks at the deadline. */
void wk_at_tick(struct wk_at *at, int64_t now_us);
/** When wk_at_tick may have something to do, or a command may be sent again. */
int64_t wk_at_due_us(const struct wk_at *at);
/** The modem began anew: nothing is in flight, what comes next is a new line. */
void wk_at_forget(struct wk_at *at);

/* One value of a line. */
struct wk_at_field {
    const char *text; /* borrowed from the line; without its quotes */
    uint8_t size;     /* 0: it was left out */
    bool quoted;
};

/** If the line begins with `name` and a colon ("+CSQ"), the fields behind it; commas in quotes are
 *  text. Returns how many there are, 0: it is another line, or a quote has no end. */
size_t wk_at_fields(const char *line, size_t size, const char *name,
                    struct wk_at_field fields[WK_AT_FIELDS]);
/** A whole decimal number, perhaps negative. WK_E_FORMAT: another text; WK_E_RANGE: beyond 32 bits. */
WK_MUST_USE wk_err wk_at_integer(const struct wk_at_field *field, int32_t *value);
/** A whole hexadecimal number of up to 8 digits; "0x" may go before it. WK_E_FORMAT. */
WK_MUST_USE wk_err wk_at_hex(const struct wk_at_field *field, uint32_t *value);
/** Whether a line is exactly `text`. */
bool wk_at_is(const char *line, size_t size, const char *text);

#endif
