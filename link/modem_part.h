/* SPDX-License-Identifier: Apache-2.0
 *
 * link/modem_part - what the files of link/modem share. */
#ifndef WK_LINK_MODEM_PART_H
#define WK_LINK_MODEM_PART_H

#include "link/modem.h"

/* An event: the state it leads to is entered. */
void wk_modem_happen(struct wk_modem *modem, wk_modem_event event, int64_t now_us);
/* What must work did not: again, or the ladder. */
void wk_modem_fail(struct wk_modem *modem, wk_modem_trouble trouble, int64_t now_us);
/* Card or network refuse. */
void wk_modem_refuse(struct wk_modem *modem, wk_modem_trouble trouble, int64_t now_us);
void wk_modem_note(const struct wk_modem *modem, const char *text);

/* modem_script: commands of the states. */
void wk_modem_script_begin(struct wk_modem *modem, int64_t now_us);
void wk_modem_script_step(struct wk_modem *modem, int64_t now_us);
void wk_modem_script_done(struct wk_modem *modem, wk_at_result result, int32_t code,
                          int64_t now_us);
bool wk_modem_script_has_ended(const struct wk_modem *modem);
/* Where the line goes that answers the command in flight by itself; NULL: none does. */
char *wk_modem_script_name(struct wk_modem *modem);

/* modem_ladder. */
void wk_modem_ladder_climb(struct wk_modem *modem, int64_t now_us);
/* The wait before a rung is over. */
void wk_modem_ladder_act(struct wk_modem *modem, int64_t now_us);

/* modem_line: what the modem says. */
void wk_modem_line_take(struct wk_modem *modem, const char *line, size_t size, int64_t now_us);
/* Values of a cell that is left. */
void wk_modem_line_forget(struct wk_modem *modem);

/* modem_trial: another band. */
void wk_modem_trial_look(struct wk_modem *modem, int64_t now_us);
void wk_modem_trial_lost(struct wk_modem *modem, int64_t now_us);

#endif
