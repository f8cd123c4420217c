/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/tls - TLS 1.3 (RFC 8446) with certificates on both sides, without any input or
 * output of its own: octets of the network go in and come out, so that it fits an event loop
 * and a waiting client alike. By OpenSSL.
 *
 * Nothing older than TLS 1.3 is spoken. Every certificate of a chain must have an ECDSA key on
 * P-256 or P-384; chains end at the given authorities; a certificate of a server or client
 * must not be meant for something else (extended key usage). With a revocation list every
 * certificate of the chain is looked up, and the list must not be out of date. Names are
 * compared with subjectAltName only, DNS names or addresses. There is no early data.
 *
 * Whose list of authorities or revocations, or whose certificate changes on disk reads it again with
 * the next connection; sessions from before another trust are not resumed. If it cannot be read, or no
 * key belongs to the certificate, what was before holds. Of several keys, that which belongs to the
 * certificate is used: so a new pair comes into use, and at once, when its certificate is put in the
 * place of the one before (port/linux/tls_own). Resumable sessions last an hour, those of a client
 * at most as long as its own certificate is in use.
 *
 * Contexts of clients may be used by several threads, those of servers and all connections by
 * one. A key in a token is used by the thread of its wk_hsm. */
#ifndef WK_PORT_LINUX_TLS_H
#define WK_PORT_LINUX_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "port/linux/hsm.h"
#include "port/linux/tls_own.h"

#define WK_TLS_ERROR      192
#define WK_TLS_NAME       128
#define WK_TLS_SESSIONS   256 /* that a client remembers */
#define WK_TLS_LIFETIME_S 3600
#define WK_TLS_TOKEN      WK_TLS_OWN_TOKEN /* begins the name of a key in a token */

struct wk_tls_config {
    bool server;
    const char
        *certificate;   /* PEM file: the own one, then those between it and the authority */
    const char *key;    /* PEM file, or "pkcs11:LABEL" or "pkcs11:SLOT"; or several: "A, B" */
    const char *ca;     /* PEM file of authorities */
    const char *crl;    /* PEM file of revocation lists; NULL: none is asked */
    const char *name;   /* server: what the client's certificate must name; NULL: any */
    struct wk_hsm *hsm; /* where keys "pkcs11:" are; NULL: nowhere. Must stay */
    bool later;         /* client: the certificate may come later; until then nothing begins */
};

struct wk_tls_context;
struct wk_tls;

/** Reads files and keys. The strings of `config` are copied. Errors, told in `error`:
 *  WK_E_NOT_FOUND a file or key is not there, WK_E_FORMAT it is not what it should be, or
 *  certificate and key do not belong together, WK_E_IO otherwise. */
WK_MUST_USE wk_err wk_tls_context_make(struct wk_tls_context **context,
                                       const struct wk_tls_config *config,
                                       char error[WK_TLS_ERROR]);
/** Whether connections can begin: with `later`, not before there is a certificate with its key. */
bool wk_tls_is_ready(struct wk_tls_context *context);
/** After all connections of it. NULL is allowed. */
void wk_tls_context_free(struct wk_tls_context *context);

/** Begins a connection. A client gives the name that the server's certificate must have, and
 *  `peer`, which connections to one server have in common, to resume sessions (NULL: none). A
 *  server gives NULL for both. WK_E_FULL: no memory, or it is not ready. */
WK_MUST_USE wk_err wk_tls_begin(struct wk_tls **tls, struct wk_tls_context *context,
                                const char *name, const char *peer);
/** NULL is allowed. */
void wk_tls_free(struct wk_tls *tls);

/** Octets came from the network. WK_E_FULL: no memory. Call wk_tls_read until it is WK_E_SHORT. */
WK_MUST_USE wk_err wk_tls_take(struct wk_tls *tls, const uint8_t *octets, size_t size);
/** The network has ended. What was cut off without being closed is told by wk_tls_read. */
void wk_tls_take_end(struct wk_tls *tls);
/** Goes on with the handshake. WK_OK: it is over on this side. Otherwise as wk_tls_read. */
WK_MUST_USE wk_err wk_tls_handshake(struct wk_tls *tls);
/** Goes on with the handshake, then gives at least one octet that the peer sent. WK_E_SHORT: more
 *  is needed from the network; WK_E_CLOSED: the peer closed, or (wk_tls_error says) the
 *  connection was cut; WK_E_AUTH: refused by either side, the connection is over. Look at
 *  wk_tls_output after each call, also after an error: the peer wants to know. */
WK_MUST_USE wk_err wk_tls_read(struct wk_tls *tls, uint8_t *to, size_t room, size_t *size);
/** Seals octets for the peer. WK_E_STATE: the handshake is not over. */
WK_MUST_USE wk_err wk_tls_write(struct wk_tls *tls, const uint8_t *octets, size_t size);
/** What must go to the network; borrowed until the next call. wk_tls_sent: so much has gone. */
size_t wk_tls_output(struct wk_tls *tls, const uint8_t **octets);
void wk_tls_sent(struct wk_tls *tls, size_t size);
/** Says to the peer that nothing follows (close_notify). */
void wk_tls_end(struct wk_tls *tls);

/** Whether both sides have been proven. A client believes it a moment before its server. */
bool wk_tls_is_open(const struct wk_tls *tls);
/** Whether an earlier session was resumed. */
bool wk_tls_is_resumed(const struct wk_tls *tls);
/** Why it ended, for people. */
const char *wk_tls_error(const struct wk_tls *tls);

#endif
