/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/push.h"

#include <string.h>

#include "cosem/compact.h"

#define MAX_PDU      1024
#define ALARM_SETUP  1
#define RETRIES      5
#define DELAY_S      10
#define DELAY_GROWTH 200 /* hundredths */
#define DELAY_MOST_S 600
#define CLIENT_SAP   102 /* the pre-established one for pushes */
#define SECOND_US    INT64_C(1000000)

/* ---- what the room asks for -------------------------------------------------------------- */

static uint32_t draw(void *self)
{
    const struct wk_meter_push *push = self;
    uint32_t number = 0;
    if (push->crypto->random(push->crypto->self, &number, sizeof number) != WK_OK) {
        return 0;
    }
    return number;
}

static const struct wk_cipher_keys *keys_of(const struct wk_meter_push *push)
{
    return &push->module->security.setup[0].keys;
}

/* As everything that the meter seals: authenticated and encrypted, with counters that are
 * reserved in the store. */
static wk_err seal(void *self, struct wk_bytes_in plain, struct wk_bytes_out *out)
{
    const struct wk_meter_push *push = self;
    struct wk_session_security *security = &push->module->security;
    struct wk_cipher_head head = {.tag = WK_APDU_GENERAL_GLO, .control = WK_CIPHER_BOTH};
    struct wk_cipher_seal sealing;
    if (security->server_next >= security->server_reserved) {
        return WK_E_STATE;
    }
    head.control |= security->setup[0].suite;
    head.counter = security->server_next++;
    memcpy(head.title, security->title, sizeof head.title);
    wk_cipher_begin(&sealing, out, wk_bytes_out_left(out));
    wk_bytes_out_put(&sealing.plain, plain.data, plain.size);
    return wk_cipher_finish(&sealing, push->crypto, keys_of(push), &head);
}

/* A confirmation names its notification, so its counter is not looked at. */
static wk_err open_sealed(void *self, struct wk_bytes_in sealed, struct wk_bytes_out *plain)
{
    const struct wk_meter_push *push = self;
    struct wk_cipher_head head = {0};
    struct wk_bytes_in text;
    WK_TRY(wk_cipher_read_head(&sealed, &head, &text));
    if (head.tag != WK_APDU_GENERAL_GLO ||
        head.control != (WK_CIPHER_BOTH | push->module->security.setup[0].suite) ||
        memcmp(head.title, push->module->security.title, sizeof head.title) == 0) {
        return WK_E_AUTH;
    }
    return wk_cipher_open(push->crypto, keys_of(push), &head, &text, plain);
}

/* ---- setups ------------------------------------------------------------------------------ */

static const struct wk_select_column k_objects[] = {
    {1, {0, 0, 42, 0, 0, 255}, 2, 0},
    {1, {0, 0, 97, 98, 0, 255}, 2, 0},
    {1, {0, 0, 97, 98, 1, 255}, 2, 0},
    {7, {1, 0, 99, 1, 0, 255}, 2, 0}, /* not with an alarm */
};
#define OBJECTS (sizeof k_objects / sizeof k_objects[0])

static wk_err put_setups(struct wk_push *push, const struct wk_config *config)
{
    const size_t size = strlen(config->push_destination);
    struct wk_push_setup setup = {
        .destination_size = (uint8_t)size,
        .service = (uint8_t)config->push_service,
        .message = config->push_compact ? WK_PUSH_MESSAGE_COMPACT : WK_PUSH_MESSAGE_AXDR,
        .method = config->push_confirm ? WK_PUSH_CONFIRMED : WK_PUSH_UNCONFIRMED,
        .protect = config->push_protect,
        .retries = RETRIES,
        .delay_least_s = DELAY_S,
        .delay_exponent = DELAY_GROWTH,
        .delay_most_s = DELAY_MOST_S,
        .client_sap = CLIENT_SAP,
    };
    memcpy(setup.destination, config->push_destination, size);
    WK_TRY(wk_push_put(push, 0, &setup, k_objects, OBJECTS));
    return wk_push_put(push, ALARM_SETUP, &setup, k_objects, OBJECTS - 1);
}

wk_err wk_meter_push_init(struct wk_meter_push *push, const struct wk_meter_push_config *config)
{
    const struct wk_push_config room = {
        .table = &config->module->table,
        .zone = &config->module->rooms.clock.zone,
        .role = WK_ROLE_MANAGEMENT,
        .max_pdu = MAX_PDU,
        .self = push,
        .draw = draw,
        .compact = wk_compact_put,
        .seal = seal,
        .open = open_sealed,
    };
    *push = (struct wk_meter_push){
        .module = config->module,
        .crypto = config->crypto,
        .every_s = config->config->push_every_s,
    };
    const struct wk_notify_config notify = {
        .alarm = &config->module->rooms.alarm,
        .zone = &config->module->rooms.clock.zone,
        .self = push,
        .seal = config->config->push_protect ? seal : NULL,
    };
    WK_TRY(wk_push_init(&push->room, &room));
    WK_TRY(wk_notify_init(&push->notify, &notify));
    if (config->config->push_destination[0] != '\0') {
        WK_TRY(put_setups(&push->room, config->config));
    }
    return WK_OK;
}

wk_err wk_meter_push_start(struct wk_meter_push *push,
                           const struct wk_meter_push_config *config)
{
    struct wk_push_port_config port = {
        .loop = config->loop,
        .source = wk_push_port_of_push(&push->room),
        .self = config->self,
        .now_us = config->now_us,
    };
    memcpy(push->raised, config->module->rooms.alarm.raised, sizeof push->raised);
    WK_TRY(wk_push_port_start(&push->port, &port));
    port.source = wk_push_port_of_notify(&push->notify);
    return wk_push_port_start(&push->notify_port, &port);
}

static void trigger(struct wk_meter_push *push, uint8_t setup, int64_t now_us)
{
    /* A setup without objects or destination has nothing to do. */
    (void)!wk_push_trigger(&push->room, setup, now_us);
}

/* What destinations have heard is to be kept. */
static bool look_at_notify(struct wk_meter_push *push, int64_t now_us)
{
    const struct wk_notice told = {
        .t_us = now_us, .code = WK_ROOMS_ALARM_TOLD, .source = WK_ROOMS_SOURCE};
    if (!push->notify.moved) {
        return false;
    }
    push->notify.moved = !wk_notice_drop(&push->module->rooms.notices, told);
    return true;
}

bool wk_meter_push_look(struct wk_meter_push *push, int64_t now_us)
{
    const bool heard = look_at_notify(push, now_us);
    const struct wk_alarm *alarm = &push->module->rooms.alarm;
    uint32_t fresh = 0;
    for (int i = 0; i < WK_ALARM_REGISTERS; i++) {
        fresh |= alarm->raised[i] & ~push->raised[i];
        push->raised[i] = alarm->raised[i];
    }
    if (fresh != 0) {
        trigger(push, ALARM_SETUP, now_us);
    }
    if (push->every_s == 0) {
        return heard;
    }
    const int64_t interval = now_us / SECOND_US / push->every_s;
    if (interval != push->interval) {
        push->interval = interval;
        trigger(push, 0, now_us);
    }
    return heard;
}

void wk_meter_push_stop(struct wk_meter_push *push)
{
    if (push->port != NULL) {
        wk_push_port_stop(push->port);
        push->port = NULL;
    }
    if (push->notify_port != NULL) {
        wk_push_port_stop(push->notify_port);
        push->notify_port = NULL;
    }
}
