/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/archive_postgres.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "headend/archive_postgres_db.h"
#include "headend/utf8.h"

#define PIPELINE_MOST 512   /* statements until results are fetched */
#define OPEN_MS       10000 /* a server that starts, or another head-end, is waited for */
#define OPEN_AGAIN_US 200000
#define FAREWELLS     8 /* reads from an idle connection, most */
#define TEXTS         4 /* of a statement, most, that have to be made right */
#define OID_INT8      20
#define OID_TEXT      25
#define OID_BYTEA     17
#define BINARY        1

/* The values of a statement as libpq wants them. */
struct values {
    int count;
    const char *value[WK_SQL_VALUES];
    int size[WK_SQL_VALUES];
    int format[WK_SQL_VALUES];
    uint8_t integer[WK_SQL_VALUES][8];
    int texts;
    char text[TEXTS][WK_ARCHIVE_TEXT];
};

int64_t wk_postgres_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct wk_postgres *of(struct wk_sql *sql)
{
    return (struct wk_postgres *)sql;
}

/* ---- results ----------------------------------------------------------------------------- */

static wk_err lost(struct wk_postgres *db, const char *what)
{
    const char *text = PQerrorMessage(db->connection);
    snprintf(db->sql.why, sizeof db->sql.why, "the connection to PostgreSQL is lost: %.*s",
             (int)strcspn(*text != '\0' ? text : what, "\n"), *text != '\0' ? text : what);
    wk_postgres_disconnect(db);
    if (db->in_transaction) {
        db->fault = WK_E_IO;
    }
    return WK_E_IO;
}

/* Sends what is to be sent, until the next result is there. */
static wk_err await(struct wk_postgres *db)
{
    const int64_t until_ms = wk_postgres_now_ms() + WK_POSTGRES_ANSWER_MS;
    int flush;
    while ((flush = PQflush(db->connection)) > 0 || PQisBusy(db->connection) != 0) {
        const int64_t left_ms = until_ms - wk_postgres_now_ms();
        struct pollfd event = {.fd = PQsocket(db->connection),
                               .events = (short)(POLLIN | (flush > 0 ? POLLOUT : 0))};
        if (left_ms <= 0) {
            return lost(db, "it does not answer");
        }
        if (poll(&event, 1, (int)left_ms) > 0 && (event.revents & ~POLLOUT) != 0 &&
            PQconsumeInput(db->connection) == 0) {
            return lost(db, "");
        }
    }
    return flush < 0 ? lost(db, "") : WK_OK;
}

wk_err wk_postgres_take(struct wk_postgres *db, PGresult **result)
{
    *result = NULL;
    if (db->connection == NULL) {
        return WK_E_IO;
    }
    WK_TRY(await(db));
    *result = PQgetResult(db->connection);
    if (PQstatus(db->connection) == CONNECTION_BAD) {
        PQclear(*result); /* its text says the same */
        *result = NULL;
        return lost(db, "");
    }
    return WK_OK;
}

wk_err wk_postgres_error(const char *code)
{
    static const struct {
        const char *begin; /* of an SQLSTATE */
        wk_err err;
    } k_errors[] = {
        {"53100", WK_E_FULL}, {"53300", WK_E_BUSY},   {"55P03", WK_E_BUSY}, {"40", WK_E_BUSY},
        {"57P03", WK_E_BUSY}, {"XX00", WK_E_CORRUPT}, {"23", WK_E_STATE},
    };
    for (size_t i = 0; i < sizeof k_errors / sizeof k_errors[0]; i++) {
        if (strncmp(code, k_errors[i].begin, strlen(k_errors[i].begin)) == 0) {
            return k_errors[i].err;
        }
    }
    return WK_E_IO;
}

wk_err wk_postgres_fail(struct wk_postgres *db, PGresult *result)
{
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const wk_err err = wk_postgres_error(code != NULL ? code : "");
    snprintf(db->sql.why, sizeof db->sql.why, "%s", text != NULL ? text : "no answer");
    PQclear(result);
    return err;
}

/* Takes results up to the end of a statement; keeps the first error, and the last result. */
static wk_err finish(struct wk_postgres *db, PGresult **last)
{
    wk_err err = WK_OK;
    PGresult *kept = NULL;
    for (;;) {
        PGresult *result;
        const wk_err gone = wk_postgres_take(db, &result);
        if (gone != WK_OK) {
            PQclear(kept);
            return gone;
        }
        if (result == NULL) {
            break;
        }
        if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
            const wk_err failed = wk_postgres_fail(db, result);
            err = err == WK_OK ? failed : err;
            continue;
        }
        PQclear(kept);
        kept = result;
    }
    if (last != NULL && err == WK_OK) {
        *last = kept;
    } else {
        PQclear(kept);
    }
    return err;
}

