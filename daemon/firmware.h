/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/firmware - how a meter on Linux takes a new wk-meterd over DLMS.
 *
 * The area is the file STATE/image, executables are in STATE/firmware (port/linux/firmware). A meter
 * whose configuration names no maker's key has no image transfer. */
#ifndef WK_DAEMON_FIRMWARE_H
#define WK_DAEMON_FIRMWARE_H

#include "daemon/config.h"
#include "management/image.h"
#include "management/module.h"
#include "port/linux/firmware.h"
#include "port/linux/flash_file.h"

#define WK_METER_FIRMWARE_BLOCK 1024U
#define WK_METER_FIRMWARE_BITS  2048U /* octets: 16 MiB of blocks */
#define WK_METER_FIRMWARE_MORE  10U   /* seconds that a trial may take besides its own */
#define WK_METER_FIRMWARE_TRIAL "--trial"

struct wk_meter_firmware {
    struct wk_module *module; /* NULL: no image transfer */
    struct wk_flash_file file;
    struct wk_firmware port;
    struct wk_image image;
    uint8_t received[WK_METER_FIRMWARE_BITS];
    uint64_t begun_ns; /* when this process began, by the steady clock */
    uint32_t trial_s;
    bool committed; /* records were counted and committed by this process */
};

/** Where executables of a meter lie. */
void wk_meter_firmware_folder(const struct wk_config *config, char folder[WK_FIRMWARE_PATH]);

/** Opens the area and joins it to the module, if there is a maker's key. WK_E_IO, WK_E_CORRUPT,
 *  WK_E_BUSY, WK_E_FULL: firmware->port.why. */
WK_MUST_USE wk_err wk_meter_firmware_start(struct wk_meter_firmware *firmware,
                                           const struct wk_config *config,
                                           struct wk_module *module,
                                           const struct wk_hal_crypto *crypto,
                                           const char *version, bool trial);

/** Does a share of what is to be done, and confirms a trial once it has shown that it meters: it ran
 *  `[firmware] trial_s` and has committed records. Call often. Whether there is more to do at
 *  once. */
bool wk_meter_firmware_look(struct wk_meter_firmware *firmware);

/** Whether a staged one waits to be tried: the process is to end its loop. */
bool wk_meter_firmware_wants_restart(const struct wk_meter_firmware *firmware);

/** Right also for one that was not started. */
void wk_meter_firmware_stop(struct wk_meter_firmware *firmware);

#endif
