/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds the Modbus server with anything. The first octet chooses: a request, a stream of TCP, or a
 * serial line, whose octets come in pieces with pauses between them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "tests/view_meter.h"
#include "view/modbus.h"
#include "view/modbus_rtu.h"
#include "view/modbus_tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUESTS_MOST 2000 /* that one input can hold */

static struct wk_view_meter g_meter;
static struct wk_modbus_server g_server;
static struct wk_modbus_counts g_counts;
static uint8_t g_octets[WK_MODBUS_PDU];

static void boot(void)
{
    static bool started;
    const struct wk_modbus_server_config config = {
        .table = &g_meter.module.table, .phases = 3, .unit = 1, .writer = WK_ROLE_READER};
    if (started) {
        return;
    }
    if (wk_view_meter_init(&g_meter, 3) != WK_OK || wk_view_meter_step(&g_meter) != WK_OK ||
        wk_modbus_server_init(&g_server, &config) != WK_OK) {
        abort();
    }
    started = true;
}

static struct wk_bytes_out serve(struct wk_bytes_in request, bool is_broadcast)
{
    const struct wk_modbus_call call = {.counts = &g_counts, .is_broadcast = is_broadcast};
    struct wk_bytes_out out = wk_bytes_out_of(g_octets, sizeof g_octets);
    (void)wk_modbus_server_serve(&g_server, &call, request, &out);
    if (out.fault != WK_OK || (out.size == 0) != is_broadcast ||
        (out.size > 0 && request.size > 0 &&
         (g_octets[0] & 0x7F) != (request.data[0] & 0x7F))) {
        abort(); /* each request has one answer, of its function */
    }
    return out;
}

static void try_tcp(const uint8_t *data, size_t size)
{
    static struct wk_modbus_tcp tcp;
    struct wk_modbus_tcp_request request;
    tcp = (struct wk_modbus_tcp){.first = 0};
    for (size_t at = 0; at < size;) {
        size_t room;
        uint8_t *space = wk_modbus_tcp_space(&tcp, &room);
        const size_t part = size - at < room ? size - at : room;
        if (room == 0) {
            abort(); /* a whole request always fits */
        }
        for (size_t n = 0; n < part; n++) {
            space[n] = data[at + n];
        }
        wk_modbus_tcp_received(&tcp, part);
        at += part;
        wk_err err = wk_modbus_tcp_next(&tcp, &request);
        for (; err == WK_OK; err = wk_modbus_tcp_next(&tcp, &request)) {
            (void)serve(request.pdu, false);
        }
        if (err == WK_E_FORMAT) {
            return;
        }
    }
}

static void look(struct wk_modbus_rtu *rtu, int64_t now_us)
{
    int requests = 0;
    while (wk_modbus_rtu_tick(rtu, now_us)) {
        bool is_broadcast;
        size_t size;
        const struct wk_bytes_in request = wk_modbus_rtu_request(rtu, &is_broadcast);
        const struct wk_bytes_out out = serve(request, is_broadcast);
        (void)wk_modbus_rtu_answer(rtu, &out, &size);
        if (++requests > REQUESTS_MOST || (size == 0) != is_broadcast) {
            abort();
        }
    }
}

/* Each piece: how long it is, the pause behind it, its octets. */
static void try_rtu(const uint8_t *data, size_t size)
{
    static struct wk_modbus_rtu rtu;
    const struct wk_modbus_rtu_config config = {.unit = 1, .baud = 9600, .bits = 10};
    int64_t now_us = 0;
    if (wk_modbus_rtu_init(&rtu, &config) != WK_OK) {
        abort();
    }
    while (size > 2) {
        const size_t part = data[0] < size - 2 ? data[0] : size - 2;
        wk_modbus_rtu_receive(&rtu, now_us, data + 2, part);
        now_us += (int64_t)data[1] * 100;
        look(&rtu, now_us);
        data += 2 + part;
        size -= 2 + part;
    }
    look(&rtu, now_us + 1000000);
    if (wk_modbus_rtu_due_us(&rtu) != INT64_MAX) {
        abort(); /* after a silence there is nothing more to be done */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    boot();
    if (size < 1) {
        return 0;
    }
    switch (data[0] % 3) {
    case 0:
        if (size - 1 <= WK_MODBUS_PDU) {
            (void)serve(wk_bytes_in_of(data + 1, size - 1), false);
        }
        break;
    case 1:
        try_tcp(data + 1, size - 1);
        break;
    default:
        try_rtu(data + 1, size - 1);
        break;
    }
    return 0;
}
