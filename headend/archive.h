/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/archive - the one storage interface of the head-end.
 *
 * A struct of functions, so that a backend can be exchanged: archive_sqlite is the embedded
 * default, archive_postgres the one for many meters; archive_open takes the right one. All rows are keyed so that writing the same thing twice is recognised; nothing is
 * ever overwritten except what says so (gap, command, mark). One archive object belongs to one
 * thread at a time; several objects may be open on the same data. Writers work between begin
 * and commit; what was not committed is gone after a crash, what was committed is there.
 *
 * Errors of every function: WK_E_FULL: the disk is full, nothing of the transaction is kept
 * after rollback; WK_E_BUSY: another writer holds the data; WK_E_CORRUPT: the data is damaged;
 * WK_E_IO: else, or the database cannot be reached, see why(). A put whose key exists returns
 * WK_E_STATE and writes nothing.
 *
 * A backend may keep marks, gaps, audit rows, links, records and drops of a transaction until they
 * go to the database together; what was wrong with one then comes with a later call of the
 * transaction, at the latest with commit. A commit that fails because the database cannot be reached
 * may have happened: who repeats the transaction finds its rows there, and that changes nothing. */
#ifndef WK_HEADEND_ARCHIVE_H
#define WK_HEADEND_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "headend/channel.h"
#include "headend/dayblock.h"

#define WK_ARCHIVE_WHY         512 /* room for the text of an error */
#define WK_ARCHIVE_NAME        64
#define WK_ARCHIVE_TEXT        256
#define WK_ARCHIVE_DESCRIPTION 2048
#define WK_ARCHIVE_LATEST      (-1) /* as rev: the highest revision */
#define WK_ARCHIVE_RAW         (-2) /* as rev: the highest raw revision */
#define WK_ARCHIVE_ALL         0    /* as meter: all meters */
#define WK_ARCHIVE_REV_MAX     1000 /* a meter that sends this many versions is refused */

/* A reading of an open day: the register of one channel at the end of one interval. */
struct wk_archive_reading {
    int64_t meter;
    int32_t channel;
    int64_t end_s; /* UTC */
    int32_t rev;   /* 0; + 1 for every different value received for the same key */
    int64_t reg;
    uint16_t flags; /* WK_SLOT_* */
    int64_t recv_s;
};

/* A register read outside of the profile. */
struct wk_archive_register {
    int64_t meter;
    int32_t channel;
    int64_t at_s; /* the meter's clock */
    int64_t reg;
    int64_t recv_s;
    char source[16]; /* "read", "install" */
};

/* Readings that are expected and not there: ends of intervals from..to, both included. */
struct wk_archive_gap {
    int64_t meter;
    int64_t from_s;
    int64_t to_s;
    int32_t tries;
    int64_t next_try_s; /* host's clock */
    bool given_up;      /* the meter has nothing for it: VEE may estimate */
};

struct wk_archive_event {
    int64_t meter;
    char log[32]; /* logical name of the log, as text */
    int64_t seq;  /* unique in the log */
    int64_t at_s;
    int32_t code;
    int64_t recv_s;
};

/* What a person should look at. Unique (meter, kind, at_s, channel). */
struct wk_archive_exception {
    int64_t meter;
    char kind[24]; /* "changed", "spike", "sum", "negative", "zero_day", "off_grid" ... */
    int64_t at_s;
    int32_t channel; /* -1: all */
    int64_t recv_s;
    char text[WK_ARCHIVE_TEXT];
};

struct wk_archive_command {
    char id[WK_ARCHIVE_NAME]; /* chosen by the client: the same id is the same command */
    int64_t meter;
    int32_t action; /* wk_command_action */
    int32_t state;  /* wk_command_state */
    int64_t created_s;
    int64_t confirm_by_s;
    int64_t expires_s;
    int64_t done_s; /* 0 = not yet */
    int32_t tries;
    char who[WK_ARCHIVE_NAME];
    char result[WK_ARCHIVE_TEXT];
};

/* An append-only note of who did what. */
struct wk_archive_audit {
    int64_t seq; /* set by the archive */
    int64_t at_s;
    int64_t meter;
    char who[WK_ARCHIVE_NAME];
    char what[WK_ARCHIVE_TEXT];
};

/* An issued bill; `document` is its JSON text. */
struct wk_archive_bill {
    int64_t meter;
    int64_t from_s;
    int64_t to_s;
    int32_t rev;
    int64_t issued_s;
    char digest[17]; /* of the readings it rests on, hexadecimal */
};

/* A stream of the link (docs/on-wire.md): where it stands. */
struct wk_archive_link {
    int64_t meter;
    int64_t epoch; /* the meter's, as it is: all 64 bits */
    int32_t stream;
    int64_t applied; /* all records before it have become readings and events */
    char obis[32];   /* of the profile, as text */
    uint32_t check;  /* of the description; 0: there is none */
    size_t size;
    uint8_t description[WK_ARCHIVE_DESCRIPTION];
};

/* A record of a stream as it came. Unique (meter, epoch, stream, seq). */
struct wk_archive_record {
    int64_t meter;
    int64_t epoch;
    int32_t stream;
    int64_t seq;
    int64_t recv_s;
    int64_t count;  /* 0; else so many records from seq on will never come */
    int32_t reason; /* ... why: wk_link_reason */
    const uint8_t *octets;
    size_t size;
};

