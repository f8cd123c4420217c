/* SPDX-License-Identifier: Apache-2.0
 *
 * The matrix of fraud, faults and of what only looks like it. A house of synthetic loads, voltages
 * and errors of measurement is built here from physics (phasors, powers); a scenario changes it.
 * What must be found, when, and what must not, is written down with each scenario. */
#include "management/tamper.h"
#include "port/hal.h"
#include "tests/wk_test.h"

#define US 1000000

#ifdef __ARM_ARCH
#define SEEDS 1
#define EVERY 16 /* scenario: the emulator has no floating point of this width */
#else
#define SEEDS 4
#define EVERY 1
#endif

#define NOMINAL_MV 230000
#define MAXIMUM_UA INT64_C(60000000)

/* ---- a house ----------------------------------------------------------------------------- */

struct house {
    double u_v[3];
    double i_a[3];    /* true loads */
    double lag[3];    /* cosine of the angle; negative: generates */
    bool leads;       /* capacitive */
    double neutral_a; /* beside the vector sum: earth loads (-), bypassed lines (+) */
    double seen[3];   /* share of the current that the meter's CT sees; negative: reversed */
    double triplen;   /* third harmonics, share of the current: they add in the neutral */
    bool neutral;     /* the neutral is measured */
    bool swapped;     /* rotation */
    bool open;        /* contactor */
    uint8_t covers;
    int64_t first_opened_s;
    int32_t field_ut;
};

static uint32_t g_random;

static double uniform(double from, double to)
{
    g_random ^= g_random << 13;
    g_random ^= g_random >> 17;
    g_random ^= g_random << 5;
    return from + (to - from) * (double)(g_random >> 8) / 16777216.0;
}

static double root(double square)
{
    double x = square > 1 ? square : 1;
    for (int i = 0; i < 40; i++) {
        x = (x + square / x) / 2;
    }
    return square > 0 ? x : 0;
}

/* Slow movement between -1 and 1 without a library: a triangle of period `period_s`. */
static double wave(int64_t t_s, int64_t period_s)
{
    const double at = (double)(t_s % period_s) / (double)period_s;
    return at < 0.5 ? 4 * at - 1 : 3 - 4 * at;
}

static double g_base_a[3]; /* of this house */
static int64_t g_phase_s;

static void new_house(uint32_t seed)
{
    g_random = seed * 2654435761U + 12345;
    for (int phase = 0; phase < 3; phase++) {
        g_base_a[phase] = uniform(0.9, 1.6);
    }
    g_phase_s = (int64_t)uniform(0, 7200);
}

/* Standby, a fridge, cooking now and then; a grid that moves by a few percent. */
static void ordinary(struct house *house, int64_t t_s)
{
    const int64_t t = t_s + g_phase_s;
    *house = (struct house){.triplen = 0.02};
    for (int phase = 0; phase < 3; phase++) {
        house->u_v[phase] = 231 + 4 * wave(t + phase * 611, 3600) + uniform(-0.3, 0.3);
        house->i_a[phase] = g_base_a[phase] * (1 + 0.3 * wave(t + phase * 977, 2400));
        house->i_a[phase] += (t + phase * 300) % 2700 < 900 ? 0.7 : 0;  /* fridge */
        house->i_a[phase] += (t + phase * 1500) % 5400 < 400 ? 8.5 : 0; /* cooking */
        house->lag[phase] = 0.93 + 0.05 * wave(t + phase * 333, 1700);
        house->seen[phase] = 1;
    }
}

/* ---- what a meter makes of it ------------------------------------------------------------ */

static struct wk_record g_record;

/* A current of `a` amperes whose angle against its voltage has the cosine `cosine`. */
struct phasor {
    double re;
    double im;
};

static struct phasor current_of(const struct house *house, int phase, double a)
{
    static const struct phasor k_turn[3] = {{1, 0}, {-0.5, -0.8660254}, {-0.5, 0.8660254}};
    const double cosine = house->lag[phase];
    const double sine = root(1 - cosine * cosine) * (house->leads ? 1 : -1);
    const struct phasor turn = k_turn[phase];
    return (struct phasor){a * (cosine * turn.re - sine * turn.im),
                           a * (cosine * turn.im + sine * turn.re)};
}

static double magnitude(double x)
{
    return x < 0 ? -x : x;
}

static void measure_neutral(const struct house *house, int phases,
                            struct wk_record_window *window)
{
    struct phasor seen = {0, 0};
    struct phasor true_sum = {0, 0};
    double triplen_a = 0;
    for (int phase = 0; phase < phases; phase++) {
        const struct phasor a =
            current_of(house, phase, house->i_a[phase] * house->seen[phase]);
        const struct phasor b = current_of(house, phase, house->i_a[phase]);
        seen = (struct phasor){seen.re + a.re, seen.im + a.im};
        true_sum = (struct phasor){true_sum.re + b.re, true_sum.im + b.im};
        triplen_a += house->i_a[phase] * house->triplen;
    }
    const double computed_a = root(seen.re * seen.re + seen.im * seen.im);
    const double sum_a = root(true_sum.re * true_sum.re + true_sum.im * true_sum.im);
    const double measured_a =
        (sum_a + house->neutral_a > 0 ? sum_a + house->neutral_a : 0) * uniform(0.995, 1.005);
    window->in_ua = (int64_t)(computed_a * 1e6);
    window->i1_ua[3] = (int64_t)(measured_a * 1e6);
    window->i_ua[3] = (int64_t)(root(measured_a * measured_a + triplen_a * triplen_a) * 1e6);
}

