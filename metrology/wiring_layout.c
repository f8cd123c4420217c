/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/wiring_layout.h"

#define MOVED_MOST    0.6f
#define RATIO_COS     0.9962f /* a voltage of wrong ratio has the right angle within 5 deg */
#define ROOT3_HALF    0.866025404f
#define U_TOLERANCE   0.08f /* of the phase voltage: how unsymmetrical a supply may be */
#define U_MISSING     0.25f /* below: the input is open */
#define U_RATIO_LEAST 0.75f /* below or above: the ratio is wrong */
#define U_RATIO_MOST  1.25f
#define U_LEAST       0.8f /* of the nominal voltage: beyond, all ratios are wrong */
#define U_MOST        1.2f

/* The potential of a conductor when that of L1 is 1. */
struct wk_wiring_complex wk_wiring_layout_potential(uint8_t conductor, int8_t rotation)
{
    const float side = rotation > 0 ? -ROOT3_HALF : ROOT3_HALF;
    switch (conductor) {
    case 0:
        return (struct wk_wiring_complex){1, 0};
    case 1:
        return (struct wk_wiring_complex){-0.5f, side};
    case 2:
        return (struct wk_wiring_complex){-0.5f, -side};
    default:
        return (struct wk_wiring_complex){0, 0};
    }
}

/* ---- layouts ----------------------------------------------------------------------------- */

struct wk_wiring_layout wk_wiring_layout_right(void)
{
    return (struct wk_wiring_layout){
        .rotation = 1, .u = {0, 1, 2}, .neutral = WK_WIRING_NEUTRAL, .i = {0, 1, 2}};
}

static void exchange(uint8_t *a, uint8_t *b)
{
    const uint8_t was = *a;
    *a = *b;
    *b = was;
}

void wk_wiring_layout_apply(struct wk_wiring_layout *layout,
                            const struct wk_wiring_finding *fault)
{
    const uint8_t bit = (uint8_t)(1U << fault->a);
    layout->fault[layout->faults++] = *fault;
    switch (fault->kind) {
    case WK_WIRING_CT_REVERSED:
        layout->reversed ^= bit;
        break;
    case WK_WIRING_CT_ALL_REVERSED:
        layout->reversed ^= 7;
        break;
    case WK_WIRING_CT_EXCHANGED:
        exchange(&layout->i[fault->a], &layout->i[fault->b]);
        break;
    case WK_WIRING_I_MISSING:
        layout->dead |= bit;
        break;
    case WK_WIRING_U_EXCHANGED:
        exchange(&layout->u[fault->a], &layout->u[fault->b]);
        break;
    case WK_WIRING_U_MISSING:
        layout->open |= bit;
        break;
    case WK_WIRING_U_SAME:
        layout->u[fault->a] = layout->u[fault->b];
        break;
    case WK_WIRING_U_RATIO:
        layout->off_ratio |= bit;
        break;
    case WK_WIRING_NEUTRAL_LOST:
        layout->neutral_lost = true;
        break;
    case WK_WIRING_NEUTRAL_EXCHANGED:
        exchange(&layout->neutral, &layout->u[fault->a]);
        break;
    case WK_WIRING_ROTATION:
        layout->rotation = (int8_t)-layout->rotation;
        break;
    case WK_WIRING_CT_ROTATED:
    case WK_WIRING_I_RATIO:
    case WK_WIRING_U_ALL_RATIO:
    case WK_WIRING_KINDS:
        break;
    }
}

bool wk_wiring_layout_connected(const struct wk_wiring_layout *layout, int input)
{
    return (layout->open & (1U << input)) == 0 && layout->u[input] != layout->neutral;
}

bool wk_wiring_layout_ratio_right(const struct wk_wiring_layout *layout, int input)
{
    return (layout->off_ratio & (1U << input)) == 0;
}

/* One number for a layout whose phases are renamed. */
static uint32_t key_renamed(const struct wk_wiring_layout *layout, const uint8_t name[4],
                            bool odd)
{
    uint32_t key = (layout->rotation > 0) != odd;
    for (int k = 0; k < WK_WIRING_PHASES; k++) {
        const uint32_t bit = 1U << k;
        const bool dead = (layout->dead & bit) != 0;
        const uint32_t u = wk_wiring_layout_connected(layout, k) ? name[layout->u[k]] : 7;
        const uint32_t ratio =
            wk_wiring_layout_connected(layout, k) && !wk_wiring_layout_ratio_right(layout, k);
        const uint32_t i = dead ? 7 : name[layout->i[k]];
        const uint32_t turned = !dead && (layout->reversed & bit) != 0;
        key = key << 8 | u << 5 | i << 2 | ratio << 1 | turned;
    }
    return key << 3 | (uint32_t)(name[layout->neutral] << 1) | layout->neutral_lost;
}

/* Equal for layouts that differ by the names of the phases only. */
uint32_t wk_wiring_layout_key(const struct wk_wiring_layout *layout)
{
    static const struct {
        uint8_t name[4];
        bool odd;
    } k_names[] = {
        {{0, 1, 2, 3}, false}, {{1, 2, 0, 3}, false}, {{2, 0, 1, 3}, false},
        {{1, 0, 2, 3}, true},  {{0, 2, 1, 3}, true},  {{2, 1, 0, 3}, true},
    };
    uint32_t least = UINT32_MAX;
    for (size_t n = 0; n < sizeof k_names / sizeof k_names[0]; n++) {
        const uint32_t key = key_renamed(layout, k_names[n].name, k_names[n].odd);
        least = key < least ? key : least;
    }
    return least;
}

/* ---- voltages ---------------------------------------------------------------------------- */

/* What an input shows is first * a + moved * b: first, the phasor of L1; moved, the potential of
 * a neutral that is lost. */
