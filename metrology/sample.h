/* SPDX-License-Identifier: Apache-2.0
 *
 * metrology/sample - which channel of a frame is which quantity.
 *
 * Checks what a front end says about itself, and gives every metered channel its slot. After
 * that the other rooms speak of slots only. */
#ifndef WK_METROLOGY_SAMPLE_H
#define WK_METROLOGY_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "metrology/record.h"
#include "metrology/refusal.h"
#include "port/hal.h"

#define WK_SAMPLE_SLOTS          8        /* U1 U2 U3 UN I1 I2 I3 IN */
#define WK_SAMPLE_U              0        /* slot of the voltage of L1 */
#define WK_SAMPLE_I              4        /* slot of the current of L1 */
#define WK_SAMPLE_N              3        /* of the neutral, counted from U or I */
#define WK_SAMPLE_COUNTS         16777216 /* 2^24: no count may be larger */
#define WK_SAMPLE_OFFSET         4194304  /* 2^22: no offset may be larger */
#define WK_SAMPLE_DELAY_NS       50000    /* no delay may be larger */
#define WK_SAMPLE_RATE_LEAST_UHZ INT64_C(1000000000)
#define WK_SAMPLE_RATE_MOST_UHZ  INT64_C(50000000000)

struct wk_sample_slot {
    bool present;
    uint8_t index;    /* of the channel in the frame */
    int32_t offset;   /* counts, subtracted */
    int32_t range;    /* |count| at or above it is clipped */
    int32_t delay_ns; /* see wk_hal_channel */
    struct wk_hal_gain gain;
};

struct wk_sample_map {
    uint8_t channels;                 /* counts in a frame */
    uint8_t phases;                   /* 1 or 3 */
    uint8_t active;                   /* slots present */
    uint8_t slot_of[WK_SAMPLE_SLOTS]; /* the slots present, in order */
    uint32_t quiet;                   /* no |count| below it needs a closer look */
    int32_t offset[WK_HAL_CHANNELS];  /* of the channels as they stand in the frame */
    struct wk_sample_slot slot[WK_SAMPLE_SLOTS];
};

/* Why a front end was refused. */
struct wk_sample_fault {
    wk_refusal reason;
    int channel; /* from 0; -1: not of one channel */
};

/** Checks `info` and fills the map. On error `fault` says what is wrong with it.
 *  WK_E_ARGUMENT: contradictory channels; WK_E_RANGE: a number outside its range. */
WK_MUST_USE wk_err wk_sample_map_init(struct wk_sample_map *map,
                                      const struct wk_hal_frontend_info *info,
                                      struct wk_sample_fault *fault);

/** V or A per count, good to 2^-20. */
float wk_sample_unit(const struct wk_sample_slot *slot);

/** Whether voltage and current of a phase are both metered. */
bool wk_sample_is_pair(const struct wk_sample_map *map, int phase);

/** True if every |count| of the frames is smaller than map->quiet. */
bool wk_sample_is_quiet(const struct wk_sample_map *map, const int32_t *counts, size_t frames);

/* Slots of a frame, bit by bit, whose counts are not to be believed. */
struct wk_sample_doubt {
    uint8_t saturated; /* at the end of the range */
    uint8_t no_value;  /* WK_HAL_NO_COUNT */
};

/** A count limited to +-WK_SAMPLE_COUNTS, less the offset of its channel; 0 if it is no value. */
int32_t wk_sample_limited(int32_t count, int32_t offset);

/** Copies one frame, its counts limited to +-WK_SAMPLE_COUNTS, those that are no value
 *  replaced by the offset of their channel, which is zero. */
struct wk_sample_doubt wk_sample_limit(const struct wk_sample_map *map, const int32_t *frame,
                                       int32_t limited[WK_HAL_CHANNELS]);

#endif