static void measure(const struct house *house, int phases, int64_t t_us, int64_t span_us)
{
    struct wk_record_window *window = &g_record.window;
    g_record = (struct wk_record){.t_us = t_us, .span_us = span_us, .kind = WK_RECORD_WINDOW};
    window->phases = (uint8_t)phases;
    double u_sum = 0;
    double p_w = 0;
    for (int phase = 0; phase < phases; phase++) {
        const double error = uniform(0.998, 1.002);
        const double u_v = house->u_v[phase];
        const double share = house->seen[phase];
        const double i_a = magnitude(house->i_a[phase] * share) * error;
        const double p = u_v * i_a * house->lag[phase] * (share < 0 ? -1 : 1);
        window->u_mv[phase] = (int32_t)(u_v * 1000);
        window->i_ua[phase] = (int64_t)(i_a * 1e6);
        window->i1_ua[phase] = window->i_ua[phase];
        window->p_mw[phase] = (int64_t)(p * 1000);
        window->s_mva[phase] = (int64_t)(u_v * i_a * 1000);
        window->pf_e6[phase] = (int32_t)(house->lag[phase] * 1e6);
        u_sum += u_v;
        p_w += p;
    }
    if (house->neutral) {
        measure_neutral(house, phases, window);
    }
    window->u_sequence_mv[house->swapped ? 2 : 1] = (int32_t)(u_sum / 3 * 1000);
    window->u_sequence_mv[house->swapped ? 1 : 2] = (int32_t)(u_sum / 3 * 8);
    const int64_t uwh = (int64_t)(p_w * (double)span_us / 3600.0);
    window->total.import_uwh = uwh > 0 ? uwh : 0;
    window->total.export_uwh = uwh < 0 ? -uwh : 0;
}

/* ---- scenarios --------------------------------------------------------------------------- */

struct scenario {
    const char *name;
    int kind;  /* what must be found; -1: nothing */
    int phase; /* ... of it */
    uint8_t phases;
    int16_t within_s; /* of the begin */
    double strength;
    void (*change)(struct house *house, const struct scenario *scenario, int64_t t_s);
    void (*prepare)(struct wk_tamper *tamper, const struct scenario *scenario);
    int32_t span_ms;  /* of windows; 0: 1 s */
    int32_t length_s; /* of the scenario; 0: 2 h */
    bool learns;      /* a day before it */
};

/* fraud and faults */

static void bypass(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->neutral = true;
    house->i_a[0] = house->i_a[0] < 2 ? 2 : house->i_a[0];
    house->seen[0] = 1 - scenario->strength; /* part of the line goes round the meter */
}

static void earth_load(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->neutral = true;
    house->i_a[0] = house->i_a[0] < 2 ? 2 : house->i_a[0];
    house->neutral_a = -house->i_a[0] * scenario->strength; /* returns through earth */
}

static void bypass_amperes(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->neutral = true;
    house->neutral_a = scenario->strength;
}

static void no_voltage(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    for (int phase = 0; phase < 3; phase++) {
        house->u_v[phase] = 0.3;
        house->i_a[phase] = scenario->strength;
    }
}

static void reversed(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->i_a[scenario->phase] += scenario->strength;
    house->seen[scenario->phase] = -1;
}

static void reversed_weakly(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->i_a[scenario->phase] = 0.7;
    house->lag[scenario->phase] = scenario->strength;
    house->seen[scenario->phase] = -1;
}

static void voltage_missing(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->u_v[scenario->phase] *= scenario->strength;
}

static void ct_open(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    for (int phase = 0; phase < 3; phase++) {
        house->i_a[phase] += 3;
    }
    house->seen[scenario->phase] = scenario->strength;
}

static void swapped(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->swapped = scenario->strength > 0;
}

static void declare_reversed(struct wk_tamper *tamper, const struct scenario *scenario)
{
    (void)scenario;
    tamper->site.rotation = 2;
}

static void lost_neutral(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->u_v[0] *= 1 + scenario->strength / 2;
    house->u_v[1] *= 1 - scenario->strength / 2;
}

static void magnet(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->field_ut = (int32_t)(scenario->strength * 1000);
}

static void cover(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->covers = (uint8_t)scenario->strength;
}

static void cover_for_a_second(struct house *house, const struct scenario *scenario,
                               int64_t t_s)
{
    house->covers = t_s == 3601 ? (uint8_t)scenario->strength : 0;
}

static void load_while_open(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->open = true; /* welded, or bypassed: current all the same */
    house->i_a[0] = scenario->strength;
    house->i_a[1] = 0;
    house->i_a[2] = 0;
}

static void nothing_used(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)scenario;
    (void)t_s;
    for (int phase = 0; phase < 3; phase++) {
        house->i_a[phase] = 0;
    }
}

static void plain(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)house;
    (void)scenario;
    (void)t_s;
}

/* what is as it should be */

static void site_generates(struct wk_tamper *tamper, const struct scenario *scenario)
{
    (void)scenario;
    tamper->site.generation = 1;
}

static void sun(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    const double shine = wave(t_s, 7200) > 0 ? wave(t_s, 7200) : 0;
    const int first = scenario->phase;
    const int last = scenario->phase < 0 ? 2 : scenario->phase;
    for (int phase = first < 0 ? 0 : first; phase <= last; phase++) {
        const double net_a = house->i_a[phase] - scenario->strength * shine;
        house->i_a[phase] = magnitude(net_a);
        house->lag[phase] = net_a < 0 ? -0.99 : 0.98;
    }
}

