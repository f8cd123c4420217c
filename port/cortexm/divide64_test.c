/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/wk_test.h"

#define SEED  UINT64_C(20261122)
#define CASES 20000

static uint64_t state = SEED;

/* Of any length. */
static uint64_t any(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state * UINT64_C(0x9E3779B97F4A7C15)) >> (state & 63);
}

/* Volatile, so that it is divided when the test runs. */
static bool divides(uint64_t a, uint64_t b)
{
    const volatile uint64_t dividend = a;
    const volatile uint64_t divisor = b;
    const uint64_t quotient = dividend / divisor;
    const uint64_t rest = dividend % divisor;
    return rest < b && quotient <= UINT64_MAX / b && quotient * b + rest == a;
}

static bool divides_signed(int64_t a, int64_t b)
{
    const volatile int64_t dividend = a;
    const volatile int64_t divisor = b;
    const int64_t quotient = dividend / divisor;
    const int64_t rest = dividend % divisor;
    const uint64_t rest_size = rest < 0 ? 0 - (uint64_t)rest : (uint64_t)rest;
    const uint64_t size = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
    return rest_size < size && (rest == 0 || (rest < 0) == (a < 0)) &&
           (uint64_t)quotient * (uint64_t)b + (uint64_t)rest == (uint64_t)a;
}

static void quotient_times_divisor_and_rest_are_the_dividend(void)
{
    printf("# seed %lu\n", (unsigned long)SEED);
    for (int i = 0; i < CASES; i++) {
        const uint64_t a = any();
        const uint64_t b = any() | 1U;
        EXPECT(divides(a, b));
        EXPECT(divides_signed((int64_t)a, (int64_t)b));
        EXPECT(divides_signed(-(int64_t)(a >> 1), (int64_t)b));
    }
}

static void every_length_of_dividend_and_divisor_divides(void)
{
    for (int a = 0; a < 64; a++) {
        for (int b = 0; b < 64; b++) {
            const uint64_t dividend = UINT64_C(1) << a;
            const uint64_t divisor = UINT64_C(1) << b;
            EXPECT(divides(dividend, divisor));
            EXPECT(divides(dividend - 1, divisor));
            EXPECT(divides(dividend, divisor - (b > 0 ? 1 : 0)));
            EXPECT(divides(UINT64_MAX >> a, UINT64_MAX >> b));
        }
    }
    EXPECT(divides(0, 1));
    EXPECT(divides(0, UINT64_MAX));
    EXPECT(divides_signed(INT64_MIN, 1));
    EXPECT(divides_signed(INT64_MIN, INT64_MAX));
    EXPECT(divides_signed(INT64_MAX, INT64_MIN));
    EXPECT(divides_signed(INT64_MIN, INT64_MIN));
}

WK_TEST_MAIN(T(quotient_times_divisor_and_rest_are_the_dividend),
             T(every_length_of_dividend_and_divisor_divides))
