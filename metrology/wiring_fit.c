/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/wiring_fit.h"

#include "metrology/wiring_layout.h"

#define TURN_DEG          360.0f
#define MEET_RANGE_MDEG   116000 /* ranges as wide as this meet at their ends */
#define ALL_MORE          2      /* what all CTs reversed costs more than one fault */
#define EDGE_LAG          1
#define EDGE_LEAD         2
#define MEET_DEG          60.0f
#define RECONSTRUCTED_DEG 2.5f
#define EDGE_DEG          1.0f
#define SCALE             1048576.0f /* so that wk_angle_of sees large numbers */

/* How well a wiring explains the currents. */
struct quality {
    uint8_t cost; /* faults, and one for exports that were not declared */
    bool similar; /* the loads are */
    uint8_t edge; /* some angle is within a degree of an end of the range: EDGE_* */
    bool exports;
    uint8_t free; /* sizes that the wiring leaves open */
};

struct search {
    const struct wk_wiring_seen *seen;
    bool currents; /* else the voltages alone are judged */
    bool found;
    bool tied;
    bool reversed; /* all CTs reversed explain it */
    uint8_t edges; /* of all that explain */
    struct quality quality;
    struct wk_wiring_fit fit;
    uint32_t key;
    struct wk_wiring_layout best;
    bool has_rival;
    struct quality rival_quality;
    struct wk_wiring_layout rival;
};

static const struct wk_wiring_finding k_voltage_faults[] = {
    {WK_WIRING_U_EXCHANGED, 0, 1},
    {WK_WIRING_U_EXCHANGED, 1, 2},
    {WK_WIRING_U_EXCHANGED, 0, 2},
    {WK_WIRING_U_MISSING, 0, 0},
    {WK_WIRING_U_MISSING, 1, 0},
    {WK_WIRING_U_MISSING, 2, 0},
    {WK_WIRING_ROTATION, 0, 0},
    {WK_WIRING_NEUTRAL_LOST, 0, 0},
    {WK_WIRING_NEUTRAL_EXCHANGED, 0, 0},
    {WK_WIRING_NEUTRAL_EXCHANGED, 1, 0},
    {WK_WIRING_NEUTRAL_EXCHANGED, 2, 0},
    {WK_WIRING_U_SAME, 0, 1},
    {WK_WIRING_U_SAME, 0, 2},
    {WK_WIRING_U_SAME, 1, 0},
    {WK_WIRING_U_SAME, 1, 2},
    {WK_WIRING_U_SAME, 2, 0},
    {WK_WIRING_U_SAME, 2, 1},
    {WK_WIRING_U_RATIO, 0, 0},
    {WK_WIRING_U_RATIO, 1, 0},
    {WK_WIRING_U_RATIO, 2, 0},
    {WK_WIRING_U_ALL_RATIO, 0, 0},
};
#define VOLTAGE_FAULTS ((int)(sizeof k_voltage_faults / sizeof k_voltage_faults[0]))

static const struct wk_wiring_finding k_current_faults[] = {
    {WK_WIRING_CT_REVERSED, 0, 0},  {WK_WIRING_CT_REVERSED, 1, 0},
    {WK_WIRING_CT_REVERSED, 2, 0},  {WK_WIRING_CT_EXCHANGED, 0, 1},
    {WK_WIRING_CT_EXCHANGED, 1, 2}, {WK_WIRING_CT_EXCHANGED, 0, 2},
    {WK_WIRING_I_MISSING, 0, 0},    {WK_WIRING_I_MISSING, 1, 0},
    {WK_WIRING_I_MISSING, 2, 0},
};
#define CURRENT_FAULTS ((int)(sizeof k_current_faults / sizeof k_current_faults[0]))

struct wk_wiring_complex wk_wiring_fit_power(struct wk_wiring_complex u,
                                             struct wk_wiring_complex i)
{
    return wk_wiring_complex_mul(u, wk_wiring_complex_conj(i));
}