static void battery(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    const double net_a = house->i_a[0] + scenario->strength * wave(t_s, 1800);
    house->i_a[0] = magnitude(net_a);
    house->lag[0] = net_a < 0 ? -0.995 : 0.99;
}

static void one_phase_loaded(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->i_a[scenario->phase] += scenario->strength;
    house->lag[scenario->phase] = 0.99;
}

static void two_phases_loaded(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->i_a[0] += scenario->strength;
    house->i_a[1] += scenario->strength;
}

static void balanced(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->neutral = true;
    for (int phase = 0; phase < 3; phase++) {
        house->i_a[phase] = scenario->strength + uniform(0, 0.05);
        house->lag[phase] = 0.95;
    }
}

static void capacitive(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    for (int phase = 0; phase < 3; phase++) {
        house->i_a[phase] = scenario->strength;
        house->lag[phase] = uniform(-0.02, 0.05); /* errors of angle make it look like export */
    }
    house->leads = true;
}

static void motor_starts(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    const bool starting = t_s % 300 < 2;
    for (int phase = 0; phase < 3; phase++) {
        house->i_a[phase] += t_s % 300 < 120 ? 6 * (starting ? scenario->strength : 1) : 0;
        house->lag[phase] = starting ? 0.35 : house->lag[phase];
        house->u_v[phase] *= starting ? 0.88 : 1;
    }
}

static void phase_lost(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->u_v[scenario->phase] = 0.5;
    house->i_a[scenario->phase] = scenario->strength; /* what leaks back through a motor */
}

static void all_lost(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)scenario;
    (void)t_s;
    for (int phase = 0; phase < 3; phase++) {
        house->u_v[phase] = 0.1;
        house->i_a[phase] = 0;
    }
}

static void very_low(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    for (int phase = 0; phase < 3; phase++) {
        house->i_a[phase] = scenario->strength;
        house->lag[phase] = 0.6;
    }
}

static void harmonics(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->neutral = true;
    house->triplen = scenario->strength;
    house->i_a[0] += 6;
}

static void dips(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    for (int phase = 0; phase < 3 && t_s % 600 < 8; phase++) {
        house->u_v[phase] *= scenario->strength;
    }
}

static void swells(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    if (t_s % 600 < 45) {
        house->u_v[scenario->phase] *= scenario->strength;
    }
}

static void grid_at(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    for (int phase = 0; phase < 3; phase++) {
        house->u_v[phase] *= scenario->strength;
    }
}

static void unused_phase(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)t_s;
    house->i_a[scenario->phase] = 0;
    house->i_a[0] += 12;
}

static void disconnected(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    (void)scenario;
    (void)t_s;
    house->open = true;
    for (int phase = 0; phase < 3; phase++) {
        house->i_a[phase] = 0;
    }
}

static void service_ordered(struct wk_tamper *tamper, const struct scenario *scenario)
{
    (void)scenario;
    tamper->service_end_s = INT64_C(1000000) + 100 * 86400;
}

/* notices come with the scenario: `strength` of them, one every 30 s from the begin on */
static void enable_configuration(struct wk_tamper *tamper, const struct scenario *scenario)
{
    (void)scenario;
    tamper->rule[WK_TAMPER_CONFIGURATION].enabled = 1;
}

#define FRAUD(what, on, of, within, much, how, ...)                                            \
    {                                                                                          \
        .name = #what, .kind = WK_TAMPER_##what, .phase = (on), .phases = (of),                \
        .within_s = (within), .strength = (much), .change = (how), .prepare = __VA_ARGS__      \
    }
#define LEGAL(what, on, of, much, how, ...)                                                    \
    {                                                                                          \
        .name = (what), .kind = -1, .phase = (on), .phases = (of), .strength = (much),         \
        .change = (how), .prepare = __VA_ARGS__                                                \
    }

