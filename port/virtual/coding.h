/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/coding - how many packets a modulation and its code lose at a signal-to-noise ratio, in closed
 * form: the pairwise error of symbols that are combined by their squares (Proakis, Digital
 * Communications, 4th ed., 12.1), and the union bound over the weights of the paths of a convolutional code.
 * DQPSK is taken by the exponent of its error, which is at most 0.7 dB too bad.
 *
 * For simulated modems: double and libm. Context: any. */
#ifndef WK_PORT_VIRTUAL_CODING_H
#define WK_PORT_VIRTUAL_CODING_H

#include <stddef.h>
#include <stdint.h>

typedef enum wk_virtual_modulation {
    WK_VIRTUAL_DBPSK,
    WK_VIRTUAL_DQPSK,
    WK_VIRTUAL_FSK, /* binary, orthogonal, received without phase */
} wk_virtual_modulation;

typedef enum wk_virtual_code {
    WK_VIRTUAL_UNCODED,
    WK_VIRTUAL_K4, /* rate 1/2, generators 15 and 17 (octal): IEEE 802.15.4 MR-FSK */
    WK_VIRTUAL_K7, /* rate 1/2, 133 and 171: G3-PLC */
} wk_virtual_code;

/* A way to send, of a modem. */
struct wk_virtual_mode {
    const char *name;
    wk_virtual_modulation modulation;
    wk_virtual_code code;
    uint8_t repeats;   /* each coded bit is sent so many times, and combined */
    uint32_t rate_bps; /* of what is carried */
};

/** Probability that of two sequences which differ in `places` symbols the wrong one is taken; `gamma` is the energy
 *  of all these symbols over the noise density, linear, of DBPSK; FSK has half of it. */
double wk_virtual_pair_error(unsigned places, double gamma);

/** Probability that `octets` in one packet do not all arrive; `snr` is the energy of a symbol over the
 *  noise density, linear. */
double wk_virtual_packet_error(const struct wk_virtual_mode *mode, double snr, size_t octets);

/** The least `snr` at which packets of `octets` are lost with this probability, 0 < loss < 1. */
double wk_virtual_needed_snr(const struct wk_virtual_mode *mode, double loss, size_t octets);

#endif
