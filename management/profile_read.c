/* SPDX-License-Identifier: Apache-2.0 */
#include "management/profile.h"

#include <string.h>

/* The batches of a profile: those of the log from the first that holds rows not cleared, then the
 * open one, which is called by the number the log would give it. */
struct shelf {
    const struct wk_profile *profile;
    const struct wk_store *store;
    uint64_t begin;
    uint64_t open;
    struct wk_profile_batch batch; /* looked at last */
    struct wk_profile_batch_head head;
    struct wk_utc end; /* of its first row */
};

typedef enum order { BY_NUMBER, BY_TURN, BY_END } order;

static wk_err look(struct shelf *shelf, uint64_t at)
{
    struct wk_profile_walk walk;
    struct wk_profile_row row = {.end = {0}};
    if (at == shelf->open) {
        shelf->batch = shelf->profile->batch;
    } else {
        struct wk_store_reader reader = {.number = at};
        size_t size = 0;
        WK_TRY(wk_store_read(shelf->store, shelf->profile->log, &reader, shelf->batch.octets,
                             sizeof shelf->batch.octets, &size));
        shelf->batch.size = (uint16_t)size;
    }
    WK_TRY(wk_profile_batch_head(&shelf->batch, &shelf->head));
    wk_profile_batch_walk(&walk);
    const wk_err err = wk_profile_batch_read(&shelf->batch, &walk, &row);
    shelf->end = row.end;
    return err == WK_E_NOT_FOUND && at == shelf->open ? WK_OK : err;
}

/* The first batch of [low, high) that is beyond `target`, or high. */
static wk_err bisect(struct shelf *shelf, order by, int64_t target, uint64_t low, uint64_t high,
                     uint64_t *found)
{
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        WK_TRY(look(shelf, middle));
        const int64_t key = by == BY_NUMBER ? (int64_t)shelf->head.number
                            : by == BY_TURN ? (int64_t)shelf->head.turn
                                            : shelf->end.s;
        if (key > target) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *found = low;
    return WK_OK;
}

static wk_err open_shelf(struct shelf *shelf, const struct wk_profile *profile,
                         const struct wk_store *store)
{
    uint64_t oldest;
    uint64_t committed;
    memset(shelf, 0, sizeof *shelf);
    shelf->profile = profile;
    shelf->store = store;
    WK_TRY(wk_store_log_span(store, profile->log, &oldest, &committed));
    shelf->open = committed;
    return bisect(shelf, BY_NUMBER, (int64_t)profile->first - 1, oldest, committed,
                  &shelf->begin);
}

/* One past the batches there are; the open one counts if it has rows. */
static uint64_t shelf_end(const struct shelf *shelf)
{
    return shelf->open + (shelf->profile->newest.s != 0 ? 1U : 0U);
}

static wk_err next_number(const struct wk_profile *profile, uint64_t *next)
{
    struct wk_profile_batch_head head;
    WK_TRY(wk_profile_batch_head(&profile->batch, &head));
    *next = head.number + head.rows;
    return WK_OK;
}

wk_err wk_profile_span(const struct wk_profile *profile, const struct wk_store *store,
                       uint64_t *oldest, uint64_t *next)
{
    struct shelf shelf;
    WK_TRY(open_shelf(&shelf, profile, store));
    WK_TRY(look(&shelf, shelf.begin));
    *oldest = shelf.head.number;
    return next_number(profile, next);
}

/* ---- rows in order ----------------------------------------------------------------------- */

/* Takes the batch that the log's reader stands on, or the open one. */
static wk_err take_batch(const struct wk_profile *profile, const struct wk_store *store,
                         struct wk_profile_reader *reader)
{
    size_t size = 0;
    wk_profile_batch_walk(&reader->walk);
    const wk_err err = wk_store_read(store, profile->log, &reader->log, reader->batch.octets,
                                     sizeof reader->batch.octets, &size);
    if (err == WK_E_NOT_FOUND) {
        reader->batch = profile->batch;
        return WK_OK;
    }
    reader->batch.size = (uint16_t)size;
    return err;
}

static wk_err place(const struct wk_profile *profile, const struct wk_store *store,
                    struct wk_profile_reader *reader)
{
    struct shelf shelf;
    uint64_t beyond;
    uint64_t next;
    WK_TRY(next_number(profile, &next));
    WK_TRY(open_shelf(&shelf, profile, store));
    WK_TRY(bisect(&shelf, BY_NUMBER, (int64_t)reader->number, shelf.begin, shelf_end(&shelf),
                  &beyond));
    if (beyond == shelf.begin || reader->number >= next) {
        return WK_E_NOT_FOUND;
    }
    reader->log = (struct wk_store_reader){.number = beyond - 1};
    return take_batch(profile, store, reader);
}

