/* SPDX-License-Identifier: Apache-2.0
 *
 * wk security - the security setups of a meter: policies, suites, counters; stricter policies, new
 * keys. */
#include <stdio.h>
#include <string.h>

#include "app/wk.h"
#include "app/wk_named.h"
#include "app/wk_security_tls.h"
#include "app/wk_value.h"
#include "cosem/axdr.h"
#include "port/linux/ini.h"

#define CLASS_DATA           1
#define CLASS_SECURITY_SETUP 64
#define SETUPS               16
#define METHOD_ACTIVATE      1
#define METHOD_TRANSFER      2

static struct wk_meter meter;
static struct wk_named setups[SETUPS];
static unsigned setup_count;
static struct wk_named counters[SETUPS];
static unsigned counter_count;
static uint8_t wanted[WK_OBIS_SIZE] = {0, 0, 43, 0, 0, 255};
static int64_t policy = -1;
static int which_key = -1;
static struct wk_hal_key new_key;
static struct wk_hal_key kek;
static struct wk_security_tls tls;

static const char *const k_keys[] = {"unicast", "broadcast", "authentication", "master"};

static const char k_help[] =
    "usage: wk security HOST[:PORT] [OPTIONS]\n"
    "Shows policies, suites, system titles and invocation counters of a meter, or changes "
    "one:\n"
    "  --setup OBIS       which security setup is changed (0.0.43.0.0.255)\n"
    "  --policy N         activates a policy: the sum of 4 authenticated, 8 encrypted, 16 "
    "signed\n"
    "                     requests, and of 32, 64, 128 for the same of responses. It can be "
    "made\n"
    "                     stricter only\n"
    "  --change unicast|broadcast|authentication|master   a key, with:\n"
    "  --new HEX          the new key, 16 or 32 octets, and\n"
    "  --kek HEX          the master key it is wrapped with\n"
    "  --renew            a new key pair of TLS beside that in use (generate_key_pair)\n"
    "  --csr FILE         the request for the certificate of the key that waits; - for "
    "standard "
    "output\n"
    "  --import FILE      brings its certificate, which the meter proves before it uses it\n"
    "If no answer comes, the meter may have the new key or the old one: try both before you\n"
    "change it again.\n" WK_METER_OPTIONS;

/* ---- showing ------------------------------------------------------------------------------- */

static wk_err take_object(void *self, const struct wk_named *object)
{
    const bool counter =
        object->class_id == CLASS_DATA && object->obis[2] == 43 && object->obis[3] == 1;
    (void)self;
    if (object->class_id == CLASS_SECURITY_SETUP && setup_count < SETUPS) {
        setups[setup_count++] = *object;
    } else if (counter && counter_count < SETUPS) {
        counters[counter_count++] = *object;
    }
    return WK_OK;
}

static wk_err print_attribute(const struct wk_named *object, uint8_t id, const char *name)
{
    uint8_t value[256];
    size_t size;
    struct wk_apdu_target target = {.class_id = object->class_id, .id = id};
    memcpy(target.obis, object->obis, WK_OBIS_SIZE);
    const wk_err err = wk_dlms_client_get(&meter.client, &target, value, sizeof value, &size);
    if (err != WK_OK && err != WK_E_REFUSED) {
        return err;
    }
    printf(meter.json ? ",\"%s\":" : "  %s: ", name);
    if (err == WK_OK) {
        wk_value_print(wk_bytes_in_of(value, size));
    } else {
        printf(meter.json ? "null" : "%s", wk_apdu_access_text(meter.client.client.result));
    }
    printf("%s", meter.json ? "" : "\n");
    return WK_OK;
}

static wk_err print_object(const struct wk_named *object, bool first)
{
    static const char *const k_names[] = {"policy", "suite", "client_title", "server_title"};
    char obis[WK_OBIS_TEXT];
    wk_err err = WK_OK;
    wk_obis_print(object->obis, obis);
    printf(meter.json ? "%s{\"obis\":\"%s\"" : "%s%s\n", meter.json && !first ? "," : "", obis);
    if (object->class_id == CLASS_DATA) {
        err = print_attribute(object, 2, "invocation_counter");
    }
    for (uint8_t i = 0; i < 4 && err == WK_OK && object->class_id != CLASS_DATA; i++) {
        err = print_attribute(object, (uint8_t)(i + 2), k_names[i]);
    }
    printf("%s", meter.json ? "}" : "");
    return err;
}

static bool show(void)
{
    wk_err err = WK_OK;
    if (!wk_named_list(&meter, NULL, take_object)) {
        return false;
    }
    printf("%s", meter.json ? "{\"security\":[" : "");
    for (unsigned i = 0; i < setup_count + counter_count && err == WK_OK; i++) {
        err = print_object(i < setup_count ? &setups[i] : &counters[i - setup_count], i == 0);
    }
    printf("%s", meter.json ? "]}\n" : "");
    if (err != WK_OK) {
        fprintf(stderr, "wk: %s\n", wk_dlms_client_error(&meter.client));
    }
    return err == WK_OK;
}

/* ---- changing ------------------------------------------------------------------------------ */