float wk_wiring_fit_angle_deg(struct wk_wiring_complex a)
{
    const struct wk_angle_vector v = {.re = (int64_t)(a.re * SCALE * SCALE),
                                      .im = (int64_t)(a.im * SCALE * SCALE)};
    return (float)wk_angle_of(v) * (TURN_DEG / 4294967296.0f);
}

uint8_t wk_wiring_fit_voltage_input(const struct wk_wiring_layout *layout, int phases,
                                    int phase)
{
    for (int k = 0; k < phases; k++) {
        if (layout->u[k] == phase && wk_wiring_layout_connected(layout, k) &&
            wk_wiring_layout_ratio_right(layout, k) && layout->neutral == WK_WIRING_NEUTRAL &&
            !layout->neutral_lost) {
            return (uint8_t)k;
        }
    }
    return WK_WIRING_NONE;
}

struct wk_wiring_complex wk_wiring_fit_voltage(const struct wk_wiring_seen *seen,
                                               const struct wk_wiring_layout *layout,
                                               const struct wk_wiring_fit *fit, int phase)
{
    const uint8_t input = wk_wiring_fit_voltage_input(layout, seen->phases, phase);
    return input != WK_WIRING_NONE
               ? seen->u[input]
               : wk_wiring_complex_mul(
                     fit->first, wk_wiring_layout_potential((uint8_t)phase, fit->rotation));
}

/* ---- currents ---------------------------------------------------------------------------- */

int wk_wiring_fit_current_input(const struct wk_wiring_layout *layout, int phase)
{
    for (int k = 0; k < WK_WIRING_PHASES; k++) {
        if (layout->i[k] == phase) {
            return k;
        }
    }
    return 0; /* never: i is a permutation */
}

struct wk_wiring_complex wk_wiring_fit_current(const struct wk_wiring_seen *seen,
                                               const struct wk_wiring_layout *layout, int phase)
{
    const int input = wk_wiring_fit_current_input(layout, phase);
    const bool turned = (layout->reversed & (1U << input)) != 0;
    return wk_wiring_complex_times(seen->i[input], turned ? -1.0f : 1.0f);
}

static float wrapped(float deg)
{
    return deg > TURN_DEG / 2 ? deg - TURN_DEG : deg < -TURN_DEG / 2 ? deg + TURN_DEG : deg;
}

struct range {
    float lag_deg;
    float lead_deg;
};

/* Angles of the phases under one layout: import 0, export turned to 0. */
struct angles {
    float deg[WK_WIRING_PHASES];
    bool export[WK_WIRING_PHASES];
    bool known[WK_WIRING_PHASES];
    float edge_deg; /* how far an angle may be off: more if a voltage is reconstructed */
    int exports;
    int imports;
};

/* Where an angle lies in a range: outside, inside, or at one of its ends. */
static bool in_range(const struct range *range, float deg, float edge_deg, uint8_t *edge)
{
    *edge |= deg > range->lag_deg - edge_deg ? EDGE_LAG : 0;
    *edge |= deg < edge_deg - range->lead_deg ? EDGE_LEAD : 0;
    return deg <= range->lag_deg + edge_deg && deg >= -range->lead_deg - edge_deg;
}