static const struct scenario k_scenarios[] = {
    FRAUD(BYPASS, 0, 1, 32, 0.12, bypass, NULL),
    FRAUD(BYPASS, 0, 1, 32, 0.2, bypass, NULL),
    FRAUD(BYPASS, 0, 1, 32, 0.5, bypass, NULL),
    FRAUD(BYPASS, 0, 1, 32, 0.9, bypass, NULL),
    FRAUD(BYPASS, 0, 1, 32, 1.0, bypass, NULL),
    FRAUD(BYPASS, 0, 1, 32, 0.15, earth_load, NULL),
    FRAUD(BYPASS, 0, 1, 32, 0.6, earth_load, NULL),
    FRAUD(BYPASS, 0, 1, 32, 1.0, earth_load, NULL),
    FRAUD(BYPASS, 0, 3, 32, 3.0, bypass_amperes, NULL),
    FRAUD(BYPASS, 0, 3, 32, 15.0, bypass_amperes, NULL),
    FRAUD(WIRE_MISSING, 0, 1, 62, 0.7, no_voltage, NULL),
    FRAUD(WIRE_MISSING, 0, 1, 62, 2.0, no_voltage, NULL),
    FRAUD(WIRE_MISSING, 0, 1, 62, 40.0, no_voltage, NULL),
    FRAUD(WIRE_MISSING, 0, 3, 62, 5.0, no_voltage, NULL),
    FRAUD(REVERSED, 0, 1, 12, 0.0, reversed, NULL),
    FRAUD(REVERSED, 0, 1, 12, 20.0, reversed, NULL),
    FRAUD(REVERSED, 0, 3, 12, 0.0, reversed, NULL),
    FRAUD(REVERSED, 1, 3, 12, 5.0, reversed, NULL),
    FRAUD(REVERSED, 2, 3, 12, 30.0, reversed, NULL),
    FRAUD(REVERSED, 1, 3, 12, 0.5, reversed_weakly, NULL),
    FRAUD(REVERSED, 0, 1, 12, 0.4, reversed_weakly, NULL),
    FRAUD(VOLTAGE_MISSING, 0, 3, 62, 0.0, voltage_missing, NULL),
    FRAUD(VOLTAGE_MISSING, 1, 3, 62, 0.0, voltage_missing, NULL),
    FRAUD(VOLTAGE_MISSING, 2, 3, 62, 0.3, voltage_missing, NULL),
    FRAUD(VOLTAGE_MISSING, 0, 3, 62, 0.55, voltage_missing, NULL),
    FRAUD(VOLTAGE_MISSING, 0, 1, 62, 0.5, voltage_missing, NULL),
    FRAUD(VOLTAGE_MISSING, 0, 1, 62, 0.2, voltage_missing, NULL),
    FRAUD(CT, 0, 3, 902, 0.0, ct_open, NULL, 0, 0, true),
    FRAUD(CT, 1, 3, 902, 0.0, ct_open, NULL, 0, 0, true),
    FRAUD(CT, 2, 3, 902, 0.01, ct_open, NULL, 0, 0, true),
    /* 2 % of cooking on that phase alone is more than 5 % of the others: longer */
    FRAUD(CT, 0, 3, 3600, 0.02, ct_open, NULL, 0, 0, true),
    FRAUD(SEQUENCE, 0, 3, 62, 1.0, swapped, NULL),
    FRAUD(UNBALANCE, 0, 3, 62, 0.2, lost_neutral, NULL),
    FRAUD(UNBALANCE, 0, 3, 62, 0.3, lost_neutral, NULL),
    FRAUD(UNBALANCE, 0, 3, 62, 0.5, lost_neutral, NULL),
    FRAUD(MAGNET, 0, 1, 4, 35.0, magnet, NULL),
    FRAUD(MAGNET, 0, 3, 4, 100.0, magnet, NULL),
    FRAUD(MAGNET, 0, 1, 4, 450.0, magnet, NULL),
    FRAUD(TERMINAL_COVER, 0, 1, 1, WK_HAL_TERMINAL_COVER, cover, NULL),
    FRAUD(TERMINAL_COVER, 0, 3, 2, WK_HAL_TERMINAL_COVER, cover_for_a_second, NULL),
    FRAUD(MAIN_COVER, 0, 3, 1, WK_HAL_MAIN_COVER, cover, NULL),
    FRAUD(MAIN_COVER, 0, 1, 2, WK_HAL_MAIN_COVER, cover_for_a_second, NULL),
    FRAUD(MODULE, 0, 1, 1, WK_HAL_MODULE, cover, NULL),
    FRAUD(AUTHENTICATION, 0, 1, 152, 5, plain, NULL),
    FRAUD(AUTHENTICATION, 0, 3, 152, 60, plain, NULL),
    FRAUD(CLOCK, 0, 1, 92, 3, plain, NULL),
    FRAUD(CONFIGURATION, 0, 3, 602, 20, plain, enable_configuration),
    FRAUD(NO_CONSUMPTION, 0, 1, 0, 0, nothing_used, NULL, 10000, 100000),
    FRAUD(NO_CONSUMPTION, 0, 3, 0, 0, nothing_used, NULL, 10000, 100000),
    FRAUD(LOAD_WHILE_OPEN, 0, 1, 12, 0.15, load_while_open, NULL),
    FRAUD(LOAD_WHILE_OPEN, 0, 3, 12, 5.0, load_while_open, NULL),
    FRAUD(LOAD_WHILE_OPEN, 0, 1, 12, 50.0, load_while_open, NULL),

    LEGAL("an ordinary day", 0, 1, 0, plain, NULL, 0, 86400),
    LEGAL("an ordinary day of three phases", 0, 3, 0, plain, NULL, 0, 86400, true),
    LEGAL("PV on the only phase", 0, 1, 20, sun, site_generates, 0, 14400),
    LEGAL("PV on L2", 1, 3, 15, sun, site_generates, 0, 14400, true),
    LEGAL("PV on three phases", -1, 3, 25, sun, site_generates, 0, 14400, true),
    LEGAL("battery", 0, 1, 14, battery, site_generates, 0, 14400),
    LEGAL("battery of three phases", 0, 3, 14, battery, site_generates, 0, 14400, true),
    LEGAL("unbalanced load", 2, 3, 45, one_phase_loaded, NULL, 0, 14400, true),
    LEGAL("EV on one phase", 0, 3, 32, one_phase_loaded, NULL, 0, 28800, true),
    LEGAL("EV on the only phase", 0, 1, 32, one_phase_loaded, NULL, 0, 28800),
    LEGAL("cooking on two phases", 0, 3, 16, two_phases_loaded, NULL, 0, 7200, true),
    LEGAL("EV on two phases", 0, 3, 32, two_phases_loaded, NULL, 0, 28800, true),
    LEGAL("balanced heating", 0, 3, 35, balanced, NULL, 0, 7200, true),
    LEGAL("capacitive standby", 0, 1, 0.3, capacitive, NULL),
    LEGAL("capacitive compensation", 0, 3, 3, capacitive, NULL),
    LEGAL("motor starts, 6-fold", 0, 3, 6, motor_starts, NULL, 200, 3600),
    LEGAL("motor starts, 8-fold", 0, 3, 8, motor_starts, NULL, 200, 3600),
    LEGAL("single-phase motor, 8-fold", 0, 1, 8, motor_starts, NULL, 200, 3600),
    LEGAL("L1 lost by the grid", 0, 3, 0, phase_lost, NULL),
    LEGAL("L2 lost, a motor leaks back", 1, 3, 0.2, phase_lost, NULL),
    LEGAL("fuse blown by the utility", 0, 3, 0, all_lost, NULL),
    LEGAL("fuse blown, single phase", 0, 1, 0, all_lost, NULL),
    LEGAL("very low load", 0, 1, 0.02, very_low, NULL, 10000, 200000),
    LEGAL("very low load of three phases", 0, 3, 0.01, very_low, NULL, 10000, 200000),
    LEGAL("third harmonics in the neutral", 0, 3, 0.4, harmonics, NULL),
    LEGAL("strong third harmonics", 0, 3, 0.8, harmonics, NULL),
    LEGAL("dips to 40 %", 0, 3, 0.4, dips, NULL),
    LEGAL("dips to 5 %", 0, 1, 0.05, dips, NULL),
    LEGAL("swells of 18 % on one phase", 1, 3, 1.18, swells, NULL),
    LEGAL("swells of 15 %", 0, 1, 1.15, swells, NULL),
    LEGAL("brown-out to 75 %", 0, 3, 0.75, grid_at, NULL),
    LEGAL("grid 12 % high", 0, 3, 1.12, grid_at, NULL),
    LEGAL("a phase that is not used", 2, 3, 0, unused_phase, NULL, 0, 7200, true),
    LEGAL("rotation as declared", 0, 3, 1, swapped, declare_reversed),
    LEGAL("loudspeaker beside the meter", 0, 1, 5, magnet, NULL),
    LEGAL("covers under a service order", 0, 3, WK_HAL_COVERS, cover, service_ordered),
    LEGAL("clock set by the head-end", WK_TAMPER_CLOCK, 1, 1, plain, NULL),
    LEGAL("four mistyped passwords", WK_TAMPER_AUTHENTICATION, 1, 4, plain, NULL),
    LEGAL("commissioning writes 15 parameters", WK_TAMPER_CONFIGURATION, 3, 15, plain,
          enable_configuration),
    LEGAL("disconnected for three days", 0, 1, 0, disconnected, NULL, 10000, 259200),
};
enum { SCENARIOS = sizeof k_scenarios / sizeof k_scenarios[0] };

