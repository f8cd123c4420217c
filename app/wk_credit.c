/* SPDX-License-Identifier: Apache-2.0
 *
 * wk credit - the account of a meter with payment: what is there, tokens, emergency credit. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/wk.h"
#include "app/wk_named.h"
#include "app/wk_value.h"
#include "cosem/axdr.h"
#include "management/payment.h"
#include "port/linux/ini.h"

#define CLASS_DATA    1
#define CLASS_ACCOUNT 111
#define CLASS_CREDIT  112
#define CLASS_CHARGE  113
#define CLASS_GATEWAY 115
#define VALUE_MOST    512
#define FIGURES       8
#define DIGITS        6

static struct wk_meter meter;
static struct wk_token_transfer issuer;
static struct wk_hal_private signer;
static struct wk_token wanted;
static bool has_title;

static const char k_help[] =
    "usage: wk credit show METER [OPTIONS]\n"
    "       wk credit enter METER TOKEN [OPTIONS]\n"
    "       wk credit invoke METER [CREDIT] [OPTIONS]\n"
    "       wk credit make --meter NAME --meter-title HEX --id N --amount AMOUNT --token-key "
    "HEX\n"
    "Payment in the meter: show prints account, credits and charges; enter hands a token to "
    "the\n"
    "meter and says what came of it; invoke takes emergency or reserved credit (number of the\n"
    "credit, 3) into use; make issues a token for one meter:\n"
    "  --meter NAME       its logical device name, 16 characters\n"
    "  --meter-title HEX  its system title, 8 octets\n"
    "  --id N             identifier, 1 to 4294967295; a key issues each once, rising\n"
    "  --amount AMOUNT    up to 6 decimals\n"
    "  --token-key HEX    key of the GMAC, 16 octets, or\n"
    "  --sign HEX         private key of ECDSA over P-256, 32 octets\n" WK_METER_OPTIONS;

/* ---- reading ----------------------------------------------------------------------------- */

static bool get(uint16_t class_id, uint8_t d, uint8_t e, uint8_t attribute, void *value,
                struct wk_bytes_in *in)
{
    const uint8_t c = class_id == CLASS_DATA ? 128 : 19;
    const struct wk_apdu_target target = {
        .class_id = class_id, .obis = {0, 0, c, d, e, 255}, .id = attribute};
    size_t size = 0;
    const wk_err err = wk_dlms_client_get(&meter.client, &target, value, VALUE_MOST, &size);
    if (err == WK_E_REFUSED) {
        fputs("wk: this meter has no account, or this role may not read it: [credit] in its "
              "configuration\n",
              stderr);
    } else if (err != WK_OK) {
        fprintf(stderr, "wk: %s\n", wk_dlms_client_error(&meter.client));
    }
    *in = wk_bytes_in_of(value, size);
    return err == WK_OK;
}

/* Any integer, or of a structure its members; how many. */
static int get_numbers(uint16_t class_id, uint8_t d, uint8_t e, uint8_t attribute, int64_t *to,
                       int most)
{
    uint8_t raw[VALUE_MOST];
    struct wk_bytes_in in;
    struct wk_axdr_value value;
    int count = 0;
    if (!get(class_id, d, e, attribute, raw, &in)) {
        return 0;
    }
    while (count < most && wk_bytes_in_left(&in) > 0 && in.fault == WK_OK) {
        wk_axdr_read(&in, &value);
        if (wk_axdr_is_integer(value.tag)) {
            to[count++] = value.integer;
        }
    }
    return count;
}

static bool get_number(uint16_t class_id, uint8_t d, uint8_t e, uint8_t attribute, int64_t *to)
{
    return get_numbers(class_id, d, e, attribute, to, 1) == 1;
}

/* Currency: name and scale. */
static bool get_currency(char name[WK_ACCOUNT_NAME], int8_t *scale)
{
    uint8_t raw[VALUE_MOST];
    struct wk_bytes_in in;
    struct wk_axdr_value value;
    if (!get(CLASS_ACCOUNT, 0, 0, 15, raw, &in)) {
        return false;
    }
    (void)wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    wk_axdr_read(&in, &value);
    const size_t size = value.size < WK_ACCOUNT_NAME - 1 ? value.size : WK_ACCOUNT_NAME - 1;
    memset(name, 0, WK_ACCOUNT_NAME);
    if (in.fault == WK_OK && value.octets != NULL) {
        memcpy(name, value.octets, size);
    }
    *scale = (int8_t)wk_axdr_read_integer(&in, WK_AXDR_INTEGER);
    return in.fault == WK_OK;
}

/* ---- showing ----------------------------------------------------------------------------- */

static const char *const k_figures[] = {"balance",   "available", "to_clear", "debt",
                                        "collected", "tokens",    "adjusted"};

