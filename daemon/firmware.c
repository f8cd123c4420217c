/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/firmware.h"

#include <stdio.h>
#include <string.h>

#include <uv.h>

#define STEPS 16 /* at once */
#define NS    UINT64_C(1000000000)
#define SECTORS                                                                                \
    (WK_IMAGE_SECTORS +                                                                        \
     WK_METER_FIRMWARE_BITS * 8U * WK_METER_FIRMWARE_BLOCK / WK_FLASH_FILE_SECTOR)

void wk_meter_firmware_folder(const struct wk_config *config, char folder[WK_FIRMWARE_PATH])
{
    snprintf(folder, WK_FIRMWARE_PATH, "%s/firmware", config->state);
}

static wk_err fail(struct wk_meter_firmware *firmware, wk_err err, const char *why)
{
    snprintf(firmware->port.why, sizeof firmware->port.why, "firmware: %s", why);
    return err;
}

static wk_err open_image(struct wk_meter_firmware *firmware, const struct wk_config *config,
                         const struct wk_hal_crypto *crypto, uint64_t version)
{
    struct wk_image_config image = {
        .area = &firmware->file.port,
        .crypto = crypto,
        .firmware = &firmware->port.port,
        .maker = config->maker,
        .version = version,
        .block_size = WK_METER_FIRMWARE_BLOCK,
        .received = firmware->received,
        .received_size = sizeof firmware->received,
    };
    memcpy(image.hardware, config->hardware, sizeof image.hardware);
    if (wk_firmware_digest(image.digest) != WK_OK) {
        memset(image.digest, 0, sizeof image.digest); /* then it is not known */
    }
    const wk_err err = wk_image_init(&firmware->image, &image);
    return err == WK_OK ? WK_OK : fail(firmware, err, wk_err_text(err));
}

wk_err wk_meter_firmware_start(struct wk_meter_firmware *firmware,
                               const struct wk_config *config, struct wk_module *module,
                               const struct wk_hal_crypto *crypto, const char *version,
                               bool trial)
{
    char path[WK_FIRMWARE_PATH];
    uint64_t number = 0;
    if (config->maker.size == 0) {
        return WK_OK;
    }
    if (wk_image_version_read(version, &number) != WK_OK) {
        return fail(firmware, WK_E_FORMAT, "its version is not MAJOR.MINOR.PATCH");
    }
    snprintf(path, sizeof path, "%s/image", config->state);
    wk_err err = wk_flash_file_open(&firmware->file, path, SECTORS, SECTORS);
    if (err != WK_OK) {
        return fail(firmware, err, firmware->file.why);
    }
    wk_meter_firmware_folder(config, path);
    WK_TRY(wk_firmware_open(&firmware->port, path, number, trial));
    WK_TRY(open_image(firmware, config, crypto, number));
    firmware->module = module;
    firmware->trial_s = config->trial_s;
    firmware->begun_ns = uv_hrtime();
    module->rooms.image = &firmware->image;
    return WK_OK;
}

/* What is not told otherwise: a journal that cannot be written. */
static void complain(wk_err err)
{
    if (err != WK_OK) {
        fprintf(stderr, "wk-meterd: firmware: %s\n", wk_err_text(err));
    }
}

static void look_at_trial(struct wk_meter_firmware *firmware)
{
    const struct wk_module *module = firmware->module;
    if (!firmware->port.trial || module->records_consumed == 0 ||
        uv_hrtime() - firmware->begun_ns < firmware->trial_s * NS) {
        return;
    }
    if (!firmware->committed) {
        complain(wk_module_commit(firmware->module));
        firmware->committed = true;
    }
    complain(wk_image_confirm(&firmware->image));
    complain(wk_module_settle(firmware->module));
}

bool wk_meter_firmware_look(struct wk_meter_firmware *firmware)
{
    if (firmware->module == NULL) {
        return false;
    }
    look_at_trial(firmware);
    for (int i = 0; i < STEPS && wk_image_is_busy(&firmware->image); i++) {
        complain(wk_image_step(&firmware->image));
    }
    if (firmware->image.news != 0) {
        complain(wk_module_settle(firmware->module));
    }
    return wk_image_is_busy(&firmware->image);
}

bool wk_meter_firmware_wants_restart(const struct wk_meter_firmware *firmware)
{
    return firmware->module != NULL && firmware->image.restart;
}

void wk_meter_firmware_stop(struct wk_meter_firmware *firmware)
{
    if (firmware->module != NULL) {
        firmware->module->rooms.image = NULL;
        wk_firmware_close(&firmware->port);
    }
    wk_flash_file_close(&firmware->file);
    firmware->module = NULL;
}
