/* SPDX-License-Identifier: Apache-2.0
 *
 * The proof: what will be asked of the certificate by others is asked of it by ourselves first. */
#include <stdio.h>

#include "port/linux/enrol_part.h"
#include "port/linux/tls.h"

#define FLIGHTS_MOST 16 /* of a handshake and an octet each way */

/* What one end has to say goes to the other. */
static wk_err carry(struct wk_tls *from, struct wk_tls *to)
{
    const uint8_t *octets = NULL;
    const size_t size = wk_tls_output(from, &octets);
    const wk_err err = size > 0 ? wk_tls_take(to, octets, size) : WK_OK;
    wk_tls_sent(from, size);
    return err;
}

/* One turn of an end: on with the handshake, then an octet, which must come back. */
static wk_err turn(struct wk_tls *end, bool *said, bool *heard)
{
    static const uint8_t k_octet[1] = {0x57};
    uint8_t octet[1];
    size_t size = 0;
    const wk_err err = wk_tls_read(end, octet, sizeof octet, &size);
    *heard = *heard || (err == WK_OK && octet[0] == k_octet[0]);
    if (err != WK_OK && err != WK_E_SHORT) {
        return err;
    }
    if (!*said && wk_tls_is_open(end)) {
        *said = true;
        return wk_tls_write(end, k_octet, sizeof k_octet);
    }
    return WK_OK;
}

static wk_err shake_hands(struct wk_tls *client, struct wk_tls *server,
                          char error[WK_ENROL_ERROR])
{
    bool said[2] = {false, false};
    bool heard[2] = {false, false};
    for (int i = 0; i < FLIGHTS_MOST && !(heard[0] && heard[1]); i++) {
        struct wk_tls *end = i % 2 == 0 ? client : server;
        struct wk_tls *other = i % 2 == 0 ? server : client;
        const wk_err err = turn(end, &said[i % 2], &heard[i % 2]);
        if (err != WK_OK) {
            return wk_enrol_fail(error, WK_E_AUTH, "it does not prove itself",
                                 wk_tls_error(end));
        }
        WK_TRY(carry(end, other));
    }
    return heard[0] && heard[1] ? WK_OK
                                : wk_enrol_fail(error, WK_E_AUTH, "it does not prove itself",
                                                "the handshake with ourselves has no end");
}

static wk_err prove(struct wk_tls_context *asks, struct wk_tls_context *serves,
                    const char *name, char error[WK_ENROL_ERROR])
{
    struct wk_tls *client = NULL;
    struct wk_tls *server = NULL;
    wk_err err = wk_tls_begin(&client, asks, name, NULL);
    if (err == WK_OK) {
        err = wk_tls_begin(&server, serves, NULL, NULL);
    }
    err = err == WK_OK ? shake_hands(client, server, error)
                       : wk_enrol_fail(error, err, "TLS", wk_err_text(err));
    wk_tls_free(client);
    wk_tls_free(server);
    return err;
}

wk_err wk_enrol_prove(const struct wk_enrol_config *config, const char *certificate, int place,
                      char error[WK_ENROL_ERROR])
{
    char key[WK_WHOLE_FILE_PATH];
    char why[WK_TLS_ERROR];
    struct wk_tls_context *asks = NULL;
    struct wk_tls_context *serves = NULL;
    wk_enrol_key_name(config, place, key);
    struct wk_tls_config tls = {.certificate = certificate,
                                .key = key,
                                .ca = config->ca,
                                .crl = config->crl,
                                .hsm = config->hsm};
    wk_err err = wk_tls_context_make(&asks, &tls, why);
    tls.server = true;
    if (err == WK_OK) {
        err = wk_tls_context_make(&serves, &tls, why);
    }
    err = err == WK_OK ? prove(asks, serves, config->subject.name, error)
                       : wk_enrol_fail(error, err, "it cannot be used", why);
    wk_tls_context_free(asks);
    wk_tls_context_free(serves);
    return err;
}
