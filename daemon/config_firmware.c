/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_firmware.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define P256         32
#define P384         48
#define TRIAL_MOST_S 3600

void wk_config_firmware_usual(struct wk_config *config)
{
    struct utsname machine;
    const bool known = uname(&machine) == 0;
    snprintf(config->hardware, sizeof config->hardware, "linux-%.10s",
             known ? machine.machine : "unknown");
    config->trial_s = WK_CONFIG_TRIAL_S;
}

static wk_err take_maker(struct wk_config *config, const char *value, char *reason, size_t room)
{
    struct wk_image_maker *maker = &config->maker;
    size_t size = 0;
    if (wk_ini_hex(value, maker->point, sizeof maker->point, &size) != WK_OK ||
        (size != 2 * P256 && size != 2 * P384)) {
        (void)snprintf(reason, room,
                       "'maker_key' must be the 128 (P-256) or 192 (P-384) hexadecimal digits "
                       "that \"wk image key\" prints");
        return WK_E_FORMAT;
    }
    maker->size = (uint8_t)(size / 2);
    return WK_OK;
}

wk_err wk_config_firmware_take(struct wk_config *config, const struct wk_ini_entry *entry,
                               char *reason, size_t room)
{
    int64_t number = 0;
    if (entry->key == NULL) {
        return WK_OK;
    }
    if (strcmp(entry->key, "maker_key") == 0) {
        return take_maker(config, entry->value, reason, room);
    }
    if (strcmp(entry->key, "hardware") == 0) {
        if (wk_ini_text(entry->value, config->hardware, sizeof config->hardware) == WK_OK) {
            return WK_OK;
        }
        (void)snprintf(reason, room, "'hardware' must be 1 to %d characters",
                       WK_IMAGE_HARDWARE);
        return WK_E_FORMAT;
    }
    if (strcmp(entry->key, "trial_s") == 0) {
        if (wk_ini_integer(entry->value, 1, TRIAL_MOST_S, &number) == WK_OK) {
            config->trial_s = (uint32_t)number;
            return WK_OK;
        }
        (void)snprintf(reason, room, "'trial_s' must be a whole number from 1 to %d",
                       TRIAL_MOST_S);
        return WK_E_FORMAT;
    }
    (void)snprintf(reason, room, "'%s' is not a key of [firmware]", entry->key);
    return WK_E_FORMAT;
}
