/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/view_meter - a whole meter over a simulated flash that has seen one window, for tests of
 * views. Its quantities are the constants below, its energies what the window brought. */
#ifndef WK_TEST_VIEW_METER_H
#define WK_TEST_VIEW_METER_H

#include "management/module.h"
#include "port/virtual/flash.h"
#include "port/virtual/panel.h"

#define WK_VIEW_METER_SECTOR  4096U
#define WK_VIEW_METER_SECTORS 18U
#define WK_VIEW_METER_SERIAL  "WK10000001"

struct wk_view_meter {
    struct wk_module module;
    struct wk_flash flash;
    struct wk_panel panel;
    bool open; /* the contactor */
    struct wk_hal_contactor contactor;
    uint64_t seq;
    uint8_t octets[WK_VIEW_METER_SECTOR * WK_VIEW_METER_SECTORS];
};

/** A new meter with 1 or 3 phases that has measured nothing yet. */
WK_MUST_USE wk_err wk_view_meter_init(struct wk_view_meter *meter, uint8_t phases);
/** One more window of the same quantities and energies. */
WK_MUST_USE wk_err wk_view_meter_step(struct wk_view_meter *meter);
/** What it brings. */
struct wk_record_window wk_view_meter_window(uint8_t phases);

#endif
