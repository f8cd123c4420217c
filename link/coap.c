/* SPDX-License-Identifier: Apache-2.0 */
#include "link/coap.h"

#include <string.h>

#define CLASS_OF(code)  ((code) >> 5)
#define CLASS_SUCCESS   2
#define CLASS_CLIENT    4
#define CLASS_SERVER    5
#define RANDOM_UNIT     65536 /* of what is drawn */
#define IS_CRITICAL(no) (((no)&1) != 0)

static wk_err draw(const struct wk_coap *coap, void *to, size_t size)
{
    return coap->config.random(coap->config.self, to, size);
}

wk_err wk_coap_init(struct wk_coap *coap, const struct wk_coap_config *config, int64_t now_us)
{
    if (config->random == NULL || config->ack_timeout_us < 0) {
        return WK_E_ARGUMENT;
    }
    for (size_t i = 0; i < 2; i++) {
        if (config->path[i].size > WK_COAP_SEGMENT) {
            return WK_E_ARGUMENT;
        }
    }
    *coap = (struct wk_coap){.config = *config, .numbers_us = now_us};
    if (config->ack_timeout_us == 0) {
        coap->config.ack_timeout_us = WK_COAP_ACK_TIMEOUT_US;
    }
    return draw(coap, &coap->next_id, sizeof coap->next_id);
}

/* ---- requests ---------------------------------------------------------------------------- */

static uint8_t *room_of(struct wk_coap *coap, wk_coap_lane lane, size_t *room)
{
    *room = lane == WK_COAP_BULK ? sizeof coap->bulk : sizeof coap->brief[0];
    return lane == WK_COAP_BULK ? coap->bulk : coap->brief[lane];
}

static bool is_outstanding(const struct wk_coap_exchange *exchange)
{
    return exchange->waits && !exchange->acknowledged;
}

/* A number is given out again only after EXCHANGE_LIFETIME. */
static bool take_number(struct wk_coap *coap, int64_t now_us, uint16_t *id)
{
    const int64_t most_us = now_us + (int64_t)WK_COAP_NUMBERS_AT_ONCE * WK_COAP_NUMBER_US;
    if (coap->numbers_us > most_us) {
        return false;
    }
    coap->numbers_us =
        (coap->numbers_us > now_us ? coap->numbers_us : now_us) + WK_COAP_NUMBER_US;
    *id = coap->next_id++;
    return true;
}

/* ACK_TIMEOUT, and up to half of it more (4.2). */
static wk_err draw_wait(const struct wk_coap *coap, int64_t *wait_us)
{
    uint16_t more;
    WK_TRY(draw(coap, &more, sizeof more));
    const int64_t least_us = coap->config.ack_timeout_us;
    *wait_us = least_us + least_us / 2 * more / RANDOM_UNIT;
    return WK_OK;
}

static wk_err write_post(struct wk_coap *coap, wk_coap_lane lane, const void *payload,
                         size_t size)
{
    static const uint8_t k_format = WK_COAP_OCTETS;
    struct wk_coap_exchange *exchange = &coap->lane[lane];
    size_t room;
    uint32_t before = 0;
    uint8_t *octets = room_of(coap, lane, &room);
    struct wk_bytes_out out = wk_bytes_out_of(octets, room);
    struct wk_coap_message head = {.type = WK_COAP_CON,
                                   .code = WK_COAP_POST,
                                   .id = exchange->id,
                                   .token_size = sizeof exchange->token};
    memcpy(head.token, exchange->token, sizeof exchange->token);
    wk_coap_write_head(&out, &head);
    for (size_t i = 0; i < 2; i++) {
        const struct wk_bytes_in *segment = &coap->config.path[i];
        if (segment->size > 0) {
            wk_coap_write_option(&out, &before, WK_COAP_URI_PATH, segment->data, segment->size);
        }
    }
    if (size > 0) {
        wk_coap_write_option(&out, &before, WK_COAP_CONTENT_FORMAT, &k_format, 1);
    }
    wk_coap_write_payload(&out, payload, size);
    exchange->size = out.size;
    return out.fault;
}

wk_err wk_coap_post(struct wk_coap *coap, wk_coap_lane lane, const void *payload, size_t size,
                    int64_t now_us)
{
    struct wk_coap_exchange next = {.waits = true, .due_us = now_us};
    if (size > (lane == WK_COAP_BULK ? WK_COAP_PAYLOAD : WK_COAP_SHORT)) {
        return WK_E_RANGE;
    }
    if (is_outstanding(&coap->lane[lane])) {
        return WK_E_BUSY;
    }
    WK_TRY(draw(coap, next.token, sizeof next.token));
    WK_TRY(draw_wait(coap, &next.wait_us));
    if (!take_number(coap, now_us, &next.id)) {
        return WK_E_BUSY;
    }
    next.order = ++coap->order;
    coap->lane[lane] = next;
    coap->counts.requests++;
    return write_post(coap, lane, payload, size);
}

