/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/house.h"

#include <math.h>
#include <string.h>

#include "fleet/almanac.h"
#include "fleet/dice.h"

#define DAY_S         INT64_C(86400)
#define DAY_MINUTES   1440
#define MW_US_PER_UWH INT64_C(3600000)
#define YEAR_DAYS     365.25
#define PI            3.14159265358979323846
#define OVERLOAD_MW   INT64_C(18000000)
#define PHASES        WK_RECORD_PHASES

void wk_house_init(struct wk_house *house, const struct wk_grid_minutes *minutes, uint64_t seed,
                   int64_t sun_from_s)
{
    memset(house, 0, sizeof *house);
    house->minutes = minutes;
    house->seed = seed;
    house->sun_from_s = sun_from_s;
    house->day = INT64_MIN;
}

/* ---- days -------------------------------------------------------------------------------- */

static void begin_day(struct wk_house *house, int64_t day)
{
    struct wk_dice dice = wk_dice_of(house->seed, (uint64_t)day);
    const int64_t days = (int64_t)house->minutes->count / DAY_MINUTES;
    const double season = cos(2 * PI * ((double)day - 15) / YEAR_DAYS); /* 1: mid January */
    const double clear = wk_dice_share(&dice);
    house->day = day;
    house->row =
        wk_dice_between(&dice, 0, days - 1) * DAY_MINUTES + wk_dice_between(&dice, -30, 30);
    house->scale = (1 + 0.35 * season) * (0.75 + 0.5 * wk_dice_share(&dice));
    house->sun_w = (3200 - 1600 * season) * (0.1 + 0.9 * clear);
    house->half_sun_s = 3600 * (6.2 - 2.1 * season);
}

static const struct wk_grid_minute *minute_at(const struct wk_house *house, int64_t civil_s)
{
    const int64_t count = (int64_t)house->minutes->count;
    const int64_t row = house->row + civil_s % DAY_S / 60;
    return &house->minutes->row[(row % count + count) % count];
}

static double sun_at(const struct wk_house *house, int64_t true_s, int64_t civil_s)
{
    const double from_noon_s = (double)(civil_s % DAY_S) - 46800;
    if (true_s < house->sun_from_s || fabs(from_noon_s) >= house->half_sun_s) {
        return 0;
    }
    struct wk_dice cloud = wk_dice_of(house->seed ^ 0x5157, (uint64_t)(true_s / 120));
    const double bell = cos(from_noon_s / house->half_sun_s * PI / 2);
    return house->sun_w * bell * (0.7 + 0.3 * wk_dice_share(&cloud));
}

/* ---- phases ------------------------------------------------------------------------------ */

/* Shares of the active power and reactive by active power of the phases, as measured. */
static const double k_share[PHASES] = {0.28199, 0.34466, 0.37335};
static const double k_tan[PHASES] = {0.4036, 0.3413, 0.3885};

static void set_powers(struct wk_house *house, int64_t true_s, struct wk_record_window *window)
{
    const int64_t civil_s = true_s + wk_almanac_offset_s(true_s);
    if (civil_s / DAY_S != house->day) {
        begin_day(house, civil_s / DAY_S);
    }
    const struct wk_grid_minute *minute = minute_at(house, civil_s);
    const double p_w = minute->p_w * house->scale;
    const double sun_w = sun_at(house, true_s, civil_s);
    for (int phase = 0; phase < PHASES; phase++) {
        const double load_w = p_w * k_share[phase];
        window->u_mv[phase] = (int32_t)(minute->u_v * 958) + phase * 150; /* 240 V there */
        window->p_mw[phase] = (int64_t)((load_w - (phase == 1 ? sun_w : 0)) * 1e3);
        window->q1_mvar[phase] = (int64_t)(load_w * k_tan[phase] * 1e3);
    }
}

static void play(wk_house_trick trick, struct wk_record_window *window)
{
    switch (trick) {
    case WK_HOUSE_REVERSED:
        window->p_mw[0] = -(window->p_mw[0] + 300000);
        return;
    case WK_HOUSE_NO_VOLTAGE:
        window->u_mv[2] = 20000;
        window->p_mw[2] = 100000;
        window->q1_mvar[2] = 0;
        return;
    case WK_HOUSE_CT:
        window->p_mw[2] = 0;
        window->q1_mvar[2] = 0;
        window->p_mw[0] += 600000;
        window->p_mw[1] += 6000000; /* also where the sun shines on L2 */
        return;
    case WK_HOUSE_OVERLOAD:
        for (int phase = 0; phase < PHASES; phase++) {
            window->p_mw[phase] += OVERLOAD_MW / PHASES;
        }
        return;
    case WK_HOUSE_HONEST:
    case WK_HOUSE_BYPASS:
    case WK_HOUSE_SEQUENCE:
    default:
        return;
    }
}

