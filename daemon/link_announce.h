/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/link_announce - alarms go to the head-end before the meter's store has them (docs/on-wire.md,
 * ANNOUNCE): a medium may take long, and a meter whose supply fails may not come to it. */
#ifndef WK_DAEMON_LINK_ANNOUNCE_H
#define WK_DAEMON_LINK_ANNOUNCE_H

#include "daemon/link.h"

/** From now on the link hears of the events of its module. */
void wk_meter_link_announce_start(struct wk_meter_link *link);

#endif
