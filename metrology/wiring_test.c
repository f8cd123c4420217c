/* SPDX-License-Identifier: Apache-2.0
 *
 * The matrix: every single and every double wiring fault, for loads from PF 0.5 L to 0.5 C, with
 * unbalance and with phases that export. Installations are built here from conductors and
 * leads; the room sees windows only. */
#include "metrology/wiring.h"

#include <math.h>
#include <stdlib.h>

#include "tests/wk_test.h"

#define DEG           0.017453292519943295
#define NOMINAL_V     230.0
#define RATED_A       5.0
#define SEED          7
#define FAULTS        29
#define POWER_FACTORS 11
#define SKIP_TARGET   331 /* on a microcontroller every so many-th case */

/* ---- an installation ---------------------------------------------------------------------- */

struct vector {
    double re;
    double im;
};

struct site {
    int rotation;
    int u[3]; /* conductor at the voltage inputs: 0..2, 3 = N */
    bool open[3];
    bool lost; /* the neutral conductor floats */
    int n;
    int ct[3]; /* phase each CT is on */
    bool turned[3];
    bool dead[3];
    double ratio[3];   /* of the voltage inputs */
    double i_scale[3]; /* of the CTs */
    /* the world */
    double lag[3]; /* by which the current of each phase lags */
    double amps[3];
    bool exports[3];
    struct vector shift; /* of a floating star point */
    double leak[3];      /* what an open input still shows */
    double u_size[3];
    double u_turn[3];
};

static uint64_t g_random = SEED;

static double uniform(double least, double most)
{
    g_random = g_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return least + (most - least) * (double)(g_random >> 11) / 9007199254740992.0;
}

static struct vector polar(double size, double deg)
{
    const double turn = deg * DEG;
    const struct vector v = {.re = size * cos(turn), .im = size * sin(turn)};
    return v;
}

static void swap_ints(int *a, int *b)
{
    const int was = *a;
    *a = *b;
    *b = was;
}

static const int k_pairs[3][2] = {{0, 1}, {1, 2}, {0, 2}};

/* Faults 0..28: what a fitter can do wrong, one at a time. */
static void wire(struct site *site, int fault)
{
    const int k = fault % 3;
    const int *pair = k_pairs[k];
    if (fault < 3) {
        site->turned[k] = !site->turned[k];
    } else if (fault < 6) {
        swap_ints(&site->ct[pair[0]], &site->ct[pair[1]]);
    } else if (fault < 9) {
        site->dead[k] = true;
    } else if (fault < 12) {
        swap_ints(&site->u[pair[0]], &site->u[pair[1]]);
    } else if (fault < 15) {
        site->open[k] = true;
    } else if (fault < 18) {
        swap_ints(&site->n, &site->u[k]);
    } else if (fault < 21) {
        site->ratio[k] = 0.577;
    } else if (fault < 27) {
        const int other = (k + (fault < 24 ? 1 : 2)) % 3;
        site->u[k] = site->u[other];
    } else if (fault == 27) {
        site->lost = true;
    } else if (fault == 28) {
        site->rotation = -site->rotation;
    } else {
        site->i_scale[k] = 8;
    }
}

static struct vector conductor(const struct site *site, int which)
{
    if (which == 3) {
        return site->lost ? site->shift : (struct vector){0, 0};
    }
    return polar(NOMINAL_V * site->u_size[which],
                 site->u_turn[which] - 120.0 * which * site->rotation);
}

/* Nothing is seen of the conductor. */
static bool dark(const struct site *site, int input)
{
    return site->open[input] || site->u[input] == site->n;
}

