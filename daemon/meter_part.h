/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/meter_part - what the files of daemon/meter have of each other: daemon/meter_module makes the module of what the
 * configuration says and of what lies in its folder, daemon/meter runs it. */
#ifndef WK_DAEMON_METER_PART_H
#define WK_DAEMON_METER_PART_H

#include "daemon/meter.h"

/** Keeps "what: reason" for whoever started the meter; "what" may be "". Returns err. */
wk_err wk_meter_fail(struct wk_meter *meter, wk_err err, const char *what, const char *reason);
/** Ring and store, made if they are not there. */
WK_MUST_USE wk_err wk_meter_open_state(struct wk_meter *meter);
/** Keys, module and what is around it; after wk_meter_open_state. */
WK_MUST_USE wk_err wk_meter_start_module(struct wk_meter *meter);
/** The newest record's time, and what has passed since. `self`: the meter. */
int64_t wk_meter_now_us(void *self);
/** Where keys in a token are; NULL: nowhere. */
struct wk_hsm *wk_meter_token(struct wk_meter *meter);
/** What a session for one more client is made of. */
struct wk_session_config wk_meter_session(struct wk_meter *meter);
struct wk_meter_push_config wk_meter_push_config_of(struct wk_meter *meter);

#endif
