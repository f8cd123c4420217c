/* SPDX-License-Identifier: Apache-2.0 */
#include "view/modbus.h"

#include <string.h>

#include "view/modbus_map.h"

#define EXCEPTION   0x80
#define READ_MOST   125
#define WRITE_MOST  123
#define UNIT_MOST   247
#define NAN_FLOAT   UINT32_C(0x7FC00000)
#define US_PER_S    1000000
#define INT16_ABOVE 32767
#define MAXIMUM_W   32000

enum {
    READ_HOLDING = 3,
    READ_INPUT = 4,
    WRITE_ONE = 6,
    DIAGNOSE = 8,
    WRITE_MANY = 16,
    REPORT_ID = 17,
    ENCAPSULATED = 43,
};

/* What is known while one request is served. */
struct serving {
    struct wk_modbus_server *server;
    const struct wk_modbus_call *call;
    struct wk_bytes_in *in;
    struct wk_bytes_out *out;
    bool wrote;
};

wk_err wk_modbus_server_init(struct wk_modbus_server *server,
                             const struct wk_modbus_server_config *config)
{
    if ((config->phases != 1 && config->phases != 3) || config->unit < 1 ||
        config->unit > UNIT_MOST) {
        return WK_E_ARGUMENT;
    }
    *server = (struct wk_modbus_server){.config = *config};
    wk_points_init(&server->points, config->table, WK_ROLE_READER);
    int64_t most = config->maximum_w > 0 ? config->maximum_w : MAXIMUM_W;
    for (; most > INT16_ABOVE; most /= 10) {
        server->power_exponent++;
    }
    return WK_OK;
}

void wk_modbus_server_except(struct wk_bytes_out *out, uint8_t function, uint8_t code)
{
    out->size = 0;
    wk_bytes_out_u8(out, function | EXCEPTION);
    wk_bytes_out_u8(out, code);
}

/* ---- registers of a row ------------------------------------------------------------------ */

static void put_u32(uint16_t *words, uint32_t value)
{
    words[0] = (uint16_t)(value >> 16);
    words[1] = (uint16_t)value;
}

static void put_u64(uint16_t *words, uint64_t value)
{
    put_u32(words, (uint32_t)(value >> 32));
    put_u32(words + 2, (uint32_t)value);
}

static void put_float(uint16_t *words, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u32(words, bits);
}

static void put_text(uint16_t *words, uint8_t count, const char *text)
{
    memset(words, 0, count * sizeof *words);
    for (size_t n = 0; n < 2 * (size_t)count && text[n] != '\0'; n++) {
        words[n / 2] |= (uint16_t)((uint8_t)text[n] << (n % 2 == 0 ? 8 : 0));
    }
}

static void put_text_row(struct wk_modbus_server *server, const struct wk_modbus_map_row *row,
                         uint16_t *words)
{
    char text[WK_POINT_TEXT];
    if (row->point == WK_POINT_NONE) {
        put_text(words, row->words, row->text);
        return;
    }
    if (wk_point_read_text(&server->points, (wk_point)row->point, text) != WK_OK) {
        text[0] = '\0';
    }
    put_text(words, row->words, text);
}

static wk_err read_row(struct wk_modbus_server *server, const struct wk_modbus_map_row *row,
                       int64_t *scaled)
{
    struct wk_point_value value;
    const int exponent =
        row->exponent == WK_MODBUS_MAP_POWER ? server->power_exponent : row->exponent;
    if (row->point == WK_POINT_NONE) {
        return WK_E_NOT_FOUND;
    }
    WK_TRY(wk_point_read(&server->points, (wk_point)row->point, &value));
    return wk_point_scaled(&value, exponent, scaled);
}

