/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/analysis.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/comtrade_write.h"
#include "port/linux/lanes_best.h"

#define US_PER_S   INT64_C(1000000)
#define ALIGNMENT  64
#define LEAST_HZ   40 /* cycles are counted at the lowest frequency */
#define NAME_MOST  96
#define FILES_MOST 20000

enum { WORK = 0, HISTORY, TRANSIENT, CAPTURE, LINES };

struct wk_analysis_config wk_analysis_usual(void)
{
    return (struct wk_analysis_config){
        .analyser = wk_analyser_usual(),
        .before_cycles = 10,
        .after_cycles = 50,
        .files = 200,
    };
}

/* ---- files of captures ------------------------------------------------------------------- */

static int is_capture(const struct dirent *entry)
{
    const size_t size = strlen(entry->d_name);
    return size > 4 && strcmp(entry->d_name + size - 4, ".cff") == 0;
}

/* Names begin with the time: the first in order is the oldest. */
static void delete_oldest(const struct wk_analysis *analysis)
{
    struct dirent **list;
    char path[WK_ANALYSIS_PATH + 300];
    const int count = scandir(analysis->folder, &list, is_capture, alphasort);
    for (int i = 0; i < count; i++) {
        if (i + (int)analysis->files < count && count <= FILES_MOST) {
            snprintf(path, sizeof path, "%s/%s", analysis->folder, list[i]->d_name);
            unlink(path);
        }
        free(list[i]);
    }
    if (count >= 0) {
        free(list);
    }
}

static const char *event_name(uint32_t reason)
{
    static const struct {
        uint32_t kind;
        const char *name;
    } k_names[] = {
        {WK_RECORD_DIP_BEGIN, "dip"},
        {WK_RECORD_DIP_END, "dip"},
        {WK_RECORD_SWELL_BEGIN, "swell"},
        {WK_RECORD_SWELL_END, "swell"},
        {WK_RECORD_INTERRUPTION_BEGIN, "interruption"},
        {WK_RECORD_INTERRUPTION_END, "interruption"},
        {WK_RECORD_RVC, "rapid-change"},
        {WK_RECORD_TRANSIENT, "transient"},
    };
    for (size_t i = 0; i < sizeof k_names / sizeof k_names[0]; i++) {
        if (k_names[i].kind == reason) {
            return k_names[i].name;
        }
    }
    return reason == 0 ? "asked-for" : "fault";
}

