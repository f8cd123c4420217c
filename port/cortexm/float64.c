/* SPDX-License-Identifier: Apache-2.0 */
#include "port/cortexm/float64.h"

#define MANTISSA_BITS 23
#define EXPONENT_BIAS 127

union number {
    float value;
    uint32_t bits;
};

float __aeabi_ul2f(uint64_t value)
{
    const uint32_t high = (uint32_t)(value >> 32);
    if (high == 0) {
        return (float)(uint32_t)value;
    }
    /* the upper 32 bits that count; the lowest tells whether anything was cut off below it */
    const uint32_t shift = 32U - (uint32_t)__builtin_clz(high);
    const uint32_t rest = (uint32_t)value << (32U - shift);
    const uint32_t upper = (uint32_t)(value >> shift) | (rest != 0 ? 1U : 0U);
    const union number scale = {.bits = (EXPONENT_BIAS + shift) << MANTISSA_BITS};
    return (float)upper * scale.value;
}

float __aeabi_l2f(int64_t value)
{
    return value < 0 ? -__aeabi_ul2f(0 - (uint64_t)value) : __aeabi_ul2f((uint64_t)value);
}

uint64_t __aeabi_f2ulz(float value)
{
    const union number number = {.value = value};
    const uint32_t exponent = number.bits >> MANTISSA_BITS & 0xFFU;
    const uint64_t mantissa = (number.bits & 0x7FFFFFU) | 0x800000U;
    if (!(value >= 1)) {
        return 0;
    }
    if (exponent >= EXPONENT_BIAS + 64U) {
        return UINT64_MAX;
    }
    return exponent < EXPONENT_BIAS + MANTISSA_BITS
               ? mantissa >> (EXPONENT_BIAS + MANTISSA_BITS - exponent)
               : mantissa << (exponent - EXPONENT_BIAS - MANTISSA_BITS);
}

int64_t __aeabi_f2lz(float value)
{
    const uint64_t size = __aeabi_f2ulz(value < 0 ? -value : value);
    const uint64_t most = (uint64_t)INT64_MAX + (value < 0 ? 1U : 0U);
    const uint64_t limited = size < most ? size : most;
    return (int64_t)(value < 0 ? 0 - limited : limited);
}
