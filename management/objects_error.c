/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong now: the error object, 0.0.97.97.0 (class 1), and the same as a status word whose bits
 * are mapped to events, 0.0.96.5.0 (class 63). */
#include "cosem/axdr.h"
#include "management/counts.h"
#include "management/event.h"
#include "management/objects.h"

/* What is wrong now, a bit each. */
enum {
    ERROR_CLOCK_INVALID = 0x0001,
    ERROR_CLOCK_DOUBTFUL = 0x0002,
    ERROR_CONTACTOR = 0x0200, /* it does not follow */
    ERROR_HEAT = 0x0400,
    ERROR_SAMPLES = 12, /* the first of four bits: saturation, implausible, stuck, no value */
};

static uint32_t errors_of(const struct wk_rooms *rooms)
{
    const uint8_t clock = wk_clock_status(&rooms->clock, rooms->t_us);
    uint32_t errors = rooms->counts != NULL ? rooms->counts->faults << ERROR_SAMPLES : 0U;
    errors |= (clock & WK_CLOCK_INVALID) != 0 ? (uint32_t)ERROR_CLOCK_INVALID : 0U;
    errors |= (clock & WK_CLOCK_DOUBTFUL) != 0 ? (uint32_t)ERROR_CLOCK_DOUBTFUL : 0U;
    errors |= rooms->control.contact.fault_reported ? (uint32_t)ERROR_CONTACTOR : 0U;
    errors |= wk_protection_over_heat(&rooms->control.protection) ? (uint32_t)ERROR_HEAT : 0U;
    return errors;
}

static wk_err error_get(const struct wk_object_call *call, uint8_t attribute,
                        const struct wk_object_selection *selection,
                        struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    (void)attribute;
    (void)selection;
    (void)cursor;
    wk_axdr_put_double_long_unsigned(out, errors_of(call->meter));
    return WK_OK;
}

const struct wk_object_class wk_objects_error = {.get = error_get};

/* ---- class 63 ---------------------------------------------------------------------------- */

#define REFERENCE_TABLE 1 /* the codes of management/event */

enum { STATUS_WORD = 2, MAPPING_TABLE = 3 };

/* The event that a bit of the word stands for, lowest bit first; 0: the bit is not used. */
static const uint16_t k_mapping[] = {
    WK_EVENT_CLOCK_BEFORE,
    WK_EVENT_CLOCK_SLEWED,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    WK_EVENT_CONTACTOR_DISAGREES,
    WK_EVENT_OVER_HEAT,
    0,
    WK_EVENT_SATURATION,
    WK_EVENT_IMPLAUSIBLE,
    WK_EVENT_STUCK,
    WK_EVENT_NO_VALUE,
};
#define MAPPED (sizeof k_mapping / sizeof k_mapping[0])

static wk_err status_get(const struct wk_object_call *call, uint8_t attribute,
                         const struct wk_object_selection *selection,
                         struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    (void)selection;
    (void)cursor;
    if (attribute == STATUS_WORD) {
        wk_axdr_put_long_unsigned(out, (uint16_t)errors_of(call->meter));
        return WK_OK;
    }
    wk_axdr_put_structure(out, 2);
    wk_axdr_put_unsigned(out, REFERENCE_TABLE);
    wk_axdr_put_array(out, MAPPED);
    for (size_t i = 0; i < MAPPED; i++) {
        wk_axdr_put_long_unsigned(out, k_mapping[i]);
    }
    return WK_OK;
}

const struct wk_object_class wk_objects_status = {.get = status_get};
