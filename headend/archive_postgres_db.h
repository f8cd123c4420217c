/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/archive_postgres_db - what the files of the PostgreSQL archive share. Not for others. */
#ifndef WK_HEADEND_ARCHIVE_POSTGRES_DB_H
#define WK_HEADEND_ARCHIVE_POSTGRES_DB_H

#include <libpq-fe.h>

#include "headend/archive_sql.h"

#define WK_POSTGRES_ADDRESS   512
#define WK_POSTGRES_CODE      6      /* an SQLSTATE as text */
#define WK_POSTGRES_ANSWER_MS 30000  /* an answer is awaited */
#define WK_POSTGRES_AGAIN_MS  500    /* between two attempts to connect */
#define WK_POSTGRES_LOCK      0x574B /* class of the advisory locks */
#define WK_POSTGRES_WRITER    0 /* ... who writes; every other number is one of a head-end */

struct wk_postgres {
    struct wk_sql sql; /* first: what the rest of the archive knows */
    char address[WK_POSTGRES_ADDRESS];
    uint32_t instance;
    int64_t archive;    /* number of the archive behind it; 0: not yet known */
    PGconn *connection; /* NULL: none */
    int64_t again_ms;   /* not to connect before */
    wk_err refusal;     /* ... because of that */
    bool prepared[WK_SQL_STATEMENTS];
    bool in_transaction;
    wk_err fault;    /* of a statement of the transaction that nobody waited for */
    int waiting;     /* statements in the pipeline */
    bool querying;   /* results of a query are still to come */
    PGresult *first; /* of a query, if it came already */
    PGresult *row;   /* the row that is read */
};

int64_t wk_postgres_now_ms(void);
/** The error of an SQLSTATE. */
wk_err wk_postgres_error(const char *code);

/** Connects and checks what is behind. Errors: see wk_archive_postgres_open. */
WK_MUST_USE wk_err wk_postgres_connect(struct wk_postgres *db);
void wk_postgres_disconnect(struct wk_postgres *db);

/** The next result of what was sent; *result NULL: there are no more. WK_E_IO: the connection is
 *  lost, and closed. */
WK_MUST_USE wk_err wk_postgres_take(struct wk_postgres *db, PGresult **result);
/** Keeps the reason of a result that is an error, clears it, and returns which. */
wk_err wk_postgres_fail(struct wk_postgres *db, PGresult *result);
/** Runs SQL without values; `last` gets what the last statement returned, to be cleared by the
 *  caller; NULL: nobody asks. */
WK_MUST_USE wk_err wk_postgres_execute(struct wk_postgres *db, const char *text,
                                       PGresult **last);

#endif
