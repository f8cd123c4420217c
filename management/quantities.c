/* SPDX-License-Identifier: Apache-2.0 */
#include "management/quantities.h"

#include "management/objects.h"

#define VERSION      1
#define OF_A_PART    (WK_QUANTITIES_DEMANDS / (WK_QUANTITIES_PARTS - 1))
#define EVERY_PART   ((1U << WK_QUANTITIES_PARTS) - 1)
#define ACTIVE_FIRST 1 /* value group C of active import, whose demand is the meter's own */

/* ---- what a window brings ---------------------------------------------------------------- */

/* In the order of value group C, from active export on. IEC 62056-6-1: import is quadrants I and II. */
static int64_t energy_of(const struct wk_record_energy *energy, uint8_t index)
{
    const int64_t *q_uvarh = energy->q_uvarh;
    switch (index) {
    case 0:
        return energy->export_uwh;
    case 1:
        return q_uvarh[0] + q_uvarh[1];
    case 2:
        return q_uvarh[2] + q_uvarh[3];
    case 7:
        return energy->import_uvah;
    case 8:
        return energy->export_uvah;
    default:
        return q_uvarh[(index - 3) % 4];
    }
}

static int64_t positive(int64_t value)
{
    return value > 0 ? value : 0;
}

static void add_limited(int64_t *sum, int64_t value)
{
    const int64_t gained = positive(value);
    *sum = *sum > INT64_MAX - gained ? INT64_MAX : *sum + gained;
}

/* ---- demand ------------------------------------------------------------------------------ */

static void note_last(struct wk_quantities *quantities, uint32_t row,
                      const struct wk_demand *demand, uint8_t tariff)
{
    if (demand->ring_count == demand->rules.parts && tariff >= 1 && tariff <= WK_TARIFF_COUNT) {
        quantities->last_mw[row][tariff - 1] = demand->last_mw;
    }
}

static void begin_period(struct wk_quantities *quantities, uint32_t period)
{
    if (quantities->period == period) {
        return;
    }
    for (int i = 0; i < WK_QUANTITIES_DEMANDS; i++) {
        wk_demand_reset(&quantities->demand[i]);
    }
    quantities->period = period;
    quantities->changed = EVERY_PART;
}

/* The clock was set, or samples are missing: as the demand of active import says, whose sub-periods
 * are the same. It may just have ended the one that was spoiled. */
static bool is_spoiled(const struct wk_quantities *quantities, const struct wk_demand *own)
{
    return own->part_spoiled || (quantities->known && own->spoiled != quantities->own_spoiled);
}

static void take_demand(struct wk_rooms *rooms, const struct wk_record *record, int64_t now_us,
                        uint8_t tariff, bool ended)
{
    struct wk_quantities *quantities = rooms->quantities;
    const bool spoiled = is_spoiled(quantities, &rooms->demand);
    begin_period(quantities, rooms->billing.number);
    for (uint8_t i = 0; i < WK_QUANTITIES_DEMANDS; i++) {
        struct wk_demand *demand = &quantities->demand[i];
        const int64_t energy_uwh = positive(energy_of(&record->window.total, i));
        if (spoiled) {
            wk_demand_spoil(demand);
        }
        if (wk_demand_add(demand, energy_uwh, record->span_us, now_us, tariff)) {
            note_last(quantities, 1U + i, demand, tariff);
            quantities->changed = EVERY_PART;
        }
    }
    if (ended) {
        note_last(quantities, 0, &rooms->demand, tariff);
        quantities->changed = EVERY_PART;
    }
    quantities->own_spoiled = rooms->demand.spoiled;
    quantities->known = true;
}

static const struct wk_demand *demand_of(const struct wk_rooms *rooms, uint32_t c)
{
    if (c == ACTIVE_FIRST) {
        return &rooms->demand;
    }
    return c < WK_QUANTITIES_FIRST || c >= WK_QUANTITIES_FIRST + WK_QUANTITIES_DEMANDS
               ? NULL
               : &rooms->quantities->demand[c - WK_QUANTITIES_FIRST];
}

static int64_t average_mw(const struct wk_rooms *rooms, uint32_t c, uint8_t tariff, bool last)
{
    const struct wk_demand *demand = demand_of(rooms, c);
    if (demand == NULL || tariff < 1 || tariff > WK_TARIFF_COUNT) {
        return 0;
    }
    if (last) {
        return rooms->quantities->last_mw[c - ACTIVE_FIRST][tariff - 1];
    }
    return rooms->tariff.current == tariff ? wk_demand_current_mw(demand) : 0;
}

/* ---- energies ---------------------------------------------------------------------------- */

static void add(struct wk_quantities *quantities, const struct wk_record_window *window,
                uint8_t tariff)
{
    const uint8_t rate = (uint8_t)((tariff - 1) % WK_TARIFF_COUNT);
    add_limited(&quantities->tariff_uvah[0][rate], window->total.import_uvah);
    add_limited(&quantities->tariff_uvah[1][rate], window->total.export_uvah);
    for (int phase = 0; phase < WK_RECORD_PHASES; phase++) {
        const struct wk_record_energy *energy = &window->energy[phase];
        add_limited(&quantities->phase_uvarh[0][phase], energy_of(energy, 1));
        add_limited(&quantities->phase_uvarh[1][phase], energy_of(energy, 2));
        add_limited(&quantities->phase_uvah[0][phase], energy->import_uvah);
        add_limited(&quantities->phase_uvah[1][phase], energy->export_uvah);
    }
    quantities->changed |= 1U << WK_QUANTITIES_MOVING;
}