bool wk_coap_is_open(const struct wk_coap *coap, wk_coap_lane lane)
{
    return coap->lane[lane].waits;
}

void wk_coap_cancel(struct wk_coap *coap, wk_coap_lane lane)
{
    coap->lane[lane].waits = false;
    coap->lane[lane].has_failed = false;
}

/* ---- what comes -------------------------------------------------------------------------- */

/* ACK and RST are empty messages: four octets. */
static void answer_with(struct wk_coap *coap, wk_coap_type type, uint16_t id)
{
    const struct wk_coap_message head = {.type = type, .code = WK_COAP_EMPTY, .id = id};
    if (coap->answer_count == WK_COAP_ANSWERS) {
        return; /* the far end asks again */
    }
    struct wk_bytes_out out =
        wk_bytes_out_of(coap->answer[coap->answer_count++], sizeof coap->answer[0]);
    wk_coap_write_head(&out, &head);
}

static void reject(struct wk_coap *coap, const struct wk_coap_message *message)
{
    coap->counts.rejected++;
    if (message->type == WK_COAP_CON) {
        answer_with(coap, WK_COAP_RST, message->id);
    }
}

static bool is_response(uint8_t code)
{
    const int class = CLASS_OF(code);
    return class == CLASS_SUCCESS || class == CLASS_CLIENT || class == CLASS_SERVER;
}

/* Of what a response may have nothing must be understood (5.4.1). */
static bool is_understood(const struct wk_coap_message *message)
{
    struct wk_bytes_in options = message->options;
    struct wk_bytes_in value;
    uint32_t number = 0;
    while (wk_coap_next_option(&options, &number, &value)) {
        if (IS_CRITICAL(number)) {
            return false;
        }
    }
    return true;
}

static bool has_token(const struct wk_coap_exchange *exchange,
                      const struct wk_coap_message *message)
{
    return message->token_size == sizeof exchange->token &&
           memcmp(message->token, exchange->token, sizeof exchange->token) == 0;
}

/* The requests before it need not go again: the way works. */
static wk_err deliver(struct wk_coap *coap, wk_coap_lane lane,
                      const struct wk_coap_message *message, struct wk_coap_answer *answer)
{
    const uint32_t order = coap->lane[lane].order;
    coap->lane[lane].waits = false;
    coap->counts.responses++;
    for (int i = 0; i < WK_COAP_LANES; i++) {
        struct wk_coap_exchange *other = &coap->lane[i];
        if (i != WK_COAP_POLL && is_outstanding(other) && (int32_t)(order - other->order) > 0) {
            other->waits = false;
        }
    }
    *answer = (struct wk_coap_answer){
        .lane = lane, .code = message->code, .payload = message->payload};
    return WK_OK;
}

/* An acknowledgement, alone or with its response. */
static wk_err take_ack(struct wk_coap *coap, const struct wk_coap_message *message,
                       int64_t now_us, struct wk_coap_answer *answer)
{
    for (int i = 0; i < WK_COAP_LANES; i++) {
        struct wk_coap_exchange *exchange = &coap->lane[i];
        if (!is_outstanding(exchange) || exchange->id != message->id || exchange->tries == 0) {
            continue;
        }
        if (message->code == WK_COAP_EMPTY) {
            exchange->acknowledged = true;
            exchange->due_us = now_us + WK_COAP_EXCHANGE_US;
            return WK_E_NOT_FOUND;
        }
        if (is_response(message->code) && has_token(exchange, message) &&
            is_understood(message)) {
            return deliver(coap, (wk_coap_lane)i, message, answer);
        }
    }
    coap->counts.rejected++;
    return WK_E_NOT_FOUND;
}

static void give_up(struct wk_coap_exchange *exchange)
{
    exchange->waits = false;
    exchange->has_failed = true;
}

static wk_err take_reset(struct wk_coap *coap, const struct wk_coap_message *message)
{
    for (int i = 0; i < WK_COAP_LANES; i++) {
        struct wk_coap_exchange *exchange = &coap->lane[i];
        if (exchange->waits && exchange->id == message->id && exchange->tries > 0) {
            give_up(exchange);
        }
    }
    return WK_E_NOT_FOUND;
}

/* ---- responses that come by themselves --------------------------------------------------- */

static struct wk_coap_heard *find_heard(struct wk_coap *coap, uint16_t id, int64_t now_us)
{
    for (int i = 0; i < WK_COAP_HEARD; i++) {
        struct wk_coap_heard *heard = &coap->heard[i];
        if (heard->known && heard->id == id && now_us - heard->at_us < WK_COAP_EXCHANGE_US) {
            return heard;
        }
    }
    return NULL;
}