static bool act(uint8_t method, const struct wk_bytes_out *parameter)
{
    struct wk_apdu_target target = {.class_id = CLASS_SECURITY_SETUP, .id = method};
    memcpy(target.obis, wanted, WK_OBIS_SIZE);
    const wk_err err =
        wk_dlms_client_action(&meter.client, &target, parameter->data, parameter->size);
    if (err != WK_OK) {
        wk_named_complain(&meter, method == METHOD_ACTIVATE ? "--policy" : "--change", err);
    } else {
        printf("%s", meter.json ? "{\"done\":true}\n" : "");
    }
    return err == WK_OK;
}

static bool change(void)
{
    uint8_t room[WK_HAL_WRAPPED + 16];
    uint8_t wrapped[WK_HAL_WRAPPED];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    const struct wk_hal_crypto *crypto = &meter.client.crypto.hal;
    if (policy >= 0) {
        wk_axdr_put_enum(&out, (uint8_t)policy);
        return act(METHOD_ACTIVATE, &out);
    }
    if (crypto->wrap(crypto->self, &kek, &new_key, wrapped) != WK_OK) {
        fputs("wk: the key cannot be wrapped\n", stderr);
        return false;
    }
    wk_axdr_put_array(&out, 1);
    wk_axdr_put_structure(&out, 2);
    wk_axdr_put_enum(&out, (uint8_t)which_key);
    wk_axdr_put_octet_string(&out, wrapped, new_key.size + 8U);
    return act(METHOD_TRANSFER, &out);
}

/* ---- options ------------------------------------------------------------------------------- */

static bool take_key(const char *option, const char *value, struct wk_hal_key *key)
{
    size_t size = 0;
    if (wk_ini_hex(value, key->octets, sizeof key->octets, &size) != WK_OK ||
        (size != 16 && size != 32)) {
        fprintf(stderr, "wk: %s must be 32 or 64 hexadecimal digits\n", option);
        return false;
    }
    key->size = (uint8_t)size;
    return true;
}

static bool take_which(const char *value)
{
    for (int i = 0; i < 4; i++) {
        which_key = strcmp(value, k_keys[i]) == 0 ? i : which_key;
    }
    if (which_key < 0) {
        fputs("wk: --change must be unicast, broadcast, authentication or master\n", stderr);
    }
    return which_key >= 0;
}

static bool take_option(int option, const char *value)
{
    switch (option) {
    case 's':
        if (wk_obis_parse(value, wanted) != WK_OK) {
            fprintf(stderr, "wk: --setup \"%s\": must be like 0.0.43.0.0.255\n", value);
            return false;
        }
        return true;
    case 'p':
        if (wk_ini_integer(value, 0, UINT8_MAX, &policy) != WK_OK) {
            fprintf(stderr, "wk: --policy \"%s\": must be 0 to 255\n", value);
            return false;
        }
        return true;
    case 'c':
        return take_which(value);
    case 'r':
        tls.renew = true;
        return true;
    case 'q':
        tls.csr = value;
        return true;
    case 'i':
        tls.certificate = value;
        return true;
    case 'n':
        return take_key("--new", value, &new_key);
    case 'k':
        return take_key("--kek", value, &kek);
    default:
        return wk_meter_option(&meter, option, value);
    }
}

static bool is_complete(void)
{
    if (which_key >= 0 && (new_key.size == 0 || kek.size == 0)) {
        fputs("wk: --change needs --new and --kek\n", stderr);
        return false;
    }
    if ((which_key >= 0) + (policy >= 0) + wk_security_tls_is_wanted(&tls) > 1) {
        fputs("wk: one change at a time: --policy, --change, or the key pair of TLS\n", stderr);
        return false;
    }
    return true;
}

int wk_security_run(int argc, char **argv)
{
    static const struct option k_options[] = {{"setup", required_argument, NULL, 's'},
                                              {"policy", required_argument, NULL, 'p'},
                                              {"change", required_argument, NULL, 'c'},
                                              {"renew", no_argument, NULL, 'r'},
                                              {"csr", required_argument, NULL, 'q'},
                                              {"import", required_argument, NULL, 'i'},
                                              {"new", required_argument, NULL, 'n'},
                                              {"kek", required_argument, NULL, 'k'},
                                              WK_METER_LONG_OPTIONS,
                                              {0}};
    int option;
    wk_meter_init(&meter, WK_DLMS_CLIENT_MANAGEMENT);
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (!take_option(option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (meter.wants_help) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    if (optind != argc - 1) {
        fputs("wk: which meter? wk security HOST[:PORT]\n", stderr);
        return WK_EXIT_USAGE;
    }
    if (!is_complete() || !wk_meter_address(&meter, argv[optind])) {
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_open(&meter)) {
        return WK_EXIT_FAILED;
    }
    const bool good = wk_security_tls_is_wanted(&tls)
                          ? wk_security_tls_do(&meter, wanted, &tls)
                          : (policy >= 0 || which_key >= 0 ? change() : show());
    wk_dlms_client_close(&meter.client);
    return good ? WK_EXIT_OK : WK_EXIT_FAILED;
}