static void name_file(char name[NAME_MOST], int64_t trigger_us, uint32_t reason)
{
    const time_t seconds = (time_t)(trigger_us / US_PER_S);
    const int millis = (int)(trigger_us % US_PER_S / 1000);
    struct tm utc;
    char stamp[32];
    gmtime_r(&seconds, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%S", &utc);
    snprintf(name, NAME_MOST, "%s.%03d-%s.cff", stamp, millis, event_name(reason));
}

static void complain(struct wk_analysis *analysis, const char *what)
{
    snprintf(analysis->why, sizeof analysis->why, "capture not written: %s", what);
}

static void write_feed(struct wk_analysis *analysis, const struct wk_comtrade_feed *feed,
                       uint32_t reason)
{
    struct wk_recording_fault fault = {{0}};
    char name[NAME_MOST];
    char path[WK_ANALYSIS_PATH + NAME_MOST + 2];
    char fresh[WK_ANALYSIS_PATH + 16];
    name_file(name, feed->trigger_us, reason);
    snprintf(path, sizeof path, "%s/%s", analysis->folder, name);
    snprintf(fresh, sizeof fresh, "%s/.fresh.cff", analysis->folder);
    if (wk_comtrade_write_feed(feed, fresh, &fault) != WK_OK) {
        complain(analysis, fault.text);
        unlink(fresh);
    } else if (rename(fresh, path) != 0) {
        complain(analysis, strerror(errno));
    } else {
        analysis->written++;
        analysis->why[0] = '\0';
        delete_oldest(analysis);
    }
}

/* Metrology goes on whatever becomes of the file. */
static wk_err take_capture(void *self, const struct wk_capture *capture,
                           const struct wk_capture_done *done)
{
    struct wk_analysis *analysis = self;
    const struct wk_chain *chain = analysis->analyser.chain;
    const size_t counts = (size_t)done->frames * analysis->info.channels;
    int32_t *copy = malloc(counts * sizeof *copy);
    if (copy == NULL) {
        complain(analysis, "no memory");
        return WK_OK;
    }
    if (wk_capture_copy(capture, done->first, (size_t)done->frames, copy) == WK_OK) {
        struct wk_hal_frontend_info info = analysis->info;
        info.rate_uhz = analysis->analyser.rate_uhz;
        const struct wk_comtrade_feed feed = {
            .info = &info,
            .counts = copy,
            .frames = (size_t)done->frames,
            .start_us = wk_chain_time_us(chain, done->first << 16),
            .trigger_us = wk_chain_time_us(chain, done->trigger << 16),
        };
        write_feed(analysis, &feed, done->reason);
    }
    free(copy);
    return WK_OK;
}

/* ---- memory ------------------------------------------------------------------------------ */

static void *allocate(struct wk_analysis *analysis, int slot, size_t size)
{
    const size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *memory = aligned_alloc(ALIGNMENT, rounded);
    if (memory != NULL) {
        memset(memory, 0, rounded);
    }
    analysis->memory[slot] = memory;
    return memory;
}

static bool allocate_all(struct wk_analysis *analysis, const struct wk_analysis_config *config,
                         struct wk_analyser_memory *memory)
{
    const size_t rate_hz = (size_t)(analysis->info.rate_uhz / US_PER_S) + 1;
    const size_t cycles = (size_t)config->before_cycles + config->after_cycles;
    const struct wk_lanes *lanes = wk_lanes_best();
    *memory = (struct wk_analyser_memory){
        .spectrum = {.lanes = lanes, .frames = WK_ANALYSER_HISTORY(rate_hz)},
        .transients = WK_TRANSIENT_ENTRIES(rate_hz),
    };
    memory->spectrum.work =
        allocate(analysis, WORK, WK_LANES_WORK(WK_LANES_MOST) * sizeof(float));
    memory->spectrum.history = allocate(
        analysis, HISTORY, memory->spectrum.frames * sizeof memory->spectrum.history[0]);
    memory->transient =
        allocate(analysis, TRANSIENT, memory->transients * sizeof memory->transient[0]);
    struct wk_aggregate_lines *lines =
        allocate(analysis, LINES, 4 * sizeof(struct wk_aggregate_lines));
    if (config->folder != NULL) {
        /* twice, so that a retriggered capture finds its begin */
        memory->captures = 2 * cycles * (rate_hz / LEAST_HZ + 1) * analysis->info.channels;
        memory->capture =
            allocate(analysis, CAPTURE, memory->captures * sizeof memory->capture[0]);
    }
    if (lines != NULL) {
        memory->three_s[0] = lines;
        memory->three_s[1] = lines + 1;
        memory->ten_min = lines + 2;
        memory->two_h = lines + 3;
    }
    return memory->spectrum.work != NULL && memory->spectrum.history != NULL &&
           memory->transient != NULL && lines != NULL &&
           (config->folder == NULL || memory->capture != NULL);
}

static wk_err refuse(struct wk_analysis *analysis, struct wk_sample_fault *fault,
                     wk_refusal reason, wk_err err)
{
    *fault = (struct wk_sample_fault){.reason = reason, .channel = -1};
    wk_analysis_close(analysis);
    return err;
}

wk_err wk_analysis_open(struct wk_analysis *analysis, struct wk_chain *chain,
                        const struct wk_hal_frontend_info *info,
                        const struct wk_analysis_config *config, struct wk_sample_fault *fault)
{
    struct wk_analyser_memory memory;
    struct wk_analyser_config analyser = config->analyser;
    memset(analysis, 0, sizeof *analysis);
    analysis->info = *info;
    analysis->files = config->files;
    if (!allocate_all(analysis, config, &memory)) {
        return refuse(analysis, fault, WK_REFUSAL_MEMORY, WK_E_FULL);
    }
    if (config->folder != NULL) {
        const uint64_t cycle = (uint64_t)(info->rate_uhz / US_PER_S / 50);
        if (mkdir(config->folder, 0700) != 0 && errno != EEXIST) {
            return refuse(analysis, fault, WK_REFUSAL_FOLDER, WK_E_IO);
        }
        snprintf(analysis->folder, sizeof analysis->folder, "%s", config->folder);
        analyser.capture_before = config->before_cycles * cycle;
        analyser.capture_after = config->after_cycles * cycle;
        analyser.captures = (struct wk_capture_sink){.self = analysis, .take = take_capture};
    }
    const wk_err err =
        wk_analyser_init(&analysis->analyser, chain, info, &analyser, &memory, fault);
    if (err != WK_OK) {
        wk_analysis_close(analysis);
    }
    return err;
}

void wk_analysis_close(struct wk_analysis *analysis)
{
    for (size_t i = 0; i < sizeof analysis->memory / sizeof analysis->memory[0]; i++) {
        free(analysis->memory[i]);
        analysis->memory[i] = NULL;
    }
}
