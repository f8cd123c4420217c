/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/wide.h"
#include "headend/vee.h"

void wk_vee_linear(int64_t a, int64_t b, int32_t n, int64_t *values)
{
    for (int32_t j = 1; j <= n; j++) {
        int64_t rest;
        const struct wk_i128 step = wk_i128_div(wk_i128_mul(b - a, j), n + 1, &rest);
        values[j - 1] = a + (int64_t)step.low; /* |step| <= |b - a|: fits */
    }
}

struct remainder {
    int64_t rest;
    int32_t slot;
};

static int by_remainder(const void *a, const void *b)
{
    const struct remainder *x = a;
    const struct remainder *y = b;
    if (x->rest != y->rest) {
        return x->rest > y->rest ? -1 : 1;
    }
    return x->slot < y->slot ? -1 : 1;
}

static wk_err sum_of(const int64_t *weights, int32_t n, int64_t *sum)
{
    *sum = 0;
    for (int32_t i = 0; i < n; i++) {
        if (weights[i] < 0 || __builtin_add_overflow(*sum, weights[i], sum)) {
            return WK_E_RANGE;
        }
    }
    return WK_OK;
}

wk_err wk_vee_scale(const int64_t *weights, int32_t n, int64_t total, int64_t *values)
{
    int64_t sum;
    if (n <= 0 || total < 0) {
        return WK_E_RANGE;
    }
    WK_TRY(sum_of(weights, n, &sum));
    struct remainder *rests = malloc(sizeof *rests * (size_t)n);
    if (rests == NULL) {
        return WK_E_FULL;
    }
    int64_t left = total;
    for (int32_t i = 0; i < n; i++) {
        const int64_t weight = sum == 0 ? 1 : weights[i];
        const struct wk_i128 product = wk_i128_mul(weight, total);
        values[i] = (int64_t)wk_i128_div(product, sum == 0 ? n : sum, &rests[i].rest).low;
        rests[i].slot = i;
        left -= values[i];
    }
    qsort(rests, (size_t)n, sizeof *rests, by_remainder);
    for (int32_t i = 0; i < left; i++) { /* left < n: each slot lost less than 1 */
        values[rests[i].slot]++;
    }
    free(rests);
    return WK_OK;
}

int64_t wk_vee_spike_e3(const int64_t *values, int32_t n)
{
    int64_t peak[3] = {0};
    if (n < 3) {
        return 0;
    }
    for (int32_t i = 0; i < n; i++) {
        int64_t value = values[i];
        for (int k = 0; k < 3; k++) {
            if (value > peak[k]) {
                const int64_t lower = peak[k];
                peak[k] = value;
                value = lower;
            }
        }
    }
    if (peak[2] == 0) {
        return peak[0] == 0 ? 0 : INT64_MAX;
    }
    int64_t rest;
    const struct wk_i128 ratio =
        wk_i128_div(wk_i128_mul(peak[0] - peak[2], 1000), peak[2], &rest);
    return wk_i128_fits_i64(ratio) ? (int64_t)ratio.low : INT64_MAX;
}
