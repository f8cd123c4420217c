/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/view - the module as JSON, for the local page. docs/api-meter.md describes the
 * members. Values are those of the object table; nothing is computed here but unit prefixes.
 *
 * The caller has the module to itself and owns the result (json_decref). NULL: out of memory or
 * the store cannot be read. */
#ifndef WK_DAEMON_VIEW_H
#define WK_DAEMON_VIEW_H

#include <jansson.h>

#include "daemon/config.h"
#include "daemon/diagnosis.h"
#include "daemon/week.h"
#include "management/module.h"
#include "port/linux/ring.h"

#define WK_VIEW_PROFILE_MOST 3000 /* entries in one answer */
#define WK_VIEW_EVENTS_MOST  500

#define WK_VIEW_SLOTS        8 /* U1 U2 U3 UN I1 I2 I3 IN */

/* The newest records of power quality; kind 0 = none yet. */
struct wk_view_quality {
    const struct wk_week *week;
    const struct wk_record *spectrum; /* WK_VIEW_SLOTS, of 150/180 cycles */
    const struct wk_record *ten_min;
    const struct wk_record *two_h;
    const struct wk_record *frequency;
};

struct wk_view {
    struct wk_view_quality quality;
    const struct wk_config *config;
    const struct wk_module *module;
    const struct wk_ring *ring;
    const struct wk_balance *balance;
};

json_t *wk_view_info(const struct wk_view *view);
json_t *wk_view_live(const struct wk_view *view);
/** What is usual for this meter; wk_diagnosis_declare changes it. */
struct wk_wiring_declared wk_view_declared(const struct wk_view *view);
/** The installation check of the newest window. */
json_t *wk_view_wiring(const struct wk_view *view, const struct wk_wiring_declared *declared);
json_t *wk_view_balance(const struct wk_view *view);
json_t *wk_view_registers(const struct wk_view *view);
/** Entries whose end lies in from..to, oldest first; the newest WK_VIEW_PROFILE_MOST of them.
 */
json_t *wk_view_profile(const struct wk_view *view, struct wk_utc from, struct wk_utc to);
/** The newest `most` events, newest first. */
json_t *wk_view_events(const struct wk_view *view, size_t most);

/** (view_control.c) The supply: state, reasons, limits, relays; and what was found of fraud. */
json_t *wk_view_supply(const struct wk_rooms *rooms);
json_t *wk_view_tamper(const struct wk_rooms *rooms);
/** (view_quality.c) Power quality: the newest intervals, spectra, events of the voltage. */
json_t *wk_view_quality(const struct wk_view *view);
/** (view_quality.c) The weeks of EN 50160: the one under way, and the one before. */
json_t *wk_view_week(const struct wk_view *view);

#endif