static const char *word(const char *const *words, size_t count, int64_t number)
{
    return number >= 0 && (size_t)number < count ? words[number] : "?";
}
#define WORD(words, number) word((words), sizeof(words) / sizeof((words)[0]), (number))

static bool show_account(char name[WK_ACCOUNT_NAME], int8_t *scale)
{
    static const char *const k_modes[] = {"?", "credit", "prepayment"};
    static const char *const k_status[] = {"?", "new", "active", "closed"};
    int64_t mode[2];
    int64_t figure[FIGURES];
    char text[WK_VALUE_TEXT];
    if (get_numbers(CLASS_ACCOUNT, 0, 0, 2, mode, 2) != 2 || !get_currency(name, scale) ||
        get_numbers(CLASS_DATA, 5, 0, 2, figure, FIGURES) != FIGURES) {
        return false;
    }
    printf(meter.json ? "{\"mode\":\"%s\",\"status\":\"%s\",\"currency\":\"%s\""
                      : "account: %s, %s, %s\n",
           WORD(k_modes, mode[0]), WORD(k_status, mode[1]), name);
    for (int i = 0; i < FIGURES - 1; i++) {
        wk_value_scaled(figure[i], -DIGITS, text);
        printf(meter.json ? ",\"%s\":%s" : "  %-10s %16s\n", k_figures[i], text);
    }
    const bool known = figure[FIGURES - 1] >= 0;
    if (meter.json) {
        printf(known ? ",\"days_left\":%" PRId64 : ",\"days_left\":null", figure[FIGURES - 1]);
    } else {
        printf(known ? "  %-10s %16" PRId64 " at the mean of the last days\n"
                     : "  %-10s not known yet\n",
               "days left", figure[FIGURES - 1]);
    }
    return true;
}

static bool show_credit(uint8_t index, int8_t scale)
{
    static const char *const k_types[] = {"token", "reserved", "emergency", "by time",
                                          "for energy"};
    static const char *const k_status[] = {"enabled", "selectable", "selected", "in use",
                                           "exhausted"};
    static const uint8_t k_attributes[] = {3, 4, 8, 2, 6, 9, 5};
    int64_t value[sizeof k_attributes];
    char text[4][WK_VALUE_TEXT];
    for (size_t i = 0; i < sizeof k_attributes; i++) {
        if (!get_number(CLASS_CREDIT, 10, index, k_attributes[i], &value[i])) {
            return false;
        }
    }
    for (int i = 0; i < 4; i++) {
        wk_value_scaled(value[3 + i], scale, text[i]);
    }
    if (meter.json) {
        printf("%s{\"number\":%u,\"type\":\"%s\",\"priority\":%" PRId64
               ",\"status\":\"%s\",\"amount\":%s,\"limit\":%s,\"preset\":%s,\"warning\":%s}",
               index > 0 ? "," : "", index + 1U, WORD(k_types, value[0]), value[1],
               WORD(k_status, value[2]), text[0], text[1], text[2], text[3]);
        return true;
    }
    printf("  %u  %-10s %8" PRId64 "  %-10s %12s %12s %12s %12s\n", index + 1U,
           WORD(k_types, value[0]), value[1], WORD(k_status, value[2]), text[0], text[1],
           text[2], text[3]);
    return true;
}

static bool show_charge(uint8_t index, int8_t scale)
{
    static const char *const k_types[] = {"energy", "time", "payment"};
    static const uint8_t k_attributes[] = {3, 4, 8, 13, 2, 12};
    int64_t value[sizeof k_attributes];
    char text[2][WK_VALUE_TEXT];
    for (size_t i = 0; i < sizeof k_attributes; i++) {
        if (!get_number(CLASS_CHARGE, 20, index, k_attributes[i], &value[i])) {
            return false;
        }
    }
    wk_value_scaled(value[4], scale, text[0]);
    wk_value_scaled(value[5], scale, text[1]);
    if (meter.json) {
        printf("%s{\"number\":%u,\"type\":\"%s\",\"priority\":%" PRId64 ",\"period_s\":%" PRId64
               ",\"proportion_e4\":%" PRId64 ",\"paid\":%s,\"remaining\":%s}",
               index > 0 ? "," : "", index + 1U, WORD(k_types, value[0]), value[1], value[2],
               value[3], text[0], text[1]);
        return true;
    }
    printf("  %u  %-10s %8" PRId64 " %10" PRId64 " %10" PRId64 " %12s %12s\n", index + 1U,
           WORD(k_types, value[0]), value[1], value[2], value[3], text[0], text[1]);
    return true;
}

