/* SPDX-License-Identifier: Apache-2.0 */
#include "port/virtual/coding.h"

#include <math.h>

#define BITS_PER_OCTET 8
#define WEIGHTS        8
#define HALVINGS       60
#define SNR_MOST       1e6
#define DQPSK_EXPONENT 0.2928932188134524 /* (2 - sqrt 2) / 2 of the energy of a symbol */

/* Paths that leave the right one and come back, by the places in which they differ. */
static const struct {
    uint8_t places[WEIGHTS];
    uint16_t paths[WEIGHTS];
} k_codes[] = {
    [WK_VIRTUAL_UNCODED] = {{1}, {1}},
    [WK_VIRTUAL_K4] = {{6, 7, 8, 9, 10, 11, 12, 13}, {1, 3, 5, 11, 25, 55, 121, 267}},
    [WK_VIRTUAL_K7] = {{10, 12, 14, 16, 18}, {11, 38, 193, 1331, 7275}},
};

double wk_virtual_pair_error(unsigned places, double gamma)
{
    const double most = 2.0 * places - 1;
    double choices = 1; /* of `most` things n */
    double sums[4 * 18];
    double sum = 0;
    double power = 1; /* gamma^k / k! */
    double all = 0;
    for (unsigned n = 0; n < places; n++) {
        sum += choices;
        sums[n] = sum;
        choices *= (most - n) / (n + 1);
    }
    for (unsigned k = 0; k < places; k++) {
        all += sums[places - 1 - k] * power;
        power *= gamma / (k + 1);
    }
    return all * exp(-gamma - most * log(2));
}

/* Energy of a coded bit as DBPSK would need it. */
static double as_dbpsk(const struct wk_virtual_mode *mode, double snr)
{
    switch (mode->modulation) {
    case WK_VIRTUAL_DBPSK:
        return snr;
    case WK_VIRTUAL_DQPSK:
        return snr * DQPSK_EXPONENT;
    case WK_VIRTUAL_FSK:
        return snr / 2;
    }
    return 0;
}

double wk_virtual_packet_error(const struct wk_virtual_mode *mode, double snr, size_t octets)
{
    const double gamma = as_dbpsk(mode, snr);
    double wrong = 0;
    for (unsigned i = 0; i < WEIGHTS && k_codes[mode->code].places[i] != 0; i++) {
        const unsigned places = k_codes[mode->code].places[i] * (unsigned)mode->repeats;
        wrong += k_codes[mode->code].paths[i] * wk_virtual_pair_error(places, places * gamma);
    }
    return wrong >= 1 ? 1 : 1 - pow(1 - wrong, (double)octets * BITS_PER_OCTET);
}

double wk_virtual_needed_snr(const struct wk_virtual_mode *mode, double loss, size_t octets)
{
    double low = 0;
    double high = SNR_MOST;
    for (int i = 0; i < HALVINGS; i++) {
        const double middle = (low + high) / 2;
        if (wk_virtual_packet_error(mode, middle, octets) > loss) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}
