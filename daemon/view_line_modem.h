/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/view_line_modem - the modem for power lines or radio of a path as JSON and in words;
 * docs/api-meter.md. */
#ifndef WK_DAEMON_VIEW_LINE_MODEM_H
#define WK_DAEMON_VIEW_LINE_MODEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "link/line_modem.h"

/** The caller owns the result. NULL: no memory. */
json_t *wk_view_line_modem(const struct wk_line_modem *modem, int64_t now_us);

/** What somebody could do about it. False: nothing. */
bool wk_view_line_modem_advice(const struct wk_line_modem *modem, char *to, size_t room);

#endif
