/* SPDX-License-Identifier: Apache-2.0
 *
 * Synthetic houses: known loads on known phases, switched by a seeded script, with noise,
 * inrush and a three-phase load. What the room finds is compared with the script. */
#include "metrology/balance.h"

#include "tests/wk_test.h"

#define LOADS     7
#define HOUSES    12
#define WINDOW_US 200000
#define DAY       432000 /* windows */
#define SHORT_DAY 36000  /* on a microcontroller: two hours */
#define SLOT      1500   /* windows in five minutes */
#define SLOTS     288
#define CALM      30 /* windows around a switching that has the phase for itself */
#define CHANGES   1200

struct truth_load {
    int phase;
    double p_w;
    double q_var;
    bool inrush;
    int on_for; /* windows */
    int off_for;
    bool on;
    int next;  /* window at which it switches */
    int since; /* it switched on */
    double slot_w[SLOTS];
};

struct change {
    int at;
    int phase;
    double p_w;
    bool alone;
    bool found;
};

struct house {
    struct truth_load load[LOADS];
    double base_w[3];
    double slot_w[SLOTS][3];
    int changes;
    struct change change[CHANGES];
};

static uint64_t g_random;
static struct house g_house;
static struct wk_balance g_balance;

static double uniform(double least, double most)
{
    g_random = g_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return least + (most - least) * (double)(g_random >> 11) / 9007199254740992.0;
}

static void build(struct house *house, uint64_t seed)
{
    static const double k_sizes[LOADS] = {2100, 1500, 3000, 900, 400, 180, 2000};
    memset(house, 0, sizeof *house);
    g_random = seed;
    for (int n = 0; n < LOADS; n++) {
        struct truth_load *load = &house->load[n];
        load->phase = n == 0 ? 0 : (int)uniform(0, 2.2); /* L1 and L2 are crowded */
        load->p_w = k_sizes[n] * uniform(0.9, 1.1);
        load->inrush = n == 4 || n == 5;
        load->q_var = load->inrush ? load->p_w * 0.7 : load->p_w * 0.02;
        load->on_for = (int)uniform(600, 9000);
        load->off_for = (int)uniform(1500, 20000);
        load->next = (int)uniform(100, 9000);
    }
    for (int k = 0; k < 3; k++) {
        house->base_w[k] = uniform(60, 250);
    }
}

static void note(struct house *house, int at, int phase, double p_w)
{
    if (house->changes < CHANGES) {
        house->change[house->changes++] =
            (struct change){.at = at, .phase = phase, .p_w = p_w, .alone = true};
    }
}

static void switch_loads(struct house *house, int at)
{
    for (int n = 0; n < LOADS; n++) {
        struct truth_load *load = &house->load[n];
        if (at < load->next) {
            continue;
        }
        load->on = !load->on;
        load->since = at;
        load->next = at + (int)(uniform(0.6, 1.4) * (load->on ? load->on_for : load->off_for));
        note(house, at, load->phase, load->on ? load->p_w : -load->p_w);
    }
}

/* A three-phase motor of 1.2 kW a phase runs for a while every two hours. */
static bool motor_runs(int at)
{
    return at % 36000 >= 20000 && at % 36000 < 22000;
}

static struct wk_record window_at(struct house *house, int at)
{
    struct wk_record record = {
        .kind = WK_RECORD_WINDOW, .t_us = (int64_t)(at + 1) * WINDOW_US, .span_us = WINDOW_US};
    double p_w[3];
    double q_var[3];
    for (int k = 0; k < 3; k++) {
        p_w[k] = house->base_w[k] + (motor_runs(at) ? 1200 : 0);
        q_var[k] = motor_runs(at) ? 700 : 10;
    }
    for (int n = 0; n < LOADS; n++) {
        struct truth_load *load = &house->load[n];
        const double factor = load->inrush && at - load->since < 2 ? 4 : 1;
        if (load->on) {
            p_w[load->phase] += load->p_w * factor;
            q_var[load->phase] += load->q_var * factor;
            load->slot_w[at / SLOT % SLOTS] += load->p_w / SLOT;
        }
    }
    record.window.phases = 3;
    for (int k = 0; k < 3; k++) {
        house->slot_w[at / SLOT % SLOTS][k] += p_w[k] / SLOT;
        const double noisy = p_w[k] + uniform(-8, 8) + p_w[k] * uniform(-0.002, 0.002);
        record.window.p_mw[k] = (int64_t)(noisy * 1000);
        record.window.q1_mvar[k] = (int64_t)((q_var[k] + uniform(-5, 5)) * 1000);
        record.window.i_ua[k] = record.window.p_mw[k] * 1000 / 230;
    }
    return record;
}