static bool show(void)
{
    char name[WK_ACCOUNT_NAME];
    int8_t scale = 0;
    bool good = show_account(name, &scale);
    if (good) {
        printf("%s", meter.json ? ",\"credits\":["
                                : "credits: type   priority  status           amount        "
                                  "limit       preset      warning\n");
    }
    for (uint8_t i = 0; good && i < WK_ACCOUNT_CREDITS; i++) {
        good = show_credit(i, scale);
    }
    if (good) {
        printf("%s", meter.json ? "],\"charges\":["
                                : "charges: type   priority   period_s   share_e4         paid"
                                  "    remaining\n");
    }
    for (uint8_t i = 0; good && i < WK_ACCOUNT_CHARGES; i++) {
        good = show_charge(i, scale);
    }
    printf("%s", meter.json && good ? "]}\n" : "");
    return good;
}

/* ---- tokens ------------------------------------------------------------------------------ */

static const char *reason_of(uint8_t bits)
{
    static const struct {
        uint8_t bit;
        const char *text;
    } k_reasons[] = {
        {WK_TOKEN_NO_FORM, "it is no token: look for a digit that is missing"},
        {WK_TOKEN_NOT_AUTHENTIC, "it is not for this meter, or was changed on the way"},
        {WK_TOKEN_OLD, "its identifier is too far behind the newest one: issue it anew"},
        {WK_TOKEN_USED, "it was used before"},
        {WK_TOKEN_CLOSED, "the account is closed"},
        {WK_TOKEN_TOO_MUCH, "the credit would be beyond what the meter can hold"},
        {WK_TOKEN_LOCKED, "too many wrong tokens: wait, or send it as management client"},
    };
    for (size_t i = 0; i < sizeof k_reasons / sizeof k_reasons[0]; i++) {
        if ((bits & k_reasons[i].bit) != 0) {
            return k_reasons[i].text;
        }
    }
    return "";
}

static bool tell_status(void)
{
    static const char *const k_status[] = {
        "its format is right", "it is authentic",   "it is valid",
        "it was executed",     "format failure",    "authentication failure",
        "validation failure",  "execution failure", "it was received"};
    uint8_t raw[VALUE_MOST];
    struct wk_bytes_in in;
    if (!get(CLASS_GATEWAY, 40, 0, 6, raw, &in)) {
        return false;
    }
    (void)wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    const int64_t status = wk_axdr_read_integer(&in, WK_AXDR_ENUM);
    const uint8_t why = wk_payment_read_bits(&in, 8);
    const bool good = status == WK_TOKEN_EXECUTION_OK && in.fault == WK_OK;
    if (meter.json) {
        printf("{\"status\":%" PRId64 ",\"why\":%u}\n", status, why);
    } else if (good) {
        printf("the token counts\n");
    } else {
        fprintf(stderr, "wk: %s: %s\n", WORD(k_status, status), reason_of(why));
    }
    return good;
}

static bool act(uint16_t class_id, uint8_t d, uint8_t e, uint8_t method,
                const struct wk_bytes_out *parameter, const char *what)
{
    const struct wk_apdu_target target = {
        .class_id = class_id, .obis = {0, 0, 19, d, e, 255}, .id = method};
    const wk_err err =
        wk_dlms_client_action(&meter.client, &target, parameter->data, parameter->size);
    if (err != WK_OK) {
        wk_named_complain(&meter, what, err);
    }
    return err == WK_OK;
}

static bool enter(const char *text)
{
    uint8_t token[WK_TOKEN_MOST];
    uint8_t raw[WK_TOKEN_MOST + 8];
    size_t size = 0;
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    if (wk_ini_hex(text, token, sizeof token, &size) != WK_OK || size == 0) {
        fputs("wk: a token is written as hexadecimal digits, up to 192\n", stderr);
        return false;
    }
    wk_axdr_put_octet_string(&out, token, size);
    return act(CLASS_GATEWAY, 40, 0, 1, &out, "the token") && tell_status();
}

static bool invoke(const char *text)
{
    uint8_t raw[4];
    int64_t number = 3;
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    if (text != NULL && wk_ini_integer(text, 1, WK_ACCOUNT_CREDITS, &number) != WK_OK) {
        fputs("wk: the credit is a number from 1 to 5, as wk credit show has them\n", stderr);
        return false;
    }
    wk_axdr_put_integer(&out, 0);
    return act(CLASS_CREDIT, 10, (uint8_t)(number - 1), 3, &out,
               "the credit (only one that is selectable can be taken)");
}

