/* SPDX-License-Identifier: Apache-2.0
 *
 * link/modem_profile - what only the modems of one maker say or understand, as data from their
 * manuals of AT commands. Profile 0 is that of the standard alone. */
#ifndef WK_LINK_MODEM_PROFILE_H
#define WK_LINK_MODEM_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define WK_MODEM_PROFILES 4
#define WK_MODEM_QUERIES  2
#define WK_MODEM_NO_FIELD 0xff

/* A command that tells of the serving cell, and at which place (from 0) of its answer. */
struct wk_modem_query {
    const char *command; /* NULL: there is none */
    const char *name;    /* of the answer */
    uint8_t sinr;
    uint8_t band;
    uint8_t sinr_fifths; /* SINR comes in fifths of a dB above -20, not in whole dB */
};

struct wk_modem_profile {
    const char *maker; /* how the answer to +CGMI begins */
    struct wk_modem_query query[WK_MODEM_QUERIES];
    const char *slept; /* unsolicited: it goes to PSM */
    /* Lets only the bands of a mask in: %x mask in hexadecimal, %d in decimal, %b the bands with
     * commas, %t 0 LTE-M 1 NB-IoT, %n CAT-M NB-IOT; NULL: it cannot */
    const char *bands;
    bool bands_reset; /* works after a reset only */
};

const struct wk_modem_profile *wk_modem_profile(uint8_t number);
/** The profile of a maker as it names itself; 0: none. */
uint8_t wk_modem_profile_find(const char *maker, size_t size);
/** Writes the command for these bands (1..64, 0: no more of them). WK_E_UNSUPPORTED; WK_E_FULL. */
WK_MUST_USE wk_err wk_modem_profile_bands(uint8_t number, const uint8_t *bands, size_t count,
                                          bool nb_iot, struct wk_bytes_out *out);
/** Appends a number, decimal. */
void wk_modem_put_number(struct wk_bytes_out *out, uint64_t number);
void wk_modem_put_text(struct wk_bytes_out *out, const char *text);

#endif
