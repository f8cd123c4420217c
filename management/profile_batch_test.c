/* SPDX-License-Identifier: Apache-2.0
 *
 * The packing of profile rows against plain arrays. */
#include "management/profile_batch.h"

#include <string.h>

#include "tests/wk_test.h"

#define SEED        UINT64_C(20261121)
#define ROWS        2000000
#define ROWS_TARGET 10000

static uint64_t g_random = SEED;

static uint64_t draw(void)
{
    g_random ^= g_random << 13;
    g_random ^= g_random >> 7;
    g_random ^= g_random << 17;
    return g_random;
}

static uint32_t how_many(void)
{
    return sizeof(void *) == 4 ? ROWS_TARGET : ROWS;
}

static struct wk_profile_row g_rows[WK_PROFILE_BATCH_ROWS];

/* Values as meters have them and as they never do: still, rising, wandering, any 64 bits. */
static int64_t next_value(int64_t before, uint32_t kind)
{
    switch (kind) {
    case 0:
        return before;
    case 1:
        return (int64_t)((uint64_t)before + draw() % 100000000);
    case 2:
        return (int64_t)((uint64_t)before + draw() % 2001 - 1000);
    case 3:
        return (int64_t)draw() >> draw() % 64;
    case 4:
        return draw() % 2 == 0 ? INT64_MAX : INT64_MIN;
    default:
        return (int64_t)((uint64_t)before + (UINT64_C(1) << draw() % 64));
    }
}

static struct wk_profile_row next_row(const struct wk_profile_row *before, uint8_t columns,
                                      const uint8_t *kinds)
{
    struct wk_profile_row row = *before;
    row.end.s = draw() % 50 == 0 ? (int64_t)(draw() >> draw() % 64) : before->end.s + 900;
    row.status = draw() % 8 == 0 ? (uint16_t)draw() : before->status;
    row.absent = draw() % 16 == 0 ? (uint32_t)(draw() & ((UINT64_C(1) << columns) - 1U))
                                  : before->absent;
    for (uint8_t i = 0; i < WK_PROFILE_COLUMNS; i++) {
        const bool kept = i < columns && (row.absent >> i & 1U) == 0;
        const uint32_t kind = draw() % 32 == 0 ? (uint32_t)(draw() % 6) : kinds[i];
        row.value[i] = kept ? next_value(before->value[i], kind) : 0;
    }
    return row;
}

static bool same_row(const struct wk_profile_row *a, const struct wk_profile_row *b)
{
    return a->end.s == b->end.s && a->status == b->status && a->absent == b->absent &&
           memcmp(a->value, b->value, sizeof a->value) == 0;
}

/* Fills one batch and reads it back; how many rows it took, 0 = they differ. */
static uint32_t fill_and_compare(uint32_t round)
{
    const struct wk_profile_batch_head wanted = {
        .columns = (uint8_t)(round % (WK_PROFILE_COLUMNS + 1)),
        .turn = (uint32_t)draw(),
        .number = draw() >> 24,
    };
    struct wk_profile_batch_head head;
    struct wk_profile_batch batch;
    struct wk_profile_walk walk;
    struct wk_profile_row row = {.end = {1769986800}};
    uint8_t kinds[WK_PROFILE_COLUMNS];
    uint32_t rows = 0;
    for (uint32_t i = 0; i < WK_PROFILE_COLUMNS; i++) {
        kinds[i] = (uint8_t)(draw() % 6);
    }
    wk_profile_batch_begin(&batch, &wanted);
    wk_profile_batch_walk(&walk);
    row = next_row(&row, wanted.columns, kinds);
    while (wk_profile_batch_push(&batch, &walk, &row) == WK_OK) {
        g_rows[rows++] = row;
        row = next_row(&row, wanted.columns, kinds);
    }
    bool good = wk_profile_batch_head(&batch, &head) == WK_OK && head.rows == rows &&
                head.columns == wanted.columns && head.turn == wanted.turn &&
                head.number == wanted.number;
    wk_profile_batch_walk(&walk);
    for (uint32_t i = 0; i < rows && good; i++) {
        good =
            wk_profile_batch_read(&batch, &walk, &row) == WK_OK && same_row(&row, &g_rows[i]);
    }
    good = good && wk_profile_batch_read(&batch, &walk, &row) == WK_E_NOT_FOUND;
    return good ? rows : 0;
}

