/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of a profile that are selected by name: those of long rows, too. */
#include "cosem/select.h"

#include <string.h>

#include "cosem/axdr.h"
#include "tests/wk_test.h"

#define COLUMNS 44
#define ROWS    3

/* Rows of the columns first..last, as their numbers; returns the octets. */
static size_t make_rows(uint16_t first, uint16_t last, uint8_t *data, size_t room)
{
    struct wk_bytes_out out = wk_bytes_out_of(data, room);
    wk_axdr_put_array(&out, ROWS);
    for (int row = 0; row < ROWS; row++) {
        wk_axdr_put_structure(&out, (uint32_t)(last - first + 1));
        for (uint16_t column = first; column <= last; column++) {
            wk_axdr_put_unsigned(&out, (uint8_t)column);
        }
    }
    return out.size;
}

static void rows_keep_what_is_selected(void)
{
    static const uint8_t k_places[] = {43, 1, 32, 31, 1};
    static const uint8_t k_row[] = {2, 4, 17, 2, 17, 32, 17, 33, 17, 44};
    uint8_t data[2 + ROWS * (2 + 2 * COLUMNS)];
    struct wk_select_span span = {0};
    EXPECT(!wk_select_has_holes(&span));
    for (size_t i = 0; i < sizeof k_places; i++) {
        wk_select_add(&span, k_places[i]);
    }
    EXPECT_I64(2, span.first);
    EXPECT_I64(COLUMNS, span.last);
    EXPECT_I64(4, span.count);
    EXPECT(wk_select_has_holes(&span));
    size_t size = make_rows(span.first, span.last, data, sizeof data);
    EXPECT_OK(wk_select_keep(&span, true, data, &size));
    EXPECT_I64(2 + ROWS * sizeof k_row, size);
    for (size_t row = 0; row < ROWS; row++) {
        EXPECT_BYTES(k_row, data + 2 + row * sizeof k_row, sizeof k_row);
    }
}

static void columns_side_by_side_are_all_of_their_span(void)
{
    struct wk_select_span span = {0};
    for (uint32_t place = WK_SELECT_PLACES; place > 0; place--) {
        wk_select_add(&span, place - 1);
        EXPECT(!wk_select_has_holes(&span));
    }
    EXPECT_I64(1, span.first);
    EXPECT_I64(WK_SELECT_PLACES, span.last);
}

static void what_is_no_row_is_refused(void)
{
    uint8_t data[] = {1, 1, 17, 5};
    size_t size = sizeof data;
    struct wk_select_span span = {0};
    wk_select_add(&span, 0);
    wk_select_add(&span, 2);
    EXPECT(wk_select_keep(&span, true, data, &size) != WK_OK);
}

WK_TEST_MAIN(T(rows_keep_what_is_selected), T(columns_side_by_side_are_all_of_their_span),
             T(what_is_no_row_is_refused))
