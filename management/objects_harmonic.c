/* SPDX-License-Identifier: Apache-2.0
 *
 * Harmonics of 150/180 cycles (class 1): which channel the name of the object says. */
#include "cosem/axdr.h"
#include "management/objects.h"

/* Units of IEC 62056-6-2, table 4. */
enum { UNIT_A = 33, UNIT_V = 35 };

#define C_OF_U_L1 32
#define C_OF_I_L1 31
#define C_STEP    20
#define SLOT_I1   4 /* of wk_record_spectrum */

void wk_objects_harmonics_take(struct wk_rooms *rooms,
                               const struct wk_record_spectrum *spectrum)
{
    struct wk_rooms_harmonics *harmonics = rooms->harmonics;
    const bool current = spectrum->slot >= SLOT_I1;
    const uint32_t phase = current ? spectrum->slot - SLOT_I1 : spectrum->slot;
    if (harmonics == NULL || spectrum->level != WK_RECORD_LEVEL_3_S ||
        phase >= WK_RECORD_PHASES) {
        return;
    }
    uint32_t *to = current ? harmonics->i_ma[phase] : harmonics->u_mv[phase];
    for (uint32_t h = 1; h <= WK_ROOMS_HARMONICS; h++) {
        to[h - 1] = h <= spectrum->orders ? (uint32_t)(spectrum->subgroup[h] * 1e3F + 0.5F) : 0;
    }
    harmonics->known |= (uint8_t)(1U << (phase + (current ? (uint32_t)WK_RECORD_PHASES : 0U)));
}

static wk_err harmonic_get(const struct wk_object_call *call, uint8_t attribute,
                           const struct wk_object_selection *selection,
                           struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const uint32_t c = call->object->obis[2];
    const bool voltage = c % 2 == 0;
    const uint32_t phase = (c - (voltage ? C_OF_U_L1 : C_OF_I_L1)) / C_STEP % WK_RECORD_PHASES;
    const uint32_t bit = phase + (voltage ? 0U : (uint32_t)WK_RECORD_PHASES);
    (void)attribute;
    (void)selection;
    (void)cursor;
    if (rooms->harmonics == NULL || ((uint32_t)rooms->harmonics->known >> bit & 1U) == 0) {
        return WK_E_BUSY;
    }
    const uint32_t *of =
        voltage ? rooms->harmonics->u_mv[phase] : rooms->harmonics->i_ma[phase];
    wk_axdr_put_array(out, WK_ROOMS_HARMONICS);
    for (uint32_t h = 0; h < WK_ROOMS_HARMONICS; h++) {
        wk_axdr_put_double_long_unsigned(
            out, (uint32_t)wk_objects_primary(rooms, voltage ? UNIT_V : UNIT_A, of[h]));
    }
    return WK_OK;
}

const struct wk_object_class wk_objects_harmonic = {.get = harmonic_get};
