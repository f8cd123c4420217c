/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/select - parameters of selective access to a profile buffer (IEC 62056-6-2, class 7).
 *
 * range_descriptor (selector 1): entries whose clock lies between two instants, both
 * included; null-data for the restricting object means the clock, for the columns all of them.
 * entry_descriptor (selector 2): entries by number, 1 = oldest. */
#ifndef WK_COSEM_SELECT_H
#define WK_COSEM_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/datetime.h"
#include "cosem/obis.h"

#define WK_SELECT_RANGE  1
#define WK_SELECT_ENTRY  2
#define WK_SELECT_SIZE   128 /* no parameter written here is longer */
#define WK_SELECT_PLACES 64  /* columns a profile may have if some are selected: a mask */

/* One column of a profile: an attribute of an object. */
struct wk_select_column {
    uint16_t class_id;
    uint8_t obis[WK_OBIS_SIZE];
    int8_t attribute;
    uint16_t data_index; /* 0 = the whole attribute */
};

struct wk_select_range {
    struct wk_select_column restricting; /* the column the limits apply to */
    bool is_number;                      /* the limits are numbers, else date-times */
    int64_t number_from;
    int64_t number_to;
    struct wk_datetime from;
    struct wk_datetime to;
    uint32_t columns;              /* how many follow; 0 = all */
    struct wk_bytes_in columns_in; /* for wk_select_read_column */
};

struct wk_select_entry {
    uint32_t first;        /* 1 = oldest; 0 is refused */
    uint32_t last;         /* 0 = the newest */
    uint16_t column_first; /* 1 = first */
    uint16_t column_last;  /* 0 = last */
};

/** All columns of the entries from..to of a profile sorted by 0.0.1.0.0.255. Date-times are
 *  written in UTC. WK_E_RANGE: an instant outside 1970..2105. */
WK_MUST_USE wk_err wk_select_put_range(struct wk_bytes_out *out, struct wk_utc from,
                                       struct wk_utc to);
void wk_select_put_entry(struct wk_bytes_out *out, const struct wk_select_entry *entry);

/** WK_E_FORMAT: also limits that are neither date-times nor integers, or of two kinds. */
WK_MUST_USE wk_err wk_select_read_range(struct wk_bytes_in *in, struct wk_select_range *range);
/** WK_E_RANGE: first is 0, or an interval is empty the wrong way round. */
WK_MUST_USE wk_err wk_select_read_entry(struct wk_bytes_in *in, struct wk_select_entry *entry);
/** One element of capture_objects or of selected values. */
void wk_select_read_column(struct wk_bytes_in *in, struct wk_select_column *column);
void wk_select_put_column(struct wk_bytes_out *out, const struct wk_select_column *column);

bool wk_select_same_column(const struct wk_select_column *a, const struct wk_select_column *b);

/* Selected columns of a profile: from the first to the last of them, and which. All zero: none. */
struct wk_select_span {
    uint16_t first; /* 1 = first column of the profile */
    uint16_t last;
    uint16_t count; /* that are selected */
    uint32_t mask[WK_SELECT_PLACES / 32];
};

/** The place of a column among `count` capture objects, 0 = first; `count`: it is none of them. */
uint32_t wk_select_place_of(const struct wk_select_column *wanted, struct wk_bytes_in columns,
                            uint32_t count);
/** Selects the column at `place`, 0 = first, below WK_SELECT_PLACES. */
void wk_select_add(struct wk_select_span *span, uint32_t place);
/** Whether there are columns between the first and the last that are not selected. */
bool wk_select_has_holes(const struct wk_select_span *span);
/** Leaves of rows that go from the first to the last column those that are selected, in place;
 *  `with_head`: the head of the array is there, too. WK_E_FORMAT, WK_E_SHORT: these are no rows. */
WK_MUST_USE wk_err wk_select_keep(const struct wk_select_span *span, bool with_head,
                                  uint8_t *data, size_t *size);

#endif
