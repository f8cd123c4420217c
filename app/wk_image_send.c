/* SPDX-License-Identifier: Apache-2.0
 *
 * wk image send, status, verify, activate - image transfer (class 18) as a client. A block may be
 * sent twice without harm, so a lost connection is made anew and the transfer goes on. */
#include "app/wk_image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/wk.h"
#include "app/wk_named.h"
#include "cosem/axdr.h"

#define CLASS_IMAGE   18
#define CLASS_DATA    1
#define BLOCK_MOST    2000 /* octets of a block that goes into one APDU of ours */
#define RECONNECTIONS 8
#define POLL_MS       200
#define VERIFY_S      600
#define ACTIVATE_S    240
#define MS            1000

enum { BLOCK_SIZE = 2, RECEIVED = 3, STATUS = 6 };
enum { INITIATE = 1, BLOCK = 2, VERIFY = 3, ACTIVATE = 4 };

/* What a meter of ours tells beside class 18. */
struct state {
    bool known; /* others do not have it */
    char hardware[WK_IMAGE_HARDWARE + 1];
    uint64_t version;
    uint64_t floor;
    uint8_t refusal;
};

struct sending {
    struct wk_meter *meter;
    const uint8_t *octets;
    uint32_t size;
    uint32_t block;
    uint32_t blocks;
    uint32_t at_begin; /* blocks that were there */
    uint32_t here;     /* ... and are now */
    uint8_t *received; /* as the meter has it, a bit each, the first in the top */
    int64_t begun_ms;
    int64_t shown_ms;
    uint32_t shown; /* tenths of the whole */
    unsigned reconnections;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * MS + now.tv_nsec / 1000000;
}

static void wait_ms(int64_t ms)
{
    const struct timespec pause = {ms / MS, (ms % MS) * 1000000L};
    nanosleep(&pause, NULL);
}

/* ---- class 18 ---------------------------------------------------------------------------- */

static struct wk_apdu_target target_of(uint8_t id)
{
    return (struct wk_apdu_target){
        .class_id = CLASS_IMAGE, .obis = {0, 0, 44, 0, 0, 255}, .id = id};
}