static struct wk_record window_of(const struct site *site)
{
    struct wk_record record = {.kind = WK_RECORD_WINDOW};
    struct wk_record_window *window = &record.window;
    const struct vector neutral = conductor(site, site->n);
    window->phases = 3;
    for (int k = 0; k < 3; k++) {
        const struct vector at = conductor(site, site->u[k]);
        struct vector u = {at.re - neutral.re, at.im - neutral.im};
        u = dark(site, k) ? polar(NOMINAL_V * site->leak[k], uniform(-180, 180)) : u;
        const int p = site->ct[k];
        const struct vector p_u = conductor(site, p);
        const double i_deg = atan2(p_u.im, p_u.re) / DEG - site->lag[p] +
                             (site->exports[p] ? 180 : 0) + (site->turned[k] ? 180 : 0);
        const double amps = site->dead[k] ? 0 : site->amps[p] * site->i_scale[k];
        window->u1_mv[k] = (int32_t)(hypot(u.re, u.im) * site->ratio[k] * 1e3);
        window->u_mdeg[k] = (int32_t)(atan2(u.im, u.re) / DEG * 1e3);
        window->i1_ua[k] = (int64_t)(amps * 1e6);
        window->i_mdeg[k] = (int32_t)(remainder(i_deg + uniform(-0.1, 0.1), 360) * 1e3);
    }
    window->reference = window->u1_mv[0] > 50000 ? 0 : window->u1_mv[1] > 50000 ? 1 : 2;
    const int32_t back = window->u_mdeg[window->reference];
    for (int k = 0; k < 3; k++) {
        window->u_mdeg[k] = (int32_t)(remainder((window->u_mdeg[k] - back) / 1e3, 360) * 1e3);
        window->i_mdeg[k] = (int32_t)(remainder((window->i_mdeg[k] - back) / 1e3, 360) * 1e3);
    }
    return record;
}

static struct site site_right(void)
{
    struct site site = {.rotation = 1, .u = {0, 1, 2}, .n = 3, .ct = {0, 1, 2}};
    for (int k = 0; k < 3; k++) {
        site.ratio[k] = site.i_scale[k] = 1;
        site.amps[k] = RATED_A;
        site.leak[k] = uniform(0, 0.05);
        site.u_size[k] = uniform(0.98, 1.02);
        site.u_turn[k] = uniform(-0.8, 0.8);
    }
    site.shift = polar(NOMINAL_V * uniform(0.12, 0.4), uniform(-180, 180));
    return site;
}

static struct wk_wiring_verdict judge(const struct site *site,
                                      const struct wk_wiring_declared *declared)
{
    struct wk_wiring wiring;
    struct wk_wiring_verdict verdict;
    wk_wiring_init(&wiring);
    for (int n = 0; n < 3; n++) {
        const struct wk_record record = window_of(site);
        (void)wk_wiring_add(&wiring, &record);
    }
    wk_wiring_judge(&wiring, declared, &verdict);
    return verdict;
}

static bool same_voltage(const struct site *site, int input, int conductor, bool ratio)
{
    return dark(site, input)
               ? conductor < 0
               : site->u[input] == conductor && ratio == (site->ratio[input] != 1);
}

/* Whether the verdict's layout is this site, whatever its phases are called. */
static bool same_wiring(const struct site *site, const struct wk_wiring_layout *layout)
{
    static const int k_order[6][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1},
                                      {1, 0, 2}, {0, 2, 1}, {2, 1, 0}};
    for (int n = 0; n < 6; n++) {
        const int name[4] = {k_order[n][0], k_order[n][1], k_order[n][2], 3};
        bool same = site->rotation == layout->rotation * (n < 3 ? 1 : -1) &&
                    site->n == name[layout->neutral] && site->lost == layout->neutral_lost;
        for (int k = 0; k < 3 && same; k++) {
            const bool dead = ((layout->dead >> k) & 1) != 0;
            const bool none = ((layout->open >> k) & 1) != 0 || layout->u[k] == layout->neutral;
            const bool ratio = ((layout->off_ratio >> k) & 1) != 0;
            same = same_voltage(site, k, none ? -1 : name[layout->u[k]], ratio) &&
                   site->dead[k] == dead;
            same = same && (dead || (site->ct[k] == name[layout->i[k]] &&
                                     site->turned[k] == (((layout->reversed >> k) & 1) != 0)));
        }
        if (same) {
            return true;
        }
    }
    return false;
}

