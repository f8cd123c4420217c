/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/linux/modbus_master.h"

#define TIMEOUT_MS    500
#define TIMEOUT_LEAST 10
#define TIMEOUT_MOST  10000
#define RETRIES_MOST  5
#define UNIT_LEAST    1
#define UNIT_MOST     247
#define RTU           "rtu:"
#define UNITS_MUST    "must be units from 1 to 247, such as 1-32, 40"

static wk_err begin(struct wk_config *config, const struct wk_ini_entry *entry, char *reason,
                    size_t room)
{
    const char *why = NULL;
    if (config->gateway_count == WK_CONFIG_GATEWAYS) {
        why = "there are too many sections [gateway]";
    }
    for (uint8_t n = 0; n < config->gateway_count; n++) {
        why = strcmp(config->gateway[n].name, entry->name) == 0
                  ? "there is a [gateway] of this name already"
                  : why;
    }
    struct wk_config_gateway next = {.timeout_ms = TIMEOUT_MS};
    if (why == NULL && wk_ini_text(entry->name, next.name, sizeof next.name) != WK_OK) {
        why = "[gateway NAME] needs a name of at most 31 characters";
    }
    if (why != NULL) {
        (void)snprintf(reason, room, "%s", why);
        return WK_E_FORMAT;
    }
    config->gateway[config->gateway_count++] = next;
    return WK_OK;
}

/* ---- values ------------------------------------------------------------------------------ */

/* A number at *text, which moves behind it; 0: there is none. */
static unsigned long take_unit(const char **text)
{
    char *end;
    const bool is_digit = **text >= '0' && **text <= '9';
    const unsigned long unit = is_digit ? strtoul(*text, &end, 10) : 0;
    if (is_digit) {
        *text = end;
    }
    return unit >= UNIT_LEAST && unit <= UNIT_MOST ? unit : 0;
}

static const char *pass_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* "1-32, 40" */
static const char *take_units(struct wk_config_gateway *gateway, const char *value)
{
    const char *at = pass_blanks(value);
    memset(gateway->units, 0, sizeof gateway->units);
    for (;;) {
        const unsigned long first = take_unit(&at);
        unsigned long last = first;
        at = pass_blanks(at);
        if (*at == '-') {
            at = pass_blanks(at + 1);
            last = take_unit(&at);
            at = pass_blanks(at);
        }
        if (first == 0 || last < first || (*at != '\0' && *at != ',')) {
            return UNITS_MUST;
        }
        for (unsigned long unit = first; unit <= last; unit++) {
            gateway->units[unit / 8] |= (uint8_t)(1U << unit % 8);
        }
        if (*at == '\0') {
            return NULL;
        }
        at = pass_blanks(at + 1);
    }
}

static const char *take_choice(const char *value, const char *yes, const char *no,
                               const char *must, bool *to)
{
    *to = strcmp(value, yes) == 0;
    return *to || strcmp(value, no) == 0 ? NULL : must;
}

static const char *take_number(const char *value, int64_t least, int64_t most, const char *must,
                               uint32_t *to)
{
    int64_t number = 0;
    if (wk_ini_integer(value, least, most, &number) != WK_OK) {
        return must;
    }
    *to = (uint32_t)number;
    return NULL;
}

static const char *take_uri(struct wk_config_gateway *gateway, const char *value,
                            char why[WK_MODBUS_WHY])
{
    if (wk_ini_text(value, gateway->uri, sizeof gateway->uri) != WK_OK) {
        return "must be 1 to 127 characters";
    }
    return wk_modbus_check_uri(gateway->uri, why) == WK_OK ? NULL : why;
}