/* ---- running them ------------------------------------------------------------------------ */

#define BEGIN_S   3600 /* of the change, after an hour (and a day) of ordinary life */
#define DAY_S     90000
#define RESTORE_S 4000

static struct wk_tamper g_tamper;
static int64_t g_t_us;

struct outcome {
    uint32_t begins;     /* latches that began */
    uint32_t ends;       /* ... that ended */
    int64_t found_after; /* seconds from the change to the begin of the wanted latch; -1 */
};

static struct wk_tamper_edges step(const struct house *house, int phases, int64_t span_us)
{
    g_t_us += span_us;
    measure(house, phases, g_t_us, span_us);
    const struct wk_tamper_input input = {
        .record = &g_record,
        .utc_s = g_t_us / US,
        .open = house->open,
        .covers = house->covers,
        .first_opened_s = house->first_opened_s,
        .field_ut = house->field_ut,
    };
    return wk_tamper_step(&g_tamper, &input);
}

/* What is so before, during and after the change. */
static void life_of(struct house *house, const struct scenario *scenario, int64_t t_s)
{
    ordinary(house, t_s);
    house->neutral = scenario->kind == WK_TAMPER_BYPASS || scenario->change == balanced ||
                     scenario->change == harmonics;
    house->swapped = scenario->prepare == declare_reversed;
    if (scenario->change == unused_phase) {
        house->i_a[scenario->phase] = 0;
    }
}

static uint32_t ordinary_life(const struct scenario *scenario, int64_t seconds, int64_t span_us)
{
    uint32_t begins = 0;
    struct house house;
    for (int64_t t_us = 0; t_us < seconds * US; t_us += span_us) {
        life_of(&house, scenario, t_us / US);
        begins |= step(&house, scenario->phases, span_us).begins;
    }
    return begins;
}

static void send_notices(const struct scenario *scenario, int64_t t_us, int64_t span_us)
{
    const int kind = scenario->kind >= 0 ? scenario->kind : scenario->phase;
    const bool counted = scenario->change == plain && kind >= WK_TAMPER_AUTHENTICATION &&
                         kind <= WK_TAMPER_CONFIGURATION;
    const int64_t number = t_us / (30 * (int64_t)US);
    if (counted && t_us % (30 * (int64_t)US) < span_us &&
        number < (int64_t)scenario->strength) {
        wk_tamper_count(&g_tamper, (wk_tamper_kind)kind, g_t_us);
    }
}

