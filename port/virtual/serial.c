/* SPDX-License-Identifier: Apache-2.0 */
#include "port/virtual/serial.h"

#include <string.h>

#include "port/virtual/draw.h"

#define MILLION   UINT32_C(1000000)
#define NS_PER_US 1000
#define NS_PER_S  INT64_C(1000000000)
#define DATA_BITS 8

void wk_virtual_serial_init(struct wk_virtual_serial *serial,
                            const struct wk_virtual_serial_rules *rules, uint32_t baud,
                            uint64_t seed)
{
    *serial = (struct wk_virtual_serial){.rules = *rules, .baud = {baud, baud}, .seed = seed};
    for (unsigned end = 0; end < WK_VIRTUAL_SERIAL_ENDS; end++) {
        serial->free_ns[end] = INT64_MIN;
    }
}

void wk_virtual_serial_set_baud(struct wk_virtual_serial *serial, unsigned end, uint32_t baud)
{
    serial->baud[end] = baud;
}

size_t wk_virtual_serial_room(const struct wk_virtual_serial *serial)
{
    return WK_VIRTUAL_SERIAL_OCTETS - serial->count;
}

/* An octet that cannot be understood: any other one. */
static void garble(struct wk_virtual_serial *serial, struct wk_virtual_serial_octet *octet)
{
    if (!octet->garbled) {
        octet->octet ^= (uint8_t)(1 + wk_virtual_draw(&serial->seed, UINT8_MAX));
        octet->garbled = true;
    }
}

static void flip_bits(struct wk_virtual_serial *serial, struct wk_virtual_serial_octet *octet)
{
    for (unsigned bit = 0; bit < DATA_BITS; bit++) {
        if (wk_virtual_draw(&serial->seed, MILLION) < serial->rules.noise_ppm) {
            octet->octet ^= (uint8_t)(1U << bit);
            serial->counts.flipped++;
        }
    }
}

static void collide(struct wk_virtual_serial *serial, struct wk_virtual_serial_octet *octet)
{
    bool collides = false;
    for (size_t i = 0; i < serial->count; i++) {
        struct wk_virtual_serial_octet *other = &serial->octet[i];
        if (other->from != octet->from && other->start_ns < octet->arrival_ns &&
            octet->start_ns < other->arrival_ns) {
            serial->counts.collided += other->garbled ? 0 : 1;
            garble(serial, other);
            collides = true;
        }
    }
    if (collides) {
        serial->counts.collided++;
        garble(serial, octet);
    }
}

static void insert(struct wk_virtual_serial *serial,
                   const struct wk_virtual_serial_octet *octet)
{
    size_t at = serial->count++;
    while (at > 0 && serial->octet[at - 1].arrival_ns > octet->arrival_ns) {
        serial->octet[at] = serial->octet[at - 1];
        at--;
    }
    serial->octet[at] = *octet;
}

wk_err wk_virtual_serial_send(struct wk_virtual_serial *serial, unsigned end, uint8_t octet,
                              int64_t now_us)
{
    const struct wk_virtual_serial_rules *rules = &serial->rules;
    const uint8_t own = (uint8_t)(1U << end);
    const uint8_t other = (uint8_t)(1U << (1 - end));
    const int64_t now_ns = now_us * NS_PER_US;
    if (serial->count == WK_VIRTUAL_SERIAL_OCTETS) {
        return WK_E_FULL;
    }
    struct wk_virtual_serial_octet next = {
        .start_ns = now_ns > serial->free_ns[end] ? now_ns : serial->free_ns[end],
        .octet = octet,
        .from = (uint8_t)end,
        .to = rules->echo ? own | other : other,
    };
    serial->counts.sent++;
    if (wk_virtual_draw(&serial->seed, MILLION) < rules->gap_ppm) {
        next.start_ns += rules->gap_us * NS_PER_US;
        serial->counts.paused++;
    }
    next.arrival_ns =
        next.start_ns + (rules->bits * NS_PER_S + serial->baud[end] - 1) / serial->baud[end];
    serial->free_ns[end] = next.arrival_ns;
    flip_bits(serial, &next);
    if (serial->baud[0] != serial->baud[1]) {
        serial->counts.mismatched++;
        garble(serial, &next);
    }
    if (rules->shared) {
        collide(serial, &next);
    }
    insert(serial, &next);
    return WK_OK;
}

static int64_t arrival_us(const struct wk_virtual_serial_octet *octet)
{
    return (octet->arrival_ns + NS_PER_US - 1) / NS_PER_US;
}

int64_t wk_virtual_serial_next_us(const struct wk_virtual_serial *serial)
{
    return serial->count > 0 ? arrival_us(&serial->octet[0]) : WK_VIRTUAL_SERIAL_NEVER;
}

wk_err wk_virtual_serial_receive(struct wk_virtual_serial *serial, unsigned end, uint8_t *octet,
                                 int64_t now_us)
{
    size_t at = 0;
    while (at < serial->count && (serial->octet[at].to >> end & 1) == 0) {
        at++;
    }
    if (at == serial->count || arrival_us(&serial->octet[at]) > now_us) {
        return WK_E_NOT_FOUND;
    }
    *octet = serial->octet[at].octet;
    serial->octet[at].to &= (uint8_t) ~(1U << end);
    if (serial->octet[at].to == 0) {
        serial->count--;
        memmove(&serial->octet[at], &serial->octet[at + 1],
                (serial->count - at) * sizeof serial->octet[0]);
    }
    return WK_OK;
}
