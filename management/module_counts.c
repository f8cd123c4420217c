/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_counts.h"

#include "management/counts.h"
#include "management/module_pack.h"

#define US_PER_S INT64_C(1000000)

void wk_module_counts_begin(struct wk_module *module)
{
    struct wk_counts *counts = module->rooms.counts;
    if (counts != NULL && counts->begin_s == 0) {
        counts->begin_s = (uint32_t)(module->rooms.t_us / US_PER_S);
        wk_module_changed(module, WK_MODULE_KEY_COUNTS);
    }
}

void wk_module_counts_record(struct wk_module *module, const struct wk_record *record)
{
    struct wk_rooms *rooms = &module->rooms;
    const int64_t utc_s = wk_clock_now_us(&rooms->clock, record->t_us) / US_PER_S;
    if (rooms->counts != NULL &&
        rooms->counts->functions->record(rooms->counts, &record->event, utc_s)) {
        wk_module_changed(module, WK_MODULE_KEY_COUNTS);
    }
}

void wk_module_counts_away(struct wk_module *module, int64_t back_us, int64_t away_us)
{
    struct wk_counts *counts = module->rooms.counts;
    if (counts != NULL) {
        counts->functions->away(counts, (back_us - away_us) / US_PER_S, away_us);
        wk_module_changed(module, WK_MODULE_KEY_COUNTS);
    }
}

static uint32_t latches_of(wk_tamper_kind kind)
{
    const uint8_t first = wk_tamper_latch_of(kind);
    const uint8_t next = kind + 1 < WK_TAMPER_KINDS
                             ? wk_tamper_latch_of((wk_tamper_kind)(kind + 1))
                             : WK_TAMPER_LATCHES;
    return (1U << next) - (1U << first);
}

void wk_module_counts_tamper(struct wk_module *module, uint8_t latch,
                             struct wk_tamper_edges edges, int64_t utc_s)
{
    const struct wk_rooms *rooms = &module->rooms;
    uint8_t phase;
    const wk_tamper_kind kind = wk_tamper_kind_of(latch, &phase);
    const bool begins = (edges.begins >> latch & 1U) != 0;
    if (rooms->counts != NULL && (begins || (edges.ends >> latch & 1U) != 0)) {
        const bool active = (wk_tamper_active(&rooms->tamper) & latches_of(kind)) != 0;
        rooms->counts->functions->tamper(rooms->counts, kind, begins, active, utc_s);
        wk_module_changed(module, WK_MODULE_KEY_COUNTS);
    }
}

void wk_module_counts_note(struct wk_module *module, int64_t now_us, uint16_t code)
{
    if (module->rooms.counts != NULL && code == WK_EVENT_PARAMETER_CHANGED) {
        module->rooms.counts->changes++;
        module->rooms.counts->change_s = (uint32_t)(now_us / US_PER_S);
        wk_module_changed(module, WK_MODULE_KEY_COUNTS);
    }
}