static void put_whole(struct wk_modbus_server *server, const struct wk_modbus_map_row *row,
                      uint16_t *words)
{
    int64_t scaled = 0;
    const bool is_read = read_row(server, row, &scaled) == WK_OK;
    switch (row->type) {
    case WK_MODBUS_MAP_INT16:
        words[0] = is_read && scaled >= -INT16_ABOVE && scaled <= INT16_ABOVE ? (uint16_t)scaled
                                                                              : 0x8000;
        break;
    case WK_MODBUS_MAP_ACC32:
        put_u32(words, is_read ? (uint32_t)scaled : 0);
        break;
    case WK_MODBUS_MAP_INT64:
        put_u64(words, is_read ? (uint64_t)scaled : (uint64_t)1 << 63);
        break;
    default: /* UINT16, SWITCH */
        words[0] =
            is_read && scaled >= 0 && scaled < UINT16_MAX ? (uint16_t)scaled : UINT16_MAX;
        break;
    }
}

static void put_real(struct wk_modbus_server *server, const struct wk_modbus_map_row *row,
                     uint16_t *words)
{
    struct wk_point_value value;
    if (wk_point_read(&server->points, (wk_point)row->point, &value) != WK_OK) {
        put_u32(words, NAN_FLOAT);
        return;
    }
    const float number = wk_point_float(&value, row->exponent);
    put_float(words, row->type == WK_MODBUS_MAP_FLOAT_MINUTES ? number / 60.0F : number);
}

static void put_baud(uint32_t baud, uint16_t *words)
{
    static const uint32_t k_rates[] = {2400, 4800, 9600, 19200, 38400};
    put_u32(words, NAN_FLOAT);
    for (size_t code = 0; code < sizeof k_rates / sizeof k_rates[0]; code++) {
        if (k_rates[code] == baud) {
            put_float(words, (float)code);
        }
    }
}

static uint32_t serial_number(struct wk_modbus_server *server)
{
    char text[WK_POINT_TEXT];
    uint32_t number = 0;
    if (wk_point_read_text(&server->points, WK_POINT_SERIAL, text) != WK_OK) {
        return 0;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9') {
            number = number % 100000000U * 10U + (uint32_t)(*at - '0');
        }
    }
    return number;
}

/* What is no value of the meter. */
static void put_fixed(struct wk_modbus_server *server, const struct wk_modbus_map_row *row,
                      uint16_t *words)
{
    const struct wk_modbus_server_config *config = &server->config;
    switch (row->type) {
    case WK_MODBUS_MAP_U32:
        put_u32(words, row->value);
        break;
    case WK_MODBUS_MAP_MODEL:
        words[0] = (uint16_t)(row->value + (config->phases == 3 ? 2U : 0U));
        break;
    case WK_MODBUS_MAP_POWER_SF:
        words[0] = (uint16_t)server->power_exponent;
        break;
    case WK_MODBUS_MAP_UNIT:
        words[0] = config->unit;
        break;
    case WK_MODBUS_MAP_FLOAT_UNIT:
        put_float(words, (float)config->unit);
        break;
    case WK_MODBUS_MAP_FLOAT_BAUD:
        put_baud(config->baud, words);
        break;
    case WK_MODBUS_MAP_FLOAT_WIRES:
        put_float(words, (float)config->phases);
        break;
    case WK_MODBUS_MAP_PHASES:
        words[0] = config->phases;
        break;
    case WK_MODBUS_MAP_SERIAL32:
        put_u32(words, serial_number(server));
        break;
    case WK_MODBUS_MAP_UTC:
        put_u64(words, (uint64_t)(server->points.now_us / US_PER_S));
        break;
    default: /* U16 */
        words[0] = (uint16_t)row->value;
        break;
    }
}

static void put_row(struct wk_modbus_server *server, const struct wk_modbus_map_row *row,
                    uint16_t words[WK_MODBUS_MAP_WORDS])
{
    switch (row->type) {
    case WK_MODBUS_MAP_TEXT:
        put_text_row(server, row, words);
        break;
    case WK_MODBUS_MAP_INT16:
    case WK_MODBUS_MAP_UINT16:
    case WK_MODBUS_MAP_ACC32:
    case WK_MODBUS_MAP_INT64:
    case WK_MODBUS_MAP_SWITCH:
        put_whole(server, row, words);
        break;
    case WK_MODBUS_MAP_FLOAT:
    case WK_MODBUS_MAP_FLOAT_MINUTES:
        put_real(server, row, words);
        break;
    default:
        put_fixed(server, row, words);
        break;
    }
}