wk_err wk_postgres_execute(struct wk_postgres *db, const char *text, PGresult **last)
{
    if (PQsendQuery(db->connection, text) == 0) {
        return lost(db, "");
    }
    return finish(db, last);
}

/* Fetches the results of the pipeline; the first error stays the transaction's. */
static wk_err settle(struct wk_postgres *db)
{
    if (db->waiting == 0) {
        return db->fault;
    }
    db->waiting = 0;
    if (PQpipelineSync(db->connection) == 0) {
        return lost(db, "");
    }
    bool is_end = false;
    while (!is_end) {
        PGresult *result;
        WK_TRY(wk_postgres_take(db, &result));
        const ExecStatusType status = PQresultStatus(result);
        is_end = status == PGRES_PIPELINE_SYNC;
        if (result != NULL && status == PGRES_FATAL_ERROR && db->fault == WK_OK) {
            db->fault = wk_postgres_fail(db, result);
        } else {
            PQclear(result);
        }
    }
    return PQexitPipelineMode(db->connection) != 0 ? db->fault : lost(db, "");
}

/* ---- the connection ---------------------------------------------------------------------- */

/* Nothing comes to a connection that is idle but its end: why, and then that it is. */
static bool has_ended(const struct wk_postgres *db)
{
    struct pollfd event = {.fd = PQsocket(db->connection), .events = POLLIN};
    for (int i = 0; i < FAREWELLS && poll(&event, 1, 0) > 0; i++) {
        if (PQconsumeInput(db->connection) == 0) {
            return true;
        }
    }
    return PQstatus(db->connection) == CONNECTION_BAD;
}

static wk_err stay_connected(struct wk_postgres *db)
{
    if (db->connection != NULL && has_ended(db)) {
        wk_postgres_disconnect(db);
    }
    return db->connection != NULL ? WK_OK : wk_postgres_connect(db);
}

/* Before a statement: what failed in a transaction stays failed. */
static wk_err ready(struct wk_postgres *db)
{
    return db->in_transaction ? db->fault : stay_connected(db);
}

static wk_err put_text(struct values *to, int at, const struct wk_sql_value *value)
{
    to->value[at] = value->octets;
    if (wk_utf8_is_valid(value->octets, value->size)) {
        return WK_OK;
    }
    if (to->texts == TEXTS || value->size >= WK_ARCHIVE_TEXT) {
        return WK_E_FORMAT;
    }
    char *text = to->text[to->texts++]; /* a text cut in a character, or what a meter sent */
    memcpy(text, value->octets, value->size);
    wk_utf8_repair(text, value->size);
    to->value[at] = text;
    return WK_OK;
}

static wk_err put_values(struct values *to, const struct wk_sql_values *from)
{
    to->count = from->count;
    to->texts = 0;
    for (int i = 0; i < from->count; i++) {
        const struct wk_sql_value *value = &from->value[i];
        to->format[i] = BINARY;
        to->size[i] = (int)value->size;
        to->value[i] = value->octets;
        if (value->kind == WK_SQL_TEXT) {
            WK_TRY(put_text(to, i, value));
        } else if (value->kind == WK_SQL_INTEGER) {
            struct wk_bytes_out out = wk_bytes_out_of(to->integer[i], 8);
            wk_bytes_out_u64be(&out, (uint64_t)value->integer);
            to->value[i] = (const char *)to->integer[i];
            to->size[i] = 8;
        }
    }
    return WK_OK;
}

static void name_of(wk_sql_statement which, char name[16])
{
    snprintf(name, 16, "wk%d", (int)which);
}

static wk_err prepare(struct wk_postgres *db, wk_sql_statement which,
                      const struct wk_sql_values *values)
{
    static const Oid k_types[] = {
        [WK_SQL_INTEGER] = OID_INT8, [WK_SQL_TEXT] = OID_TEXT, [WK_SQL_OCTETS] = OID_BYTEA};
    Oid types[WK_SQL_VALUES];
    char name[16];
    if (db->prepared[which]) {
        return WK_OK;
    }
    WK_TRY(settle(db));
    for (int i = 0; i < values->count; i++) {
        types[i] = k_types[values->value[i].kind];
    }
    name_of(which, name);
    if (PQsendPrepare(db->connection, name, wk_sql_text(which), values->count, types) == 0) {
        return lost(db, "");
    }
    WK_TRY(finish(db, NULL));
    db->prepared[which] = true;
    return WK_OK;
}

