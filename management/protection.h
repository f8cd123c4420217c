/* SPDX-License-Identifier: Apache-2.0
 *
 * management/protection - reasons to disconnect that lie in the supply itself: over-voltage of
 * a phase, heat at the terminals.
 *
 * A voltage above `over_mv` for `over_s` is a reason until every phase has been below
 * `restore_mv` for `restore_s`; the same with the temperature. A threshold of 0 turns that
 * protection off. */
#ifndef WK_MANAGEMENT_PROTECTION_H
#define WK_MANAGEMENT_PROTECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "management/latch.h"
#include "management/setting.h"

#define WK_PROTECTION_PHASES 3

struct wk_protection_settings {
    int32_t over_mv;
    int32_t restore_mv; /* below over_mv */
    uint32_t over_s;
    uint32_t restore_s;
    int32_t hot_mdegc;  /* 10^-3 degrees Celsius */
    int32_t cool_mdegc; /* below hot_mdegc */
    uint32_t hot_s;
    uint32_t cool_s;
};

extern const struct wk_setting_table wk_protection_table;

struct wk_protection {
    struct wk_protection_settings settings;
    struct wk_latch voltage[WK_PROTECTION_PHASES];
    struct wk_latch heat;
};

struct wk_protection_input {
    int64_t span_us;
    int32_t u_mv[WK_PROTECTION_PHASES];
    uint8_t phases;
    bool thermometer; /* there is one, and it answered */
    int32_t mdegc;
};

/* Edges of one step: bit 0..2 phases, bit 3 heat. */
struct wk_protection_edges {
    uint8_t begins;
    uint8_t ends;
};
#define WK_PROTECTION_HEAT 0x08

/** 1.2 Un for 3 s, back below 1.1 Un for 60 s; 105 degrees for 10 s, back below 85 for 300 s. */
void wk_protection_init(struct wk_protection *protection, int32_t nominal_mv);

/** WK_E_RANGE: outside of wk_protection_table, or a value to restore at is not below the one
 *  to trip at; nothing changed. */
WK_MUST_USE wk_err wk_protection_set(struct wk_protection *protection,
                                     const struct wk_protection_settings *settings);

struct wk_protection_edges wk_protection_step(struct wk_protection *protection,
                                              const struct wk_protection_input *input);

/** A reason stands. */
bool wk_protection_over_voltage(const struct wk_protection *protection);
bool wk_protection_over_heat(const struct wk_protection *protection);

#endif
