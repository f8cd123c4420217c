/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/archive_postgres_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 1

/* Names and meaning are those of headend/archive_sqlite. Every number is a bigint, texts are ordered by
 * their octets. `about.archive` tells one archive from every other. */
#define KEY_TEXT "TEXT COLLATE \"C\" NOT NULL"
#define NUMBER   " BIGINT NOT NULL,"

static const char *const k_schema[SCHEMA_VERSION] = {
    "CREATE SCHEMA IF NOT EXISTS wattkeeper;"
    "SET LOCAL search_path TO wattkeeper;"
    "CREATE TABLE about(version" NUMBER " archive BIGINT NOT NULL);"
    "INSERT INTO about VALUES(0, ('x' || substr(md5(random()::text || clock_timestamp()::text "
    "|| "
    "pg_backend_pid()::text), 1, 15))::bit(60)::bigint + 1);"
    "CREATE TABLE meter(id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant " KEY_TEXT
    ", serial " KEY_TEXT ", UNIQUE(tenant, serial));"
    "CREATE TABLE mark(meter" NUMBER " mark" NUMBER " value" NUMBER
    " PRIMARY KEY(meter, mark)) WITH (fillfactor = 70);"
    "CREATE TABLE interval_open(meter" NUMBER " ts" NUMBER " channel" NUMBER " rev" NUMBER
    " reg" NUMBER " flags" NUMBER " recv_ts" NUMBER " PRIMARY KEY(meter, ts, channel, rev));"
    "CREATE TABLE interval_day(meter" NUMBER " channel" NUMBER " day_utc" NUMBER " rev" NUMBER
    " reason" NUMBER " period_s" NUMBER " n" NUMBER " reg_start" NUMBER " reg_end" NUMBER
    " vals BYTEA NOT NULL, flags BYTEA, recv_ts" NUMBER " crc" NUMBER
    " PRIMARY KEY(meter, channel, day_utc, rev));"
    "CREATE TABLE register_read(meter" NUMBER " ts" NUMBER " channel" NUMBER " source " KEY_TEXT
    ", reg" NUMBER " recv_ts" NUMBER " PRIMARY KEY(meter, ts, channel, source));"
    "CREATE TABLE gap(meter" NUMBER " from_ts" NUMBER " to_ts" NUMBER " tries" NUMBER
    " given_up" NUMBER " next_try_ts" NUMBER " PRIMARY KEY(meter, from_ts));"
    "CREATE TABLE event(meter" NUMBER " log " KEY_TEXT ", seq" NUMBER " ts" NUMBER
    " code" NUMBER " recv_ts" NUMBER " PRIMARY KEY(meter, log, seq));"
    "CREATE TABLE exception(meter" NUMBER " kind " KEY_TEXT ", ts" NUMBER " channel" NUMBER
    " recv_ts" NUMBER " text TEXT NOT NULL, PRIMARY KEY(meter, kind, ts, channel));"
    /* rowid: the order in which they came, as SQLite's tables have it by themselves */
    "CREATE TABLE command(rowid BIGINT GENERATED ALWAYS AS IDENTITY, id " KEY_TEXT
    " PRIMARY KEY, meter" NUMBER " action" NUMBER " state" NUMBER " created_ts" NUMBER
    " confirm_by_ts" NUMBER " expires_ts" NUMBER " done_ts" NUMBER " tries" NUMBER
    " who TEXT NOT NULL, result TEXT NOT NULL);"
    "CREATE INDEX command_meter ON command(meter, created_ts);"
    "CREATE TABLE audit(seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ts" NUMBER
    " meter" NUMBER " who TEXT NOT NULL, what TEXT NOT NULL);"
    "CREATE INDEX audit_meter ON audit(meter, seq);"
    "CREATE TABLE bill(meter" NUMBER " from_ts" NUMBER " to_ts" NUMBER " rev" NUMBER
    " issued_ts" NUMBER " digest TEXT NOT NULL, document TEXT NOT NULL,"
    " PRIMARY KEY(meter, from_ts, to_ts, rev));"
    "CREATE TABLE link(meter" NUMBER " epoch" NUMBER " stream" NUMBER " applied" NUMBER
    " obis TEXT NOT NULL, checksum" NUMBER " description BYTEA NOT NULL,"
    " PRIMARY KEY(meter, epoch, stream)) WITH (fillfactor = 70);"
    "CREATE TABLE link_record(meter" NUMBER " epoch" NUMBER " stream" NUMBER " seq" NUMBER
    " recv_ts" NUMBER " count" NUMBER " reason" NUMBER " octets BYTEA NOT NULL,"
    " PRIMARY KEY(meter, epoch, stream, seq));",
};

/* 0: there is nothing yet. */
static wk_err read_about(struct wk_postgres *db, int64_t *version, int64_t *archive)
{
    PGresult *is = NULL;
    *version = 0;
    *archive = 0;
    WK_TRY(wk_postgres_execute(db, "SELECT to_regclass('wattkeeper.about') IS NOT NULL", &is));
    const bool is_there = strcmp(PQgetvalue(is, 0, 0), "t") == 0;
    PQclear(is);
    if (!is_there) {
        return WK_OK;
    }
    WK_TRY(wk_postgres_execute(db, "SELECT version, archive FROM wattkeeper.about", &is));
    if (PQntuples(is) == 1) {
        *version = strtoll(PQgetvalue(is, 0, 0), NULL, 10);
        *archive = strtoll(PQgetvalue(is, 0, 1), NULL, 10);
    }
    PQclear(is);
    return WK_OK;
}

static wk_err refuse_newer(struct wk_postgres *db, int64_t version)
{
    if (version <= SCHEMA_VERSION) {
        return WK_OK;
    }
    snprintf(db->sql.why, sizeof db->sql.why, "it has schema %lld, this program knows up to %d",
             (long long)version, SCHEMA_VERSION);
    return WK_E_UNSUPPORTED;
}

/* In a transaction of its own, one head-end at a time. */
static wk_err bring_up_to_date(struct wk_postgres *db)
{
    int64_t version;
    int64_t archive;
    char text[96];
    WK_TRY(read_about(db, &version, &archive)); /* somebody may have been faster */
    WK_TRY(refuse_newer(db, version));
    while (version < SCHEMA_VERSION) {
        WK_TRY(wk_postgres_execute(db, k_schema[version], NULL));
        version++;
        snprintf(text, sizeof text, "UPDATE wattkeeper.about SET version = %lld",
                 (long long)version);
        WK_TRY(wk_postgres_execute(db, text, NULL));
    }
    return wk_postgres_execute(db, "COMMIT", NULL);
}

wk_err wk_postgres_schema(struct wk_postgres *db, int64_t *archive)
{
    int64_t version;
    char text[96];
    WK_TRY(read_about(db, &version, archive));
    WK_TRY(refuse_newer(db, version));
    if (version == SCHEMA_VERSION) {
        return WK_OK;
    }
    if (db->archive != 0) {
        snprintf(db->sql.why, sizeof db->sql.why, "the tables of the archive are gone");
        return WK_E_CORRUPT;
    }
    snprintf(text, sizeof text, "BEGIN; SELECT pg_advisory_xact_lock(%d, %d)", WK_POSTGRES_LOCK,
             WK_POSTGRES_WRITER);
    WK_TRY(wk_postgres_execute(db, text, NULL));
    WK_TRY(bring_up_to_date(db)); /* else the connection is closed, and nothing was made */
    return read_about(db, &version, archive);
}