static void remember(struct wk_coap *coap, uint16_t id, bool is_taken, int64_t now_us)
{
    coap->heard[coap->heard_next] =
        (struct wk_coap_heard){.known = true, .is_taken = is_taken, .id = id, .at_us = now_us};
    coap->heard_next = (uint8_t)((coap->heard_next + 1) % WK_COAP_HEARD);
}

static void confirm(struct wk_coap *coap, const struct wk_coap_message *message)
{
    if (message->type == WK_COAP_CON) {
        answer_with(coap, WK_COAP_ACK, message->id);
    }
}

/* It stands for the acknowledgement of its request, too, should that be lost (5.2.2). */
static wk_err take_response(struct wk_coap *coap, const struct wk_coap_message *message,
                            int64_t now_us, struct wk_coap_answer *answer)
{
    const struct wk_coap_heard *before = find_heard(coap, message->id, now_us);
    if (before != NULL && before->is_taken) {
        confirm(coap, message);
        return WK_E_NOT_FOUND;
    }
    for (int i = 0; i < WK_COAP_LANES; i++) {
        const struct wk_coap_exchange *exchange = &coap->lane[i];
        if (exchange->waits && exchange->tries > 0 && has_token(exchange, message) &&
            is_understood(message)) {
            remember(coap, message->id, true, now_us);
            confirm(coap, message);
            return deliver(coap, (wk_coap_lane)i, message, answer);
        }
    }
    reject(coap, message);
    return WK_E_NOT_FOUND;
}

wk_err wk_coap_receive(struct wk_coap *coap, struct wk_bytes_in datagram, int64_t now_us,
                       struct wk_coap_answer *answer)
{
    struct wk_coap_message message;
    const wk_err err = wk_coap_read(datagram, &message);
    if (err == WK_E_FORMAT || (err == WK_E_SHORT && datagram.size >= sizeof coap->answer[0])) {
        reject(coap, &message);
    }
    WK_TRY(err);
    if (message.type == WK_COAP_ACK) {
        return take_ack(coap, &message, now_us, answer);
    }
    if (message.type == WK_COAP_RST) {
        return take_reset(coap, &message);
    }
    if (is_response(message.code)) {
        return take_response(coap, &message, now_us, answer);
    }
    reject(coap, &message);
    return WK_E_NOT_FOUND;
}

/* ---- what goes --------------------------------------------------------------------------- */

static bool is_due(const struct wk_coap_exchange *exchange, int64_t now_us)
{
    return exchange->waits && now_us >= exchange->due_us;
}

/* False: it went as often as it may, or its response never came. */
static bool goes(struct wk_coap *coap, struct wk_coap_exchange *exchange, int64_t now_us)
{
    if (exchange->acknowledged || exchange->tries > WK_COAP_MAX_RETRANSMIT) {
        give_up(exchange);
        return false;
    }
    coap->counts.again += exchange->tries > 0 ? 1 : 0;
    exchange->tries++;
    exchange->due_us = now_us + exchange->wait_us;
    exchange->wait_us *= 2;
    return true;
}

const uint8_t *wk_coap_output(struct wk_coap *coap, int64_t now_us, size_t *size)
{
    if (coap->answer_count > 0) {
        *size = sizeof coap->answer[0];
        return coap->answer[--coap->answer_count];
    }
    for (int i = 0; i < WK_COAP_LANES; i++) {
        struct wk_coap_exchange *exchange = &coap->lane[i];
        if (is_due(exchange, now_us) && goes(coap, exchange, now_us)) {
            size_t room;
            *size = exchange->size;
            return room_of(coap, (wk_coap_lane)i, &room);
        }
    }
    return NULL;
}

bool wk_coap_failed(struct wk_coap *coap, wk_coap_lane *lane)
{
    for (int i = 0; i < WK_COAP_LANES; i++) {
        if (coap->lane[i].has_failed) {
            coap->lane[i].has_failed = false;
            coap->counts.failed++;
            *lane = (wk_coap_lane)i;
            return true;
        }
    }
    return false;
}

int64_t wk_coap_due_us(const struct wk_coap *coap)
{
    int64_t due_us = coap->answer_count > 0 ? 0 : WK_COAP_NEVER_US;
    for (int i = 0; i < WK_COAP_LANES; i++) {
        const struct wk_coap_exchange *exchange = &coap->lane[i];
        if (exchange->has_failed) {
            return 0;
        }
        if (exchange->waits && exchange->due_us < due_us) {
            due_us = exchange->due_us;
        }
    }
    return due_us;
}
