/* SPDX-License-Identifier: Apache-2.0
 *
 * The PostgreSQL archive: connecting, and what must be true of what is behind. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headend/archive_postgres_db.h"
#include "headend/archive_postgres_schema.h"

#define CONNECT_MS     5000
#define OLDEST_VERSION 120000 /* 12 */

void wk_postgres_disconnect(struct wk_postgres *db)
{
    PQfinish(db->connection);
    db->connection = NULL;
    memset(db->prepared, 0, sizeof db->prepared);
    db->waiting = 0;
    db->querying = false;
}

/* ---- what to do about it ----------------------------------------------------------------- */

/* The server's language may be any; of the text that the client makes only the SQLSTATE is sure. */
static void code_of(const char *text, char code[WK_POSTGRES_CODE])
{
    static const char k_fatal[] = ":  "; /* "FATAL:  28P01: ..." */
    code[0] = '\0';
    for (const char *at = text; (at = strstr(at, k_fatal)) != NULL; at++) {
        const char *from = at + sizeof k_fatal - 1;
        if (strspn(from, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == WK_POSTGRES_CODE - 1 &&
            from[WK_POSTGRES_CODE - 1] == ':') {
            memcpy(code, from, WK_POSTGRES_CODE - 1);
            code[WK_POSTGRES_CODE - 1] = '\0';
        }
    }
}

static const char *advice(const PGconn *connection, const char *code)
{
    static const struct {
        const char *code;
        const char *text;
    } k_advice[] = {
        {"28P01",
         "the password is wrong: put the right one into a file of libpq (passfile=FILE)"},
        {"28000", "make the role (createuser) or let it in (pg_hba.conf)"},
        {"3D000", "make the database: createdb -E UTF8 -T template0 NAME"},
        {"42501", "the role may not do that: let it own the database"},
        {"53300",
         "the server has too few connections: raise max_connections; each worker takes "
         "one, and the head-end four"},
        {"57P03", "the server starts or ends: try again soon"},
    };
    for (size_t i = 0; i < sizeof k_advice / sizeof k_advice[0]; i++) {
        if (strcmp(k_advice[i].code, code) == 0) {
            return k_advice[i].text;
        }
    }
    if (PQconnectionNeedsPassword(connection) != 0) {
        return "it wants a password: put it into a file of libpq (passfile=FILE)";
    }
    return "is the server running, and is the address right?";
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text != NULL && *text != '\0' ? text : otherwise;
}

static wk_err refuse(struct wk_postgres *db, wk_err err, const char *what, const char *to_do)
{
    char reason[WK_ARCHIVE_WHY];
    snprintf(reason, sizeof reason, "%s", what);
    snprintf(db->sql.why, sizeof db->sql.why, "PostgreSQL %.60s at %.80s: %.*s; %.180s",
             or_else(PQdb(db->connection), "?"), or_else(PQhost(db->connection), "localhost"),
             (int)(strcspn(reason, "\n") < 160 ? strcspn(reason, "\n") : 160), reason, to_do);
    return err;
}

/* ---- connecting -------------------------------------------------------------------------- */

static wk_err cannot_connect(struct wk_postgres *db)
{
    char code[WK_POSTGRES_CODE];
    code_of(PQerrorMessage(db->connection), code);
    return refuse(db, wk_postgres_error(code),
                  or_else(PQerrorMessage(db->connection), "no memory"),
                  advice(db->connection, code));
}

static wk_err shake_hands(struct wk_postgres *db)
{
    const int64_t until_ms = wk_postgres_now_ms() + CONNECT_MS;
    PostgresPollingStatusType wants = PGRES_POLLING_WRITING;
    while (wants == PGRES_POLLING_READING || wants == PGRES_POLLING_WRITING) {
        struct pollfd event = {.fd = PQsocket(db->connection),
                               .events = wants == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        const int64_t left_ms = until_ms - wk_postgres_now_ms();
        if (left_ms <= 0) {
            return refuse(db, WK_E_IO, "no answer", "is the address right?");
        }
        if (poll(&event, 1, (int)left_ms) > 0) {
            wants = PQconnectPoll(db->connection);
        }
    }
    return wants == PGRES_POLLING_OK ? WK_OK : cannot_connect(db);
}

static void be_silent(void *context, const char *message)
{
    (void)context;
    (void)message; /* what is no error is of no interest */
}

static wk_err open_connection(struct wk_postgres *db)
{
    static const char *const k_keys[] = {"fallback_application_name", "dbname",
                                         "client_encoding", NULL};
    const char *const values[] = {"wk-headendd", db->address, "UTF8", NULL};
    db->connection = PQconnectStartParams(k_keys, values, 1);
    if (db->connection == NULL || PQstatus(db->connection) == CONNECTION_BAD) {
        return cannot_connect(db);
    }
    /* The texts then have the SQLSTATE in them, of which connecting has no other. */
    PQsetErrorVerbosity(db->connection, PQERRORS_VERBOSE);
    PQsetNoticeProcessor(db->connection, be_silent, NULL);
    WK_TRY(shake_hands(db));
    PQsetErrorVerbosity(db->connection, PQERRORS_TERSE);
    return PQsetnonblocking(db->connection, 1) == 0 ? WK_OK : cannot_connect(db);
}

/* ---- what is behind ---------------------------------------------------------------------- */

/* A dead head-end gives its locks back within a minute, whatever became of its host. */
static const char k_session[] =
    "SET search_path TO wattkeeper; SET lock_timeout TO 10000;"
    "SET idle_in_transaction_session_timeout TO 60000; SET tcp_keepalives_idle TO 20;"
    "SET tcp_keepalives_interval TO 5; SET tcp_keepalives_count TO 4;"
    "SET default_transaction_isolation TO 'read committed';"
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'";

static const char k_server[] =
    "SELECT current_setting('fsync'), current_setting('server_encoding'), "
    "pg_is_in_recovery()::text";

static wk_err check_server(struct wk_postgres *db)
{
    PGresult *is = NULL;
    WK_TRY(wk_postgres_execute(db, k_server, &is));
    wk_err err = WK_OK;
    if (PQserverVersion(db->connection) < OLDEST_VERSION) {
        err = refuse(db, WK_E_UNSUPPORTED, "the server is too old",
                     "12 is the oldest that is right");
    } else if (strcmp(PQgetvalue(is, 0, 0), "on") != 0) {
        err = refuse(db, WK_E_UNSUPPORTED, "fsync is off, so what is acknowledged may be lost",
                     "put fsync = on into postgresql.conf");
    } else if (strcmp(PQgetvalue(is, 0, 1), "UTF8") != 0) {
        err = refuse(db, WK_E_UNSUPPORTED, "the database is not in UTF-8",
                     "make another: createdb -E UTF8 -T template0 NAME");
    } else if (strcmp(PQgetvalue(is, 0, 2), "false") != 0) {
        err =
            refuse(db, WK_E_UNSUPPORTED, "this server is a standby, which nobody can write to",
                   "name all servers, and target_session_attrs=read-write");
    }
    PQclear(is);
    return err;
}

/* Every connection shows the number of its head-end as a lock, and looks for others. */
static wk_err claim(struct wk_postgres *db)
{
    char text[512];
    PGresult *others = NULL;
    snprintf(
        text, sizeof text,
        "SELECT pg_advisory_lock_shared(%d, %" PRId32 ");"
        "SELECT a.application_name || ' (process ' || l.pid || ' of the server, from ' || "
        "coalesce(host(a.client_addr), 'its own host') || ')' "
        "FROM pg_locks l JOIN pg_stat_activity a USING(pid) "
        "WHERE l.locktype = 'advisory' AND l.classid = %d AND l.objsubid = 2 "
        "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND l.objid NOT IN (%d, %" PRIu32 ") LIMIT 1",
        WK_POSTGRES_LOCK, (int32_t)db->instance, WK_POSTGRES_LOCK, WK_POSTGRES_WRITER,
        db->instance);
    WK_TRY(wk_postgres_execute(db, text, &others));
    wk_err err = WK_OK;
    if (PQntuples(others) > 0) {
        char what[200];
        snprintf(what, sizeof what, "another head-end has this database: %s",
                 or_else(PQgetvalue(others, 0, 0), "it is not shown which"));
        err =
            refuse(db, WK_E_BUSY, what, "end that one, or give this one a database of its own");
    }
    PQclear(others);
    return err;
}

static wk_err check_archive(struct wk_postgres *db)
{
    int64_t archive;
    char what[128];
    const wk_err err = wk_postgres_schema(db, &archive);
    if (err == WK_E_UNSUPPORTED) {
        snprintf(what, sizeof what, "%.120s", db->sql.why);
        return refuse(db, err, what, "use the newer wk-headendd");
    }
    if (err == WK_E_IO && db->connection != NULL) {
        return refuse(db, err, db->sql.why, "let the role own the database");
    }
    WK_TRY(err);
    if (db->archive != 0 && archive != db->archive) {
        return refuse(db, WK_E_CORRUPT, "this is another archive than before",
                      "give the old one back, or restart the head-end");
    }
    db->archive = archive;
    return WK_OK;
}

static wk_err make_ready(struct wk_postgres *db)
{
    WK_TRY(open_connection(db));
    WK_TRY(check_server(db));
    WK_TRY(claim(db));
    WK_TRY(wk_postgres_execute(db, k_session, NULL));
    return check_archive(db);
}

wk_err wk_postgres_connect(struct wk_postgres *db)
{
    if (wk_postgres_now_ms() < db->again_ms) {
        return db->refusal; /* its reason is still there */
    }
    const wk_err err = make_ready(db);
    if (err != WK_OK) {
        wk_postgres_disconnect(db);
        db->refusal = err;
        db->again_ms = wk_postgres_now_ms() + WK_POSTGRES_AGAIN_MS;
    }
    return err;
}
