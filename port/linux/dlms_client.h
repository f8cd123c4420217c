/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/dlms_client - reads and commands one meter, waiting for each answer.
 *
 * One association over one connection of port/linux/dlms_carrier (logical names). After an error other than
 * WK_E_REFUSED the connection is closed and must be opened again; wk_dlms_client_error tells a
 * person what went wrong. One thread per instance; many instances may run at once. */
#ifndef WK_PORT_LINUX_DLMS_CLIENT_H
#define WK_PORT_LINUX_DLMS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/civil.h"
#include "cosem/client.h"
#include "cosem/datetime.h"
#include "port/linux/crypto.h"
#include "port/linux/dlms_carrier.h"

#define WK_DLMS_CLIENT_ERROR 256

/* Client SAPs of the roles */
#define WK_DLMS_CLIENT_PUBLIC     16
#define WK_DLMS_CLIENT_READER     2
#define WK_DLMS_CLIENT_MANAGEMENT 1

struct wk_dlms_client_config {
    const char *host;    /* an address of port/linux/dlms_carrier */
    uint16_t port;       /* where `host` names none; 0 = 4059 */
    uint16_t client_sap; /* see above; fixes the mechanism: none, password, HLS5-GMAC,
                           unless `protection` says otherwise */
    uint16_t server_sap; /* 0 = 1 */
    const char *password;
    struct wk_cipher_keys keys;
    uint8_t title[WK_CIPHER_TITLE]; /* of this client; must differ from the meter's */
    uint32_t counter; /* next invocation counter; 0 = ask the meter as public client first */
    bool general_glo;
    const struct wk_client_config *protection; /* NULL: as client_sap says. Else mechanism,
                                  suite, envelopes, key pairs and dedicated key are those of
                                  this one; it must stay while the client lives */
    struct wk_tls_context *tls;  /* for tls://, of a client; it must stay, too. NULL: none */
    const char *tls_name;        /* what the meter's certificate must name; NULL: the host */
    uint16_t max_pdu;            /* 0 = 2048 */
    uint16_t most_pdu;           /* as in struct wk_client_config */
    uint32_t connect_timeout_ms; /* 0 = 3,000 */
    uint32_t answer_timeout_ms;  /* 0 = 5,000 */
    uint8_t attempts;            /* to connect and associate; 0 = 1 */
};

struct wk_dlms_client {
    struct wk_dlms_client_config config;
    struct wk_crypto crypto;
    struct wk_client client;
    struct wk_dlms_carrier carrier;
    bool is_open;
    char error[WK_DLMS_CLIENT_ERROR];
};

/** Connects and opens the association, `attempts` times with growing pauses while the meter
 *  cannot be reached; a refusal is not repeated, but an invocation counter that was too low is
 *  corrected once from the meter's answer. Errors: WK_E_IO no connection, WK_E_TIMEOUT,
 *  WK_E_CLOSED, WK_E_AUTH, WK_E_REFUSED, WK_E_REPLAY, WK_E_FORMAT. On error nothing is left
 *  open. `config->host` and `password` must stay while the client lives. */
WK_MUST_USE wk_err wk_dlms_client_open(struct wk_dlms_client *client,
                                       const struct wk_dlms_client_config *config);
/** Releases the association and closes. Right for a client that is not open, too. */
void wk_dlms_client_close(struct wk_dlms_client *client);
/** What the last error was, for people. */
const char *wk_dlms_client_error(const struct wk_dlms_client *client);
/** The invocation counter to use next time. */
uint32_t wk_dlms_client_counter(const struct wk_dlms_client *client);

/** The attribute's A-XDR value. WK_E_FULL: longer than `room` (connection closed);
 *  WK_E_REFUSED: client->client.result is the data-access-result, the connection stays. */
WK_MUST_USE wk_err wk_dlms_client_get(struct wk_dlms_client *client,
                                      const struct wk_apdu_target *target, void *value,
                                      size_t room, size_t *size);
/** Several attributes with one request, `count` targets as wk_apdu_put_target writes them; the
 *  sink gets the results as encoded, with their count before them (port/linux/dlms_plan takes
 *  them apart). WK_E_FULL: more than WK_CLIENT_LIST. */
WK_MUST_USE wk_err wk_dlms_client_get_list(struct wk_dlms_client *client, uint32_t count,
                                           struct wk_bytes_in list, struct wk_client_sink sink);
/** The elements of an array attribute one by one, however long it is. `row` as in
 *  cosem/rows. */
WK_MUST_USE wk_err wk_dlms_client_get_rows(struct wk_dlms_client *client,
                                           const struct wk_apdu_target *target, void *self,
                                           wk_err (*row)(void *self, uint32_t index,
                                                         struct wk_bytes_in element));
WK_MUST_USE wk_err wk_dlms_client_set(struct wk_dlms_client *client,
                                      const struct wk_apdu_target *target, const void *value,
                                      size_t size);
/** `parameter` of size 0: none is sent. Return data are dropped. */
WK_MUST_USE wk_err wk_dlms_client_action(struct wk_dlms_client *client,
                                         const struct wk_apdu_target *target,
                                         const void *parameter, size_t size);

/** As wk_dlms_client_action, with what it returns: A-XDR, *size octets, 0 for nothing. WK_E_FULL: more
 *  than `room`. */
WK_MUST_USE wk_err wk_dlms_client_call(struct wk_dlms_client *client,
                                       const struct wk_apdu_target *target,
                                       struct wk_bytes_in parameter, uint8_t *value,
                                       size_t room, size_t *size);

/* ---- what is read most ------------------------------------------------------------------- */

struct wk_dlms_register {
    int64_t value; /* raw: times 10^scaler of `unit` */
    int8_t scaler;
    uint8_t unit; /* DLMS unit code: 27 W, 30 Wh, 32 varh, 33 A, 35 V, 44 Hz ... */
};

/** A register (class 3): value, and scaler and unit. WK_E_FORMAT: the value is no integer. */
WK_MUST_USE wk_err wk_dlms_client_get_register(struct wk_dlms_client *client,
                                               const uint8_t obis[WK_OBIS_SIZE],
                                               struct wk_dlms_register *result);
/** The clock 0.0.1.0.0.255: as shown, and as instant. */
WK_MUST_USE wk_err wk_dlms_client_get_clock(struct wk_dlms_client *client,
                                            struct wk_datetime *datetime, struct wk_utc *utc);
/** An octet-string or visible-string attribute 2 of class 1 as zero-terminated text; what is
 *  not printable ASCII becomes '?'. */
WK_MUST_USE wk_err wk_dlms_client_get_text(struct wk_dlms_client *client,
                                           const uint8_t obis[WK_OBIS_SIZE], char *text,
                                           size_t room);
/** Rows of a profile (class 7) whose clock lies in from..to, both included. */
WK_MUST_USE wk_err wk_dlms_client_get_range(struct wk_dlms_client *client,
                                            const uint8_t obis[WK_OBIS_SIZE],
                                            const struct wk_utc range[2], void *self,
                                            wk_err (*row)(void *self, uint32_t index,
                                                          struct wk_bytes_in element));

#endif
