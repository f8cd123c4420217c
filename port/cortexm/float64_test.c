/* SPDX-License-Identifier: Apache-2.0 */
#include "port/cortexm/float64.h"

#include "tests/wk_test.h"

#define SEED  UINT64_C(20261121)
#define CASES 20000

static uint64_t state = SEED;

/* Of any length, with long rows of equal bits among them. */
static uint64_t any(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    const uint64_t mask = (state >> 6 & 1) != 0 ? UINT64_MAX << (state >> 8 & 63) : UINT64_MAX;
    return (state * UINT64_C(0x9E3779B97F4A7C15) & mask) >> (state & 63);
}

/* A float that is a whole number below 2^65, from its bits: low 64 bits of it. */
static uint64_t whole_of(float value, bool *is_2_to_64)
{
    const union {
        float value;
        uint32_t bits;
    } number = {.value = value};
    const int exponent = (int)(number.bits >> 23) - 150;
    const uint64_t mantissa = (number.bits & 0x7FFFFFU) | 0x800000U;
    *is_2_to_64 = exponent == 41;
    return value == 0 ? 0 : exponent < 0 ? mantissa >> -exponent : mantissa << exponent % 64;
}

/* Half of the distance between floats of this size. */
static uint64_t half_step(uint64_t value)
{
    uint64_t step = 1;
    for (uint64_t v = value; v >> 24 != 0; v >>= 1) {
        step <<= 1;
    }
    return step / 2;
}

static void expect_nearest(uint64_t value)
{
    bool over;
    const float f = __aeabi_ul2f(value);
    const uint64_t back = whole_of(f, &over);
    const uint64_t off = over ? 0 - value : back > value ? back - value : value - back;
    const uint64_t half = half_step(value);
    EXPECT(off <= half);
    if (off == half && half != 0) { /* a tie: the even one, or the power of two */
        EXPECT(over || back / (2 * half) % 2 == 0);
    }
    if (value <= INT64_MAX) {
        EXPECT(__aeabi_l2f((int64_t)value) == f);
        EXPECT(__aeabi_l2f(-(int64_t)value) == -f);
    }
}

static void integers_become_the_nearest_float(void)
{
    printf("# seed %lu\n", (unsigned long)SEED);
    for (int i = 0; i < CASES; i++) {
        expect_nearest(any());
    }
    for (int bit = 0; bit < 64; bit++) {
        expect_nearest(UINT64_C(1) << bit);
        expect_nearest((UINT64_C(1) << bit) - 1);
        expect_nearest((UINT64_C(1) << bit) + 1);
    }
    expect_nearest(UINT64_MAX);
    EXPECT(__aeabi_l2f(INT64_MIN) == -0x1p63F);
}

static void floats_become_integers_towards_zero(void)
{
    for (int i = 0; i < CASES; i++) {
        bool over;
        const float f = __aeabi_ul2f(any() >> 2);
        EXPECT_I64((int64_t)whole_of(f, &over), (int64_t)__aeabi_f2ulz(f));
        EXPECT_I64((int64_t)whole_of(f, &over), __aeabi_f2lz(f));
        EXPECT_I64(-(int64_t)whole_of(f, &over), __aeabi_f2lz(-f));
    }
    EXPECT_I64(0, __aeabi_f2lz(0.999F));
    EXPECT_I64(-1, __aeabi_f2lz(-1.999F));
    EXPECT_I64(8388607, __aeabi_f2lz(8388607.5F));
    EXPECT_I64(INT64_MAX, __aeabi_f2lz(0x1p63F));
    EXPECT_I64(INT64_MIN, __aeabi_f2lz(-0x1p63F));
    EXPECT(__aeabi_f2ulz(0x1p63F) == UINT64_C(1) << 63);
    EXPECT(__aeabi_f2ulz(0x1p64F) == UINT64_MAX);
    EXPECT(__aeabi_f2ulz(-5) == 0);
    EXPECT(__aeabi_f2ulz(__builtin_nanf("")) == 0);
}

WK_TEST_MAIN(T(integers_become_the_nearest_float), T(floats_become_integers_towards_zero))