/* False if the layout and the sizes of the currents contradict each other. */
static bool angles_of(const struct wk_wiring_seen *seen, const struct wk_wiring_layout *layout,
                      const struct wk_wiring_fit *fit, struct angles *angles)
{
    for (int phase = 0; phase < seen->phases; phase++) {
        const unsigned input = (unsigned)wk_wiring_fit_current_input(layout, phase);
        const bool without = (seen->without & (1U << input)) != 0;
        const bool dead = (layout->dead & (1U << input)) != 0;
        const bool loaded = (seen->declared->loaded & (1U << phase)) != 0;
        if (dead != without && (dead || loaded)) {
            return false;
        }
        if (without) {
            continue;
        }
        const struct wk_wiring_complex u = wk_wiring_fit_voltage(seen, layout, fit, phase);
        const struct wk_wiring_complex s =
            wk_wiring_fit_power(u, wk_wiring_fit_current(seen, layout, phase));
        const float deg = wk_wiring_fit_angle_deg(s);
        const wk_wiring_flow flow = seen->declared->flow[phase];
        const bool export =
            flow == WK_WIRING_EXPORT || (flow == WK_WIRING_EITHER && (deg > 90 || deg < -90));
        if (wk_wiring_fit_voltage_input(layout, seen->phases, phase) == WK_WIRING_NONE) {
            angles->edge_deg = RECONSTRUCTED_DEG;
        }
        angles->known[phase] = true;
        angles->export[phase] = export;
        angles->deg[phase] = export ? wrapped(deg + TURN_DEG / 2) : deg;
        angles->exports += export ? 1 : 0;
        angles->imports += export ? 0 : 1;
    }
    return true;
}

static float least_of(float a, float b)
{
    return a < b ? a : b;
}

/* Some phases export and others do not, whether a current is seen there or not. */
static bool is_mixed(const struct wk_wiring_declared *declared, const struct angles *angles)
{
    int exports = angles->exports;
    int imports = angles->imports;
    for (int phase = 0; phase < declared->phases; phase++) {
        exports += declared->flow[phase] == WK_WIRING_EXPORT;
        imports += declared->flow[phase] == WK_WIRING_IMPORT;
    }
    return exports > 0 && imports > 0;
}

/* Whether the angles are those of loads, and how good a fit they are. */
static bool judge_angles(const struct wk_wiring_declared *declared, const struct angles *angles,
                         struct quality *quality)
{
    const bool mixed = is_mixed(declared, angles);
    const float edge_deg = angles->edge_deg;
    const float export_deg = (float)declared->export_most_mdeg / 1e3f;
    const float room = mixed ? MEET_DEG - export_deg - 2 * edge_deg : TURN_DEG;
    const struct range loads = {least_of((float)declared->lag_most_mdeg / 1e3f, room),
                                least_of((float)declared->lead_most_mdeg / 1e3f, room)};
    const struct range exports = {export_deg, export_deg};
    float least = TURN_DEG;
    float most = -TURN_DEG;
    uint8_t unused = 0;
    quality->edge = 0;
    for (int phase = 0; phase < WK_WIRING_PHASES; phase++) {
        const float deg = angles->deg[phase];
        const bool lone = mixed && angles->export[phase];
        if (!angles->known[phase]) {
            continue;
        }
        if (!in_range(lone ? &exports : &loads, deg, edge_deg,
                      lone ? &unused : &quality->edge)) {
            return false;
        }
        least = !lone && deg < least ? deg : least;
        most = !lone && deg > most ? deg : most;
    }
    if ((loads.lag_deg + loads.lead_deg) * 1e3f < (float)MEET_RANGE_MDEG) {
        quality->edge = 0;
    }
    quality->similar = most - least < (float)declared->apart_most_mdeg / 1e3f;
    return true;
}

static bool all_reversed(const struct wk_wiring_layout *layout)
{
    return layout->faults > 0 && layout->fault[0].kind == WK_WIRING_CT_ALL_REVERSED;
}

static bool fit_currents(const struct wk_wiring_seen *seen,
                         const struct wk_wiring_layout *layout, const struct wk_wiring_fit *fit,
                         struct quality *quality)
{
    struct angles angles = {.edge_deg = EDGE_DEG};
    if (!angles_of(seen, layout, fit, &angles) ||
        !judge_angles(seen->declared, &angles, quality)) {
        return false;
    }
    bool assumed = false;
    for (int phase = 0; phase < seen->phases; phase++) {
        assumed = assumed ||
                  (angles.export[phase] && seen->declared->flow[phase] == WK_WIRING_EITHER);
    }
    quality->exports = assumed;
    quality->cost =
        (uint8_t)(layout->faults + (assumed ? 1 : 0) + (all_reversed(layout) ? ALL_MORE : 0));
    return true;
}

