/* SPDX-License-Identifier: Apache-2.0
 *
 * The flickermeter over counts from standard input, for an independent meter to compare with.
 *
 * usage: flicker_dump RATE_HZ LAMP_V NOMINAL_HZ COUNT_FROM_S
 * Input: frames of three int32 counts, this machine's order of octets. Output: one JSON object with
 * Pst and the largest Pinst of each voltage from COUNT_FROM_S on. */
#include <stdio.h>
#include <stdlib.h>

#include "metrology/flicker.h"

#define PHASES 3
#define BLOCK  100

static struct wk_flicker flicker;

static wk_err begin(int64_t rate_hz, int lamp_v, int32_t nominal_hz)
{
    struct wk_hal_frontend_info info = {
        .channels = PHASES,
        .rate_uhz = rate_hz * 1000000,
        .nominal_uhz = nominal_hz * 1000000,
    };
    for (int phase = 0; phase < PHASES; phase++) {
        info.channel[phase] = (struct wk_hal_channel){
            .quantity = WK_HAL_VOLTAGE,
            .phase = (uint8_t)phase,
            .gain = {.mantissa = 600000000, .exponent = -13},
        };
    }
    struct wk_sample_map map;
    struct wk_sample_fault fault;
    WK_TRY(wk_sample_map_init(&map, &info, &fault));
    return wk_flicker_init(&flicker, &map, info.rate_uhz,
                           lamp_v == 120 ? WK_FLICKER_LAMP_120_V : WK_FLICKER_LAMP_230_V,
                           info.nominal_uhz);
}

int main(int argc, char **argv)
{
    int32_t counts[BLOCK * PHASES];
    float pinst[PHASES];
    float pst[PHASES];
    if (argc != 5 || begin(atoll(argv[1]), atoi(argv[2]), (int32_t)atoi(argv[3])) != WK_OK) {
        fprintf(stderr, "usage: flicker_dump RATE_HZ LAMP_V NOMINAL_HZ COUNT_FROM_S\n");
        return 2;
    }
    const size_t from = (size_t)(atoll(argv[1]) * atoll(argv[4]));
    size_t done = 0;
    size_t got;
    bool counting = false;
    while ((got = fread(counts, sizeof(int32_t) * PHASES, BLOCK, stdin)) > 0) {
        wk_flicker_feed(&flicker, counts, got);
        done += got;
        if (!counting && done >= from) {
            counting = true;
            wk_flicker_take_pst(&flicker, pst);
            wk_flicker_take_pinst(&flicker, pinst);
        }
    }
    const bool any = wk_flicker_take_pst(&flicker, pst);
    wk_flicker_take_pinst(&flicker, pinst);
    printf("{\"pst\":[%.9g,%.9g,%.9g],\"pinst\":[%.9g,%.9g,%.9g]}\n", (double)pst[0],
           (double)pst[1], (double)pst[2], (double)pinst[0], (double)pinst[1],
           (double)pinst[2]);
    return any ? 0 : 1;
}