/* Whether the currents beyond the expected range were found, and no others. */
static bool same_ratios(const struct site *site, const struct wk_wiring_verdict *verdict)
{
    unsigned found = 0;
    unsigned there = 0;
    for (int f = 0; f < verdict->findings; f++) {
        if (verdict->finding[f].kind == WK_WIRING_I_RATIO) {
            found |= 1U << verdict->finding[f].a;
        }
    }
    for (int k = 0; k < 3; k++) {
        const double amps = site->amps[site->ct[k]] * site->i_scale[k];
        there |= !site->dead[k] && amps > 7.5 ? 1U << k : 0;
    }
    return found == there;
}

/* ---- the matrix --------------------------------------------------------------------------- */

struct tally {
    int cases;
    int wrong;
    int cannot;
    int rotated; /* of them, inputs that are moved round and nothing else */
    int number;
    int faults[2]; /* the first that went wrong */
};

/* Which way power flows: all import, all export, one exports. */
/* Which matrix. */
struct plan {
    wk_wiring_character character;
    bool transformers; /* ratios of voltages may be wrong too */
    bool beyond;       /* one phase exports, loads beyond PF 0.7 */
    bool unlike;       /* loads of any angle, though declared alike */
};

enum { FLOW_IMPORT, FLOW_EXPORT, FLOW_ONE_A, FLOW_ONE_B, FLOW_ONE_C, FLOWS };

static void set_loads(struct site *site, double lag, double least, double most)
{
    for (int p = 0; p < 3; p++) {
        const double own = lag + uniform(-12, 12);
        site->lag[p] = own < least ? least : own > most ? most : own;
    }
}

static void set_flow(struct site *site, struct wk_wiring_declared *declared, int flow)
{
    for (int p = 0; p < 3; p++) {
        site->exports[p] = flow == FLOW_EXPORT || flow == FLOW_ONE_A + p;
        declared->flow[p] = site->exports[p] ? WK_WIRING_EXPORT : WK_WIRING_IMPORT;
        if (site->exports[p] && flow != FLOW_EXPORT) {
            site->lag[p] = uniform(-11, 11);
        }
    }
}

/* Unbalance 0: balanced; 1: 3 to 1; 2: 2.1 % of the rated current on L1. */
static void set_unbalance(struct site *site, int unbalance, double level)
{
    static const double k_share[3][3] = {{1, 1, 1}, {1, 0.33, 0.6}, {0.021, 1, 0.4}};
    for (int p = 0; p < 3; p++) {
        site->amps[p] = RATED_A * level * k_share[unbalance][p];
    }
}

/* Two exchanges, of CTs or of voltages, that move all three round. */
static bool rotates(int a, int b)
{
    const bool cts = a >= 3 && a < 6 && b >= 3 && b < 6;
    const bool voltages = a >= 9 && a < 12 && b >= 9 && b < 12;
    return cts || voltages;
}

static void run_case(const int faults[2], double lag, int world, const struct plan *plan,
                     struct tally *tally)
{
    struct wk_wiring_declared declared = wk_wiring_usual(3, 230000, 5000000);
    const wk_wiring_character character = plan->character;
    const bool lone = world % FLOWS >= FLOW_ONE_A;
    const double end = lone && !plan->beyond ? 43 : character == WK_WIRING_ANY ? 57 : 60;
    const int unbalance = world / FLOWS;
    struct site site = site_right();
    set_loads(&site, lag, character == WK_WIRING_INDUCTIVE ? -9 : -end,
              character == WK_WIRING_CAPACITIVE ? 9 : end);
    for (int p = 0; plan->unlike && p < 3; p++) {
        site.lag[p] = uniform(character == WK_WIRING_INDUCTIVE ? -9 : -end, end);
    }
    set_flow(&site, &declared, world % FLOWS);
    set_unbalance(&site, unbalance, 1);
    for (int f = 0; f < 2; f++) {
        if (faults[f] >= 0) {
            wire(&site, faults[f]);
        }
    }
    wk_wiring_declare(&declared, character);
    declared.transformers = plan->transformers;
    declared.i_most_ua = 7500000;
    const struct wk_wiring_verdict verdict = judge(&site, &declared);
    tally->cases++;
    if (!verdict.told) {
        tally->cannot++;
        tally->rotated += rotates(faults[0], faults[1]);
    } else if (!same_wiring(&site, &verdict.layout) || !same_ratios(&site, &verdict)) {
        tally->wrong++;
    } else {
        return;
    }
    tally->faults[0] = faults[0];
    tally->faults[1] = faults[1];
}