/* ---- reading ----------------------------------------------------------------------------- */

/* The registers of [address, address + count) that lie in one row, or in one gap between rows. */
static uint16_t put_piece(struct wk_modbus_server *server, struct wk_bytes_out *out,
                          const struct wk_modbus_map_block *block, uint16_t address,
                          uint16_t count)
{
    uint16_t words[WK_MODBUS_MAP_WORDS];
    const uint16_t at = (uint16_t)(address - block->base);
    const struct wk_modbus_map_row *row = wk_modbus_map_row_of(block, at);
    if (row == NULL) {
        wk_bytes_out_u16be(out, block->fill[at % 4]);
        return 1;
    }
    put_row(server, row, words);
    uint16_t put = 0;
    for (uint16_t n = (uint16_t)(at - row->at); n < row->words && put < count; n++, put++) {
        wk_bytes_out_u16be(out, words[n]);
    }
    return put;
}

static uint8_t read_registers(struct serving *serving, uint8_t space)
{
    uint16_t address = wk_bytes_in_u16be(serving->in);
    uint16_t count = wk_bytes_in_u16be(serving->in);
    if (wk_bytes_in_end(serving->in) != WK_OK || count < 1 || count > READ_MOST) {
        return WK_MODBUS_SERVER_ILLEGAL_VALUE;
    }
    if (address + (uint32_t)count - 1 > UINT16_MAX) {
        return WK_MODBUS_SERVER_ILLEGAL_ADDRESS;
    }
    wk_bytes_out_u8(serving->out, (uint8_t)(2 * count));
    while (count > 0) {
        const struct wk_modbus_map_block *block = wk_modbus_map_find(space, address);
        if (block == NULL) {
            return WK_MODBUS_SERVER_ILLEGAL_ADDRESS;
        }
        const uint16_t put = put_piece(serving->server, serving->out, block, address, count);
        address = (uint16_t)(address + put);
        count = (uint16_t)(count - put);
    }
    return 0;
}

/* ---- writing ----------------------------------------------------------------------------- */

static const struct wk_modbus_map_row *switch_at(const struct serving *serving,
                                                 uint16_t address)
{
    const struct wk_modbus_map_block *block =
        wk_modbus_map_find(WK_MODBUS_MAP_HOLDING, address);
    const struct wk_modbus_map_row *row =
        block == NULL ? NULL : wk_modbus_map_row_of(block, (uint16_t)(address - block->base));
    const bool may = row != NULL && row->type == WK_MODBUS_MAP_SWITCH &&
                     serving->server->config.writer != WK_ROLE_COUNT;
    return may ? row : NULL;
}

static uint8_t write_one(struct serving *serving, uint16_t address, uint16_t value)
{
    struct wk_modbus_server *server = serving->server;
    const wk_err err =
        wk_point_switch(&server->points, (wk_point)switch_at(serving, address)->point,
                        server->config.writer, value == 1);
    serving->wrote = true;
    return err == WK_OK                                  ? 0
           : err == WK_E_DENIED || err == WK_E_NOT_FOUND ? WK_MODBUS_SERVER_ILLEGAL_ADDRESS
                                                         : WK_MODBUS_SERVER_FAILURE;
}

/* All are looked at before any is written. */
static uint8_t write_registers(struct serving *serving, uint16_t address, uint16_t count)
{
    const size_t begin = serving->in->at;
    for (uint16_t n = 0; n < count; n++) {
        if (address + (uint32_t)n > UINT16_MAX ||
            switch_at(serving, (uint16_t)(address + n)) == NULL) {
            return WK_MODBUS_SERVER_ILLEGAL_ADDRESS;
        }
    }
    for (uint16_t n = 0; n < count; n++) {
        if (wk_bytes_in_u16be(serving->in) > 1) {
            return WK_MODBUS_SERVER_ILLEGAL_VALUE;
        }
    }
    uint8_t fault = 0;
    serving->in->at = begin;
    for (uint16_t n = 0; n < count && fault == 0; n++) {
        fault = write_one(serving, (uint16_t)(address + n), wk_bytes_in_u16be(serving->in));
    }
    return fault;
}

