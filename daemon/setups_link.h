/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/setups_link - the link in COSEM: 0-0:128.10.0 the whole, 0-b:128.10.0 path b, read only. */
#ifndef WK_DAEMON_SETUPS_LINK_H
#define WK_DAEMON_SETUPS_LINK_H

#include "base/bytes.h"
#include "cosem/obis.h"
#include "daemon/link.h"

/** Appends the value of attribute 2. False: it is none of these objects, or there is no such path. */
bool wk_setups_tell_link(const struct wk_meter_link *link, const uint8_t obis[WK_OBIS_SIZE],
                         struct wk_bytes_out *out);

#endif
