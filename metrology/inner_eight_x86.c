/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "metrology/inner.h"

#define TARGET   __attribute__((target("avx2")))
#define INLINE   static inline TARGET
#define HALF_Q30 (UINT64_C(1) << 29)

/* Unsigned, so that counts out of range may wrap. */
typedef uint32_t words __attribute__((vector_size(32)));
typedef int32_t integers __attribute__((vector_size(32)));
typedef uint64_t longs __attribute__((vector_size(32)));

/* The even channels and the odd ones apart. */
struct sums {
    integers loud;
    words x;
    longs xx_even;
    longs xx_odd;
    longs cos_even;
    longs cos_odd;
    longs sin_even;
    longs sin_odd;
    longs ui;
};

/* Signed products of the even words. */
INLINE longs product(words a, words b)
{
    return (longs)__builtin_ia32_pmuldq256((integers)a, (integers)b);
}

INLINE void add_frame(struct sums *sums, const int32_t *counts, words offset, words cosine,
                      words sine)
{
    integers count;
    memcpy(&count, counts, sizeof count);
    const words even = (words)count - offset;
    const words odd = (words)((longs)even >> 32);
    const words u = __builtin_shufflevector(even, odd, 0, 1, 2, 3, 8, 9, 10, 11);
    const words i = __builtin_shufflevector(even, odd, 4, 5, 6, 7, 12, 13, 14, 15);
    sums->loud |= count ^ (count < 0);
    sums->x += even;
    sums->xx_even += product(even, even);
    sums->xx_odd += product(odd, odd);
    sums->cos_even += product(even, cosine);
    sums->cos_odd += product(odd, cosine);
    sums->sin_even += product(even, sine);
    sums->sin_odd += product(odd, sine);
    sums->ui += product(u, i);
}

/* Two values of the oscillator, cos and sin in turn, two steps on, rounded as one
 * at a time is. */
INLINE words stepped(words wave, words by_cos, words by_sin)
{
    const words turned = __builtin_shufflevector(wave, wave, 2, 3, 0, 1, 6, 7, 4, 5);
    const longs sum = product(wave, by_cos) + product(turned, by_sin) + HALF_Q30;
    return (words)(sum >> 30);
}

/* The even words. */
INLINE words word_of(int32_t a, int32_t b, int32_t c, int32_t d)
{
    const integers word = {a, 0, b, 0, c, 0, d, 0};
    return (words)word;
}

/* One of the even words, for all channels. */
#define WAVE_AT(wave, at)                                                                      \
    ((words)__builtin_shufflevector((longs)(wave), (longs)(wave), at, at, at, at))

TARGET void wk_inner_eight(const int32_t *counts, const int32_t offset[WK_HAL_CHANNELS],
                           size_t frames, const struct wk_cycle_wave *two_steps_q30,
                           struct wk_inner_eight *eight)
{
    const struct wk_cycle_wave by = *two_steps_q30;
    const struct wk_cycle_wave now = eight->now_q29;
    const struct wk_cycle_wave next = eight->next_q29;
    const words by_cos = word_of(by.cos, by.cos, by.cos, by.cos);
    const words by_sin = word_of(-by.sin, by.sin, -by.sin, by.sin);
    const words one = word_of(1, 1, 1, 1);
    words wave = word_of(now.cos, now.sin, next.cos, next.sin);
    words offsets;
    longs waves = {0};
    struct sums sums = {.x = {0}};
    size_t n = 0;
    memcpy(&offsets, offset, sizeof offsets);
    for (; n + 1 < frames; n += 2, counts += 2 * WK_HAL_CHANNELS) {
        add_frame(&sums, counts, offsets, WAVE_AT(wave, 0), WAVE_AT(wave, 1));
        add_frame(&sums, counts + WK_HAL_CHANNELS, offsets, WAVE_AT(wave, 2), WAVE_AT(wave, 3));
        waves += product(wave, one);
        wave = stepped(wave, by_cos, by_sin);
    }
    if (n < frames) {
        const words after = stepped(wave, by_cos, by_sin);
        add_frame(&sums, counts, offsets, WAVE_AT(wave, 0), WAVE_AT(wave, 1));
        waves += product(wave, word_of(1, 1, 0, 0));
        wave = __builtin_shufflevector(wave, after, 4, 5, 6, 7, 8, 9, 10, 11);
    }
    memcpy(eight->x, &sums.x, sizeof eight->x);
    memcpy(&eight->xx[0], &sums.xx_even, sizeof sums.xx_even);
    memcpy(&eight->xx[4], &sums.xx_odd, sizeof sums.xx_odd);
    memcpy(&eight->x_cos[0], &sums.cos_even, sizeof sums.cos_even);
    memcpy(&eight->x_cos[4], &sums.cos_odd, sizeof sums.cos_odd);
    memcpy(&eight->x_sin[0], &sums.sin_even, sizeof sums.sin_even);
    memcpy(&eight->x_sin[4], &sums.sin_odd, sizeof sums.sin_odd);
    memcpy(eight->ui, &sums.ui, sizeof eight->ui);
    eight->bits = 0;
    for (int c = 0; c < WK_HAL_CHANNELS; c++) {
        eight->bits |= (uint32_t)sums.loud[c];
    }
    eight->cos = (int64_t)(waves[0] + waves[2]);
    eight->sin = (int64_t)(waves[1] + waves[3]);
    eight->now_q29 = (struct wk_cycle_wave){(int32_t)wave[0], (int32_t)wave[2]};
    eight->next_q29 = (struct wk_cycle_wave){(int32_t)wave[4], (int32_t)wave[6]};
}

bool wk_inner_has_eight(void)
{
    return __builtin_cpu_supports("avx2") != 0;
}
