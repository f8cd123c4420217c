/* SPDX-License-Identifier: Apache-2.0
 *
 * link/line_modem_part - what the files of link/line_modem have of each other. */
#ifndef WK_LINK_LINE_MODEM_PART_H
#define WK_LINK_LINE_MODEM_PART_H

#include "link/line_modem.h"

#define WK_LINE_MODEM_ENOUGH 8   /* questions that tell something */
#define WK_LINE_MODEM_FAILS  800 /* permille answered: less is trouble */

/** Share of the questions that were answered, permille; 1000 before there were any. */
uint16_t wk_line_modem_delivery(const struct wk_line_modem *modem);
/** The channel with the least noise beside the present one, of those that may be tried; 0: all may.
 *  WK_LINE_MODEM_CHANNELS: none is known. */
uint8_t wk_line_modem_quietest(const struct wk_line_modem *modem, int64_t now_us);
/** There is trouble, and by the line: a head-end that does not answer is none of it. */
bool wk_line_modem_is_poor(const struct wk_line_modem *modem);
/** Begins a trial, ends one, or does nothing: after each status. */
void wk_line_modem_look(struct wk_line_modem *modem, int64_t now_us);

#endif