struct share {
    struct wk_wiring_complex a;
    float b;
};

static struct share share_of(const struct wk_wiring_layout *layout, int input)
{
    const float from = layout->u[input] == WK_WIRING_NEUTRAL ? 1 : 0;
    const float to = layout->neutral == WK_WIRING_NEUTRAL ? 1 : 0;
    return (struct share){
        .a = wk_wiring_complex_sub(
            wk_wiring_layout_potential(layout->u[input], layout->rotation),
            wk_wiring_layout_potential(layout->neutral, layout->rotation)),
        .b = layout->neutral_lost ? from - to : 0,
    };
}

/* Least squares over the inputs that are connected and have their ratio. False if they do not
 * determine it. */
static bool solve(const struct wk_wiring_seen *seen, const struct wk_wiring_layout *layout,
                  struct wk_wiring_complex *first, struct wk_wiring_complex *moved)
{
    struct wk_wiring_complex au = {0, 0}; /* sums of conj(a) * u, b * u, conj(a) * b */
    struct wk_wiring_complex bu = {0, 0};
    struct wk_wiring_complex ab = {0, 0};
    float aa = 0;
    float bb = 0;
    for (int k = 0; k < seen->phases; k++) {
        if (!wk_wiring_layout_connected(layout, k) ||
            !wk_wiring_layout_ratio_right(layout, k)) {
            continue;
        }
        const struct share share = share_of(layout, k);
        au = wk_wiring_complex_add(
            au, wk_wiring_complex_mul(wk_wiring_complex_conj(share.a), seen->u[k]));
        bu = wk_wiring_complex_add(bu, wk_wiring_complex_times(seen->u[k], share.b));
        ab = wk_wiring_complex_add(
            ab, wk_wiring_complex_times(wk_wiring_complex_conj(share.a), share.b));
        aa += wk_wiring_complex_square(share.a);
        bb += share.b * share.b;
    }
    const float determinant =
        layout->neutral_lost ? aa * bb - wk_wiring_complex_square(ab) : aa;
    if (determinant < 0.5f) {
        return false;
    }
    if (!layout->neutral_lost) {
        *first = wk_wiring_complex_times(au, 1 / aa);
        *moved = (struct wk_wiring_complex){0, 0};
        return true;
    }
    *first = wk_wiring_complex_times(
        wk_wiring_complex_sub(wk_wiring_complex_times(au, bb), wk_wiring_complex_mul(ab, bu)),
        1 / determinant);
    *moved = wk_wiring_complex_times(
        wk_wiring_complex_sub(wk_wiring_complex_times(bu, aa),
                              wk_wiring_complex_mul(wk_wiring_complex_conj(ab), au)),
        1 / determinant);
    const float size = wk_wiring_complex_square(*moved);
    return size >= U_TOLERANCE * U_TOLERANCE && size <= MOVED_MOST * MOVED_MOST;
}

/* An input of wrong ratio: right angle, wrong size. */
static bool ratio_fits(struct wk_wiring_complex u, struct wk_wiring_complex wanted)
{
    const struct wk_wiring_complex turned =
        wk_wiring_complex_mul(u, wk_wiring_complex_conj(wanted));
    const float part = wk_wiring_complex_square(u) / wk_wiring_complex_square(wanted);
    return turned.re > 0 &&
           turned.re * turned.re >= RATIO_COS * RATIO_COS * wk_wiring_complex_square(turned) &&
           (part < U_RATIO_LEAST * U_RATIO_LEAST || part > U_RATIO_MOST * U_RATIO_MOST);
}

static bool input_fits(const struct wk_wiring_layout *layout, int k, struct wk_wiring_complex u,
                       struct wk_wiring_complex wanted)
{
    if (!wk_wiring_layout_connected(layout, k)) {
        return wk_wiring_complex_square(u) < U_MISSING * U_MISSING;
    }
    if (!wk_wiring_layout_ratio_right(layout, k)) {
        return wk_wiring_complex_square(u) >= U_MISSING * U_MISSING && ratio_fits(u, wanted);
    }
    return true;
}

static bool size_fits(const struct wk_wiring_layout *layout, float size)
{
    const bool usual = size >= U_LEAST * U_LEAST && size <= U_MOST * U_MOST;
    bool all = false;
    for (int f = 0; f < layout->faults; f++) {
        all = all || layout->fault[f].kind == WK_WIRING_U_ALL_RATIO;
    }
    return all ? !usual && size > U_MISSING * U_MISSING : usual;
}

/* Finds the phasor of L1; then every input must be where it belongs. */
bool wk_wiring_layout_fit(const struct wk_wiring_seen *seen,
                          const struct wk_wiring_layout *layout, struct wk_wiring_fit *fit)
{
    struct wk_wiring_complex moved;
    fit->rotation = layout->rotation;
    if (!solve(seen, layout, &fit->first, &moved) ||
        !size_fits(layout, wk_wiring_complex_square(fit->first))) {
        return false;
    }
    const float limit = U_TOLERANCE * U_TOLERANCE * wk_wiring_complex_square(fit->first);
    for (int k = 0; k < seen->phases; k++) {
        const struct share share = share_of(layout, k);
        const struct wk_wiring_complex wanted =
            wk_wiring_complex_add(wk_wiring_complex_mul(fit->first, share.a),
                                  wk_wiring_complex_times(moved, share.b));
        if (!input_fits(layout, k, seen->u[k], wanted)) {
            return false;
        }
        if (wk_wiring_layout_connected(layout, k) && wk_wiring_layout_ratio_right(layout, k) &&
            wk_wiring_complex_square(wk_wiring_complex_sub(seen->u[k], wanted)) > limit) {
            return false;
        }
    }
    return true;
}