static void set_currents(wk_house_trick trick, bool closed, struct wk_record_window *window)
{
    int64_t most_ua = 0;
    for (int phase = 0; phase < PHASES; phase++) {
        const double p = (double)window->p_mw[phase];
        const double q = (double)window->q1_mvar[phase];
        window->s_mva[phase] = (int64_t)sqrt(p * p + q * q);
        window->i_ua[phase] = window->s_mva[phase] * 1000000 / window->u_mv[phase];
        window->i1_ua[phase] = window->i_ua[phase];
        window->p1_mw[phase] = window->p_mw[phase];
        window->u1_mv[phase] = window->u_mv[phase];
        window->pf_e6[phase] =
            window->s_mva[phase] > 0
                ? (int32_t)(window->p_mw[phase] * 1000000 / window->s_mva[phase])
                : 0;
        window->dpf_e6[phase] = window->pf_e6[phase];
        most_ua = window->i_ua[phase] > most_ua ? window->i_ua[phase] : most_ua;
    }
    window->in_ua = most_ua / 4;
    const bool bypassed = trick == WK_HOUSE_BYPASS && closed;
    window->i1_ua[PHASES] = window->in_ua + (bypassed ? 3000000 + most_ua / 10 : most_ua / 500);
    window->i_ua[PHASES] = window->i1_ua[PHASES];
    window->u_sequence_mv[trick == WK_HOUSE_SEQUENCE ? 2 : 1] = WK_HOUSE_NOMINAL_MV;
    window->u_sequence_mv[trick == WK_HOUSE_SEQUENCE ? 1 : 2] = 900;
}

/* ---- energies ---------------------------------------------------------------------------- */

static int64_t gained(int64_t power_mw, int64_t span_us, int64_t *rest)
{
    const int64_t sum = power_mw * span_us + *rest;
    *rest = sum % MW_US_PER_UWH;
    return sum / MW_US_PER_UWH;
}

static void add_energy(struct wk_house *house, int slot, int64_t p_mw, int64_t q_mvar,
                       int64_t span_us, struct wk_record_energy *energy)
{
    const int quadrant = q_mvar >= 0 ? (p_mw >= 0 ? 0 : 1) : (p_mw >= 0 ? 3 : 2);
    const int64_t q = q_mvar >= 0 ? q_mvar : -q_mvar;
    int64_t *rest = house->rest[slot];
    if (p_mw >= 0) {
        energy->import_uwh = gained(p_mw, span_us, &rest[0]);
        energy->import1_uwh = energy->import_uwh;
    } else {
        energy->export_uwh = gained(-p_mw, span_us, &rest[1]);
        energy->export1_uwh = energy->export_uwh;
    }
    energy->q_uvarh[quadrant] = gained(q, span_us, &house->rest_q[slot][quadrant]);
}

static void add_energies(struct wk_house *house, struct wk_record *record)
{
    struct wk_record_window *window = &record->window;
    int64_t p_mw = 0;
    int64_t q_mvar = 0;
    int64_t s_mva = 0;
    for (int phase = 0; phase < PHASES; phase++) {
        add_energy(house, phase, window->p_mw[phase], window->q1_mvar[phase], record->span_us,
                   &window->energy[phase]);
        p_mw += window->p_mw[phase];
        q_mvar += window->q1_mvar[phase];
        s_mva += window->s_mva[phase];
    }
    add_energy(house, PHASES, p_mw, q_mvar, record->span_us, &window->total);
    if (p_mw >= 0) {
        window->total.import_uvah = gained(s_mva, record->span_us, &house->rest_s[0]);
    } else {
        window->total.export_uvah = gained(s_mva, record->span_us, &house->rest_s[1]);
    }
}

void wk_house_window(struct wk_house *house, int64_t true_s, bool closed, wk_house_trick trick,
                     struct wk_record *record)
{
    struct wk_record_window *window = &record->window;
    memset(window, 0, sizeof *window);
    window->phases = PHASES;
    window->frequency_uhz = 50000000;
    window->cycles = 10;
    window->samples = (uint32_t)(record->span_us / 125);
    set_powers(house, true_s, window);
    play(trick, window);
    if (!closed) {
        memset(window->p_mw, 0, sizeof window->p_mw);
        memset(window->q1_mvar, 0, sizeof window->q1_mvar);
    }
    set_currents(trick, closed, window);
    add_energies(house, record);
}