static uint8_t write_single(struct serving *serving)
{
    const uint16_t address = wk_bytes_in_u16be(serving->in);
    if (wk_bytes_in_left(serving->in) != 2) {
        return WK_MODBUS_SERVER_ILLEGAL_VALUE;
    }
    const uint8_t fault = write_registers(serving, address, 1);
    wk_bytes_out_put(serving->out, serving->in->data + 1, 4);
    return fault;
}

static uint8_t write_multiple(struct serving *serving)
{
    const uint16_t address = wk_bytes_in_u16be(serving->in);
    const uint16_t count = wk_bytes_in_u16be(serving->in);
    const uint8_t octets = wk_bytes_in_u8(serving->in);
    if (count < 1 || count > WRITE_MOST || octets != 2 * count ||
        wk_bytes_in_left(serving->in) != octets) {
        return WK_MODBUS_SERVER_ILLEGAL_VALUE;
    }
    const uint8_t fault = write_registers(serving, address, count);
    wk_bytes_out_put(serving->out, serving->in->data + 1, 4);
    return fault;
}

/* ---- diagnostics ------------------------------------------------------------------------- */

enum {
    ECHO = 0,
    CLEAR = 10,
    BUS_MESSAGES,
    BUS_ERRORS,
    EXCEPTIONS,
    SERVER_MESSAGES,
    NO_ANSWERS,
    NAKS,
    BUSY,
    OVERRUNS
};

static uint16_t counter(const struct wk_modbus_counts *counts, uint16_t which)
{
    switch (which) {
    case BUS_MESSAGES:
        return counts->bus_messages;
    case BUS_ERRORS:
        return counts->bus_errors;
    case EXCEPTIONS:
        return counts->exceptions;
    case SERVER_MESSAGES:
        return counts->server_messages;
    case NO_ANSWERS:
        return counts->no_answers;
    case OVERRUNS:
        return counts->overruns;
    default: /* we never answer with NAK or BUSY */
        return 0;
    }
}

static uint8_t diagnose(struct serving *serving)
{
    const uint16_t which = wk_bytes_in_u16be(serving->in);
    const size_t left = wk_bytes_in_left(serving->in);
    if (serving->in->fault != WK_OK || left < 2 || left % 2 != 0) {
        return WK_MODBUS_SERVER_ILLEGAL_VALUE;
    }
    if (which != ECHO && (which < CLEAR || which > OVERRUNS)) {
        return WK_MODBUS_SERVER_ILLEGAL_FUNCTION;
    }
    wk_bytes_out_u16be(serving->out, which);
    if (which == ECHO) {
        wk_bytes_out_put(serving->out, wk_bytes_in_take(serving->in, left), left);
        return 0;
    }
    const uint16_t data = wk_bytes_in_u16be(serving->in);
    if (left != 2 || data != 0) {
        return WK_MODBUS_SERVER_ILLEGAL_VALUE;
    }
    if (which == CLEAR) {
        *serving->call->counts = (struct wk_modbus_counts){0};
    }
    wk_bytes_out_u16be(serving->out,
                       which == CLEAR ? 0 : counter(serving->call->counts, which));
    return 0;
}

/* ---- identification ---------------------------------------------------------------------- */

#define RUNNING       0xFF
#define SERVER_ID     0x57
#define MEI_IDENTIFY  14
#define CONFORMITY    0x82 /* regular, as a stream and one by one */
#define BASIC_OBJECTS 3
#define OBJECTS       6

static void identity_of(struct wk_modbus_server *server, uint8_t object,
                        char text[WK_POINT_TEXT])
{
    static const char *const k_texts[OBJECTS] = {"Wattkeeper", NULL,         NULL,
                                                 "",           "Wattkeeper", "smart meter"};
    text[0] = '\0';
    if (k_texts[object] != NULL) {
        memcpy(text, k_texts[object], strlen(k_texts[object]) + 1);
        return;
    }
    const wk_point point = object == 1 ? WK_POINT_SERIAL : WK_POINT_FIRMWARE;
    if (wk_point_read_text(&server->points, point, text) != WK_OK) {
        text[0] = '\0';
    }
}