/* ---- the search -------------------------------------------------------------------------- */

/* < 0: a explains better. Similar loads first, then fewer faults, then fewer free sizes. */
static int compare(const struct quality *a, const struct quality *b)
{
    if (a->similar != b->similar) {
        return a->similar ? -1 : 1;
    }
    if (a->cost != b->cost) {
        return a->cost < b->cost ? -1 : 1;
    }
    return (a->free > b->free) - (a->free < b->free);
}

static void keep_rival(struct search *search, const struct wk_wiring_layout *layout,
                       const struct quality *quality)
{
    if (!search->has_rival || compare(quality, &search->rival_quality) < 0) {
        search->has_rival = true;
        search->rival = *layout;
        search->rival_quality = *quality;
    }
}

static void offer(struct search *search, const struct wk_wiring_layout *layout,
                  const struct wk_wiring_fit *fit, const struct quality *quality)
{
    const uint32_t key = wk_wiring_layout_key(layout);
    search->edges |= quality->similar && !all_reversed(layout) ? quality->edge : 0;
    search->reversed = search->reversed || (quality->similar && all_reversed(layout));
    const int order = search->found ? compare(quality, &search->quality) : -1;
    if (search->found && key == search->key && order >= 0) {
        return;
    }
    if (order >= 0) {
        search->tied = search->tied || order == 0;
        keep_rival(search, layout, quality);
        return;
    }
    if (search->found && key != search->key) {
        const struct wk_wiring_layout old = search->best;
        const struct quality old_quality = search->quality;
        keep_rival(search, &old, &old_quality);
    }
    search->found = true;
    search->tied = false;
    search->best = *layout;
    search->quality = *quality;
    search->fit = *fit;
    search->key = key;
}

static uint8_t free_sizes(const struct wk_wiring_layout *layout)
{
    int count = layout->neutral_lost ? 2 : 0;
    for (int f = 0; f < layout->faults; f++) {
        const wk_wiring_kind kind = layout->fault[f].kind;
        count += kind == WK_WIRING_U_RATIO || kind == WK_WIRING_U_ALL_RATIO;
    }
    return (uint8_t)count;
}

/* One phase has neither order nor rotation, and its neutral is its return. */
static bool possible(const struct wk_wiring_finding *fault, int phases)
{
    const bool needs_three = fault->kind == WK_WIRING_ROTATION ||
                             fault->kind == WK_WIRING_NEUTRAL_LOST ||
                             fault->kind == WK_WIRING_NEUTRAL_EXCHANGED;
    return phases == WK_WIRING_PHASES ||
           (!needs_three && fault->a < phases && fault->b < phases);
}

/* Applies a fault of a list to a copy; false if it cannot be added. */
static bool extend(const struct search *search, const struct wk_wiring_layout *from,
                   const struct wk_wiring_finding *fault, struct wk_wiring_layout *to)
{
    *to = *from;
    const bool ratio = fault->kind == WK_WIRING_U_RATIO;
    if (ratio && !search->seen->declared->transformers) {
        return false;
    }
    const bool all_and_one =
        from->faults > 0 && ratio && from->fault[0].kind == WK_WIRING_U_ALL_RATIO;
    const bool one_and_all = from->off_ratio != 0 && fault->kind == WK_WIRING_U_ALL_RATIO;
    if (all_and_one || one_and_all || from->faults == WK_WIRING_FAULTS ||
        !possible(fault, search->seen->phases)) {
        return false;
    }
    wk_wiring_layout_apply(to, fault);
    return true;
}

static void try_currents(struct search *search, const struct wk_wiring_layout *layout,
                         const struct wk_wiring_fit *fit)
{
    struct quality quality = {
        .cost = layout->faults, .similar = true, .free = free_sizes(layout)};
    if (!search->currents || fit_currents(search->seen, layout, fit, &quality)) {
        offer(search, layout, fit, &quality);
    }
}

