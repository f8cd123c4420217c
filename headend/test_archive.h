/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/test_archive - an archive in a directory of its own, and readings of a house whose
 * energies are known in closed form. For tests. */
#ifndef WK_HEADEND_TEST_ARCHIVE_H
#define WK_HEADEND_TEST_ARCHIVE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/civil.h"
#include "headend/archive_sqlite.h"
#include "headend/reading.h"

#define TEST_DAY    13545 /* 2007-02-01, a Thursday */
#define TEST_DAY_S  ((int64_t)TEST_DAY * WK_DAY_S)
#define TEST_PERIOD 900
#define TEST_SLOTS  96

struct test_archive {
    struct wk_archive archive;
    int64_t meter;
    char directory[64];
    char path[128];
};

static inline void test_archive_reopen(struct test_archive *t, int64_t max_bytes)
{
    char why[WK_ARCHIVE_SQLITE_WHY];
    if (wk_archive_sqlite_open(t->path, max_bytes, &t->archive, why) != WK_OK ||
        t->archive.meter_id(t->archive.self, "test", "WK-1", &t->meter) != WK_OK) {
        fprintf(stderr, "no archive: %s\n", why);
        abort();
    }
}

static inline void test_archive_open(struct test_archive *t, int64_t max_bytes)
{
    snprintf(t->directory, sizeof t->directory, "/tmp/wk-archive-XXXXXX");
    if (mkdtemp(t->directory) == NULL) {
        abort();
    }
    snprintf(t->path, sizeof t->path, "%s/archive.db", t->directory);
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