static wk_err value_of(const struct wk_quantities *quantities, uint32_t quantity,
                       uint32_t index, int64_t *value)
{
    const uint32_t way = index / WK_RECORD_PHASES % WK_QUANTITIES_WAYS;
    const uint32_t phase = index % WK_RECORD_PHASES;
    switch (quantity) {
    case WK_OBJECTS_APPARENT_TARIFF:
        *value = quantities->tariff_uvah[index / WK_TARIFF_COUNT % WK_QUANTITIES_WAYS]
                                        [index % WK_TARIFF_COUNT];
        return WK_OK;
    case WK_OBJECTS_REACTIVE_PHASE:
        *value = quantities->phase_uvarh[way][phase];
        return WK_OK;
    case WK_OBJECTS_APPARENT_PHASE:
        *value = quantities->phase_uvah[way][phase];
        return WK_OK;
    default:
        return WK_E_NOT_FOUND;
    }
}

/* ---- octets for the store ---------------------------------------------------------------- */

static void pack_numbers(const int64_t *numbers, size_t count, struct wk_bytes_out *out)
{
    for (size_t i = 0; i < count; i++) {
        wk_bytes_out_u64le(out, (uint64_t)numbers[i]);
    }
}

static bool unpack_numbers(int64_t *numbers, size_t count, struct wk_bytes_in *in)
{
    bool sound = true;
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (int64_t)wk_bytes_in_u64le(in);
        sound = sound && numbers[i] >= 0;
    }
    return sound;
}

#define BY_TARIFF (WK_QUANTITIES_WAYS * WK_TARIFF_COUNT)
#define BY_PHASE  (WK_QUANTITIES_WAYS * WK_RECORD_PHASES)

static void pack(const struct wk_quantities *quantities, uint8_t part, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, VERSION);
    if (part == WK_QUANTITIES_MOVING) {
        wk_bytes_out_u32le(out, quantities->period);
        pack_numbers(quantities->tariff_uvah[0], BY_TARIFF, out);
        pack_numbers(quantities->phase_uvarh[0], BY_PHASE, out);
        pack_numbers(quantities->phase_uvah[0], BY_PHASE, out);
        for (int i = 0; i < WK_QUANTITIES_DEMANDS; i++) {
            wk_demand_part_pack(&quantities->demand[i], out);
        }
        return;
    }
    if (part == WK_QUANTITIES_MAXIMA) {
        pack_numbers(quantities->last_mw[0], WK_TARIFF_COUNT, out);
    }
    for (int n = 0; n < OF_A_PART; n++) {
        const int i = OF_A_PART * (part - WK_QUANTITIES_MAXIMA) + n;
        wk_demand_pack(&quantities->demand[i], out);
        pack_numbers(quantities->last_mw[1 + i], WK_TARIFF_COUNT, out);
    }
}

static wk_err unpack_moving(struct wk_quantities *read, struct wk_bytes_in *in)
{
    read->period = wk_bytes_in_u32le(in);
    bool sound = unpack_numbers(read->tariff_uvah[0], BY_TARIFF, in);
    sound = unpack_numbers(read->phase_uvarh[0], BY_PHASE, in) && sound;
    sound = unpack_numbers(read->phase_uvah[0], BY_PHASE, in) && sound;
    for (int i = 0; i < WK_QUANTITIES_DEMANDS; i++) {
        WK_TRY(wk_demand_part_unpack(&read->demand[i], in));
    }
    return sound ? WK_OK : WK_E_FORMAT;
}

static wk_err unpack_maxima(struct wk_quantities *read, uint8_t part, struct wk_bytes_in *in)
{
    bool sound =
        part != WK_QUANTITIES_MAXIMA || unpack_numbers(read->last_mw[0], WK_TARIFF_COUNT, in);
    for (int n = 0; n < OF_A_PART; n++) {
        const int i = OF_A_PART * (part - WK_QUANTITIES_MAXIMA) + n;
        WK_TRY(wk_demand_unpack(&read->demand[i], in));
        sound = unpack_numbers(read->last_mw[1 + i], WK_TARIFF_COUNT, in) && sound;
    }
    return sound ? WK_OK : WK_E_FORMAT;
}

/* Sub-periods under way are read after the maxima, which drop them. */
static wk_err unpack(struct wk_quantities *quantities, uint8_t part, struct wk_bytes_in *in)
{
    if (wk_bytes_in_u8(in) != VERSION) {
        return WK_E_FORMAT;
    }
    return part == WK_QUANTITIES_MOVING ? unpack_moving(quantities, in)
                                        : unpack_maxima(quantities, part, in);
}

/* ---- the module's way here ---------------------------------------------------------------- */

static const struct wk_quantities_functions k_functions = {
    .demand = take_demand,
    .add = add,
    .demand_of = demand_of,
    .average_mw = average_mw,
    .value = value_of,
    .pack = pack,
    .unpack = unpack,
};

wk_err wk_quantities_init(struct wk_quantities *quantities, const struct wk_demand_rules *rules)
{
    *quantities = (struct wk_quantities){.functions = &k_functions};
    for (int i = 0; i < WK_QUANTITIES_DEMANDS; i++) {
        WK_TRY(wk_demand_init(&quantities->demand[i], rules));
    }
    return WK_OK;
}
