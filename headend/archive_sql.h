/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/archive_sql - the archive on a database that speaks SQL: statements and rows, once for all
 * of them. What differs is behind a driver: archive_sqlite, archive_postgres. Not for others.
 *
 * Formats of values: i = int64_t, t = text (const char *), b = octets (const void *, size_t). */
#ifndef WK_HEADEND_ARCHIVE_SQL_H
#define WK_HEADEND_ARCHIVE_SQL_H

#include "base/bytes.h"
#include "headend/archive.h"

#define WK_SQL_VALUES 13 /* of a statement, most */

typedef enum wk_sql_statement {
    WK_SQL_METER_ADD,
    WK_SQL_METER_ID,
    WK_SQL_MARK_GET,
    WK_SQL_MARK_PUT,
    WK_SQL_READING_PUT,
    WK_SQL_READING_EACH,
    WK_SQL_READING_DROP,
    WK_SQL_BLOCK_PUT,
    WK_SQL_BLOCK_GET,
    WK_SQL_BLOCK_LATEST,
    WK_SQL_BLOCK_RAW,
    WK_SQL_REGISTER_PUT,
    WK_SQL_REGISTER_EACH,
    WK_SQL_GAP_PUT,
    WK_SQL_GAP_DROP,
    WK_SQL_GAP_EACH,
    WK_SQL_EVENT_PUT,
    WK_SQL_EVENT_EACH,
    WK_SQL_EXCEPTION_PUT,
    WK_SQL_EXCEPTION_EACH,
    WK_SQL_COMMAND_PUT,
    WK_SQL_COMMAND_UPDATE,
    WK_SQL_COMMAND_GET,
    WK_SQL_COMMAND_EACH,
    WK_SQL_AUDIT_PUT,
    WK_SQL_AUDIT_EACH,
    WK_SQL_BILL_PUT,
    WK_SQL_BILL_GET,
    WK_SQL_LINK_GET,
    WK_SQL_LINK_PUT,
    WK_SQL_RECORD_PUT,
    WK_SQL_RECORD_EACH,
    WK_SQL_COUNTS,
    WK_SQL_STATEMENTS,
} wk_sql_statement;

typedef enum wk_sql_kind { WK_SQL_INTEGER, WK_SQL_TEXT, WK_SQL_OCTETS } wk_sql_kind;

struct wk_sql_value {
    wk_sql_kind kind;
    int64_t integer;
    const void *octets; /* of a text too; NULL: none */
    size_t size;        /* ... without the 0 at its end */
};

struct wk_sql_values {
    int count;
    struct wk_sql_value value[WK_SQL_VALUES];
};

struct wk_sql;

/* What a database does its own way. Every error says why in sql->why. */
struct wk_sql_driver {
    wk_err (*begin)(struct wk_sql *sql);
    wk_err (*commit)(struct wk_sql *sql);
    void (*rollback)(struct wk_sql *sql);
    /** Runs a statement without rows. *changed: rows written. NULL: nobody asks, so inside a
     *  transaction it may wait for company, and its error comes with a later call, at the latest
     *  with commit. */
    wk_err (*run)(struct wk_sql *sql, wk_sql_statement which,
                  const struct wk_sql_values *values, int64_t *changed);
    /** Begins a query, one at a time; `end` after every one that began. */
    wk_err (*query)(struct wk_sql *sql, wk_sql_statement which,
                    const struct wk_sql_values *values);
    /** WK_E_NOT_FOUND: there are no more rows. */
    wk_err (*next)(struct wk_sql *sql);
    void (*end)(struct wk_sql *sql);
    int64_t (*integer)(struct wk_sql *sql, int column);
    /** Of octets or a text; they stay until the next row. */
    struct wk_bytes_in (*octets)(struct wk_sql *sql, int column);
    void (*close)(struct wk_sql *sql);
};

/* The first member of what a driver has. */
struct wk_sql {
    const struct wk_sql_driver *driver;
    char why[WK_ARCHIVE_WHY];
};

/** The text of a statement: values are $1, $2 ... in the order in which they first appear. */
const char *wk_sql_text(wk_sql_statement which);

/** Fills an archive; `sql` becomes its self. */
void wk_sql_fill(struct wk_archive *archive, struct wk_sql *sql);
/** ... the members for events, exceptions, commands, audit and bills. */
void wk_sql_fill_rows(struct wk_archive *archive);
/** ... those for the link. */
void wk_sql_fill_link(struct wk_archive *archive);

/** Writes one row. WK_E_STATE: its key exists, or what it wants to change is not there. */
WK_MUST_USE wk_err wk_sql_put(struct wk_sql *sql, wk_sql_statement which, const char *format,
                              ...);
/** Writes or removes any number of rows. */
WK_MUST_USE wk_err wk_sql_run(struct wk_sql *sql, wk_sql_statement which, const char *format,
                              ...);
/** Begins a query; after success it is to be ended. */
WK_MUST_USE wk_err wk_sql_query(struct wk_sql *sql, wk_sql_statement which, const char *format,
                                ...);
WK_MUST_USE wk_err wk_sql_next(struct wk_sql *sql);
void wk_sql_end(struct wk_sql *sql);
int64_t wk_sql_integer(struct wk_sql *sql, int column);
struct wk_bytes_in wk_sql_octets(struct wk_sql *sql, int column);
/** Copies a text, cut to the room. */
void wk_sql_copy_text(struct wk_sql *sql, int column, char *to, size_t room);

#endif
