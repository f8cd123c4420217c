/* SPDX-License-Identifier: Apache-2.0
 *
 * The error object, 0.0.97.97.0 (class 1). */
#include "cosem/axdr.h"
#include "management/counts.h"
#include "management/objects.h"

/* What is wrong now, a bit each. */
enum {
    ERROR_CLOCK_INVALID = 0x0001,
    ERROR_CLOCK_DOUBTFUL = 0x0002,
    ERROR_CONTACTOR = 0x0200, /* it does not follow */
    ERROR_HEAT = 0x0400,
    ERROR_SAMPLES = 12, /* the first of four bits: saturation, implausible, stuck, no value */
};

static wk_err error_get(const struct wk_object_call *call, uint8_t attribute,
                        const struct wk_object_selection *selection,
                        struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const uint8_t clock = wk_clock_status(&rooms->clock, rooms->t_us);
    uint32_t errors = rooms->counts != NULL ? rooms->counts->faults << ERROR_SAMPLES : 0U;
    (void)attribute;
    (void)selection;
    (void)cursor;
    errors |= (clock & WK_CLOCK_INVALID) != 0 ? (uint32_t)ERROR_CLOCK_INVALID : 0U;
    errors |= (clock & WK_CLOCK_DOUBTFUL) != 0 ? (uint32_t)ERROR_CLOCK_DOUBTFUL : 0U;
    errors |= rooms->control.contact.fault_reported ? (uint32_t)ERROR_CONTACTOR : 0U;
    errors |= wk_protection_over_heat(&rooms->control.protection) ? (uint32_t)ERROR_HEAT : 0U;
    wk_axdr_put_double_long_unsigned(out, errors);
    return WK_OK;
}

const struct wk_object_class wk_objects_error = {.get = error_get};
