/* SPDX-License-Identifier: Apache-2.0
 *
 * management/object - the model of the meter: one table of COSEM objects (IEC 62056-6-2).
 *
 * A row names an object (class, version, OBIS), what each role may do with each attribute and
 * method, and the class functions that read, write and act. Values are A-XDR, written straight
 * from the rooms that own them: a value exists once. DLMS sessions serve this table; every
 * other view (web, Modbus, P1) points into it. */
#ifndef WK_MANAGEMENT_OBJECT_H
#define WK_MANAGEMENT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/err.h"

/* Who asks. The client SAP chooses the association, the association has one role. */
typedef enum wk_role {
    WK_ROLE_PUBLIC = 0, /* client 16, no authentication: clock, names, invocation counter */
    WK_ROLE_READER,     /* client 2, LLS password: reads what is billed */
    WK_ROLE_MANAGEMENT, /* client 1, HLS5-GMAC: everything */
    WK_ROLE_COUNT,
} wk_role;

/* Bit n-1 stands for attribute or method n. */
struct wk_object_rights {
    uint32_t get;
    uint32_t set;
    uint32_t action;
};

/* Selective access of a profile buffer (IEC 62056-6-2, 4.3.6.2). Columns count from 1;
 * column_to 0 = up to the last. */
typedef enum wk_object_select {
    WK_OBJECT_SELECT_ALL = 0,
    WK_OBJECT_SELECT_RANGE, /* entries whose clock lies in from..to, both included */
    WK_OBJECT_SELECT_ENTRY, /* entries first..last, 1 = oldest; last 0 = to the newest */
    WK_OBJECT_SELECT_VALUES, /* entries whose column `restricting` lies in value_from..value_to */
} wk_object_select;

struct wk_object_selection {
    wk_object_select kind;
    struct wk_utc from;
    struct wk_utc to;
    uint16_t restricting; /* 1 = first column; integers, and times as seconds of UTC */
    int64_t value_from;
    int64_t value_to;
    uint32_t entry_first;
    uint32_t entry_last;
    uint16_t column_first; /* 1 = first */
    uint16_t column_last;  /* 0 = last */
};

/* Where a long attribute stands between the blocks of one transfer. All zero at the begin;
 * private to the class function that moves it, except `more`. */
struct wk_object_cursor {
    bool more;    /* set by get: the value goes on, call again with an empty output */
    bool started; /* the header of the array is written */
    uint64_t next;
    uint64_t end;
};

struct wk_object;

/* Everything one access needs beside its data. */
struct wk_object_call {
    void *meter;                    /* context of the table's class functions */
    const struct wk_object *object; /* the row */
    int64_t now_us;                 /* UTC, microseconds since 1970 */
    wk_role role;
};

/* Functions of one interface class. A NULL member: no such access (WK_E_UNSUPPORTED).
 * `get` writes the A-XDR value of `attribute` (never 1, the logical name, which the session
 *   answers from the row). If not all fits, it writes whole elements, at least one octet, sets
 *   cursor->more and returns WK_OK; attributes that are always short may just overflow `out`.
 *   selection is never NULL. WK_E_FULL: not even one element fits.
 * `set` reads one complete A-XDR value. WK_E_FORMAT: wrong type; WK_E_RANGE: wrong value.
 * `action` reads its parameter, empty if none was sent; leaves `reply` empty if it returns no
 *   data. */
struct wk_object_class {
    wk_err (*get)(const struct wk_object_call *call, uint8_t attribute,
                  const struct wk_object_selection *selection, struct wk_object_cursor *cursor,
                  struct wk_bytes_out *out);
    wk_err (*set)(const struct wk_object_call *call, uint8_t attribute,
                  struct wk_bytes_in *value);
    wk_err (*action)(const struct wk_object_call *call, uint8_t method,
                     struct wk_bytes_in *parameter, struct wk_bytes_out *reply);
};

/* What may be done, and what does it: few of these serve all rows. */
struct wk_object_access {
    const struct wk_object_rights *rights;   /* WK_ROLE_COUNT of them */
    const struct wk_object_class *functions; /* NULL for class 15: the session answers it */
};

/* A meter has some hundreds of them: what fits is packed. */
struct wk_object {
    uint16_t class_id : 12;
    uint16_t version : 4;
    uint8_t obis[6];
    uint8_t attributes; /* how many, logical name included */
    uint8_t methods;
    uint16_t selector; /* what the class function makes of it */
    const struct wk_object_access *access;
};

/* Protection that an object demands of requests and replies, whatever the association does
 * without: bits 2..7 of access modes (class 15, version 3). */
struct wk_object_guard {
    uint16_t class_id;
    uint8_t obis[6];
    uint8_t read;
    uint8_t write;
    uint8_t act;
};

struct wk_object_table {
    const struct wk_object *rows;
    size_t count;
    void *meter;
    const struct wk_object_guard *guards; /* of the few objects that have one */
    size_t guard_count;
};

/** The row of (class_id, obis), or NULL. class_id 0 matches every class. */
const struct wk_object *wk_object_find(const struct wk_object_table *table, uint16_t class_id,
                                       const uint8_t obis[6]);

#endif