static wk_err send_statement(struct wk_postgres *db, wk_sql_statement which,
                             const struct wk_sql_values *values)
{
    struct values own;
    char name[16];
    const wk_err err = put_values(&own, values);
    if (err != WK_OK) {
        snprintf(db->sql.why, sizeof db->sql.why, "a long text is not UTF-8");
        return err;
    }
    name_of(which, name);
    return PQsendQueryPrepared(db->connection, name, own.count, own.value, own.size, own.format,
                               BINARY) != 0
               ? WK_OK
               : lost(db, "");
}

/* A failed statement has ended the transaction of the server: nothing of it may be committed. */
static wk_err spoil(struct wk_postgres *db, wk_err err)
{
    if (db->in_transaction && err != WK_OK && db->fault == WK_OK) {
        db->fault = err;
    }
    return err;
}

/* ---- statements -------------------------------------------------------------------------- */

static wk_err defer(struct wk_postgres *db, wk_sql_statement which,
                    const struct wk_sql_values *values)
{
    if (PQpipelineStatus(db->connection) == PQ_PIPELINE_OFF &&
        PQenterPipelineMode(db->connection) == 0) {
        return lost(db, "");
    }
    db->waiting++;
    WK_TRY(send_statement(db, which, values));
    return db->waiting < PIPELINE_MOST ? WK_OK : settle(db);
}

static wk_err run_now(struct wk_postgres *db, wk_sql_statement which,
                      const struct wk_sql_values *values, int64_t *changed)
{
    PGresult *last = NULL;
    WK_TRY(settle(db));
    WK_TRY(send_statement(db, which, values));
    WK_TRY(finish(db, &last));
    if (changed != NULL) {
        *changed = strtoll(PQcmdTuples(last), NULL, 10);
    }
    PQclear(last);
    return WK_OK;
}

static wk_err postgres_run(struct wk_sql *sql, wk_sql_statement which,
                           const struct wk_sql_values *values, int64_t *changed)
{
    struct wk_postgres *db = of(sql);
    WK_TRY(ready(db));
    WK_TRY(spoil(db, prepare(db, which, values)));
    return spoil(db, changed == NULL && db->in_transaction
                         ? defer(db, which, values)
                         : run_now(db, which, values, changed));
}

/* The first row tells whether the connection still was one. */
static wk_err begin_query(struct wk_postgres *db, wk_sql_statement which,
                          const struct wk_sql_values *values)
{
    WK_TRY(ready(db));
    WK_TRY(prepare(db, which, values));
    WK_TRY(settle(db));
    WK_TRY(send_statement(db, which, values));
    if (PQsetSingleRowMode(db->connection) == 0) {
        return lost(db, "");
    }
    db->querying = true;
    return wk_postgres_take(db, &db->first);
}

static wk_err postgres_query(struct wk_sql *sql, wk_sql_statement which,
                             const struct wk_sql_values *values)
{
    struct wk_postgres *db = of(sql);
    const bool was_connected = db->connection != NULL;
    wk_err err = begin_query(db, which, values);
    if (err != WK_OK && was_connected && db->connection == NULL && !db->in_transaction) {
        err = begin_query(db, which, values);
    }
    return spoil(db, err);
}

static wk_err postgres_next(struct wk_sql *sql)
{
    struct wk_postgres *db = of(sql);
    PGresult *result = db->first;
    PQclear(db->row);
    db->row = NULL;
    db->first = NULL;
    if (result == NULL) {
        WK_TRY(wk_postgres_take(db, &result));
    }
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_SINGLE_TUPLE) {
        db->row = result;
        return WK_OK;
    }
    if (status == PGRES_TUPLES_OK) {
        PQclear(result);
        return WK_E_NOT_FOUND;
    }
    return spoil(db, wk_postgres_fail(db, result));
}

static void postgres_end(struct wk_sql *sql)
{
    struct wk_postgres *db = of(sql);
    PQclear(db->row);
    PQclear(db->first);
    db->row = NULL;
    db->first = NULL;
    if (db->querying && db->connection != NULL) {
        spoil(db, finish(db, NULL));
    }
    db->querying = false;
}