static void live_through(const struct scenario *scenario, struct outcome *outcome)
{
    const int64_t span_us = (scenario->span_ms != 0 ? scenario->span_ms : 1000) * 1000;
    const int64_t length_s = scenario->length_s != 0 ? scenario->length_s : 7200;
    struct house house;
    for (int64_t t_us = 0; t_us < length_s * US; t_us += span_us) {
        const int64_t t_s = BEGIN_S + t_us / US;
        life_of(&house, scenario, t_s);
        scenario->change(&house, scenario, t_s);
        send_notices(scenario, t_us, span_us);
        const struct wk_tamper_edges edges = step(&house, scenario->phases, span_us);
        const uint32_t wanted =
            scenario->kind < 0
                ? 0
                : 1U << (wk_tamper_latch_of((wk_tamper_kind)scenario->kind) + scenario->phase);
        if ((edges.begins & wanted) != 0 && outcome->found_after < 0) {
            outcome->found_after = (t_us + span_us) / US;
        }
        outcome->begins |= edges.begins;
        outcome->ends |= edges.ends;
    }
}

static struct outcome run(const struct scenario *scenario, uint32_t seed)
{
    struct outcome outcome = {.found_after = -1};
    new_house(seed);
    g_t_us = INT64_C(1000000) * US;
    wk_tamper_init(&g_tamper, NOMINAL_MV, MAXIMUM_UA);
    if (scenario->prepare != NULL) {
        scenario->prepare(&g_tamper, scenario);
    }
    if (scenario->learns) {
        outcome.begins |= ordinary_life(scenario, DAY_S, 10 * (int64_t)US);
    }
    outcome.begins |= ordinary_life(scenario, BEGIN_S, US);
    live_through(scenario, &outcome);
    return outcome;
}

static int g_frauds;
static int g_found;
static int g_restored;
static int g_legal;
static int g_false;

static void judge(const struct scenario *scenario, uint32_t seed)
{
    struct outcome outcome = run(scenario, seed);
    if (scenario->kind < 0) {
        g_legal++;
        g_false += outcome.begins != 0 ? 1 : 0;
        if (outcome.begins != 0) {
            printf("# seed %u, %s: latches %08x\n", (unsigned)seed, scenario->name,
                   (unsigned)outcome.begins);
        }
        return;
    }
    const uint32_t wanted =
        1U << (wk_tamper_latch_of((wk_tamper_kind)scenario->kind) + scenario->phase);
    const int64_t within_s =
        scenario->kind == WK_TAMPER_NO_CONSUMPTION ? 86410 : scenario->within_s;
    const bool found = outcome.found_after >= 0 && outcome.found_after <= within_s;
    const bool others = (outcome.begins & ~wanted) != 0;
    g_frauds++;
    g_found += found ? 1 : 0;
    g_false += others ? 1 : 0;
    const uint32_t more = ordinary_life(scenario, 86400 + RESTORE_S, 10 * (int64_t)US);
    const bool restored = (wk_tamper_active(&g_tamper) & wanted) == 0 && (more & ~wanted) == 0;
    g_restored += restored ? 1 : 0;
    if (!found || others || !restored) {
        printf("# seed %u, %s phase %d strength %g: after %lld s, latches %08x, later %08x\n",
               (unsigned)seed, scenario->name, scenario->phase, scenario->strength,
               (long long)outcome.found_after, (unsigned)outcome.begins, (unsigned)more);
    }
}

static void every_fraud_is_found_in_time_and_nothing_else(void)
{
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        for (int i = 0; i < SCENARIOS; i += EVERY) {
            judge(&k_scenarios[i], seed);
        }
    }
    if (EVERY == 1) {
        WK_TEST_FIGURE("tamper scenarios", SCENARIOS / EVERY, "", ">= 60",
                       SCENARIOS / EVERY >= 60, SEEDS);
    }
    WK_TEST_FIGURE("tamper: frauds and faults found in time", 100.0 * g_found / g_frauds, "%",
                   "= 100", g_found == g_frauds, SEEDS);
    WK_TEST_FIGURE("tamper: frauds and faults that ended again", 100.0 * g_restored / g_frauds,
                   "%", "= 100", g_restored == g_frauds, SEEDS);
    WK_TEST_FIGURE("tamper: false alarms", g_false, "", "= 0", g_false == 0, SEEDS);
    printf("# %d runs with fraud or fault, %d without\n", g_frauds, g_legal);
    EXPECT_I64(g_frauds, g_found);
    EXPECT_I64(g_frauds, g_restored);
    EXPECT_I64(0, g_false);
}

/* ---- energy, by hand --------------------------------------------------------------------- */

static void steady(struct house *house, double i_a)
{
    *house = (struct house){
        .u_v = {230, 230, 230}, .i_a = {i_a, i_a, i_a}, .lag = {1, 1, 1}, .seen = {1, 1, 1}};
}

static void a_bypassed_line_is_estimated_by_the_neutral_current(void)
{
    struct house house;
    wk_tamper_init(&g_tamper, NOMINAL_MV, MAXIMUM_UA);
    steady(&house, 10);
    house.neutral = true;
    house.seen[0] = 0.4; /* 6 A pass by */
    for (int s = 0; s < 30 + 3600; s++) {
        (void)step(&house, 1, US);
    }
    /* 230 V, 6 A, an hour: 1380 Wh; errors of measurement average out to 0.2 % */
    EXPECT_NEAR(1380e6, g_tamper.energy.bypass_uwh, 1380e6 * 0.004);
    EXPECT_I64(0, g_tamper.energy.voltage_uwh);
}

