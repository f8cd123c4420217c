/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/wav.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define FORMAT_PCM        1
#define FORMAT_FLOAT      3
#define FORMAT_EXTENSIBLE 0xFFFE
#define CHUNKS_MOST       256

struct wav {
    const char *name;
    struct wk_recording *recording;
    struct wk_recording_fault *fault;
    uint16_t format;
    uint16_t channels;
    uint32_t rate_hz;
    uint16_t bits;
};

static wk_err blame(const struct wav *wav, size_t at, const char *reason)
{
    return wk_recording_blame(wav->fault, "%s: octet %zu: %s", wav->name, at, reason);
}

static wk_err read_format(struct wav *wav, struct wk_bytes_in *in, uint32_t size)
{
    const size_t at = in->at;
    wav->format = wk_bytes_in_u16le(in);
    wav->channels = wk_bytes_in_u16le(in);
    wav->rate_hz = wk_bytes_in_u32le(in);
    (void)wk_bytes_in_take(in, 6); /* octets per second, octets per frame */
    wav->bits = wk_bytes_in_u16le(in);
    if (wav->format == FORMAT_EXTENSIBLE && size >= 40) {
        (void)wk_bytes_in_take(in, 8);
        wav->format = wk_bytes_in_u16le(in); /* the first octets of the sub-format */
        (void)wk_bytes_in_take(in, size - 26);
    } else if (size >= 16) {
        (void)wk_bytes_in_take(in, size - 16);
    }
    const bool pcm =
        wav->format == FORMAT_PCM && (wav->bits == 16 || wav->bits == 24 || wav->bits == 32);
    if (size < 16 || in->fault != WK_OK) {
        return blame(wav, at, "the format part is too short");
    }
    if (!pcm && !(wav->format == FORMAT_FLOAT && wav->bits == 32)) {
        return blame(wav, at, "must be PCM of 16, 24 or 32 bits or float of 32 bits");
    }
    if (wav->channels == 0 || wav->channels > WK_RECORDING_CHANNELS) {
        return blame(wav, at + 2, "there must be 1 to 1000 channels");
    }
    return wav->rate_hz > 0 ? WK_OK : blame(wav, at + 4, "the sampling rate must not be 0");
}

/* Full scale is 1. */
static double read_value(const struct wav *wav, struct wk_bytes_in *in)
{
    if (wav->bits == 16) {
        return (int16_t)wk_bytes_in_u16le(in) / 32768.0;
    }
    if (wav->bits == 24) {
        const uint32_t low = wk_bytes_in_u16le(in);
        const uint32_t bits = low << 8 | (uint32_t)wk_bytes_in_u8(in) << 24;
        return (int32_t)bits / 2147483648.0;
    }
    const uint32_t bits = wk_bytes_in_u32le(in);
    if (wav->format == FORMAT_PCM) {
        return (int32_t)bits / 2147483648.0;
    }
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static void name_channels(struct wav *wav)
{
    const size_t half = (wav->channels + 1U) / 2;
    for (size_t c = 0; c < wav->channels; c++) {
        struct wk_recording_channel *channel = &wav->recording->channel[c];
        const bool voltage = c < half;
        const size_t phase = voltage ? c : c - half;
        snprintf(channel->name, sizeof channel->name, "%zu", c + 1);
        snprintf(channel->unit, sizeof channel->unit, "%s", voltage ? "V" : "A");
        channel->quantity = voltage ? WK_HAL_VOLTAGE : WK_HAL_CURRENT;
        channel->phase = phase <= 3 ? (uint8_t)phase : WK_RECORDING_NO_PHASE;
    }
}

static wk_err read_data(struct wav *wav, struct wk_bytes_in *in, uint32_t size)
{
    const size_t frame_size = (size_t)wav->channels * wav->bits / 8;
    if (wav->channels == 0) {
        return blame(wav, in->at, "the data come before the format");
    }
    if (size % frame_size != 0 || size > wk_bytes_in_left(in)) {
        return blame(wav, in->at + wk_bytes_in_left(in), "the file ends within the data");
    }
    if (wk_recording_alloc(wav->recording, wav->channels) != WK_OK ||
        wk_recording_alloc_values(wav->recording, size / frame_size) != WK_OK) {
        return blame(wav, in->at, "no samples, or too many");
    }
    name_channels(wav);
    wav->recording->rate_uhz = (int64_t)wav->rate_hz * 1000000;
    for (size_t n = 0; n < wav->recording->frames; n++) {
        for (size_t c = 0; c < wav->channels; c++) {
            wk_recording_put(wav->recording, c, n, read_value(wav, in));
        }
    }
    return WK_OK;
}

static wk_err read_chunks(struct wav *wav, struct wk_bytes_in *in)
{
    const uint8_t *riff = wk_bytes_in_take(in, 4);
    (void)wk_bytes_in_u32le(in);
    const uint8_t *wave = wk_bytes_in_take(in, 4);
    if (riff == NULL || wave == NULL || memcmp(riff, "RIFF", 4) != 0 ||
        memcmp(wave, "WAVE", 4) != 0) {
        return blame(wav, 0, "not a RIFF WAVE file");
    }
    for (int chunk = 0; chunk < CHUNKS_MOST; chunk++) {
        const size_t at = in->at;
        const uint8_t *id = wk_bytes_in_take(in, 4);
        const uint32_t size = wk_bytes_in_u32le(in);
        if (id == NULL || in->fault != WK_OK) {
            return blame(wav, at, "the file ends before its data");
        }
        if (memcmp(id, "data", 4) == 0) {
            return read_data(wav, in, size);
        }
        if (memcmp(id, "fmt ", 4) == 0) {
            WK_TRY(read_format(wav, in, size));
        } else {
            (void)wk_bytes_in_take(in, (size_t)size + size % 2);
        }
    }
    return blame(wav, in->at, "too many parts before the data");
}

wk_err wk_wav_parse(struct wk_recording *recording, const char *name, const char *data,
                    size_t size, struct wk_recording_fault *fault)
{
    struct wav wav = {.name = name, .recording = recording, .fault = fault};
    struct wk_bytes_in in = wk_bytes_in_of(data, size);
    *recording = (struct wk_recording){0};
    const wk_err err = read_chunks(&wav, &in);
    if (err != WK_OK) {
        wk_recording_free(recording);
    }
    return err;
}

wk_err wk_wav_read(struct wk_recording *recording, const char *path,
                   struct wk_recording_fault *fault)
{
    char *data;
    size_t size;
    WK_TRY(wk_recording_load(path, &data, &size, fault));
    const wk_err err = wk_wav_parse(recording, path, data, size, fault);
    free(data);
    return err;
}
