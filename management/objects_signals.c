/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 1 (data): states of inputs and outputs, 0.0.96.3.1 to .4.255, a bit for each contact. Covers
 * and the magnetic field are as the detection of tampering has confirmed them: it alone reads the
 * switches, which forget when they are read. */
#include "cosem/axdr.h"
#include "management/objects.h"

/* In the order of the bits. */
static const wk_tamper_kind k_inputs[] = {
    WK_TAMPER_TERMINAL_COVER,
    WK_TAMPER_MAIN_COVER,
    WK_TAMPER_MODULE,
    WK_TAMPER_MAGNET,
};

static uint32_t inputs(const struct wk_rooms *rooms)
{
    const uint32_t active = wk_tamper_active(&rooms->tamper);
    uint32_t bits = 0;
    for (uint32_t i = 0; i < sizeof k_inputs / sizeof k_inputs[0]; i++) {
        bits |= (active >> wk_tamper_latch_of(k_inputs[i]) & 1U) << i;
    }
    return bits;
}

static uint32_t relays(const struct wk_rooms *rooms)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < WK_RELAY_COUNT; i++) {
        bits |= (rooms->control.relay[i].on ? 1U : 0U) << (i + 1);
    }
    return bits;
}

/* Of relays the meter has no report: they are as they were switched. */
static wk_err outputs(const struct wk_rooms *rooms, uint32_t *bits)
{
    bool closed;
    if (rooms->contactor == NULL) {
        return WK_E_BUSY;
    }
    WK_TRY(rooms->contactor->is_closed(rooms->contactor->self, &closed));
    *bits = (closed ? 1U : 0U) | relays(rooms);
    return WK_OK;
}

static wk_err signals_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    uint32_t bits = 0;
    (void)attribute;
    (void)selection;
    (void)cursor;
    switch (call->object->selector) {
    case WK_OBJECTS_SIGNALS_IN:
        bits = inputs(rooms);
        break;
    case WK_OBJECTS_SIGNALS_OUT:
        WK_TRY(outputs(rooms, &bits));
        break;
    case WK_OBJECTS_SIGNALS_WANTED:
        bits = (rooms->supply.state == WK_SUPPLY_CONNECTED ? 1U : 0U) | relays(rooms);
        break;
    case WK_OBJECTS_SIGNALS_LOAD:
    default:
        bits = rooms->tariff.load;
        break;
    }
    wk_axdr_put_unsigned(out, (uint8_t)bits);
    return WK_OK;
}

const struct wk_object_class wk_objects_signals = {.get = signals_get};
