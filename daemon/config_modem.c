/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_modem.h"

#include <stdlib.h>
#include <string.h>

#define BAUD        115200
#define TIME        24
#define ACTIVE_MOST 11160    /* T3324: 31 times 6 minutes */
#define TAU_MOST    35712000 /* T3412: 31 times 320 hours */
#define EDRX_MOST   10485
#define SPREAD_MOST 3600
#define BAND_MOST   64
#define PIN_LEAST   4

static const char k_file[] = "must be the name of a file, at most 95 characters";

/* "20s", "5min", "4h": whole seconds. */
static bool take_time(const char *value, size_t size, uint32_t most_s, uint32_t *seconds)
{
    static const struct {
        const char *unit;
        uint32_t seconds;
    } k_units[] = {{"s", 1}, {"min", 60}, {"h", 3600}};
    char text[TIME];
    int64_t number = 0;
    for (size_t i = 0; i < sizeof k_units / sizeof k_units[0]; i++) {
        const size_t unit = strlen(k_units[i].unit);
        if (size <= unit || size >= sizeof text ||
            memcmp(value + size - unit, k_units[i].unit, unit) != 0) {
            continue;
        }
        memcpy(text, value, size - unit);
        text[size - unit] = '\0';
        if (wk_ini_integer(text, 1, most_s / k_units[i].seconds, &number) == WK_OK) {
            *seconds = (uint32_t)number * k_units[i].seconds;
            return true;
        }
    }
    return false;
}

static const char *take_psm(struct wk_config_modem *modem, const char *value)
{
    const char *slash = strchr(value, '/');
    const bool good =
        slash != NULL &&
        take_time(value, (size_t)(slash - value), TAU_MOST, &modem->rules.tau_s) &&
        take_time(slash + 1, strlen(slash + 1), ACTIVE_MOST, &modem->rules.active_s);
    return good ? NULL
                : "must be two times such as 4h/20s: periodic update up to 9920h / active time "
                  "up "
                  "to 3h";
}

static const char *take_pin(struct wk_config_modem *modem, const char *value)
{
    const size_t size = strlen(value);
    if (size < PIN_LEAST || size >= sizeof modem->rules.pin ||
        strspn(value, "0123456789") != size) {
        return "must be 4 to 8 digits";
    }
    memcpy(modem->rules.pin, value, size + 1);
    return NULL;
}

static const char *take_bands(struct wk_config_modem *modem, const char *value)
{
    static const char k_must[] =
        "must be up to four numbers of LTE bands, 1 to 64, such as 8 20";
    size_t count = 0;
    memset(modem->rules.bands, 0, sizeof modem->rules.bands);
    while (*value != '\0') {
        char *end = NULL;
        const long band = strtol(value, &end, 10);
        if (end == value || band < 1 || band > BAND_MOST || count == WK_MODEM_BANDS) {
            return k_must;
        }
        modem->rules.bands[count++] = (uint8_t)band;
        value = end + strspn(end, " ,");
    }
    return count > 0 ? NULL : k_must;
}

/* A quote or a comma would end the text within the command. */
static const char *take_apn(struct wk_config_modem *modem, const char *value)
{
    const bool good = strpbrk(value, "\",; ") == NULL &&
                      wk_ini_text(value, modem->rules.apn, sizeof modem->rules.apn) == WK_OK;
    return good ? NULL : "must be a name of at most 63 characters without blanks and quotes";
}

static const char *take_baud(struct wk_config_modem *modem, const char *value)
{
    int64_t baud = 0;
    const bool good = wk_ini_integer(value, 9600, BAUD, &baud) == WK_OK;
    modem->baud = (uint32_t)baud;
    return good ? NULL : "must be a rate from 9600 to 115200";
}

static const char *take_edrx(struct wk_config_modem *modem, const char *value)
{
    return take_time(value, strlen(value), EDRX_MOST, &modem->rules.edrx_s)
               ? NULL
               : "must be a time such as 80s, at most 10485s";
}

static const char *take_spread(struct wk_config_modem *modem, const char *value)
{
    return take_time(value, strlen(value), SPREAD_MOST, &modem->rules.spread_s)
               ? NULL
               : "must be a time such as 10min, at most 1h";
}

static const char *take_device(struct wk_config_modem *modem, const char *value)
{
    modem->baud = modem->baud == 0 ? BAUD : modem->baud;
    return wk_ini_text(value, modem->device, sizeof modem->device) == WK_OK ? NULL : k_file;
}

bool wk_config_modem_take(struct wk_config_modem *modem, const struct wk_ini_entry *entry,
                          const char **must)
{
    static const struct {
        const char *key;
        const char *(*take)(struct wk_config_modem *modem, const char *value);
    } k_keys[] = {{"modem", take_device}, {"modem_baud", take_baud}, {"apn", take_apn},
                  {"pin", take_pin},      {"psm", take_psm},         {"edrx", take_edrx},
                  {"bands", take_bands},  {"spread", take_spread}};
    static const char *const k_lines[WK_CONFIG_MODEM_LINES] = {[WK_MODEM_LINE_WAKE] = "wake",
                                                               [WK_MODEM_LINE_RESET] = "reset",
                                                               [WK_MODEM_LINE_POWER] = "power"};
    for (size_t i = 0; i < sizeof k_keys / sizeof k_keys[0]; i++) {
        if (strcmp(entry->key, k_keys[i].key) == 0) {
            *must = k_keys[i].take(modem, entry->value);
            return true;
        }
    }
    for (size_t i = 0; i < WK_CONFIG_MODEM_LINES; i++) {
        if (strcmp(entry->key, k_lines[i]) == 0) {
            *must = wk_ini_text(entry->value, modem->line[i], sizeof modem->line[i]) == WK_OK
                        ? NULL
                        : k_file;
            return true;
        }
    }
    return false;
}

const char *wk_config_modem_check(const struct wk_config_modem *modem, const char *interface)
{
    const bool has_rules = modem->rules.apn[0] != '\0' || modem->rules.pin[0] != '\0' ||
                           modem->rules.tau_s != 0 ||
                           modem->line[WK_MODEM_LINE_POWER][0] != '\0';
    if (modem->device[0] == '\0') {
        return has_rules ? "[path] has keys of a modem and needs modem, its serial device"
                         : NULL;
    }
    return interface[0] == '\0' ? "[path] with a modem needs interface, its network device"
                                : NULL;
}