static void every_row_comes_back_as_it_was(void)
{
    printf("# seed %" PRIu64 "\n", SEED);
    uint32_t rows = 0;
    for (uint32_t round = 0; rows < how_many(); round++) {
        const uint32_t took = fill_and_compare(round);
        EXPECT(took >= 2);
        rows += took;
    }
}

static void appending_reads_its_place_from_the_batch(void)
{
    const struct wk_profile_batch_head head = {.columns = 3, .number = 5};
    static const uint8_t k_kinds[WK_PROFILE_COLUMNS] = {1, 2, 5};
    struct wk_profile_batch pushed;
    struct wk_profile_batch appended;
    struct wk_profile_walk walk;
    struct wk_profile_row row = {.end = {1769986800}};
    wk_profile_batch_begin(&pushed, &head);
    wk_profile_batch_begin(&appended, &head);
    wk_profile_batch_walk(&walk);
    wk_err err;
    do {
        row = next_row(&row, head.columns, k_kinds);
        err = wk_profile_batch_push(&pushed, &walk, &row);
        EXPECT_ERR(err, wk_profile_batch_append(&appended, &row));
        EXPECT_I64(pushed.size, appended.size);
        EXPECT_BYTES(pushed.octets, appended.octets, pushed.size);
    } while (err == WK_OK);
    EXPECT_ERR(WK_E_FULL, err);
}

static void a_row_that_goes_on_as_before_takes_three_bits_and_one_for_each_value(void)
{
    const struct wk_profile_batch_head head = {.columns = 8};
    struct wk_profile_batch batch;
    struct wk_profile_row row = {.end = {1769986800}};
    wk_profile_batch_begin(&batch, &head);
    for (int i = 0; i < 200; i++) {
        EXPECT_OK(wk_profile_batch_append(&batch, &row));
        row.end.s += 900;
        for (int value = 0; value < 8; value++) {
            row.value[value] += 123456789 + value;
        }
    }
    /* 11 bits a row; the first rows take their numbers in full. */
    EXPECT(batch.size < WK_PROFILE_BATCH_HEAD + 200 * 11 / 8 + 120);
}

/* Reads all there is; what stopped it. */
static wk_err read_all(const struct wk_profile_batch *batch)
{
    struct wk_profile_walk walk;
    struct wk_profile_row row;
    wk_err err;
    wk_profile_batch_walk(&walk);
    do {
        err = wk_profile_batch_read(batch, &walk, &row);
    } while (err == WK_OK);
    return err;
}

static void fill(struct wk_profile_batch *batch)
{
    static const uint8_t k_kinds[WK_PROFILE_COLUMNS] = {1, 1, 2, 2, 0, 3};
    const struct wk_profile_batch_head head = {.columns = 6};
    struct wk_profile_row row = {.end = {1769986800}};
    wk_profile_batch_begin(batch, &head);
    do {
        row = next_row(&row, head.columns, k_kinds);
    } while (wk_profile_batch_append(batch, &row) == WK_OK);
}

static void a_batch_cut_short_is_refused_wherever_it_ends(void)
{
    struct wk_profile_batch batch;
    fill(&batch);
    const uint16_t whole = batch.size;
    EXPECT_ERR(WK_E_NOT_FOUND, read_all(&batch));
    for (batch.size = 0; batch.size < whole; batch.size++) {
        EXPECT_ERR(WK_E_FORMAT, read_all(&batch));
    }
    batch.size = (uint16_t)(whole + 1);
    EXPECT(batch.size > WK_PROFILE_BATCH || read_all(&batch) == WK_E_FORMAT);
}

static void garbage_is_refused_or_read_but_never_overruns(void)
{
    struct wk_profile_batch whole;
    fill(&whole);
    for (uint32_t round = 0; round < how_many() / 20; round++) {
        struct wk_profile_batch batch = whole;
        for (uint32_t flips = 1 + (uint32_t)(draw() % 8); flips > 0; flips--) {
            batch.octets[draw() % batch.size] ^= (uint8_t)(1U << draw() % 8);
        }
        const wk_err err = read_all(&batch);
        EXPECT(err == WK_E_FORMAT || err == WK_E_NOT_FOUND);
    }
}

WK_TEST_MAIN(T(every_row_comes_back_as_it_was), T(appending_reads_its_place_from_the_batch),
             T(a_row_that_goes_on_as_before_takes_three_bits_and_one_for_each_value),
             T(a_batch_cut_short_is_refused_wherever_it_ends),
             T(garbage_is_refused_or_read_but_never_overruns))
