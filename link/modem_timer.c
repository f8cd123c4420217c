/* SPDX-License-Identifier: Apache-2.0 */
#include "link/modem.h"

#define COUNT_MOST 31 /* of units */
#define COUNT_BITS 5
#define UNITS      8

/* Seconds of a unit by its three bits; 0: deactivated, or not used. */
static const uint32_t k_units[2][UNITS] = {
    [WK_MODEM_T3324] = {2, 60, 360},
    [WK_MODEM_T3412] = {600, 3600, 36000, 2, 30, 60, 1152000},
};

/* What `unit` makes of it; 0: it cannot be said so. */
static uint32_t said_as(uint32_t unit_s, uint32_t seconds)
{
    const uint32_t count = unit_s == 0 ? 0 : (seconds + unit_s - 1) / unit_s;
    return count == 0 || count > COUNT_MOST ? 0 : count * unit_s;
}

static void write_octet(uint32_t unit, uint32_t count, char text[WK_MODEM_TIMER])
{
    const uint32_t octet = unit << COUNT_BITS | count;
    for (int i = 0; i < WK_MODEM_TIMER; i++) {
        text[i] = (octet >> (WK_MODEM_TIMER - 1 - i) & 1) != 0 ? '1' : '0';
    }
}

void wk_modem_timer_write(wk_modem_timer timer, uint32_t seconds, char text[WK_MODEM_TIMER])
{
    const uint32_t *units = k_units[timer];
    uint32_t best = UINT32_MAX;
    uint32_t longest = 0;
    for (uint32_t unit = 0; unit < UNITS; unit++) {
        const uint32_t said = said_as(units[unit], seconds);
        longest = units[unit] > units[longest] ? unit : longest;
        if (said != 0 && said < best) {
            best = said;
            write_octet(unit, said / units[unit], text);
        }
    }
    if (best == UINT32_MAX) {
        write_octet(longest, seconds == 0 ? 0 : COUNT_MOST, text);
    }
}

uint32_t wk_modem_timer_read(wk_modem_timer timer, const char *text, size_t size)
{
    uint32_t octet = 0;
    if (size != WK_MODEM_TIMER) {
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '0' && text[i] != '1') {
            return 0;
        }
        octet = octet << 1 | (uint32_t)(text[i] - '0');
    }
    return k_units[timer][octet >> COUNT_BITS] * (octet & COUNT_MOST);
}
