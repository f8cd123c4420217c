/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/meter - one meter as a process: ring and store in, DLMS and the local page out.
 *
 * Everything runs in one libuv loop but the page's threads, which enter through the gate. */
#ifndef WK_DAEMON_METER_H
#define WK_DAEMON_METER_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "daemon/config.h"
#include "daemon/enrol.h"
#include "daemon/firmware.h"
#include "daemon/gate.h"
#include "daemon/link.h"
#include "daemon/ports.h"
#include "daemon/pump.h"
#include "daemon/push.h"
#include "daemon/ring_watch.h"
#include "daemon/security.h"
#include "daemon/setups.h"
#include "daemon/views.h"
#include "daemon/web.h"
#include "daemon/week.h"
#include "management/counts.h"
#include "management/data_protection.h"
#include "management/module.h"
#include "management/parameter_monitor.h"
#include "management/quantities.h"
#include "port/linux/crypto.h"
#include "port/linux/flash_file.h"
#include "port/linux/hsm.h"
#include "port/linux/instant_ring.h"
#include "port/linux/ring.h"
#include "port/virtual/panel.h"

#define WK_METER_WHY 1024

struct wk_meter {
    struct wk_config config;
    const char *version; /* of this program, MAJOR.MINOR.PATCH; set it before the start */
    bool trial;          /* this program is on trial: likewise */
    struct wk_hal_contactor contactor; /* simulated: a word in the ring cuts the currents */
    struct wk_panel panel; /* simulated: relays, covers, buttons, magnet, thermometer */
    struct wk_flash_file flash;
    struct wk_ring ring;
    struct wk_ring_watch watch;
    struct wk_instant_ring cycles;
    struct wk_crypto crypto;
    struct wk_hsm hsm;                /* if the keys lie in a token */
    const struct wk_hal_crypto *keys; /* of crypto or of hsm */
    struct wk_meter_security security;
    struct wk_module module;
    struct wk_setup setup;           /* parameters that clients set */
    struct wk_counts counts;         /* sags, outages, tampers */
    struct wk_quantities quantities; /* demand and energy of more quantities */
    struct wk_profile more_profiles[WK_ROOMS_MORE_PROFILES];
    struct wk_rooms_harmonics harmonics;
    struct wk_parameter_monitor parameter_monitor;
    struct wk_data_protection data_protection;
    struct wk_meter_setups setups;
    struct wk_payment payment; /* if [credit] is there */
    struct wk_token_transfer transfer;
    struct wk_pump pump;
    struct wk_week week;
    struct wk_record spectrum[WK_VIEW_SLOTS]; /* newest of 150/180 cycles; kind 0 = none yet */
    struct wk_record ten_min; /* newest QUALITY of 10 minutes, of 2 hours, newest FREQUENCY */
    struct wk_record two_h;
    struct wk_record frequency;
    struct wk_gate gate;
    struct wk_modbus_lines lines;
    struct wk_submeters submeters;
    struct wk_web web;
    struct wk_meter_ports ports;
    struct wk_meter_views views;
    struct wk_meter_push push;
    struct wk_meter_link link;
    struct wk_meter_enrol enrol;
    struct wk_meter_firmware firmware;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_idle_t idle; /* runs while there is more to take at once */
    uv_signal_t signals[2];
    uint64_t record_ns; /* steady clock when the newest record came */
    bool seen;          /* a record has come */
    wk_err fault;       /* why the loop ended */
    char why[WK_METER_WHY];
};

/** Opens everything the configuration names. On error meter->why, and nothing is left open. */
WK_MUST_USE wk_err wk_meter_start(struct wk_meter *meter);
/** Runs until SIGINT or SIGTERM (WK_OK), until another firmware is to be tried (WK_OK, *restart) or
 *  until the store fails. Closes everything. */
WK_MUST_USE wk_err wk_meter_run(struct wk_meter *meter, bool *restart);

#endif
