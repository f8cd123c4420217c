/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config_view.h"

#include <stdio.h>
#include <string.h>

enum { TCP = 1, RTU = 2, P1 = 4, OPTICAL = 8, SHELLY = 16, DLT645 = 32 };

struct section {
    const char *kind;
    const char *name;
    size_t at; /* its struct wk_config_view in struct wk_config */
    struct wk_config_view usual;
    unsigned mask;
};

#define LOCAL        "127.0.0.1"
#define DLT645_LEAST 600 /* bit/s */
#define DLT645_MOST  19200
#define BROADCAST    "999999999999" /* addresses all */

static const struct section k_sections[] = {
    {"modbus", "tcp", offsetof(struct wk_config, modbus_tcp), {.host = LOCAL, .unit = 1}, TCP},
    {"modbus",
     "rtu",
     offsetof(struct wk_config, modbus_rtu),
     {.baud = 19200, .framing = "8E1", .unit = 1},
     RTU},
    {"dlt645",
     "",
     offsetof(struct wk_config, dlt645),
     {.baud = 2400, .framing = "8E1"},
     DLT645},
    {"p1",
     "",
     offsetof(struct wk_config, p1),
     {.host = LOCAL, .baud = 115200, .version = 5},
     P1},
    {"shelly", "", offsetof(struct wk_config, shelly), {.host = LOCAL}, SHELLY},
    {"optical", "", offsetof(struct wk_config, optical), {.baud = 9600}, OPTICAL},
};

static const struct section *section_of(const struct wk_ini_entry *entry)
{
    for (size_t n = 0; n < sizeof k_sections / sizeof k_sections[0]; n++) {
        if (strcmp(k_sections[n].kind, entry->kind) == 0 &&
            strcmp(k_sections[n].name, entry->name) == 0) {
            return &k_sections[n];
        }
    }
    return NULL;
}

/* ---- values ------------------------------------------------------------------------------ */

typedef enum kind { TEXT, NUMBER, BAUD, FRAMING, CHOICE } kind;

struct key {
    const char *name;
    unsigned mask; /* of the sections that have it */
    kind kind;
    size_t at;
    size_t size;
    int64_t least;
    int64_t most;
};

#define PLACE(member)                                                                          \
    offsetof(struct wk_config_view, member), sizeof(((struct wk_config_view *)0)->member)

static const struct key k_keys[] = {
    {"host", TCP | P1 | SHELLY, TEXT, PLACE(host), 0, 0},
    {"port", TCP | P1 | SHELLY, NUMBER, PLACE(port), 1, 65535},
    {"device", DLT645 | RTU | P1 | OPTICAL, TEXT, PLACE(device), 0, 0},
    {"baud", DLT645 | RTU | P1 | OPTICAL, BAUD, PLACE(baud), 0, 0},
    {"framing", DLT645 | RTU, FRAMING, PLACE(framing), 0, 0},
    {"rs485", DLT645 | RTU, CHOICE, PLACE(rs485), 0, 0},
    {"unit", TCP | RTU, NUMBER, PLACE(unit), 1, 247},
    {"address", DLT645, TEXT, PLACE(address), 0, 0},
    {"set_clock", DLT645, CHOICE, PLACE(takes_time), 0, 0},
    {"version", P1, NUMBER, PLACE(version), 4, 5},
    {"request", P1, CHOICE, PLACE(wants_request), 0, 0},
    {"password", OPTICAL, TEXT, PLACE(password), 0, 0},
    {"switch", TCP | RTU | OPTICAL, CHOICE, PLACE(can_switch), 0, 0},
};

static wk_err refuse(const struct wk_config_place *place, const char *must)
{
    (void)snprintf(place->reason, place->room, "%s", must);
    return WK_E_FORMAT;
}

static bool is_one_of(const char *value, const char *const *words, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        if (strcmp(words[n], value) == 0) {
            return true;
        }
    }
    return false;
}

static wk_err take_number(const struct key *key, const char *value, void *to,
                          const struct wk_config_place *place)
{
    int64_t number = 0;
    if (wk_ini_integer(value, key->least, key->most, &number) != WK_OK) {
        (void)snprintf(place->reason, place->room, "must be a whole number from %lld to %lld",
                       (long long)key->least, (long long)key->most);
        return WK_E_FORMAT;
    }
    if (key->size == sizeof(uint8_t)) {
        *(uint8_t *)to = (uint8_t)number;
    } else {
        *(uint16_t *)to = (uint16_t)number;
    }
    return WK_OK;
}