/* Which changes had their phase for themselves. */
static void find_alone(struct house *house)
{
    for (int a = 0; a < house->changes; a++) {
        const int into = house->change[a].at % 36000;
        house->change[a].alone = (into < 19900 || into > 22100);
        for (int b = 0; b < house->changes; b++) {
            const int apart = house->change[a].at - house->change[b].at;
            if (a != b && house->change[a].phase == house->change[b].phase && apart < CALM &&
                apart > -CALM) {
                house->change[a].alone = false;
            }
        }
    }
}

/* The change of the script that a step is. */
static struct change *change_of(struct house *house, const struct wk_balance_step *step)
{
    const int at = (int)(step->t_us / WINDOW_US) - 1;
    for (int n = 0; n < house->changes; n++) {
        struct change *change = &house->change[n];
        const double off = change->p_w - (double)step->p_mw / 1e3;
        const double room = 20 + 0.03 * (change->p_w < 0 ? -change->p_w : change->p_w);
        if (change->phase == step->phase && change->at - at <= 3 && at - change->at <= 3 &&
            off < room && off > -room) {
            return change;
        }
    }
    return NULL;
}

struct tally {
    int alone;
    int found;
    int steps;
    int strange; /* steps that no change explains */
};

static void run_house(uint64_t seed, int windows, struct tally *tally)
{
    static struct wk_balance_step steps[CHANGES];
    uint32_t count = 0;
    build(&g_house, seed);
    wk_balance_init(&g_balance);
    for (int at = 0; at < windows; at++) {
        switch_loads(&g_house, at);
        const struct wk_record record = window_at(&g_house, at);
        (void)wk_balance_add(&g_balance, &record);
        for (; count < g_balance.steps && count < CHANGES; count++) {
            steps[count] = g_balance.step[count % WK_BALANCE_STEPS];
        }
    }
    find_alone(&g_house);
    for (uint32_t n = 0; n < count; n++) {
        struct change *change = change_of(&g_house, &steps[n]);
        tally->steps++;
        tally->strange += change == NULL;
        if (change != NULL) {
            change->found = true;
        }
    }
    for (int n = 0; n < g_house.changes; n++) {
        const bool whole = g_house.change[n].alone && g_house.change[n].at < windows - CALM;
        tally->alone += whole;
        tally->found += whole && g_house.change[n].found;
    }
}

/* Mean imbalance of the script if a load stood on another phase. */
static double truth_if(const struct house *house, int slots, int load, int to)
{
    double departures = 0;
    double means = 0;
    for (int s = 0; s < slots; s++) {
        double p[3] = {house->slot_w[s][0], house->slot_w[s][1], house->slot_w[s][2]};
        if (load >= 0) {
            p[house->load[load].phase] -= house->load[load].slot_w[s];
            p[to] += house->load[load].slot_w[s];
        }
        const double mean = (p[0] + p[1] + p[2]) / 3;
        double most = 0;
        for (int k = 0; k < 3; k++) {
            const double off = p[k] > mean ? p[k] - mean : mean - p[k];
            most = off > most ? off : most;
        }
        departures += most;
        means += mean;
    }
    return departures / means;
}

struct best {
    double before;
    double after;
    int load;
    int to;
};

static struct best best_of(const struct house *house, int slots)
{
    struct best best = {.before = truth_if(house, slots, -1, 0), .load = -1};
    best.after = best.before;
    for (int n = 0; n < LOADS; n++) {
        for (int to = 0; to < 3; to++) {
            const double after = truth_if(house, slots, n, to);
            if (to != house->load[n].phase && after < best.after) {
                best = (struct best){best.before, after, n, to};
            }
        }
    }
    return best;
}

/* What the recommended move does to the script: its load there is the one of that phase and
 * nearest in size. */
static double truth_of_move(const struct house *house, int slots,
                            const struct wk_balance_move *move)
{
    const double p_w = (double)g_balance.load[move->load].p_mw / 1e3;
    double least = 1e9;
    int nearest = -1;
    for (int n = 0; n < LOADS; n++) {
        const double off = house->load[n].p_w - p_w;
        if (house->load[n].phase == move->from && (off < 0 ? -off : off) < least) {
            least = off < 0 ? -off : off;
            nearest = n;
        }
    }
    return nearest < 0 ? 9 : truth_if(house, slots, nearest, move->to);
}