/* Rows of a batch before the one that is wanted are passed over. */
static wk_err read_here(struct wk_profile_reader *reader, struct wk_profile_row *row)
{
    struct wk_profile_batch_head head;
    WK_TRY(wk_profile_batch_head(&reader->batch, &head));
    while (head.number + reader->walk.row < reader->number) {
        WK_TRY(wk_profile_batch_read(&reader->batch, &reader->walk, row));
    }
    return wk_profile_batch_read(&reader->batch, &reader->walk, row);
}

wk_err wk_profile_read(const struct wk_profile *profile, const struct wk_store *store,
                       struct wk_profile_reader *reader, struct wk_profile_row *row)
{
    wk_err err = WK_E_NOT_FOUND;
    if (reader->placed) {
        err = read_here(reader, row);
    }
    if (reader->placed && err == WK_E_NOT_FOUND) {
        uint64_t next;
        WK_TRY(next_number(profile, &next));
        WK_TRY(reader->number < next ? WK_OK : WK_E_NOT_FOUND);
        WK_TRY(take_batch(profile, store, reader));
        err = read_here(reader, row);
    } else if (!reader->placed) {
        WK_TRY(place(profile, store, reader));
        reader->placed = true;
        err = read_here(reader, row);
    }
    reader->number += err == WK_OK ? 1U : 0U;
    return err;
}

/* ---- ranges of time ---------------------------------------------------------------------- */

/* Batches of one turn. */
struct turn {
    uint64_t begin;
    uint64_t end;
};

/* The number of the first row of the turn whose end is at or after `from`; of the first row after the
 * turn if there is none. */
static wk_err first_from(struct shelf *shelf, const struct turn *turn, struct wk_utc from,
                         uint64_t *number)
{
    struct wk_profile_walk walk;
    struct wk_profile_row row;
    uint64_t beyond;
    WK_TRY(bisect(shelf, BY_END, from.s - 1, turn->begin, turn->end, &beyond));
    if (beyond == turn->begin) {
        WK_TRY(look(shelf, beyond));
        *number = shelf->head.number;
        return WK_OK;
    }
    WK_TRY(look(shelf, beyond - 1));
    wk_profile_batch_walk(&walk);
    wk_err err = wk_profile_batch_read(&shelf->batch, &walk, &row);
    while (err == WK_OK && row.end.s < from.s) {
        err = wk_profile_batch_read(&shelf->batch, &walk, &row);
    }
    *number = shelf->head.number + walk.row - (err == WK_OK ? 1U : 0U);
    return err == WK_E_NOT_FOUND ? WK_OK : err;
}

/* Rows [*first, *next) of the turn that begins with batch `begin` lie in the range. */
static wk_err rows_of_turn(struct shelf *shelf, const struct wk_profile_range *range,
                           struct turn *turn, uint64_t *first, uint64_t *next)
{
    WK_TRY(look(shelf, turn->begin));
    WK_TRY(bisect(shelf, BY_TURN, shelf->head.turn, turn->begin, shelf_end(shelf), &turn->end));
    WK_TRY(first_from(shelf, turn, range->from, first));
    return first_from(shelf, turn, (struct wk_utc){range->to.s + 1}, next);
}

wk_err wk_profile_find(const struct wk_profile *profile, const struct wk_store *store,
                       const struct wk_profile_range *range, struct wk_profile_found *found)
{
    struct shelf shelf;
    struct turn turn;
    uint64_t end;
    WK_TRY(next_number(profile, &end));
    WK_TRY(open_shelf(&shelf, profile, store));
    *found = (struct wk_profile_found){.first = end, .next = end};
    for (turn.begin = shelf.begin; turn.begin < shelf_end(&shelf); turn.begin = turn.end) {
        uint64_t first;
        uint64_t next;
        WK_TRY(rows_of_turn(&shelf, range, &turn, &first, &next));
        if (first < next) {
            found->first = found->count == 0 ? first : found->first;
            found->next = next;
            found->count += next - first;
        }
    }
    return WK_OK;
}

wk_err wk_profile_skip(const struct wk_profile *profile, const struct wk_store *store,
                       const struct wk_profile_range *range, uint64_t *number)
{
    struct shelf shelf;
    struct turn turn;
    uint64_t beyond;
    WK_TRY(open_shelf(&shelf, profile, store));
    WK_TRY(
        bisect(&shelf, BY_NUMBER, (int64_t)*number, shelf.begin, shelf_end(&shelf), &beyond));
    turn.begin = beyond > shelf.begin ? beyond - 1 : beyond;
    while (turn.begin < shelf_end(&shelf)) {
        uint64_t first;
        uint64_t next;
        WK_TRY(rows_of_turn(&shelf, range, &turn, &first, &next));
        first = first > *number ? first : *number;
        if (first < next) {
            *number = first;
            return WK_OK;
        }
        turn.begin = turn.end;
    }
    return next_number(profile, number);
}