static void run_faults(const int faults[2], const struct plan *plan, struct tally *tally)
{
    static const double k_pf[POWER_FACTORS] = {0.5,  0.6,  0.7,  0.8,  0.9, 1,
                                               -0.9, -0.8, -0.7, -0.6, -0.5};
    const int skip = sizeof(void *) == 4 ? SKIP_TARGET : 1;
    for (int p = 0; p < POWER_FACTORS; p++) {
        const double lag = acos(fabs(k_pf[p])) / DEG * (k_pf[p] < 0 ? -1 : 1);
        const bool fits = plan->character == WK_WIRING_ANY ||
                          (plan->character == WK_WIRING_INDUCTIVE ? lag > -1 : lag < 1);
        for (int world = 0; fits && world < 3 * FLOWS; world++) {
            const bool lone = world % FLOWS >= FLOW_ONE_A;
            const bool asked = plan->character == WK_WIRING_ANY ? lone == plan->beyond : true;
            if (asked && tally->number++ % skip == 0) {
                run_case(faults, lag, world, plan, tally);
            }
        }
    }
}

static bool is_ratio(int fault)
{
    return fault >= 18 && fault < 21;
}

static struct tally run_matrix(const struct plan *plan)
{
    struct tally tally = {.cases = 0};
    for (int a = -1; a < FAULTS; a++) {
        for (int b = -1; b < FAULTS; b++) {
            const bool order = (a >= 0 || b < 0) && (b < 0 || a != b);
            if (order && (plan->transformers || (!is_ratio(a) && !is_ratio(b)))) {
                run_faults((int[2]){a, b}, plan, &tally);
            }
        }
    }
    return tally;
}

static void report(const char *name, const struct tally *tally)
{
    char text[80];
    printf("# %s: %d cases, %d wrong, %d cannot tell (last: %d, %d)\n", name, tally->cases,
           tally->wrong, tally->cannot, tally->faults[0], tally->faults[1]);
    snprintf(text, sizeof text, "wiring: wrong verdicts, %s", name);
    WK_TEST_FIGURE(text, tally->wrong, "of cases", "= 0", tally->wrong == 0, SEED);
}

static void inductive_matrix_has_no_wrong_verdict(void)
{
    const struct tally tally = run_matrix(&(struct plan){.character = WK_WIRING_INDUCTIVE});
    report("inductive loads, PF 0.5 L to 1", &tally);
    EXPECT(tally.wrong == 0 && tally.cannot == 0);
}

static void capacitive_matrix_has_no_wrong_verdict(void)
{
    const struct tally tally = run_matrix(&(struct plan){.character = WK_WIRING_CAPACITIVE});
    report("capacitive loads, PF 1 to 0.5 C", &tally);
    EXPECT(tally.wrong == 0 && tally.cannot == 0);
}

static void undeclared_matrix_has_no_wrong_verdict(void)
{
    const struct tally tally = run_matrix(&(struct plan){.character = WK_WIRING_ANY});
    report("loads not declared, up to 57 deg", &tally);
    EXPECT_I64(0, tally.wrong);
    EXPECT_I64(tally.rotated, tally.cannot); /* all CTs reversed look so too */
}