static void steps_and_moves_of_synthetic_houses_are_those_of_the_script(void)
{
    const bool target = sizeof(void *) == 4;
    const int windows = target ? SHORT_DAY : DAY;
    const int houses = target ? 2 : HOUSES;
    struct tally tally = {0};
    int best_moves = 0;
    double worst_loss = 0;
    for (int h = 0; h < houses; h++) {
        run_house(1000 + (uint64_t)h, windows, &tally);
        struct wk_balance_move move;
        wk_balance_recommend(&g_balance, &move);
        const int slots = windows / SLOT;
        const struct best best = best_of(&g_house, slots);
        EXPECT(move.worth == (best.before - best.after >= 0.02));
        if (!move.worth) {
            printf("# house %d: no move betters it by 2 %%\n", 1000 + h);
            best_moves++;
            continue;
        }
        const double after = truth_of_move(&g_house, slots, &move);
        printf("# house %d: imbalance %.1f %%, best %.1f %% (%.0f W L%d to L%d), recommended "
               "%.1f %% (%.0f W L%d to L%d, foretold %.1f %%)\n",
               1000 + h, best.before * 100, best.after * 100, g_house.load[best.load].p_w,
               g_house.load[best.load].phase + 1, best.to + 1, after * 100,
               (double)g_balance.load[move.load].p_mw / 1e3, move.from + 1, move.to + 1,
               move.after_ppm / 1e4);
        best_moves += after <= best.after + 1e-9;
        worst_loss = after - best.after > worst_loss ? after - best.after : worst_loss;
        EXPECT_NEAR(after * 100, move.after_ppm / 1e4, 3);
        EXPECT_NEAR(best.before * 100, move.before_ppm / 1e4, 0.5);
    }
    const double found = 100.0 * tally.found / tally.alone;
    const double strange_most = target ? 5 : 1; /* of few steps, each counts more */
    const double strange = 100.0 * tally.strange / tally.steps;
    WK_TEST_FIGURE("balance: load steps found on the right phase", found, "%", ">= 98",
                   found >= 98, 1000);
    WK_TEST_FIGURE("balance: steps found that the script does not have", strange, "%", "<= 1",
                   strange <= strange_most, 1000);
    WK_TEST_FIGURE("balance: houses whose recommended move is the best", best_moves, "houses",
                   "shown", true, 1000);
    WK_TEST_FIGURE("balance: what the worst recommendation loses", worst_loss * 100, "%",
                   "<= 0.5", worst_loss <= 0.005, 1000);
    EXPECT(found >= 98);
    EXPECT(strange <= strange_most);
    EXPECT(worst_loss <= 0.005); /* two loads of one size are equally good */
}

static void indices_are_the_largest_departure_over_the_mean(void)
{
    struct wk_record_window window = {.phases = 3};
    window.p_mw[0] = 300000;
    window.i_ua[0] = 1000000;
    window.i_ua[1] = 2000000;
    window.i_ua[2] = 3000000;
    const struct wk_balance_index index = wk_balance_index_of(&window);
    EXPECT_I64(2000000, index.power_ppm); /* all on one phase: 200 % */
    EXPECT_I64(500000, index.current_ppm);
    window = (struct wk_record_window){.phases = 3};
    EXPECT_I64(0, wk_balance_index_of(&window).power_ppm);
}

static void a_three_phase_load_is_nobodys_step(void)
{
    memset(&g_house, 0, sizeof g_house);
    for (int n = 0; n < LOADS; n++) {
        g_house.load[n].next = DAY;
    }
    wk_balance_init(&g_balance);
    for (int at = 19000; at < 23000; at++) {
        const struct wk_record record = window_at(&g_house, at);
        EXPECT(wk_balance_add(&g_balance, &record));
    }
    EXPECT_I64(0, g_balance.steps);
    EXPECT_I64(2, g_balance.three_phase);
}

static void without_history_nothing_is_recommended(void)
{
    struct wk_balance_move move;
    wk_balance_init(&g_balance);
    wk_balance_recommend(&g_balance, &move);
    EXPECT(!move.worth && move.before_ppm == 0);
    const struct wk_record event = {.kind = WK_RECORD_EVENT};
    EXPECT(!wk_balance_add(&g_balance, &event));
}

WK_TEST_MAIN(T(steps_and_moves_of_synthetic_houses_are_those_of_the_script),
             T(indices_are_the_largest_departure_over_the_mean),
             T(a_three_phase_load_is_nobodys_step), T(without_history_nothing_is_recommended))
