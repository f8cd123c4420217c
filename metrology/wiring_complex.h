/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/wiring_complex - complex numbers of the installation check. */
#ifndef WK_METROLOGY_WIRING_COMPLEX_H
#define WK_METROLOGY_WIRING_COMPLEX_H

struct wk_wiring_complex {
    float re;
    float im;
};

static inline struct wk_wiring_complex wk_wiring_complex_sub(struct wk_wiring_complex a,
                                                             struct wk_wiring_complex b)
{
    return (struct wk_wiring_complex){a.re - b.re, a.im - b.im};
}

static inline struct wk_wiring_complex wk_wiring_complex_add(struct wk_wiring_complex a,
                                                             struct wk_wiring_complex b)
{
    return (struct wk_wiring_complex){a.re + b.re, a.im + b.im};
}

static inline struct wk_wiring_complex wk_wiring_complex_mul(struct wk_wiring_complex a,
                                                             struct wk_wiring_complex b)
{
    return (struct wk_wiring_complex){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

static inline struct wk_wiring_complex wk_wiring_complex_conj(struct wk_wiring_complex a)
{
    return (struct wk_wiring_complex){a.re, -a.im};
}

static inline struct wk_wiring_complex wk_wiring_complex_times(struct wk_wiring_complex a,
                                                               float factor)
{
    return (struct wk_wiring_complex){a.re * factor, a.im * factor};
}

static inline float wk_wiring_complex_square(struct wk_wiring_complex a)
{
    return a.re * a.re + a.im * a.im;
}

#endif