static void transformer_matrix_has_no_wrong_verdict(void)
{
    const struct tally tally =
        run_matrix(&(struct plan){.character = WK_WIRING_INDUCTIVE, .transformers = true});
    report("with voltage transformers", &tally);
    EXPECT_I64(0, tally.wrong);
}

static void one_phase_exporting_amid_poor_loads_is_never_judged_wrongly(void)
{
    const struct tally tally =
        run_matrix(&(struct plan){.character = WK_WIRING_ANY, .beyond = true});
    report("one phase exports amid loads down to PF 0.5", &tally);
    EXPECT_I64(0, tally.wrong);
}

/* Not promised: what happens if the declaration is wrong. */
static void loads_that_are_not_alike_are_mostly_judged_right(void)
{
    const struct tally tally =
        run_matrix(&(struct plan){.character = WK_WIRING_INDUCTIVE, .unlike = true});
    const double wrong = 100.0 * tally.wrong / tally.cases;
    const double cannot = 100.0 * tally.cannot / tally.cases;
    WK_TEST_FIGURE("wiring: wrong, loads of any angle from 9 C to 60 L declared alike", wrong,
                   "%", "shown", true, SEED);
    WK_TEST_FIGURE("wiring: cannot tell, likewise", cannot, "%", "shown", true, SEED);
    EXPECT(wrong < 10);
}

/* ---- single promises ---------------------------------------------------------------------- */

static void nothing_is_told_about_currents_below_two_percent(void)
{
    const struct wk_wiring_declared declared = wk_wiring_usual(3, 230000, 5000000);
    struct site site = site_right();
    wire(&site, 9);
    set_unbalance(&site, 0, 0.019);
    struct wk_wiring_verdict verdict = judge(&site, &declared);
    EXPECT(!verdict.told && verdict.reason == WK_WIRING_LITTLE_CURRENT);
    EXPECT(verdict.findings == 1 && (verdict.finding[0].kind == WK_WIRING_U_EXCHANGED ||
                                     verdict.finding[0].kind == WK_WIRING_ROTATION));
    set_unbalance(&site, 0, 0.021);
    verdict = judge(&site, &declared);
    EXPECT(verdict.told && verdict.finding[0].kind == WK_WIRING_U_EXCHANGED);
}

static void a_lone_backward_phase_is_not_judged_unless_its_flow_is_declared(void)
{
    struct wk_wiring_declared declared = wk_wiring_usual(3, 230000, 5000000);
    struct site site = site_right();
    wire(&site, 1);
    for (int k = 0; k < 3; k++) {
        declared.flow[k] = WK_WIRING_EITHER;
    }
    const struct wk_wiring_verdict open = judge(&site, &declared);
    EXPECT(!open.told && open.reason == WK_WIRING_AMBIGUOUS && open.has_rival);
    declared = wk_wiring_usual(3, 230000, 5000000);
    const struct wk_wiring_verdict told = judge(&site, &declared);
    EXPECT(told.told && told.findings == 1);
    EXPECT(told.finding[0].kind == WK_WIRING_CT_REVERSED && told.finding[0].a == 1);
}

/* What an installation shows, without the chance of the measurement. */
static struct wk_record shown_by(const struct site *site)
{
    g_random = SEED;
    return window_of(site);
}

static bool look_alike(const struct site *a, const struct site *b)
{
    const struct wk_record one = shown_by(a);
    const struct wk_record other = shown_by(b);
    bool alike = true;
    for (int k = 0; k < 3; k++) {
        alike = alike && one.window.u1_mv[k] == other.window.u1_mv[k] &&
                one.window.u_mdeg[k] == other.window.u_mdeg[k] &&
                one.window.i1_ua[k] == other.window.i1_ua[k] &&
                abs(one.window.i_mdeg[k] - other.window.i_mdeg[k]) <= 1;
    }
    return alike;
}

static struct site site_exact(double lag)
{
    struct site site = site_right();
    for (int k = 0; k < 3; k++) {
        site.u_size[k] = 1;
        site.u_turn[k] = 0;
        site.lag[k] = lag;
    }
    return site;
}

