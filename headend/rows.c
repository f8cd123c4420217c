/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/rows.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "cosem/obis.h"

#define CLASS_REGISTER 3
#define CLASS_CLOCK    8
#define UNIT_WH        30
#define UNIT_VARH      32
#define EXACT_SCALER   (-6) /* 10^-6 Wh */
#define SCALER_MOST    9

static const uint8_t k_clock[WK_OBIS_SIZE] = {0, 0, 1, 0, 0, 255};
static const uint8_t k_status[WK_OBIS_SIZE] = {0, 0, 96, 10, 1, 255};
static const uint8_t k_event_code[WK_OBIS_SIZE] = {0, 0, 96, 11, 0, 255};

/* Status bits of a profile entry, in the usual (EDIS) assignment. */
static const struct {
    uint32_t bit;
    uint16_t flag;
} k_status_flags[] = {
    {0x01, WK_SLOT_CRITICAL}, {0x02, WK_SLOT_CLOCK_INVALID},  {0x04, WK_SLOT_INVALID},
    {0x08, WK_SLOT_DST},      {0x20, WK_SLOT_CLOCK_ADJUSTED}, {0x80, WK_SLOT_POWER_FAIL},
};

static wk_err wrong(const char **why, const char *text)
{
    *why = text;
    return WK_E_FORMAT;
}

/* ---- forms ------------------------------------------------------------------------------- */

void wk_rows_add_column(struct wk_source_layout *layout, const struct wk_select_column *capture,
                        int32_t *channel)
{
    struct wk_source_column *column = &layout->column[layout->columns++];
    *column = (struct wk_source_column){.kind = WK_SOURCE_OTHER};
    *channel = -1;
    if (capture->attribute != 2 || capture->data_index != 0) {
        return;
    }
    if (capture->class_id == CLASS_CLOCK && wk_obis_equal(capture->obis, k_clock)) {
        column->kind = WK_SOURCE_CLOCK;
    } else if (wk_obis_equal(capture->obis, k_status)) {
        column->kind = WK_SOURCE_STATUS;
    } else if (capture->class_id == CLASS_REGISTER &&
               wk_channel_by_obis(capture->obis, &column->channel) == WK_OK) {
        column->kind = WK_SOURCE_REGISTER;
        layout->present |= 1U << column->channel;
        *channel = column->channel;
    }
}

wk_err wk_rows_factor(int32_t channel, int8_t scaler, uint8_t unit, int64_t *factor)
{
    const bool is_wh = strcmp(wk_channel_info(channel)->unit, "Wh") == 0;
    if (unit != (is_wh ? UNIT_WH : UNIT_VARH) || scaler < EXACT_SCALER ||
        scaler > SCALER_MOST) {
        return WK_E_UNSUPPORTED;
    }
    *factor = 1;
    for (int i = EXACT_SCALER; i < scaler; i++) {
        *factor *= 10;
    }
    return WK_OK;
}

wk_err wk_rows_check(const struct wk_source_layout *layout, const char **why)
{
    if ((layout->present & 1U << WK_CHANNEL_IMPORT) == 0 ||
        layout->column[0].kind != WK_SOURCE_CLOCK) {
        return wrong(why, "the load profile must capture the clock first, and 1.0.1.8.0");
    }
    return WK_OK;
}

wk_err wk_rows_log_read(struct wk_bytes_in captures, struct wk_rows_log *log, const char **why)
{
    const uint32_t columns = wk_axdr_read_count(&captures, WK_AXDR_ARRAY);
    log->clock = -1;
    log->code = -1;
    for (uint32_t i = 0; i < columns && captures.fault == WK_OK; i++) {
        struct wk_select_column capture;
        wk_select_read_column(&captures, &capture);
        if (captures.fault == WK_OK && wk_obis_equal(capture.obis, k_clock)) {
            log->clock = (int32_t)i;
        } else if (captures.fault == WK_OK && wk_obis_equal(capture.obis, k_event_code)) {
            log->code = (int32_t)i;
        }
    }
    if (wk_bytes_in_end(&captures) != WK_OK || log->clock < 0 || log->code < 0) {
        return wrong(why, "the event log captures no clock or no event code");
    }
    log->columns = (int32_t)columns;
    return WK_OK;
}

