/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shelly.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HTTP_OK        200
#define HTTP_BAD       400
#define HTTP_NOT_FOUND 404
#define HTTP_FAILED    500

static wk_err write_result(struct wk_meter_shelly *shelly, const char *method,
                           char text[WK_SHELLY_RESULT])
{
    struct wk_bytes_out out = wk_bytes_out_of(text, WK_SHELLY_RESULT - 1);
    WK_TRY(wk_shelly_call(&shelly->view, method, shelly->now_us(shelly->self), &out));
    text[out.size] = '\0';
    return WK_OK;
}

unsigned wk_meter_shelly_result(struct wk_meter_shelly *shelly, const char *method,
                                char answer[WK_METER_SHELLY_ANSWER])
{
    char result[WK_SHELLY_RESULT];
    const wk_err err = write_result(shelly, method, result);
    if (err == WK_OK) {
        memcpy(answer, result, strlen(result) + 1);
        return HTTP_OK;
    }
    const unsigned status = err == WK_E_NOT_FOUND ? HTTP_NOT_FOUND : HTTP_FAILED;
    (void)snprintf(answer, WK_METER_SHELLY_ANSWER, "{\"code\":%u,\"message\":\"%s\"}", status,
                   err == WK_E_NOT_FOUND ? "No handler for this method" : wk_err_text(err));
    return status;
}

/* A member of the request goes back as it came; what is no short value is left out. */
static void echo(const json_t *request, const char *from, const char *to, char text[128])
{
    const json_t *value = json_object_get(request, from);
    char *dumped = json_is_string(value) || json_is_integer(value)
                       ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT)
                       : NULL;
    const int size = snprintf(text, 128, "\"%s\":%s,", to, dumped != NULL ? dumped : "null");
    if (dumped == NULL || size < 0 || size >= 128) {
        text[0] = '\0';
    }
    free(dumped);
}

size_t wk_meter_shelly_frame(struct wk_meter_shelly *shelly, const char *request, size_t size,
                             char answer[WK_METER_SHELLY_ANSWER])
{
    char result[WK_METER_SHELLY_ANSWER];
    char id[128];
    char to[128];
    json_t *frame = json_loadb(request, size, JSON_REJECT_DUPLICATES, NULL);
    const char *method = json_string_value(json_object_get(frame, "method"));
    unsigned status = HTTP_BAD;
    if (method != NULL) {
        status = wk_meter_shelly_result(shelly, method, result);
    } else {
        (void)snprintf(result, sizeof result, "{\"code\":%d,\"message\":\"No method\"}",
                       HTTP_BAD);
    }
    echo(frame, "id", "id", id);
    echo(frame, "src", "dst", to);
    const int written =
        snprintf(answer, WK_METER_SHELLY_ANSWER, "{%s\"src\":\"%s\",%s\"%s\":%.4096s}", id,
                 shelly->view.id, to, status == HTTP_OK ? "result" : "error", result);
    json_decref(frame);
    return written > 0 ? (size_t)written : 0;
}

/* ---- UDP --------------------------------------------------------------------------------- */

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct wk_meter_shelly *shelly = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(shelly->packet, sizeof shelly->packet);
}

/* An answer that the network does not take at once is lost; the client asks again. */
static void on_packet(uv_udp_t *socket, ssize_t count, const uv_buf_t *buffer,
                      const struct sockaddr *from, unsigned flags)
{
    struct wk_meter_shelly *shelly = socket->data;
    char answer[WK_METER_SHELLY_ANSWER];
    (void)buffer;
    if (count <= 0 || from == NULL || (flags & UV_UDP_PARTIAL) != 0) {
        return;
    }
    const size_t size = wk_meter_shelly_frame(shelly, shelly->packet, (size_t)count, answer);
    const uv_buf_t out = uv_buf_init(answer, (unsigned)size);
    (void)uv_udp_try_send(socket, &out, 1, from);
}

wk_err wk_meter_shelly_listen(struct wk_meter_shelly *shelly, uv_loop_t *loop,
                              const char *address, uint16_t port,
                              char error[WK_METER_SHELLY_ERROR])
{
    struct sockaddr_in at;
    int code = uv_ip4_addr(address, port, &at);
    if (code == 0) {
        code = uv_udp_init(loop, &shelly->socket);
    }
    shelly->socket.data = shelly;
    if (code == 0) {
        code = uv_udp_bind(&shelly->socket, (const struct sockaddr *)&at, 0);
    }
    if (code == 0) {
        code = uv_udp_recv_start(&shelly->socket, on_room, on_packet);
    }
    if (code == 0) {
        return WK_OK;
    }
    (void)snprintf(error, WK_METER_SHELLY_ERROR, "%.60s:%u: %s", address, (unsigned)port,
                   uv_strerror(code));
    return code == UV_EADDRINUSE ? WK_E_BUSY : WK_E_ARGUMENT;
}