static wk_err get_integer(struct wk_meter *meter, uint8_t id, wk_axdr_tag tag, int64_t *value)
{
    uint8_t raw[16];
    size_t size;
    const struct wk_apdu_target target = target_of(id);
    WK_TRY(wk_dlms_client_get(&meter->client, &target, raw, sizeof raw, &size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    *value = wk_axdr_read_integer(&in, tag);
    return wk_bytes_in_end(&in);
}

static wk_err call(struct wk_meter *meter, uint8_t id, const struct wk_bytes_out *parameter)
{
    const struct wk_apdu_target target = target_of(id);
    return wk_dlms_client_action(&meter->client, &target, parameter->data, parameter->size);
}

static wk_err call_plain(struct wk_meter *meter, uint8_t id)
{
    uint8_t room[2];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_axdr_put_integer(&out, 0);
    return call(meter, id, &out);
}

/* A meter that has no such object refuses; that is no error. */
static wk_err get_state(struct wk_meter *meter, struct state *state)
{
    static const struct wk_apdu_target k_target = {
        .class_id = CLASS_DATA, .obis = {0, 0, 128, 44, 0, 255}, .id = 2};
    uint8_t raw[160];
    size_t size = 0;
    size_t length = 0;
    *state = (struct state){.known = false};
    const wk_err err = wk_dlms_client_get(&meter->client, &k_target, raw, sizeof raw, &size);
    if (err == WK_E_REFUSED) {
        return WK_OK;
    }
    WK_TRY(err);
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    const uint32_t members = wk_axdr_read_count(&in, WK_AXDR_STRUCTURE);
    const uint8_t *hardware = wk_axdr_read_octets(&in, &length);
    state->version = (uint64_t)wk_axdr_read_integer(&in, WK_AXDR_LONG64_UNSIGNED);
    state->floor = (uint64_t)wk_axdr_read_integer(&in, WK_AXDR_LONG64_UNSIGNED);
    state->refusal = (uint8_t)wk_axdr_read_integer(&in, WK_AXDR_ENUM);
    state->known = in.fault == WK_OK && members == 6 && length <= WK_IMAGE_HARDWARE;
    if (state->known) {
        memcpy(state->hardware, hardware, length);
    }
    return WK_OK;
}

static const char *status_text(int64_t status)
{
    static const char *const k_texts[WK_IMAGE_STATUSES] = {
        "no transfer initiated",
        "transfer initiated",
        "verification under way",
        "verified",
        "verification failed",
        "activation under way",
        "activated",
        "activation failed",
    };
    return status >= 0 && status < WK_IMAGE_STATUSES ? k_texts[status] : "unknown";
}

static bool complain(struct wk_meter *meter, const char *what)
{
    fprintf(stderr, "wk: %s: %s\n", what, wk_dlms_client_error(&meter->client));
    return false;
}

/* ---- progress ---------------------------------------------------------------------------- */

/* On a terminal all the time in one line, else a line for each tenth. */
static void show_progress(struct sending *sending, bool last)
{
    const int64_t now = now_ms();
    const uint32_t blocks = sending->blocks > 0 ? sending->blocks : 1;
    const uint32_t tenth = (uint32_t)(10ULL * sending->here / blocks);
    const bool terminal = isatty(STDERR_FILENO) != 0;
    if (!last && (terminal ? now - sending->shown_ms < 250 : tenth == sending->shown)) {
        return;
    }
    const int64_t took_ms = now - sending->begun_ms + 1;
    const int64_t sent =
        (int64_t)(sending->here - sending->at_begin) * sending->block * MS / took_ms;
    const int64_t left = (int64_t)(sending->blocks - sending->here) * sending->block;
    sending->shown_ms = now;
    sending->shown = tenth;
    fprintf(stderr,
            "%s%3" PRIu64 " %%, %" PRIu32 " of %" PRIu32 " blocks, %" PRId64 " kB/s, %" PRId64
            " s left%s",
            terminal ? "\r" : "", UINT64_C(100) * sending->here / blocks, sending->here,
            sending->blocks, sent / 1000, sent > 0 ? left / sent : 0,
            terminal && !last ? "   " : "\n");
}

/* ---- sending ----------------------------------------------------------------------------- */

static bool is_here(const struct sending *sending, uint32_t number)
{
    return (sending->received[number / 8] >> (7 - number % 8) & 1) != 0;
}

/* What the meter has. */
static wk_err read_received(struct sending *sending)
{
    const size_t octets = (sending->blocks + 7) / 8;
    const size_t room = octets + 16;
    const struct wk_apdu_target target = target_of(RECEIVED);
    struct wk_axdr_value value;
    size_t size = 0;
    uint8_t *raw = malloc(room);
    if (raw == NULL) {
        return WK_E_FULL;
    }
    wk_err err = wk_dlms_client_get(&sending->meter->client, &target, raw, room, &size);
    if (err == WK_OK) {
        struct wk_bytes_in in = wk_bytes_in_of(raw, size);
        wk_axdr_read(&in, &value);
        const bool right = wk_bytes_in_end(&in) == WK_OK && value.tag == WK_AXDR_BIT_STRING &&
                           value.count == sending->blocks;
        memcpy(sending->received, value.octets, right ? octets : 0);
        err = right ? WK_OK : WK_E_FORMAT;
    }
    free(raw);
    sending->here = 0;
    for (uint32_t i = 0; err == WK_OK && i < sending->blocks; i++) {
        sending->here += is_here(sending, i) ? 1 : 0;
    }
    return err;
}

static wk_err send_block(struct sending *sending, uint32_t number)
{
    static uint8_t room[BLOCK_MOST + 32];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    const uint32_t at = number * sending->block;
    const uint32_t left = sending->size - at;
    wk_axdr_put_structure(&out, 2);
    wk_axdr_put_double_long_unsigned(&out, number);
    wk_axdr_put_octet_string(&out, sending->octets + at,
                             left < sending->block ? left : sending->block);
    WK_TRY(out.fault);
    return call(sending->meter, BLOCK, &out);
}

static wk_err send_missing(struct sending *sending)
{
    WK_TRY(read_received(sending));
    for (uint32_t i = 0; i < sending->blocks; i++) {
        if (is_here(sending, i)) {
            continue;
        }
        WK_TRY(send_block(sending, i));
        sending->received[i / 8] |= (uint8_t)(0x80 >> i % 8);
        sending->here++;
        sending->reconnections = 0;
        show_progress(sending, false);
    }
    return WK_OK;
}

static bool reopen(struct sending *sending)
{
    struct wk_meter *meter = sending->meter;
    fprintf(stderr, "wk: %s; connecting again\n", wk_dlms_client_error(&meter->client));
    wk_dlms_client_close(&meter->client);
    while (sending->reconnections < RECONNECTIONS) {
        sending->reconnections++;
        wait_ms((int64_t)MS << (sending->reconnections < 5 ? sending->reconnections - 1 : 4));
        if (wk_dlms_client_open(&meter->client, &meter->config) == WK_OK) {
            return true;
        }
    }
    return false;
}

static bool send_all(struct sending *sending)
{
    wk_err err = read_received(sending);
    sending->at_begin = sending->here;
    sending->begun_ms = now_ms();
    while (err == WK_OK && (err = send_missing(sending)) != WK_OK && err != WK_E_REFUSED) {
        if (!reopen(sending)) {
            return complain(sending->meter,
                            "the meter cannot be reached; what it has it keeps: "
                            "send the image again later");
        }
        err = WK_OK;
    }
    if (err != WK_OK) {
        return complain(sending->meter, "the transfer stopped; \"wk image status\" tells more");
    }
    show_progress(sending, true);
    return true;
}

static bool initiate(struct sending *sending, const struct wk_image_header *header)
{
    uint8_t room[WK_IMAGE_IDENTIFIER + 16];
    char identifier[WK_IMAGE_IDENTIFIER + 1];
    char version[WK_IMAGE_VERSION_TEXT];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_image_version_print(header->version, version);
    /* part of the digest: another image never goes on where this one was left off */
    const int size = snprintf(identifier, sizeof identifier, "%.24s %s %02x%02x%02x%02x",
                              header->name, version, header->digest[0], header->digest[1],
                              header->digest[2], header->digest[3]);
    wk_axdr_put_structure(&out, 2);
    wk_axdr_put_octet_string(&out, identifier, (size_t)size);
    wk_axdr_put_double_long_unsigned(&out, sending->size);
    return call(sending->meter, INITIATE, &out) == WK_OK
               ? true
               : complain(sending->meter,
                          "the meter does not take an image of this size now; \"wk image "
                          "status\" tells why");
}

static bool fits(const struct state *state, const struct wk_image_header *header)
{
    char text[WK_IMAGE_VERSION_TEXT];
    const uint64_t newest = state->version > state->floor ? state->version : state->floor;
    if (state->known && strcmp(state->hardware, header->hardware) != 0) {
        fprintf(stderr, "wk: the image is for %s, the meter is %s\n", header->hardware,
                state->hardware);
        return false;
    }
    if (state->known && header->version <= newest) {
        wk_image_version_print(newest, text);
        fprintf(stderr, "wk: the image is not newer than %s, which the meter runs or ran\n",
                text);
        return false;
    }
    return true;
}

static bool prepare(struct sending *sending, const struct wk_image_header *header, bool goes_on)
{
    int64_t block = 0;
    struct state state;
    if (get_state(sending->meter, &state) != WK_OK ||
        get_integer(sending->meter, BLOCK_SIZE, WK_AXDR_DOUBLE_LONG_UNSIGNED, &block) !=
            WK_OK) {
        return complain(sending->meter, "the meter takes no firmware from this role");
    }
    if (!fits(&state, header)) {
        return false;
    }
    if (block <= 0 || block > BLOCK_MOST) {
        fprintf(stderr, "wk: the meter wants blocks of %" PRId64 " octets, at most %d go\n",
                block, BLOCK_MOST);
        return false;
    }
    sending->block = (uint32_t)block;
    sending->blocks = (sending->size + sending->block - 1) / sending->block;
    sending->received = calloc(1, sending->blocks / 8 + 1);
    return sending->received != NULL && (goes_on || initiate(sending, header));
}

/* ---- verifying, activating --------------------------------------------------------------- */

static bool refused(struct wk_meter *meter, int64_t status)
{
    struct state state;
    const bool told = get_state(meter, &state) == WK_OK && state.known && state.refusal != 0;
    fprintf(stderr, "wk: %s: %s\n", status_text(status),
            told ? wk_image_refusal_text(state.refusal)
                 : "the meter does not say why; its event log may");
    return false;
}

static bool wait_verified(struct wk_meter *meter)
{
    const int64_t until = now_ms() + (int64_t)VERIFY_S * MS;
    int64_t status = WK_IMAGE_VERIFYING;
    while (status == WK_IMAGE_VERIFYING) {
        if (get_integer(meter, STATUS, WK_AXDR_ENUM, &status) != WK_OK) {
            return complain(meter, "verification");
        }
        if (status == WK_IMAGE_VERIFYING && now_ms() > until) {
            fputs("wk: verification does not end: \"wk image status\" later\n", stderr);
            return false;
        }
        wait_ms(status == WK_IMAGE_VERIFYING ? POLL_MS : 0);
    }
    return status == WK_IMAGE_VERIFIED || status == WK_IMAGE_ACTIVATED ? true
                                                                       : refused(meter, status);
}

/* Whether the meter said that it goes on. */
static bool is_under_way(const struct wk_meter *meter, wk_err err)
{
    return err == WK_OK ||
           (err == WK_E_REFUSED && meter->client.client.result == WK_APDU_TEMPORARY_FAILURE);
}

static bool verify(struct wk_meter *meter)
{
    int64_t status = 0;
    const wk_err err = call_plain(meter, VERIFY);
    if (is_under_way(meter, err)) {
        return wait_verified(meter);
    }
    if (err != WK_E_REFUSED || get_integer(meter, STATUS, WK_AXDR_ENUM, &status) != WK_OK) {
        return complain(meter, "verification");
    }
    if (status == WK_IMAGE_NOT_VERIFIED) {
        return refused(meter, status);
    }
    fprintf(stderr, "wk: %s: blocks are missing, send the image again\n", status_text(status));
    return false;
}

/* The meter starts anew meanwhile, perhaps twice. */
static bool wait_activated(struct wk_meter *meter)
{
    const int64_t until = now_ms() + (int64_t)ACTIVATE_S * MS;
    int64_t status = WK_IMAGE_ACTIVATING;
    bool open = true;
    while (now_ms() < until) {
        if (!open) {
            open = wk_dlms_client_open(&meter->client, &meter->config) == WK_OK;
        }
        if (open && get_integer(meter, STATUS, WK_AXDR_ENUM, &status) != WK_OK) {
            wk_dlms_client_close(&meter->client);
            open = false;
        }
        if (open && status == WK_IMAGE_ACTIVATED) {
            return true;
        }
        if (open && status != WK_IMAGE_ACTIVATING && status != WK_IMAGE_VERIFYING) {
            return refused(meter, status);
        }
        wait_ms(POLL_MS);
    }
    fputs("wk: activation does not end: \"wk image status\" later\n", stderr);
    return false;
}

static bool activate(struct wk_meter *meter)
{
    int64_t status = 0;
    const wk_err err = call_plain(meter, ACTIVATE);
    if (is_under_way(meter, err)) {
        return wait_activated(meter);
    }
    if (err != WK_E_REFUSED || get_integer(meter, STATUS, WK_AXDR_ENUM, &status) != WK_OK) {
        return complain(meter, "activation");
    }
    if (status == WK_IMAGE_NOT_VERIFIED || status == WK_IMAGE_NOT_ACTIVATED) {
        return refused(meter, status);
    }
    fprintf(stderr, "wk: %s: there is no whole image, send one\n", status_text(status));
    return false;
}

/* ---- the commands ------------------------------------------------------------------------ */

static void tell(const struct wk_image_order *order, const char *status)
{
    printf(order->meter.json ? "{\"status\":\"%s\"}\n" : "%s\n", status);
}

int wk_image_send(struct wk_image_order *order, const char *path)
{
    struct wk_image_header header;
    struct sending sending = {.meter = &order->meter};
    size_t size = 0;
    uint8_t *octets = wk_image_file_read(path, &size);
    bool good = octets != NULL && wk_image_file_check(path, octets, size, &header) &&
                wk_meter_open(&order->meter);
    if (good) {
        sending.octets = octets;
        sending.size = (uint32_t)size;
        good = prepare(&sending, &header, order->goes_on) && send_all(&sending) &&
               verify(&order->meter) && (!order->activates || activate(&order->meter));
        wk_dlms_client_close(&order->meter.client);
    }
    if (good) {
        tell(order, order->activates ? "activated" : "verified");
    }
    free(sending.received);
    free(octets);
    return good ? WK_EXIT_OK : WK_EXIT_FAILED;
}

int wk_image_ask(struct wk_image_order *order, bool activates)
{
    struct wk_meter *meter = &order->meter;
    if (!wk_meter_open(meter)) {
        return WK_EXIT_FAILED;
    }
    const bool good = activates ? activate(meter) : verify(meter);
    wk_dlms_client_close(&meter->client);
    if (good) {
        tell(order, activates ? "activated" : "verified");
    }
    return good ? WK_EXIT_OK : WK_EXIT_FAILED;
}

static void print_status(bool json, int64_t status, int64_t block, int64_t missing)
{
    printf(json ? "{\"status\":%" PRId64 ",\"text\":\"%s\",\"block_size\":%" PRId64
                  ",\"first_missing\":%" PRId64
                : "status: %" PRId64 ", %s\nblock size: %" PRId64
                  "\nfirst block that is missing: %" PRId64 "\n",
           status, status_text(status), block, missing);
}

static void print_state(bool json, const struct state *state)
{
    char runs[WK_IMAGE_VERSION_TEXT];
    wk_image_version_print(state->version, runs);
    if (state->known) {
        printf(json ? ",\"hardware\":\"%s\",\"version\":\"%s\",\"refusal\":\"%s\""
                    : "hardware: %s\nruns: %s\nlast refusal: %s\n",
               state->hardware, runs, wk_image_refusal_text(state->refusal));
    }
    printf("%s", json ? "}\n" : "");
}

int wk_image_show_status(struct wk_image_order *order)
{
    struct wk_meter *meter = &order->meter;
    struct state state;
    int64_t status = 0;
    int64_t block = 0;
    int64_t missing = 0;
    if (!wk_meter_open(meter)) {
        return WK_EXIT_FAILED;
    }
    wk_err err = get_integer(meter, STATUS, WK_AXDR_ENUM, &status);
    err = err == WK_OK ? get_integer(meter, BLOCK_SIZE, WK_AXDR_DOUBLE_LONG_UNSIGNED, &block)
                       : err;
    err = err == WK_OK ? get_integer(meter, 4, WK_AXDR_DOUBLE_LONG_UNSIGNED, &missing) : err;
    err = err == WK_OK ? get_state(meter, &state) : err;
    if (err == WK_OK) {
        print_status(meter->json, status, block, missing);
        print_state(meter->json, &state);
    } else {
        complain(meter, "the meter takes no firmware from this role");
    }
    wk_dlms_client_close(&meter->client);
    return err == WK_OK ? WK_EXIT_OK : WK_EXIT_FAILED;
}