static uint8_t report_id(struct serving *serving)
{
    char text[WK_POINT_TEXT];
    static const char k_maker[] = "Wattkeeper ";
    if (wk_bytes_in_end(serving->in) != WK_OK) {
        return WK_MODBUS_SERVER_ILLEGAL_VALUE;
    }
    identity_of(serving->server, 1, text);
    wk_bytes_out_u8(serving->out, (uint8_t)(2 + sizeof k_maker - 1 + strlen(text)));
    wk_bytes_out_u8(serving->out, SERVER_ID);
    wk_bytes_out_u8(serving->out, RUNNING);
    wk_bytes_out_put(serving->out, k_maker, sizeof k_maker - 1);
    wk_bytes_out_put(serving->out, text, strlen(text));
    return 0;
}

static void put_object(struct serving *serving, uint8_t object)
{
    char text[WK_POINT_TEXT];
    identity_of(serving->server, object, text);
    wk_bytes_out_u8(serving->out, object);
    wk_bytes_out_u8(serving->out, (uint8_t)strlen(text));
    wk_bytes_out_put(serving->out, text, strlen(text));
}

static uint8_t identify(struct serving *serving)
{
    enum { BASIC = 1, REGULAR, EXTENDED, ONE };
    if (wk_bytes_in_u8(serving->in) != MEI_IDENTIFY) {
        return WK_MODBUS_SERVER_ILLEGAL_FUNCTION;
    }
    const uint8_t code = wk_bytes_in_u8(serving->in);
    uint8_t first = wk_bytes_in_u8(serving->in);
    if (wk_bytes_in_end(serving->in) != WK_OK || code < BASIC || code > ONE) {
        return WK_MODBUS_SERVER_ILLEGAL_VALUE;
    }
    if (code == ONE && first >= OBJECTS) {
        return WK_MODBUS_SERVER_ILLEGAL_ADDRESS;
    }
    const uint8_t most = code == BASIC ? BASIC_OBJECTS : OBJECTS;
    first = first < most ? first : 0; /* an unknown one begins anew */
    const uint8_t end = code == ONE ? (uint8_t)(first + 1) : most;
    const uint8_t head[] = {MEI_IDENTIFY, code, CONFORMITY, 0, 0, (uint8_t)(end - first)};
    wk_bytes_out_put(serving->out, head, sizeof head);
    for (uint8_t object = first; object < end; object++) {
        put_object(serving, object);
    }
    return 0;
}

/* ---- requests ---------------------------------------------------------------------------- */

static uint8_t serve(struct serving *serving, uint8_t function)
{
    switch (function) {
    case READ_HOLDING:
        return read_registers(serving, WK_MODBUS_MAP_HOLDING);
    case READ_INPUT:
        return read_registers(serving, WK_MODBUS_MAP_INPUT);
    case WRITE_ONE:
        return write_single(serving);
    case WRITE_MANY:
        return write_multiple(serving);
    case DIAGNOSE:
        return diagnose(serving);
    case REPORT_ID:
        return report_id(serving);
    case ENCAPSULATED:
        return identify(serving);
    default:
        return WK_MODBUS_SERVER_ILLEGAL_FUNCTION;
    }
}

bool wk_modbus_server_serve(struct wk_modbus_server *server, const struct wk_modbus_call *call,
                            struct wk_bytes_in request, struct wk_bytes_out *out)
{
    struct serving serving = {
        .server = server, .call = call, .in = &request, .out = out, .wrote = false};
    const uint8_t function = wk_bytes_in_u8(&request);
    call->counts->server_messages++;
    server->points.now_us = call->now_us;
    wk_bytes_out_u8(out, function);
    uint8_t fault = serve(&serving, function);
    fault = fault == 0 && out->fault != WK_OK ? WK_MODBUS_SERVER_FAILURE : fault;
    if (fault != 0) {
        wk_modbus_server_except(out, function, fault);
        call->counts->exceptions = (uint16_t)(call->counts->exceptions + !call->is_broadcast);
    }
    if (call->is_broadcast) {
        out->size = 0;
        call->counts->no_answers++;
    }
    return serving.wrote;
}