static void try_current_faults(struct search *search, const struct wk_wiring_layout *voltages,
                               const struct wk_wiring_fit *fit)
{
    struct wk_wiring_layout one;
    struct wk_wiring_layout two;
    try_currents(search, voltages, fit);
    for (int a = 0; search->currents && a < CURRENT_FAULTS; a++) {
        if (!extend(search, voltages, &k_current_faults[a], &one)) {
            continue;
        }
        try_currents(search, &one, fit);
        for (int b = 0; b < CURRENT_FAULTS; b++) {
            if (a != b && extend(search, &one, &k_current_faults[b], &two)) {
                try_currents(search, &two, fit);
            }
        }
    }
}

static void try_voltages(struct search *search, const struct wk_wiring_layout *layout)
{
    struct wk_wiring_fit fit;
    if (wk_wiring_layout_fit(search->seen, layout, &fit)) {
        try_current_faults(search, layout, &fit);
    }
}

static void try_voltage_faults(struct search *search)
{
    static const struct wk_wiring_finding k_all = {WK_WIRING_CT_ALL_REVERSED, 0, 0};
    const struct wk_wiring_layout right = wk_wiring_layout_right();
    struct wk_wiring_layout one;
    struct wk_wiring_layout two;
    try_voltages(search, &right);
    for (int a = 0; a < VOLTAGE_FAULTS; a++) {
        if (!extend(search, &right, &k_voltage_faults[a], &one)) {
            continue;
        }
        try_voltages(search, &one);
        for (int b = 0; b < VOLTAGE_FAULTS; b++) {
            if (a != b && extend(search, &one, &k_voltage_faults[b], &two)) {
                try_voltages(search, &two);
            }
        }
    }
    struct wk_wiring_fit fit;
    one = right;
    wk_wiring_layout_apply(&one, &k_all);
    if (search->currents && search->seen->phases == WK_WIRING_PHASES &&
        wk_wiring_layout_fit(search->seen, &one, &fit)) {
        try_currents(search, &one, &fit);
    }
}

static bool is_wide(const struct wk_wiring_declared *declared)
{
    return declared->lag_most_mdeg + declared->lead_most_mdeg >= MEET_RANGE_MDEG;
}

/* Whether the best is not to be trusted although it has the fewest faults. */
static bool is_doubtful(const struct search *search)
{
    /* At both ends of the range two wirings meet. */
    const uint8_t other = (search->quality.edge & EDGE_LAG) != 0 ? EDGE_LEAD : EDGE_LAG;
    if (search->quality.edge != 0 && (search->edges & other) != 0) {
        return true;
    }
    /* CTs moved round, or all reversed. */
    const bool rotated =
        search->best.i[0] != 0 && search->best.i[1] != 1 && search->best.i[2] != 2;
    if (rotated && search->reversed && is_wide(search->seen->declared)) {
        return true;
    }
    /* A phase exports, one current is not seen, and the others may have any angle: too little. */
    const struct wk_wiring_declared *declared = search->seen->declared;
    if (search->best.dead != 0 && is_wide(declared) &&
        is_mixed(declared, &(struct angles){.exports = 0})) {
        return true;
    }
    /* A ratio and a neutral that is lost are sizes both. */
    return search->has_rival && search->rival_quality.cost == search->quality.cost &&
           search->rival.neutral_lost != search->best.neutral_lost && search->quality.free > 0;
}

void wk_wiring_fit_search(const struct wk_wiring_seen *seen, bool currents,
                          struct wk_wiring_result *result)
{
    struct search search = {.seen = seen, .currents = currents};
    try_voltage_faults(&search);
    *result = (struct wk_wiring_result){
        .found = search.found,
        .ambiguous = search.found && (search.tied || is_doubtful(&search)),
        .exports = search.quality.exports,
        .has_rival = search.has_rival,
        .fit = search.fit,
        .layout = search.best,
        .rival = search.rival,
    };
}