/* ---- rows -------------------------------------------------------------------------------- */

static wk_err clock_of(struct wk_bytes_in *in, int64_t *utc_s, const char **why)
{
    struct wk_datetime datetime;
    struct wk_utc utc;
    wk_datetime_read_axdr(in, &datetime);
    if (in->fault != WK_OK || wk_datetime_to_utc(&datetime, &wk_zone_utc, &utc) != WK_OK) {
        return wrong(why, "a row of a profile has no valid clock");
    }
    *utc_s = utc.s;
    return WK_OK;
}

static uint16_t flags_of(int64_t status)
{
    uint16_t flags = 0;
    for (size_t i = 0; i < sizeof k_status_flags / sizeof k_status_flags[0]; i++) {
        flags |= ((uint32_t)status & k_status_flags[i].bit) != 0 ? k_status_flags[i].flag : 0;
    }
    return flags;
}

static wk_err take_register(const struct wk_source_column *column,
                            const struct wk_axdr_value *value, struct wk_reading *reading,
                            const char **why)
{
    if (value->tag == WK_AXDR_NULL) {
        return WK_OK; /* the meter has no value for this interval */
    }
    if (!wk_axdr_is_integer(value->tag) ||
        __builtin_mul_overflow(value->integer, column->factor,
                               &reading->reg[column->channel])) {
        return wrong(why, "a register in the load profile is no number, or too large");
    }
    reading->present |= 1U << column->channel;
    return WK_OK;
}

wk_err wk_rows_reading(const struct wk_source_layout *layout, struct wk_bytes_in row,
                       struct wk_reading *reading, const char **why)
{
    *reading = (struct wk_reading){0};
    const uint32_t columns = wk_axdr_read_count(&row, WK_AXDR_STRUCTURE);
    if (columns != (uint32_t)layout->columns) {
        return wrong(why, "a row of the load profile has another number of columns");
    }
    for (uint32_t i = 0; i < columns; i++) {
        const struct wk_source_column *column = &layout->column[i];
        struct wk_axdr_value value = {0};
        if (column->kind == WK_SOURCE_CLOCK) {
            WK_TRY(clock_of(&row, &reading->end_s, why));
        } else if (column->kind == WK_SOURCE_OTHER) {
            wk_axdr_skip(&row);
        } else {
            wk_axdr_read(&row, &value);
        }
        if (column->kind == WK_SOURCE_STATUS && row.fault == WK_OK) {
            reading->flags = flags_of(value.integer);
        }
        if (column->kind == WK_SOURCE_REGISTER && row.fault == WK_OK) {
            WK_TRY(take_register(column, &value, reading, why));
        }
    }
    return wk_bytes_in_end(&row) == WK_OK
               ? WK_OK
               : wrong(why, "a row of the load profile is malformed");
}

wk_err wk_rows_event(const struct wk_rows_log *log, struct wk_bytes_in row,
                     struct wk_source_event *event, const char **why)
{
    *event = (struct wk_source_event){0};
    const uint32_t columns = wk_axdr_read_count(&row, WK_AXDR_STRUCTURE);
    for (uint32_t i = 0; i < columns && row.fault == WK_OK; i++) {
        struct wk_axdr_value value;
        if ((int32_t)i == log->clock) {
            WK_TRY(clock_of(&row, &event->at_s, why));
        } else if ((int32_t)i == log->code) {
            wk_axdr_read(&row, &value);
            event->code = (int32_t)value.integer;
        } else {
            wk_axdr_skip(&row);
        }
    }
    if (wk_bytes_in_end(&row) != WK_OK || columns != (uint32_t)log->columns) {
        return wrong(why, "a row of the event log is malformed");
    }
    return WK_OK;
}