/* Named numbers of a meter that are overwritten. */
typedef enum wk_archive_mark {
    WK_MARK_BASELINE = 1, /* end_s of the first register known: intervals begin here */
    WK_MARK_PERIOD,       /* seconds per interval */
    WK_MARK_COLLECTED,    /* highest end_s received */
    WK_MARK_EVENTS,       /* at_s of the last event received */
    WK_MARK_CLOCK,        /* meter's clock when it was last read */
    WK_MARK_READ,         /* host's clock of the last success */
    WK_MARK_CLOSED,       /* the last UTC day that is closed; 0 = none */
    WK_MARK_SUPPLY,       /* last output state: 0 open, 1 closed */
    WK_MARK_INVOCATION,   /* invocation counter reserved for use towards the meter */
} wk_archive_mark;

struct wk_archive_counts {
    int64_t blocks;
    int64_t open_readings;
    int64_t events;
    int64_t gaps;
    int64_t exceptions;
    int64_t commands;
};

/* Visitors get rows in key order; an error they return ends the walk and is returned. They must
 * not call the archive. */
typedef wk_err (*wk_archive_reading_visit)(void *context, const struct wk_archive_reading *row);
typedef wk_err (*wk_archive_register_visit)(void *context,
                                            const struct wk_archive_register *row);
typedef wk_err (*wk_archive_gap_visit)(void *context, const struct wk_archive_gap *row);
typedef wk_err (*wk_archive_event_visit)(void *context, const struct wk_archive_event *row);
typedef wk_err (*wk_archive_exception_visit)(void *context,
                                             const struct wk_archive_exception *row);
typedef wk_err (*wk_archive_record_visit)(void *context, const struct wk_archive_record *row);
typedef wk_err (*wk_archive_command_visit)(void *context, const struct wk_archive_command *row);
typedef wk_err (*wk_archive_audit_visit)(void *context, const struct wk_archive_audit *row);

struct wk_archive {
    void *self;
    wk_err (*begin)(void *self);
    wk_err (*commit)(void *self);
    void (*rollback)(void *self); /* also after a failed commit; harmless without begin */
    const char *(*why)(void *self);
    void (*close)(void *self);

    /** The number of a meter, made when it is new. */
    wk_err (*meter_id)(void *self, const char *tenant, const char *serial, int64_t *meter);

    /** WK_E_NOT_FOUND: never set. */
    wk_err (*mark_get)(void *self, int64_t meter, wk_archive_mark mark, int64_t *value);
    wk_err (*mark_put)(void *self, int64_t meter, wk_archive_mark mark, int64_t value);

    wk_err (*reading_put)(void *self, const struct wk_archive_reading *row);
    /** Rows of from_s < end_s <= to_s, by end_s, channel, rev. */
    wk_err (*reading_each)(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                           wk_archive_reading_visit visit, void *context);
    /** Removes what has become blocks. */
    wk_err (*reading_drop)(void *self, int64_t meter, int64_t from_s, int64_t to_s);

    wk_err (*block_put)(void *self, const struct wk_dayblock *block);
    /** rev may be WK_ARCHIVE_LATEST or WK_ARCHIVE_RAW. WK_E_NOT_FOUND. WK_E_CORRUPT: the
     *  check sum or the sum of the values is wrong. */
    wk_err (*block_get)(void *self, int64_t meter, int32_t channel, int32_t day, int32_t rev,
                        struct wk_dayblock *block);

    wk_err (*register_put)(void *self, const struct wk_archive_register *row);
    wk_err (*register_each)(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                            wk_archive_register_visit visit, void *context);

    wk_err (*gap_put)(void *self, const struct wk_archive_gap *row); /* replaces same key */
    wk_err (*gap_drop)(void *self, int64_t meter, int64_t from_s);
    wk_err (*gap_each)(void *self, int64_t meter, wk_archive_gap_visit visit, void *context);

    wk_err (*event_put)(void *self, const struct wk_archive_event *row);
    wk_err (*event_each)(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                         wk_archive_event_visit visit, void *context);

    wk_err (*exception_put)(void *self, const struct wk_archive_exception *row);
    wk_err (*exception_each)(void *self, int64_t meter, wk_archive_exception_visit visit,
                             void *context);

    wk_err (*command_put)(void *self, const struct wk_archive_command *row);
    /** Replaces state, done_s, tries and result of an existing command whose state is `was`.
     *  WK_E_STATE: it has another state, or does not exist. */
    wk_err (*command_update)(void *self, const struct wk_archive_command *row, int32_t was);
    wk_err (*command_get)(void *self, const char *id, struct wk_archive_command *row);
    /** Newest first. */
    wk_err (*command_each)(void *self, int64_t meter, wk_archive_command_visit visit,
                           void *context);

    wk_err (*audit_put)(void *self, const struct wk_archive_audit *row);
    wk_err (*audit_each)(void *self, int64_t meter, wk_archive_audit_visit visit,
                         void *context);

    wk_err (*bill_put)(void *self, const struct wk_archive_bill *row, const char *document);
    /** The latest revision of the bill of exactly this period. WK_E_NOT_FOUND. */
    wk_err (*bill_get)(void *self, int64_t meter, int64_t from_s, int64_t to_s,
                       struct wk_archive_bill *row);

    /** The stream of row->meter, epoch and number; the rest is filled in. WK_E_NOT_FOUND. */
    wk_err (*link_get)(void *self, struct wk_archive_link *row);
    wk_err (*link_put)(void *self, const struct wk_archive_link *row); /* replaces same key */
    /** A key that exists is no error: nothing is written. */
    wk_err (*record_put)(void *self, const struct wk_archive_record *row);
    /** Records and gaps of a stream from key->seq on, in order; `most` of them. */
    wk_err (*record_each)(void *self, const struct wk_archive_record *key, int64_t most,
                          wk_archive_record_visit visit, void *context);

    wk_err (*counts)(void *self, int64_t meter, struct wk_archive_counts *counts);
};

#endif