wk_err wk_config_gateway_take(struct wk_config *config, const struct wk_ini_entry *entry,
                              char *reason, size_t room)
{
    if (entry->key == NULL) {
        return begin(config, entry, reason, room);
    }
    struct wk_config_gateway *gateway = &config->gateway[config->gateway_count - 1];
    char why[WK_MODBUS_WHY];
    const char *must = NULL;
    if (strcmp(entry->key, "uri") == 0) {
        must = take_uri(gateway, entry->value, why);
    } else if (strcmp(entry->key, "units") == 0) {
        must = take_units(gateway, entry->value);
    } else if (strcmp(entry->key, "from") == 0) {
        must =
            take_choice(entry->value, "rtu", "tcp", "must be tcp or rtu", &gateway->from_rtu);
    } else if (strcmp(entry->key, "timeout_ms") == 0) {
        must = take_number(entry->value, TIMEOUT_LEAST, TIMEOUT_MOST,
                           "must be a whole number from 10 to 10000", &gateway->timeout_ms);
    } else if (strcmp(entry->key, "retries") == 0) {
        must = take_number(entry->value, 0, RETRIES_MOST, "must be a whole number from 0 to 5",
                           &gateway->retries);
    } else if (strcmp(entry->key, "write") == 0) {
        must = take_choice(entry->value, "yes", "no", "must be yes or no", &gateway->writes);
    } else if (strcmp(entry->key, "broadcast") == 0) {
        must = take_choice(entry->value, "yes", "no", "must be yes or no", &gateway->broadcast);
    } else {
        must = "is not a key of [gateway]";
    }
    if (must != NULL) {
        (void)snprintf(reason, room, "'%s' %s", entry->key, must);
    }
    return must == NULL ? WK_OK : WK_E_FORMAT;
}

/* ---- the whole --------------------------------------------------------------------------- */

static bool has_unit(const struct wk_config_gateway *gateway, uint8_t unit)
{
    return (gateway->units[unit / 8] >> unit % 8 & 1) != 0;
}

static bool overlap(const struct wk_config_gateway *one, const struct wk_config_gateway *other)
{
    bool both = false;
    for (size_t n = 0; n < sizeof one->units; n++) {
        both = both || (one->units[n] & other->units[n]) != 0;
    }
    return both && one->from_rtu == other->from_rtu;
}

/* Whether two texts name one serial device. */
static bool is_same_device(const char *uri, const char *other)
{
    const size_t size = strcspn(uri, ",");
    return strncmp(uri, RTU, strlen(RTU)) == 0 && size == strcspn(other, ",") &&
           strncmp(uri, other, size) == 0;
}

/* A line has one master, and the same settings for all that it asks. */
static const char *check_device(const struct wk_config *config,
                                const struct wk_config_gateway *gateway)
{
    const char *device = gateway->uri + strlen(RTU);
    const size_t size = strcspn(device, ",");
    if (strncmp(gateway->uri, RTU, strlen(RTU)) == 0 && config->modbus_rtu.is_there &&
        strlen(config->modbus_rtu.device) == size &&
        strncmp(config->modbus_rtu.device, device, size) == 0) {
        return "[gateway] cannot ask on the line of [modbus rtu], which has another master";
    }
    for (uint8_t n = 0; n < config->submeter_count; n++) {
        const char *uri = config->submeter[n].uri;
        if (is_same_device(gateway->uri, uri) && strcmp(gateway->uri, uri) != 0) {
            return "[gateway] and [submeter] on one line need the same uri";
        }
    }
    return NULL;
}

static const char *check_port(const struct wk_config *config,
                              const struct wk_config_gateway *gateway)
{
    const struct wk_config_view *view =
        gateway->from_rtu ? &config->modbus_rtu : &config->modbus_tcp;
    if (!view->is_there) {
        return gateway->from_rtu ? "[gateway] from rtu needs [modbus rtu]"
                                 : "[gateway] from tcp needs [modbus tcp]";
    }
    if (gateway->from_rtu && gateway->broadcast) {
        return "[gateway] from rtu passes no broadcasts on";
    }
    return has_unit(gateway, view->unit) ? "[gateway] has the meter's own unit" : NULL;
}

const char *wk_config_gateway_check(const struct wk_config *config)
{
    static const uint8_t k_none[sizeof config->gateway[0].units];
    for (uint8_t n = 0; n < config->gateway_count; n++) {
        const struct wk_config_gateway *gateway = &config->gateway[n];
        if (gateway->uri[0] == '\0' || memcmp(gateway->units, k_none, sizeof k_none) == 0) {
            return "[gateway] needs uri and units";
        }
        const char *why = check_port(config, gateway);
        why = why == NULL ? check_device(config, gateway) : why;
        for (uint8_t other = 0; other < n && why == NULL; other++) {
            const struct wk_config_gateway *earlier = &config->gateway[other];
            const bool is_one = is_same_device(gateway->uri, earlier->uri);
            if (overlap(gateway, earlier)) {
                why = "two sections [gateway] have the same unit";
            } else if (is_one && strcmp(gateway->uri, earlier->uri) != 0) {
                why = "sections [gateway] on one line need the same uri";
            }
        }
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}
