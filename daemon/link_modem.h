/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/link_modem - a path of the link and its cellular modem: the path is carried while the context is
 * active, and rests while the modem sleeps; an alarm wakes the modem, silence of the path lets it
 * be asked, and a path that stays dead while the modem says that all is well sends it up the
 * ladder: after WK_METER_LINK_USELESS_US if another path reaches the head-end, else after three
 * times that. */
#ifndef WK_DAEMON_LINK_MODEM_H
#define WK_DAEMON_LINK_MODEM_H

#include "daemon/link.h"

#define WK_METER_LINK_USELESS_US INT64_C(600000000)

/** Begins the modem of a path; nothing, if it has none. `changed` gets the path. WK_E_IO: no memory. */
WK_MUST_USE wk_err wk_meter_link_modem_start(struct wk_meter_link_path *path, uv_loop_t *loop,
                                             void (*changed)(void *self));
/** What the rules of its path are with the modem's: who sleeps is not asked before its time. */
void wk_meter_link_modem_rules(const struct wk_config_path *path,
                               struct wk_link_path_rules *rules);
/** Carrier or modem of a path that has one have changed: whether it carries or rests. */
void wk_meter_link_modem_follow(struct wk_meter_link_path *path, int64_t now_us);
/** After each step of the sender. */
void wk_meter_link_modem_tend(struct wk_meter_link *link, int64_t now_us);

#endif
