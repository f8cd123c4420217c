/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/wav - waveforms from a sound recorder: RIFF WAVE, PCM of 16, 24 or 32 bits and
 * float of 32 bits.
 *
 * A sound file knows no volts: full scale is 1. Channels are named 1, 2, ... and count as
 * voltages L1, L2, L3 of 1 V full scale in the first half and as currents of 1 A full scale in
 * the second half (one channel: a voltage). A float that is not finite is a missing value. */
#ifndef WK_PORT_LINUX_WAV_H
#define WK_PORT_LINUX_WAV_H

#include "port/linux/recording.h"

WK_MUST_USE wk_err wk_wav_read(struct wk_recording *recording, const char *path,
                               struct wk_recording_fault *fault);
/** A file in memory; the name is for messages. */
WK_MUST_USE wk_err wk_wav_parse(struct wk_recording *recording, const char *name,
                                const char *data, size_t size,
                                struct wk_recording_fault *fault);

#endif
