/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/uplink_port_coap - packets of meters by CoAP, on link_coap_port: each a POST to /wk/TITLE;
 * answers go in the responses, each behind its length (16 bits). An address is a peer of the server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "headend/uplink_port.h"
#include "link/packet.h"
#include "link/seal.h"
#include "port/linux/coap_server.h"

#define PATH      "wk/"
#define NOT_FOUND 0x84 /* 4.04 */
#define LENGTH    2

struct coap_port {
    struct wk_uplink_port_config config;
    struct wk_coap_server *server;
};

static uint8_t posted(void *self, uint64_t peer, const char *path, uint8_t *payload,
                      size_t size)
{
    const struct coap_port *coap = self;
    struct wk_uplink_address from = {.port = coap->config.number, .size = sizeof peer};
    if (strncmp(path, PATH, strlen(PATH)) != 0) {
        return NOT_FOUND;
    }
    memcpy(from.octets, &peer, sizeof peer);
    coap->config.take(coap->config.self, &from, payload, size);
    return 0;
}

static void serve(void *self)
{
    const struct coap_port *coap = self;
    wk_coap_server_serve(coap->server);
}

static wk_err send_packet(void *self, const struct wk_uplink_address *to, const uint8_t *packet,
                          size_t length)
{
    const struct coap_port *coap = self;
    uint8_t octets[LENGTH + WK_LINK_PACKET + WK_LINK_SEAL];
    uint64_t peer;
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    memcpy(&peer, to->octets, sizeof peer);
    wk_bytes_out_u16be(&out, (uint16_t)length);
    wk_bytes_out_put(&out, packet, length);
    WK_TRY(out.fault);
    return wk_coap_server_say(coap->server, peer, octets, out.size);
}

static void close_port(void *self)
{
    struct coap_port *coap = self;
    wk_coap_server_close(coap->server);
    free(coap);
}

wk_err wk_uplink_port_coap(struct wk_uplink_port *port,
                           const struct wk_uplink_port_config *config, char why[WK_INI_WHY])
{
    const struct wk_registry *registry = config->registry;
    char error[WK_COAP_SERVER_ERROR];
    if (registry->link_coap_port == 0) {
        return WK_E_NOT_FOUND;
    }
    struct coap_port *coap = calloc(1, sizeof *coap);
    if (coap == NULL) {
        snprintf(why, WK_INI_WHY, "no memory");
        return WK_E_FULL;
    }
    coap->config = *config;
    const struct wk_coap_server_config server = {.address = registry->listen,
                                                 .port = registry->link_coap_port,
                                                 .self = coap,
                                                 .posted = posted};
    const wk_err err = wk_coap_server_open(&coap->server, &server, error);
    if (err != WK_OK) {
        snprintf(why, WK_INI_WHY, "%s", error);
        free(coap);
        return err;
    }
    *port = (struct wk_uplink_port){.self = coap,
                                    .fd = wk_coap_server_fd(coap->server),
                                    .answers_at_once = true,
                                    .serve = serve,
                                    .send = send_packet,
                                    .close = close_port};
    return WK_OK;
}