static void a_missing_voltage_is_estimated_at_the_nominal_one(void)
{
    struct house house;
    wk_tamper_init(&g_tamper, NOMINAL_MV, MAXIMUM_UA);
    steady(&house, 10);
    house.u_v[1] = 23;
    for (int s = 0; s < 60 + 3600; s++) {
        (void)step(&house, 3, US);
    }
    EXPECT_NEAR(2070e6, g_tamper.energy.voltage_uwh, 2070e6 * 0.002); /* 207 V, 10 A, 1 h */
    EXPECT_I64(0, g_tamper.energy.bypass_uwh);
}

static void a_magnet_is_billed_at_imax_only_if_that_is_set(void)
{
    struct house house;
    for (uint8_t bill = 0; bill < 2; bill++) {
        wk_tamper_init(&g_tamper, NOMINAL_MV, MAXIMUM_UA);
        g_tamper.site.magnet_bill = bill;
        steady(&house, 10);
        house.field_ut = 100000;
        for (int s = 0; s < 2 + 3600; s++) {
            (void)step(&house, 1, US);
        }
        /* 230 V, (60 - 10) A, 1 h = 11.5 kWh */
        EXPECT_NEAR(bill != 0 ? 11.5e9 : 0, g_tamper.energy.magnet_uwh, 11.5e9 * 0.002);
    }
}

/* ---- snapshots, store, bad input --------------------------------------------------------- */

static void a_begin_keeps_the_quantities_and_the_first_opening_without_power_its_time(void)
{
    struct house house;
    wk_tamper_init(&g_tamper, NOMINAL_MV, MAXIMUM_UA);
    g_t_us = INT64_C(2000000) * US;
    steady(&house, 7);
    house.covers = WK_HAL_MAIN_COVER;
    house.first_opened_s = 1999000;
    const struct wk_tamper_edges edges = step(&house, 3, US);
    EXPECT_I64(1U << wk_tamper_latch_of(WK_TAMPER_MAIN_COVER), edges.begins);
    const struct wk_tamper_snapshot *snapshot = &g_tamper.snapshot[g_tamper.newest];
    EXPECT_I64(1999000, snapshot->utc_s);
    EXPECT_I64(230000, snapshot->u_mv[2]);
    EXPECT_NEAR(7000, snapshot->i_ma[0], 20);
    EXPECT_NEAR(1610, snapshot->p_w[1], 5);
    house.covers = 0;
    EXPECT_I64(edges.begins, step(&house, 3, US).ends);
}

static void an_order_that_ends_with_an_open_cover_is_a_fraud_from_then_on(void)
{
    struct house house;
    wk_tamper_init(&g_tamper, NOMINAL_MV, MAXIMUM_UA);
    g_t_us = INT64_C(2000000) * US;
    EXPECT_ERR(WK_E_RANGE, wk_tamper_service(&g_tamper, 2000000, 2000000 + 7 * 86400 + 1));
    EXPECT_ERR(WK_E_RANGE, wk_tamper_service(&g_tamper, 2000000, INT64_MAX));
    EXPECT_OK(wk_tamper_service(&g_tamper, 2000000, 2000600));
    steady(&house, 7);
    house.covers = WK_HAL_TERMINAL_COVER;
    for (int s = 0; s < 599; s++) {
        EXPECT_I64(0, step(&house, 1, US).begins);
    }
    EXPECT_I64(WK_HAL_TERMINAL_COVER, g_tamper.service_seen);
    EXPECT_I64(1U << wk_tamper_latch_of(WK_TAMPER_TERMINAL_COVER), step(&house, 1, US).begins);
}

static void all_of_it_survives_a_power_cut(void)
{
    static struct wk_tamper after;
    static uint8_t raw[2][WK_TAMPER_PACKED];
    (void)run(&k_scenarios[0], 3);
    g_tamper.rule[WK_TAMPER_MAGNET].level = 55000;
    g_tamper.rule[WK_TAMPER_LOAD_WHILE_OPEN].end_s = 11;
    struct wk_bytes_out out = wk_bytes_out_of(raw[0], sizeof raw[0]);
    wk_tamper_pack(&g_tamper, &out);
    EXPECT_OK(out.fault);
    struct wk_bytes_out state = wk_bytes_out_of(raw[1], sizeof raw[1]);
    wk_tamper_pack_state(&g_tamper, &state);
    EXPECT_OK(state.fault);
    wk_tamper_init(&after, 1, 1000000);
    struct wk_bytes_in in = wk_bytes_in_of(raw[0], out.size);
    EXPECT_OK(wk_tamper_unpack(&after, &in));
    EXPECT_OK(wk_bytes_in_end(&in));
    in = wk_bytes_in_of(raw[1], state.size);
    EXPECT_OK(wk_tamper_unpack_state(&after, &in));
    EXPECT_OK(wk_bytes_in_end(&in));
    EXPECT(wk_tamper_active(&g_tamper) != 0);
    EXPECT_I64(wk_tamper_active(&g_tamper), wk_tamper_active(&after));
    EXPECT_I64(g_tamper.energy.bypass_uwh, after.energy.bypass_uwh);
    EXPECT_BYTES(g_tamper.snapshot, after.snapshot, sizeof after.snapshot);
    for (int kind = 0; kind < WK_TAMPER_KINDS; kind++) {
        for (uint8_t row = 0; row < wk_tamper_rule_table.count; row++) {
            EXPECT_I64(wk_setting_get(&wk_tamper_rule_table, &g_tamper.rule[kind], row),
                       wk_setting_get(&wk_tamper_rule_table, &after.rule[kind], row));
        }
    }
    for (size_t size = 0; size < out.size; size++) { /* cut short at every octet */
        in = wk_bytes_in_of(raw[0], size);
        EXPECT(wk_tamper_unpack(&after, &in) != WK_OK);
    }
}

