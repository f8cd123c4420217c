/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/angle.h"

#include <stdbool.h>

#define Q30          30
#define HALF_Q30     (INT64_C(1) << (Q30 - 1))
#define QUARTER_TURN (UINT32_C(1) << 30)
#define EIGHTH_TURN  (UINT32_C(1) << 29)

/* 2 pi * 2^30 / 2^32 in Q30: turns the 32-bit fraction of a turn into radians in Q30. */
#define RADIANS_PER_TURN_Q30 INT32_C(1686629713)
/* 2^32 / (2 pi): turns radians in Q32 into fractions of a turn, after >> 32. */
#define TURN_PER_RADIAN INT64_C(683565276)

#define ROOT_MOST       4294967040.0F /* the largest float below 2^32 */
#define CORDIC_STEPS    15
#define CORDIC_TOP      (UINT64_C(1) << 59) /* the steps lengthen a vector by 1.65 */

static int32_t mul_q30(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + HALF_Q30) >> Q30);
}

/* Taylor series in Horner's form over +-1/8 turn; the first term left out is below 2^-33. */
void wk_angle_unit_q30(uint32_t turn, int32_t *cos_q30, int32_t *sin_q30)
{
    static const int32_t k_terms[5][2] = {
        {-296, -27},
        {26631, 2959},
        {-1491308, -213044},
        {44739243, 8947849},
        {-536870912, -178956971},
    };
    const uint32_t quadrant = (turn + EIGHTH_TURN) / QUARTER_TURN;
    const int32_t rest = (int32_t)(turn - quadrant * QUARTER_TURN);
    const int32_t x = mul_q30(rest, RADIANS_PER_TURN_Q30);
    const int32_t square = mul_q30(x, x);
    int32_t c = 0;
    int32_t s = 0;
    for (int i = 0; i < 5; i++) {
        c = mul_q30(c, square) + k_terms[i][0];
        s = mul_q30(s, square) + k_terms[i][1];
    }
    c = (INT32_C(1) << Q30) + mul_q30(c, square);
    s = x + mul_q30(mul_q30(s, square), x);
    const bool swapped = (quadrant & 1U) != 0;
    const bool turned = (quadrant & 2U) != 0;
    const int32_t cosine = swapped ? -s : c;
    const int32_t sine = swapped ? c : s;
    *cos_q30 = turned ? -cosine : cosine;
    *sin_q30 = turned ? -sine : sine;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? ~(uint64_t)value + 1 : (uint64_t)value;
}

/* Scales so that the larger component lies in 2^58 .. 2^59. */
static struct wk_angle_vector stretched(struct wk_angle_vector v)
{
    uint64_t largest = magnitude(v.re) | magnitude(v.im);
    while (largest >= CORDIC_TOP) {
        v.re >>= 1;
        v.im >>= 1;
        largest >>= 1;
    }
    uint8_t shift = 0;
    while (largest < CORDIC_TOP / 2) {
        shift++;
        largest <<= 1;
    }
    v.re *= INT64_C(1) << shift;
    v.im *= INT64_C(1) << shift;
    return v;
}

/* value / 2^steps towards minus infinity: >> keeps the sign with every compiler used here. */
static int64_t halved(int64_t value, int steps)
{
    /* cppcheck-suppress shiftNegativeLHS */
    return value >> steps;
}

/* CORDIC until the rest is so small that it is its own tangent. */
int32_t wk_angle_of(struct wk_angle_vector v)
{
    /* atan(2^-i) in 2^-40 turns */
    static const int64_t k_step[CORDIC_STEPS] = {
        137438953472, 81134951838, 42869480287, 21761217566, 10922836750,
        5466743129,   2734038620,  1367102738,  683561799,   341782203,
        170891265,    85445653,    42722829,    21361415,    10680707,
    };
    if (v.re == 0 && v.im == 0) {
        return 0;
    }
    v = stretched(v);
    uint32_t turn = 0;
    if (v.re < 0) {
        v.re = -v.re;
        v.im = -v.im;
        turn = UINT32_C(1) << 31;
    }
    int64_t sum = 0;
    for (int i = 0; i < CORDIC_STEPS; i++) {
        int64_t by_im = halved(v.im, i);
        int64_t by_re = halved(v.re, i);
        int64_t step = k_step[i];
        if (v.im < 0) {
            by_im = -by_im;
            by_re = -by_re;
            step = -step;
        }
        v.re += by_im;
        v.im -= by_re;
        sum += step;
    }
    const int64_t tangent_q32 = v.im * (INT64_C(1) << 16) / (v.re >> 16);
    sum += (tangent_q32 * TURN_PER_RADIAN) >> 24;
    return (int32_t)(turn + (uint32_t)((sum + 128) >> 8));
}

/* value * factor / 2^30 for |value| < 2^62, by two products of 32 bits. */
static int64_t scaled(int64_t value, int32_t factor_q30)
{
    const int32_t high = (int32_t)(value >> 31);
    const int32_t low = (int32_t)(value & INT32_MAX);
    return (int64_t)high * factor_q30 * 2 + (((int64_t)low * factor_q30) >> Q30);
}

struct wk_angle_vector wk_angle_turn_by(struct wk_angle_vector v, int32_t cos_q30,
                                        int32_t sin_q30)
{
    return (struct wk_angle_vector){
        .re = scaled(v.re, cos_q30) - scaled(v.im, sin_q30),
        .im = scaled(v.im, cos_q30) + scaled(v.re, sin_q30),
    };
}

struct wk_angle_vector wk_angle_turn(struct wk_angle_vector v, uint32_t turn)
{
    int32_t c;
    int32_t s;
    wk_angle_unit_q30(turn, &c, &s);
    return wk_angle_turn_by(v, c, s);
}

int32_t wk_angle_mdeg(int32_t turn)
{
    const int64_t half = INT64_C(1) << 31;
    return (int32_t)(((int64_t)turn * 360000 + half) >> 32);
}

/* The float root is good to 24 bits, and so is what it lacks of the exact one, which is less than
 * 2^10. Both are the same on every processor, and what they leave is made good exactly. */
uint32_t wk_angle_root(uint64_t square)
{
    if (square == 0) {
        return 0;
    }
    const float guess = __builtin_sqrtf((float)square);
    uint32_t root = (uint32_t)(guess < ROOT_MOST ? guess : ROOT_MOST);
    const int64_t rest = (int64_t)(square - (uint64_t)root * root);
    root += (uint32_t)(int32_t)((float)rest / (2 * guess));
    while ((uint64_t)root * root > square) {
        root--;
    }
    while (square - (uint64_t)root * root > 2 * (uint64_t)root) {
        root++;
    }
    return root;
}
