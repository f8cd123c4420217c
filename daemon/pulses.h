/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/pulses - the test lamp of a meter on Linux: pulses of the meter constant on an LED or an
 * output pin.
 *
 * Metrology counts the pulses of every window from exact energy (metrology/pulse); a thread of
 * its own spreads them evenly over the next one and writes "1" and "0" into a file: the
 * brightness of /sys/class/leds/NAME or the value of an exported GPIO. A pulse is
 * WK_PULSES_ON_US long, or half the distance to the next one if that is shorter
 * (IEC 62053-31 asks for 30 ms at least: choose the constant so that the greatest power stays below
 * WK_PULSES_MOST_HZ). What comes faster than it can be shown is shown later; none is dropped. */
#ifndef WK_DAEMON_PULSES_H
#define WK_DAEMON_PULSES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WK_PULSES_ON_US   INT64_C(30000)
#define WK_PULSES_MOST_HZ 16 /* pulses of full length */
#define WK_PULSES_WHY     256

struct wk_pulses;

/** Opens `file` for writing and starts the thread. On error *pulses is NULL and `why` a text:
 *  WK_E_NOT_FOUND no such file, WK_E_DENIED it may not be written, WK_E_IO otherwise. */
WK_MUST_USE wk_err wk_pulses_open(struct wk_pulses **pulses, const char *file,
                                  char why[WK_PULSES_WHY]);

/** The pulses of a window that lasted `span_us`; returns at once. NULL: nothing is done. */
void wk_pulses_add(struct wk_pulses *pulses, uint32_t count, int64_t span_us);

/** Ends the thread after the pulse under way, leaves the lamp dark. Returns how many pulses were
 *  not shown any more. */
uint64_t wk_pulses_close(struct wk_pulses *pulses);

#endif