static void bad_rules_are_refused_and_change_nothing(void)
{
    wk_tamper_init(&g_tamper, NOMINAL_MV, MAXIMUM_UA);
    static struct wk_tamper before;
    before = g_tamper;
    struct wk_tamper_rule rule = g_tamper.rule[WK_TAMPER_BYPASS];
    EXPECT_ERR(WK_E_ARGUMENT, wk_tamper_set_rule(&g_tamper, WK_TAMPER_KINDS, &rule));
    rule.end_level = rule.level + 1; /* an end above a begin that rises */
    EXPECT_ERR(WK_E_RANGE, wk_tamper_set_rule(&g_tamper, WK_TAMPER_BYPASS, &rule));
    rule = g_tamper.rule[WK_TAMPER_VOLTAGE_MISSING];
    rule.end_level = rule.level - 1; /* ... below one that falls */
    EXPECT_ERR(WK_E_RANGE, wk_tamper_set_rule(&g_tamper, WK_TAMPER_VOLTAGE_MISSING, &rule));
    static const int32_t k_levels[] = {INT32_MIN, -1, 10000001, INT32_MAX};
    for (size_t i = 0; i < sizeof k_levels / sizeof k_levels[0]; i++) {
        rule = g_tamper.rule[WK_TAMPER_MAGNET];
        rule.level = k_levels[i];
        EXPECT_ERR(WK_E_RANGE, wk_tamper_set_rule(&g_tamper, WK_TAMPER_MAGNET, &rule));
        rule = g_tamper.rule[WK_TAMPER_MAGNET];
        rule.least_ma = k_levels[i];
        EXPECT_ERR(WK_E_RANGE, wk_tamper_set_rule(&g_tamper, WK_TAMPER_MAGNET, &rule));
    }
    rule = g_tamper.rule[WK_TAMPER_MAGNET];
    rule.begin_s = UINT32_MAX;
    EXPECT_ERR(WK_E_RANGE, wk_tamper_set_rule(&g_tamper, WK_TAMPER_MAGNET, &rule));
    struct wk_tamper_site site = g_tamper.site;
    site.nominal_mv = 0;
    EXPECT_ERR(WK_E_RANGE, wk_tamper_set_site(&g_tamper, &site));
    site = g_tamper.site;
    site.maximum_ua = INT64_MAX;
    EXPECT_ERR(WK_E_RANGE, wk_tamper_set_site(&g_tamper, &site));
    EXPECT_BYTES(&before, &g_tamper, sizeof before);
}

/* Values no meter gives: nothing overflows (the sanitizer watches), registers never fall. */
static void impossible_windows_break_nothing(void)
{
    static const int64_t k_values[] = {INT64_MIN, INT64_MIN + 1, -1,        0,
                                       1,         INT64_MAX - 1, INT64_MAX, 1000000};
    wk_tamper_init(&g_tamper, NOMINAL_MV, MAXIMUM_UA);
    g_tamper.site.magnet_bill = 1;
    new_house(99);
    int64_t before_uwh = 0;
    for (int n = 0; n < 20000; n++) {
        struct wk_record_window *window = &g_record.window;
        g_record.span_us = k_values[(int)uniform(0, 8)];
        window->phases = n % 2 == 0 ? 3 : 1;
        for (int phase = 0; phase < 4; phase++) {
            window->i_ua[phase] = k_values[(int)uniform(0, 8)];
            window->i1_ua[phase] = k_values[(int)uniform(0, 8)];
            window->u_mv[phase] = (int32_t)(k_values[(int)uniform(0, 8)] >> 32);
        }
        for (int phase = 0; phase < 3; phase++) {
            window->p_mw[phase] = k_values[(int)uniform(0, 8)] >> 2;
            window->s_mva[phase] = k_values[(int)uniform(0, 8)];
            window->pf_e6[phase] = (int32_t)(k_values[(int)uniform(0, 8)] >> 40);
            window->u_sequence_mv[phase] = (int32_t)(k_values[(int)uniform(0, 8)] >> 32);
        }
        window->in_ua = k_values[(int)uniform(0, 8)];
        const struct wk_tamper_input input = {
            .record = &g_record, .utc_s = n, .field_ut = n % 3 == 0 ? INT32_MAX : INT32_MIN};
        (void)wk_tamper_step(&g_tamper, &input);
        const int64_t sum_uwh =
            g_tamper.energy.bypass_uwh / 4 + g_tamper.energy.voltage_uwh / 4;
        EXPECT(sum_uwh >= before_uwh);
        before_uwh = sum_uwh;
    }
}

WK_TEST_MAIN(T(every_fraud_is_found_in_time_and_nothing_else),
             T(a_bypassed_line_is_estimated_by_the_neutral_current),
             T(a_missing_voltage_is_estimated_at_the_nominal_one),
             T(a_magnet_is_billed_at_imax_only_if_that_is_set),
             T(a_begin_keeps_the_quantities_and_the_first_opening_without_power_its_time),
             T(an_order_that_ends_with_an_open_cover_is_a_fraud_from_then_on),
             T(all_of_it_survives_a_power_cut), T(bad_rules_are_refused_and_change_nothing),
             T(impossible_windows_break_nothing))