static int64_t postgres_integer(struct wk_sql *sql, int column)
{
    struct wk_bytes_in in = sql->driver->octets(sql, column);
    return (int64_t)wk_bytes_in_u64be(&in);
}

static struct wk_bytes_in postgres_octets(struct wk_sql *sql, int column)
{
    const struct wk_postgres *db = of(sql);
    const void *data = PQgetvalue(db->row, 0, column);
    const int size = PQgetlength(db->row, 0, column);
    return wk_bytes_in_of(size > 0 ? data : NULL, (size_t)size);
}

/* ---- transactions ------------------------------------------------------------------------ */

static void postgres_rollback(struct wk_sql *sql)
{
    struct wk_postgres *db = of(sql);
    if (!db->in_transaction) {
        return;
    }
    wk_err err = WK_OK;
    if (db->connection != NULL) {
        err = settle(db); /* what went wrong is known already */
    }
    if (db->connection != NULL) {
        err = wk_postgres_execute(db, "ROLLBACK", NULL);
    }
    if (err != WK_OK) {
        wk_postgres_disconnect(db);
    }
    db->in_transaction = false;
    db->fault = WK_OK;
}

static wk_err postgres_begin(struct wk_sql *sql)
{
    struct wk_postgres *db = of(sql);
    char text[96];
    postgres_rollback(sql);
    snprintf(text, sizeof text, "BEGIN; SELECT pg_advisory_xact_lock(%d, %d)", WK_POSTGRES_LOCK,
             WK_POSTGRES_WRITER);
    const bool was_connected = db->connection != NULL;
    WK_TRY(stay_connected(db));
    wk_err err = wk_postgres_execute(db, text, NULL);
    if (err != WK_OK && was_connected && db->connection == NULL) {
        WK_TRY(stay_connected(db));
        err = wk_postgres_execute(db, text, NULL);
    }
    db->in_transaction = true;
    db->fault = WK_OK;
    if (err != WK_OK) {
        postgres_rollback(sql);
    }
    return err;
}

static wk_err commit_now(struct wk_postgres *db)
{
    PGresult *last = NULL;
    WK_TRY(settle(db));
    WK_TRY(wk_postgres_execute(db, "COMMIT", &last));
    const bool is_committed = last != NULL && strcmp(PQcmdStatus(last), "COMMIT") == 0;
    PQclear(last);
    if (!is_committed) { /* the server rolls back what had failed, and does not call that an error */
        snprintf(db->sql.why, sizeof db->sql.why, "the server has rolled it back");
        return WK_E_IO;
    }
    db->in_transaction = false;
    return WK_OK;
}

static wk_err postgres_commit(struct wk_sql *sql)
{
    struct wk_postgres *db = of(sql);
    if (!db->in_transaction) {
        snprintf(sql->why, sizeof sql->why, "there is no transaction");
        return WK_E_STATE;
    }
    return spoil(db, commit_now(db));
}

static void postgres_close(struct wk_sql *sql)
{
    struct wk_postgres *db = of(sql);
    wk_postgres_disconnect(db);
    explicit_bzero(db->address, sizeof db->address); /* there may be a password in it */
    free(db);
}

static const struct wk_sql_driver k_driver = {
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .run = postgres_run,
    .query = postgres_query,
    .next = postgres_next,
    .end = postgres_end,
    .integer = postgres_integer,
    .octets = postgres_octets,
    .close = postgres_close,
};

wk_err wk_archive_postgres_open(const char *address, uint32_t instance,
                                struct wk_archive *archive, char why[WK_ARCHIVE_WHY])
{
    struct wk_postgres *db = calloc(1, sizeof *db);
    if (db == NULL || strlen(address) >= sizeof db->address) {
        snprintf(why, WK_ARCHIVE_WHY, "no memory, or the address of the archive is too long");
        free(db);
        return WK_E_FULL;
    }
    db->sql.driver = &k_driver;
    db->instance = instance;
    memcpy(db->address, address, strlen(address) + 1);
    const int64_t until_ms = wk_postgres_now_ms() + OPEN_MS;
    wk_err err;
    while ((err = wk_postgres_connect(db)) == WK_E_BUSY && wk_postgres_now_ms() < until_ms) {
        usleep(OPEN_AGAIN_US);
    }
    if (err != WK_OK) {
        memcpy(why, db->sql.why, WK_ARCHIVE_WHY);
        postgres_close(&db->sql);
        return err;
    }
    wk_sql_fill(archive, &db->sql);
    return WK_OK;
}
