/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/analysis - power quality on Linux: the analyser, its memory, and waveform captures as
 * COMTRADE files.
 *
 * A capture becomes FOLDER/YYYYMMDDTHHMMSS.mmm-<event>.cff (COMTRADE 2013), written whole or not
 * at all; of more than config.files the oldest are deleted. That a capture cannot be written is
 * told once in `why` and does not stop metrology. */
#ifndef WK_DAEMON_ANALYSIS_H
#define WK_DAEMON_ANALYSIS_H

#include <stdint.h>

#include "base/err.h"
#include "metrology/analyser.h"

#define WK_ANALYSIS_PATH 512
#define WK_ANALYSIS_WHY  1024

struct wk_analysis_config {
    struct wk_analyser_config
        analyser;       /* captures, capture_before and _after are filled here */
    const char *folder; /* of captures; NULL: none are kept */
    uint32_t before_cycles;
    uint32_t after_cycles;
    uint32_t files;
};

struct wk_analysis {
    struct wk_analyser analyser;
    struct wk_hal_frontend_info info;
    char folder[WK_ANALYSIS_PATH];
    uint32_t files;
    void *memory[8]; /* owned */
    uint32_t written;
    char why[WK_ANALYSIS_WHY]; /* the last capture that could not be written; empty: none */
};

/** Allocates and sets up; then chain->config.observer = wk_analyser_observer(&analysis->analyser).
 *  On error `fault` says why and nothing is left allocated. */
WK_MUST_USE wk_err wk_analysis_open(struct wk_analysis *analysis, struct wk_chain *chain,
                                    const struct wk_hal_frontend_info *info,
                                    const struct wk_analysis_config *config,
                                    struct wk_sample_fault *fault);
void wk_analysis_close(struct wk_analysis *analysis);

/** The usual: wk_analyser_usual, 10 cycles before and 50 after, 200 files, no folder. */
struct wk_analysis_config wk_analysis_usual(void);

#endif
