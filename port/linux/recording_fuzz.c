/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds the readers of recordings with anything. The first octet chooses: a COMTRADE pair (the
 * next two octets are the size of the configuration), CFF, CSV or WAV. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "port/linux/comtrade.h"
#include "port/linux/csv.h"
#include "port/linux/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static wk_err parse_pair(struct wk_recording *recording, const char *text, size_t size,
                         struct wk_recording_fault *fault)
{
    if (size < 2) {
        return WK_E_SHORT;
    }
    const size_t wanted = (size_t)(uint8_t)text[0] << 8 | (uint8_t)text[1];
    const size_t cfg_size = wanted < size - 2 ? wanted : size - 2;
    const struct wk_comtrade_part cfg = {"cfg", text + 2, cfg_size};
    const struct wk_comtrade_part dat = {"dat", text + 2 + cfg_size, size - 2 - cfg_size};
    return wk_comtrade_parse(recording, &cfg, &dat, fault);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wk_recording recording = {0};
    struct wk_recording_fault fault = {""};
    wk_err err = WK_E_SHORT;
    if (size == 0) {
        return 0;
    }
    const char *text = (const char *)data + 1;
    switch (data[0] % 4) {
    case 0:
        err = parse_pair(&recording, text, size - 1, &fault);
        break;
    case 1:
        err = wk_comtrade_parse_cff(&recording, "cff", text, size - 1, &fault);
        break;
    case 2:
        err = wk_csv_parse(&recording, "csv", text, size - 1, &fault);
        break;
    default:
        err = wk_wav_parse(&recording, "wav", text, size - 1, &fault);
        break;
    }
    const int recorded = recording.channels != 0;
    if (err != WK_OK && recorded) {
        abort(); /* on error the recording must be empty */
    }
    wk_recording_free(&recording);
    return 0;
}