/* Cases of the matrix, of one fault or two and of none, with equal phasors: nothing that sees only these can tell
 * them apart, so what is declared decides, and without it no verdict may be given. */
static void what_shows_the_same_phasors_is_told_apart_by_what_is_declared(void)
{
    struct wk_wiring_declared either = wk_wiring_usual(3, 230000, 5000000);
    struct wk_wiring_declared declared = wk_wiring_usual(3, 230000, 5000000);
    struct site reversed = site_exact(5);
    struct site exporting = site_exact(5);
    wire(&reversed, 1);
    exporting.exports[1] = true;
    EXPECT(look_alike(&reversed, &exporting));
    for (int k = 0; k < 3; k++) {
        either.flow[k] = WK_WIRING_EITHER;
    }
    EXPECT(!judge(&exporting, &either).told);
    const struct wk_wiring_verdict turned = judge(&exporting, &declared);
    EXPECT(turned.told && same_wiring(&reversed, &turned.layout));
    declared.flow[1] = WK_WIRING_EXPORT;
    const struct wk_wiring_verdict right = judge(&reversed, &declared);
    EXPECT(right.told && same_wiring(&exporting, &right.layout));

    struct site lagging = site_exact(60); /* PF 0.5 L */
    struct site moved = site_exact(-60);  /* PF 0.5 C, two CTs exchanged, and then two */
    wire(&moved, 3);
    wire(&moved, 4);
    EXPECT(look_alike(&lagging, &moved));
    declared = wk_wiring_usual(3, 230000, 5000000);
    EXPECT(!judge(&lagging, &declared).told);
    wk_wiring_declare(&declared, WK_WIRING_INDUCTIVE);
    const struct wk_wiring_verdict sound = judge(&moved, &declared);
    EXPECT(sound.told && same_wiring(&lagging, &sound.layout));
    wk_wiring_declare(&declared, WK_WIRING_CAPACITIVE);
    const struct wk_wiring_verdict round = judge(&lagging, &declared);
    EXPECT(round.told && same_wiring(&moved, &round.layout));
}

static void the_preview_shows_the_powers_that_right_wiring_would_give(void)
{
    const struct wk_wiring_declared declared = wk_wiring_usual(3, 230000, 5000000);
    struct site site = site_right();
    for (int k = 0; k < 3; k++) {
        site.lag[k] = 30;
        site.amps[k] = 1 + k;
    }
    struct site right = site;
    const struct wk_wiring_verdict wanted = judge(&right, &declared);
    EXPECT(wanted.told && wanted.findings == 0);
    wire(&site, 3); /* CTs of L1 and L2 */
    wire(&site, 2); /* CT of L3 reversed */
    const struct wk_wiring_verdict verdict = judge(&site, &declared);
    EXPECT(verdict.told && verdict.findings == 2);
    EXPECT(verdict.correction.i_from[0] == 1 && verdict.correction.i_from[1] == 0);
    EXPECT(verdict.correction.i_sign[2] == -1 && verdict.correction.u_from[0] == 0);
    for (int k = 0; k < 3; k++) {
        const double p_w = 230 * site.u_size[k] * site.amps[k] * cos(30 * DEG);
        EXPECT_NEAR(p_w, verdict.correction.after[k].p_w, 0.005 * p_w);
        EXPECT_NEAR(wanted.correction.after[k].pf, verdict.correction.after[k].pf, 0.003);
    }
    EXPECT(verdict.correction.before[2].p_w < 0);
}

/* Beyond the matrix: three faults, but a common mistake. */
static void all_cts_reversed_are_told_once_the_loads_are_declared(void)
{
    struct wk_wiring_declared declared = wk_wiring_usual(3, 230000, 5000000);
    struct site site = site_right();
    for (int k = 0; k < 3; k++) {
        site.lag[k] = 25;
        wire(&site, k);
    }
    const struct wk_wiring_verdict open = judge(&site, &declared);
    EXPECT(!open.told && open.reason == WK_WIRING_AMBIGUOUS && open.has_rival);
    wk_wiring_declare(&declared, WK_WIRING_INDUCTIVE);
    const struct wk_wiring_verdict verdict = judge(&site, &declared);
    EXPECT(verdict.told && verdict.findings == 1);
    EXPECT(verdict.finding[0].kind == WK_WIRING_CT_ALL_REVERSED);
    EXPECT_NEAR(cos(25 * DEG), verdict.correction.after[1].pf, 0.003);
}

