/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/test_archive - an archive of its own, and readings of a house whose energies are known in
 * closed form. For tests.
 *
 * It is a file of SQLite, or, if WK_TEST_ARCHIVE names one, a database of PostgreSQL, which every test
 * begins empty. */
#ifndef WK_HEADEND_TEST_ARCHIVE_H
#define WK_HEADEND_TEST_ARCHIVE_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/civil.h"
#include "headend/archive_open.h"
#include "headend/archive_sqlite.h"
#include "headend/reading.h"

#define TEST_DAY      13545 /* 2007-02-01, a Thursday */
#define TEST_DAY_S    ((int64_t)TEST_DAY * WK_DAY_S)
#define TEST_PERIOD   900
#define TEST_SLOTS    96
#define TEST_INSTANCE 7

struct test_archive {
    struct wk_archive archive;
    int64_t meter;
    const char *database; /* NULL: it is a file */
    bool limited;         /* ... that answers as a full disk would */
    char directory[64];
    char path[128];
};

static inline bool test_archive_is_database(void)
{
    return getenv("WK_TEST_ARCHIVE") != NULL;
}

/* Changes an archive behind its back. */
static inline bool test_archive_sql(const struct test_archive *t, const char *sql)
{
    char command[2048];
    if (t->database != NULL) {
        snprintf(
            command, sizeof command,
            "PGOPTIONS='-c client_min_messages=error' psql -X -q -v ON_ERROR_STOP=1 -d '%s' "
            "-c \"SET search_path TO wattkeeper; %s\"",
            t->database, sql);
        return system(command) == 0;
    }
    sqlite3 *db = NULL;
    const bool is_done = sqlite3_open(t->path, &db) == SQLITE_OK &&
                         sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(db);
    return is_done;
}

/* One more handle. */
static inline wk_err test_archive_handle(const struct test_archive *t,
                                         struct wk_archive *archive, char why[WK_ARCHIVE_WHY])
{
    const struct wk_archive_place place = {t->database != NULL ? t->database : t->path,
                                           TEST_INSTANCE};
    return wk_archive_open(&place, archive, why);
}

/* A database has no limit of its own: a trigger answers as a full disk would. */
static inline bool test_archive_limit(struct test_archive *t, int64_t max_bytes)
{
    char sql[1024];
    if (t->database == NULL || (max_bytes > 0) == t->limited) {
        return true;
    }
    t->limited = max_bytes > 0;
    if (!t->limited) {
        return test_archive_sql(t, "DROP FUNCTION refuse CASCADE");
    }
    snprintf(sql, sizeof sql,
             "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \\$\\$ BEGIN "
             "IF pg_total_relation_size('interval_open') > %lld THEN "
             "RAISE 'could not extend file: No space left on device' "
             "USING ERRCODE = 'disk_full'; END IF; RETURN NEW; END \\$\\$; "
             "CREATE TRIGGER refuse BEFORE INSERT ON interval_open FOR EACH ROW EXECUTE "
             "FUNCTION refuse()",
             (long long)max_bytes);
    return test_archive_sql(t, sql);
}

static inline void test_archive_reopen(struct test_archive *t, int64_t max_bytes)
{
    char why[WK_ARCHIVE_WHY] = "";
    const wk_err err = t->database != NULL
                           ? test_archive_handle(t, &t->archive, why)
                           : wk_archive_sqlite_open(t->path, max_bytes, &t->archive, why);
    if (err != WK_OK || !test_archive_limit(t, max_bytes) ||
        t->archive.meter_id(t->archive.self, "test", "WK-1", &t->meter) != WK_OK) {
        fprintf(stderr, "no archive: %s\n",
                err != WK_OK ? why : t->archive.why(t->archive.self));
        abort();
    }
}

static inline void test_archive_open(struct test_archive *t, int64_t max_bytes)
{
    t->database = getenv("WK_TEST_ARCHIVE");
    t->limited = false;
    snprintf(t->directory, sizeof t->directory, "/tmp/wk-archive-XXXXXX");
    if (mkdtemp(t->directory) == NULL) {
        abort();
    }
    snprintf(t->path, sizeof t->path, "%s/archive.db", t->directory);
    if (t->database != NULL &&
        !test_archive_sql(t, "DROP SCHEMA IF EXISTS wattkeeper CASCADE")) {
        abort();
    }
    test_archive_reopen(t, max_bytes);
}

static inline void test_archive_remove(const struct test_archive *t)
{
    static const char *const k_suffix[] = {"", "-wal", "-shm", "-journal"};
    char path[160];
    for (size_t i = 0; i < sizeof k_suffix / sizeof k_suffix[0]; i++) {
        snprintf(path, sizeof path, "%s%s", t->path, k_suffix[i]);
        unlink(path);
    }
    rmdir(t->directory);
}

static inline void test_archive_close(struct test_archive *t)
{
    t->archive.close(t->archive.self);
    test_archive_remove(t);
}

/* Energy of the interval with this number since 2007-02-01 UTC: distinct, never 0. */
static inline int64_t test_energy_uwh(int64_t slot)
{
    return 50000000 + slot % 96 * 1000003 + slot / 96 * 17;
}

/* T1 from 06:00 to 22:00 UTC, T2 else. */
static inline int test_tariff(int64_t slot)
{
    return slot % 96 >= 24 && slot % 96 < 88 ? 0 : 1;
}

/* The reading at the end of interval `slot`; slot -1 is the begin of 2007-02-01. */
static inline struct wk_reading test_reading(int64_t slot)
{
    struct wk_reading r = {.end_s = TEST_DAY_S + (slot + 1) * TEST_PERIOD,
                           .present = 1U << WK_CHANNEL_IMPORT | 1U << WK_CHANNEL_T1 |
                                      1U << WK_CHANNEL_T2 | 1U << WK_CHANNEL_Q_IMPORT};
    r.reg[WK_CHANNEL_IMPORT] = INT64_C(7000000000000);
    r.reg[WK_CHANNEL_T1] = INT64_C(4000000000000);
    r.reg[WK_CHANNEL_T2] = INT64_C(3000000000000);
    for (int64_t i = 0; i <= slot; i++) {
        r.reg[WK_CHANNEL_IMPORT] += test_energy_uwh(i);
        r.reg[WK_CHANNEL_T1 + test_tariff(i)] += test_energy_uwh(i);
        r.reg[WK_CHANNEL_Q_IMPORT] += 1000;
    }
    return r;
}

/* Accepts the readings of slots first..last, one batch. */
static inline wk_err test_accept(struct test_archive *t, int64_t first, int64_t last,
                                 struct wk_reading_result *result)
{
    struct wk_reading rows[1000];
    size_t count = 0;
    for (int64_t slot = first; slot <= last; slot++) {
        rows[count++] = test_reading(slot);
    }
    return wk_reading_accept(&t->archive, t->meter, TEST_PERIOD,
                             (struct wk_reading_rows){rows, count}, 1000, result);
}

#endif