static wk_err take_word(const struct key *key, const char *value, void *to,
                        const struct wk_config_place *place)
{
    static const char *const k_bauds[] = {"300",  "600",   "1200",  "2400",  "4800",
                                          "9600", "19200", "38400", "57600", "115200"};
    static const char *const k_framings[] = {"8E1", "8N1", "8N2", "8O1"};
    int64_t number = 0;
    switch (key->kind) {
    case BAUD:
        if (!is_one_of(value, k_bauds, sizeof k_bauds / sizeof k_bauds[0]) ||
            wk_ini_integer(value, 0, INT32_MAX, &number) != WK_OK) {
            return refuse(place, "must be 300, 600, 1200 ... 115200");
        }
        *(uint32_t *)to = (uint32_t)number;
        return WK_OK;
    case FRAMING:
        if (!is_one_of(value, k_framings, sizeof k_framings / sizeof k_framings[0])) {
            return refuse(place, "must be one of 8E1|8N1|8N2|8O1");
        }
        memcpy(to, value, key->size);
        return WK_OK;
    case CHOICE:
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
            return refuse(place, "must be yes or no");
        }
        *(bool *)to = value[0] == 'y';
        return WK_OK;
    case NUMBER:
        return take_number(key, value, to, place);
    case TEXT:
    default:
        if (wk_ini_text(value, to, key->size) != WK_OK) {
            (void)snprintf(place->reason, place->room, "must be 1 to %zu characters",
                           key->size - 1);
            return WK_E_FORMAT;
        }
        return WK_OK;
    }
}

/* ---- sections ---------------------------------------------------------------------------- */

bool wk_config_view_has(const struct wk_ini_entry *entry)
{
    return section_of(entry) != NULL;
}

wk_err wk_config_view_take(struct wk_config *config, const struct wk_ini_entry *entry,
                           const struct wk_config_place *place)
{
    const struct section *section = section_of(entry);
    struct wk_config_view *view = (struct wk_config_view *)((char *)config + section->at);
    char must[WK_INI_WHY / 2] = "";
    const struct wk_config_place detail = {place->folder, must, sizeof must};
    if (entry->key == NULL) {
        *view = section->usual;
        view->is_there = true;
        return WK_OK;
    }
    wk_err err = WK_E_NOT_FOUND;
    for (size_t n = 0; n < sizeof k_keys / sizeof k_keys[0] && err == WK_E_NOT_FOUND; n++) {
        if ((k_keys[n].mask & section->mask) != 0 && strcmp(k_keys[n].name, entry->key) == 0) {
            err = take_word(&k_keys[n], entry->value, (char *)view + k_keys[n].at, &detail);
        }
    }
    if (err == WK_E_NOT_FOUND) {
        (void)snprintf(must, sizeof must, "is not a key of [%s%s%s]", section->kind,
                       section->name[0] != '\0' ? " " : "", section->name);
    }
    if (err != WK_OK) {
        (void)snprintf(place->reason, place->room, "'%s' %s", entry->key, must);
        return WK_E_FORMAT;
    }
    return WK_OK;
}

static const char *check_dlt645(const struct wk_config_view *view)
{
    if (!view->is_there) {
        return NULL;
    }
    if (view->device[0] == '\0') {
        return "[dlt645] needs device";
    }
    if (view->baud < DLT645_LEAST || view->baud > DLT645_MOST) {
        return "[dlt645] has rates from 600 to 19200";
    }
    const bool is_given = view->address[0] != '\0';
    const bool is_address =
        strspn(view->address, "0123456789") == 12 && strcmp(view->address, BROADCAST) != 0;
    return is_given && !is_address ? "[dlt645] needs an address of 12 digits, not all of them 9"
                                   : NULL;
}

const char *wk_config_view_check(const struct wk_config *config)
{
    if (config->modbus_tcp.is_there && config->modbus_tcp.port == 0) {
        return "[modbus tcp] needs port";
    }
    if (config->modbus_rtu.is_there && config->modbus_rtu.device[0] == '\0') {
        return "[modbus rtu] needs device";
    }
    if (config->p1.is_there && config->p1.device[0] == '\0' && config->p1.port == 0) {
        return "[p1] needs device or port";
    }
    if (config->shelly.is_there && config->shelly.port == 0 && config->web_port == 0) {
        return "[shelly] needs port, or [web] with a port";
    }
    if (config->optical.is_there && config->optical.device[0] == '\0') {
        return "[optical] needs device";
    }
    if (config->optical.can_switch && config->optical.password[0] == '\0') {
        return "[optical] needs password, if anything may be switched";
    }
    return check_dlt645(&config->dlt645);
}