static void one_phase_is_judged_too(void)
{
    struct wk_wiring_declared declared = wk_wiring_usual(1, 230000, 5000000);
    struct site site = site_right();
    const struct wk_wiring_verdict right = judge(&site, &declared);
    EXPECT(right.told && right.findings == 0);
    wire(&site, 0);
    const struct wk_wiring_verdict turned = judge(&site, &declared);
    EXPECT(turned.told && turned.findings == 1);
    EXPECT(turned.finding[0].kind == WK_WIRING_CT_REVERSED);
}

static void a_wrong_nominal_voltage_is_found(void)
{
    const struct wk_wiring_declared declared = wk_wiring_usual(3, 120000, 5000000);
    const struct site site = site_right();
    const struct wk_wiring_verdict verdict = judge(&site, &declared);
    EXPECT(verdict.told && verdict.findings == 1);
    EXPECT(verdict.finding[0].kind == WK_WIRING_U_ALL_RATIO);
}

static void findings_are_said_in_words(void)
{
    char text[WK_WIRING_TEXT];
    const struct wk_wiring_finding finding = {WK_WIRING_CT_EXCHANGED, 0, 2};
    wk_wiring_say(&finding, false, text, sizeof text);
    EXPECT(strcmp(text, "the CTs of L1 and L3 are exchanged") == 0);
    wk_wiring_say(&finding, true, text, 13);
    EXPECT(strcmp(text, "exchange the") == 0);
    struct wk_wiring wiring;
    struct wk_wiring_verdict verdict;
    const struct wk_wiring_declared declared = wk_wiring_usual(3, 230000, 5000000);
    wk_wiring_init(&wiring);
    wk_wiring_judge(&wiring, &declared, &verdict);
    EXPECT(!verdict.told && verdict.reason == WK_WIRING_NO_WINDOW);
    EXPECT(strncmp(wk_wiring_summary(&verdict), "cannot tell", 11) == 0);
}

static void windows_of_no_use_are_refused(void)
{
    struct wk_wiring wiring;
    const struct site site = site_right();
    struct wk_record record = window_of(&site);
    wk_wiring_init(&wiring);
    record.flags = WK_RECORD_SHORT;
    EXPECT(!wk_wiring_add(&wiring, &record));
    record.flags = WK_RECORD_FREE_RUN;
    EXPECT(!wk_wiring_add(&wiring, &record));
    record.flags = WK_RECORD_FLAGGED;
    EXPECT(wk_wiring_add(&wiring, &record));
    EXPECT_I64(1, wiring.windows);
}

WK_TEST_MAIN(T(inductive_matrix_has_no_wrong_verdict),
             T(capacitive_matrix_has_no_wrong_verdict),
             T(undeclared_matrix_has_no_wrong_verdict),
             T(transformer_matrix_has_no_wrong_verdict),
             T(one_phase_exporting_amid_poor_loads_is_never_judged_wrongly),
             T(loads_that_are_not_alike_are_mostly_judged_right),
             T(nothing_is_told_about_currents_below_two_percent),
             T(a_lone_backward_phase_is_not_judged_unless_its_flow_is_declared),
             T(what_shows_the_same_phasors_is_told_apart_by_what_is_declared),
             T(the_preview_shows_the_powers_that_right_wiring_would_give),
             T(all_cts_reversed_are_told_once_the_loads_are_declared),
             T(one_phase_is_judged_too), T(a_wrong_nominal_voltage_is_found),
             T(findings_are_said_in_words), T(windows_of_no_use_are_refused))
