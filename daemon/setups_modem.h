/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/setups_modem - what a cellular modem says, as attributes of COSEM: GSM diagnostic (class 47,
 * version 2, 4.7.9 of the Blue Book). */
#ifndef WK_DAEMON_SETUPS_MODEM_H
#define WK_DAEMON_SETUPS_MODEM_H

#include "link/modem.h"
#include "management/setup.h"

#define WK_SETUPS_CLASS_GSM 47

/** Appends the value of `attribute`. False: the modem does not tell of it. */
bool wk_setups_tell_gsm(const struct wk_modem *modem, uint8_t attribute,
                        struct wk_bytes_out *out);

#endif