static bool make(void)
{
    uint8_t raw[WK_TOKEN_MOST];
    struct wk_crypto crypto;
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    if (wanted.id == 0 || wanted.amount_e6 <= 0 || strlen(issuer.name) != WK_TOKEN_NAME ||
        !has_title || (issuer.key.size == 0) == (signer.size == 0)) {
        fputs("wk: a token needs --meter, --meter-title, --id, --amount, and --token-key or "
              "--sign\n",
              stderr);
        return false;
    }
    if (wk_crypto_init(&crypto) != WK_OK) {
        fputs("wk: no cryptography\n", stderr);
        return false;
    }
    issuer.crypto = &crypto.hal;
    const wk_err err = wk_token_make(&issuer, &wanted, signer.size > 0 ? &signer : NULL, &out);
    wk_crypto_close(&crypto);
    if (err != WK_OK) {
        fprintf(stderr, "wk: the token: %s\n", wk_err_text(err));
        return false;
    }
    for (size_t i = 0; i < out.size; i++) {
        printf("%02x", raw[i]);
    }
    printf("\n");
    return true;
}

/* ---- options ----------------------------------------------------------------------------- */

static bool take_hex(const char *option, const char *value, uint8_t *to, size_t wanted_size)
{
    size_t size = 0;
    if (wk_ini_hex(value, to, wanted_size, &size) != WK_OK || size != wanted_size) {
        fprintf(stderr, "wk: %s must be %zu hexadecimal digits\n", option, 2 * wanted_size);
        return false;
    }
    return true;
}

static bool take_number(int option, const char *value)
{
    int64_t number = 0;
    if (option == 'i') {
        if (wk_ini_integer(value, 1, UINT32_MAX, &number) != WK_OK) {
            fputs("wk: --id must be 1 to 4294967295\n", stderr);
            return false;
        }
        wanted.id = (uint32_t)number;
        return true;
    }
    if (wk_ini_decimal(value, DIGITS, &number) != WK_OK || number <= 0 ||
        number > WK_CREDIT_MOST_E6) {
        fputs("wk: --amount must be above 0, with at most 6 decimals\n", stderr);
        return false;
    }
    wanted.amount_e6 = number;
    return true;
}

static bool take_option(int option, const char *value)
{
    switch (option) {
    case 'm':
        if (strlen(value) != WK_TOKEN_NAME) {
            fputs("wk: --meter must be the logical device name, 16 characters\n", stderr);
            return false;
        }
        memcpy(issuer.name, value, WK_TOKEN_NAME);
        return true;
    case 't':
        has_title = true;
        return take_hex("--meter-title", value, issuer.title, sizeof issuer.title);
    case 'i':
    case 'a':
        return take_number(option, value);
    case 'k':
        issuer.key.size = 16;
        return take_hex("--token-key", value, issuer.key.octets, 16);
    case 's':
        signer.size = 32;
        return take_hex("--sign", value, signer.octets, 32);
    default:
        return wk_meter_option(&meter, option, value);
    }
}

/* What is to be done at a meter, with the arguments behind its address. */
static int at_meter(const char *what, int argc, char **argv)
{
    const bool shows = strcmp(what, "show") == 0;
    const bool enters = strcmp(what, "enter") == 0;
    const bool invokes = strcmp(what, "invoke") == 0;
    const int most = shows ? 1 : 2;
    if ((!shows && !enters && !invokes) || argc < (enters ? 2 : 1) || argc > most) {
        fputs("wk: wk credit show|enter|invoke METER, or wk credit make; --help tells more\n",
              stderr);
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_address(&meter, argv[0])) {
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_open(&meter)) {
        return WK_EXIT_FAILED;
    }
    const char *more = argc > 1 ? argv[1] : NULL;
    const bool good = shows ? show() : enters ? enter(more) : invoke(more);
    wk_dlms_client_close(&meter.client);
    return good ? WK_EXIT_OK : WK_EXIT_FAILED;
}

int wk_credit_run(int argc, char **argv)
{
    static const struct option k_options[] = {{"meter", required_argument, NULL, 'm'},
                                              {"meter-title", required_argument, NULL, 't'},
                                              {"id", required_argument, NULL, 'i'},
                                              {"amount", required_argument, NULL, 'a'},
                                              {"token-key", required_argument, NULL, 'k'},
                                              {"sign", required_argument, NULL, 's'},
                                              WK_METER_LONG_OPTIONS,
                                              {0}};
    int option;
    wk_meter_init(&meter, WK_DLMS_CLIENT_READER);
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (!take_option(option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (meter.wants_help) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    if (argc - optind == 1 && strcmp(argv[optind], "make") == 0) {
        return make() ? WK_EXIT_OK : WK_EXIT_FAILED;
    }
    if (argc - optind < 1) {
        fputs("wk: what? wk credit show|enter|invoke METER, or wk credit make\n", stderr);
        return WK_EXIT_USAGE;
    }
    return at_meter(argv[optind], argc - optind - 1, argv + optind + 1);
}
