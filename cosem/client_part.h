/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/client_part - what the files of room client say to each other. */
#ifndef WK_COSEM_CLIENT_PART_H
#define WK_COSEM_CLIENT_PART_H

#include "cosem/client.h"
#include "cosem/initiate.h"

/* What every request has beside its invoke-id. */
#define WK_CLIENT_CLASS (WK_APDU_INVOKE_PRIORITY | WK_APDU_INVOKE_CONFIRM)

/* ---- client.c ---------------------------------------------------------------------------- */

void wk_client_begin(struct wk_client *client, wk_client_step step);
/** Invoke-id and priority of a new request. */
uint8_t wk_client_next_invoke(struct wk_client *client);
/** The association is over. */
void wk_client_fail(struct wk_client *client, wk_err err);
/** The server said no to this one request; the association goes on. */
void wk_client_refuse(struct wk_client *client, uint8_t result);
/** The request under way, sealed if the association is. */
WK_MUST_USE wk_err wk_client_put_request(struct wk_client *client, struct wk_bytes_out *out);
/** The reply in clear. */
WK_MUST_USE wk_err wk_client_open_reply(struct wk_client *client, struct wk_bytes_in *apdu,
                                        struct wk_bytes_in *plain);

/** Hands an EventNotification in clear over. False: it is none. */
bool wk_client_take_event(struct wk_client *client, struct wk_bytes_in plain);

/* ---- client_request.c -------------------------------------------------------------------- */

/** Takes one APDU that answers the request, or a block of one. */
WK_MUST_USE wk_err wk_client_receive_reply(struct wk_client *client, struct wk_bytes_in *apdu);
/** Takes a whole reply, however it came. */
WK_MUST_USE wk_err wk_client_take_reply(struct wk_client *client, struct wk_bytes_in *apdu);
WK_MUST_USE wk_err wk_client_give(struct wk_client *client, const struct wk_bytes_in *data);

/* ---- client_block.c: general block transfer ---------------------------------------------- */

/** Whether requests go by general blocks. */
bool wk_client_uses_blocks(const struct wk_client *client);
/** The request, or its first block. */
WK_MUST_USE wk_err wk_client_send_request(struct wk_client *client, struct wk_bytes_out *out);
/** The next block of the request, or the acknowledgement of blocks of the reply. */
WK_MUST_USE wk_err wk_client_send_block(struct wk_client *client, struct wk_bytes_out *out);
/** True while more blocks are to be sent before an answer is awaited. */
bool wk_client_has_blocks(const struct wk_client *client);
WK_MUST_USE wk_err wk_client_take_block(struct wk_client *client, struct wk_bytes_in *apdu);
/** An answer is overdue: true if what is missing is asked for again. */
bool wk_client_ask_again(struct wk_client *client);

/* ---- client_protect.c: proofs and protection --------------------------------------------- */

bool wk_client_is_ciphered(const struct wk_client *client);
bool wk_client_is_hls(const struct wk_client *client);
/** Octets that protection adds to a request, most. */
size_t wk_client_overhead(const struct wk_client *client);

/** Prepares the plain initiate-request or request in `seal`, then protects and appends it. */
void wk_client_begin_seal(const struct wk_client *client, struct wk_cipher_seal *seal,
                          struct wk_bytes_out *out, size_t limit);
WK_MUST_USE wk_err wk_client_finish_seal(struct wk_client *client, struct wk_cipher_seal *seal,
                                         bool opening);
/** Opens what the server sent; it must be protected as requests are. */
WK_MUST_USE wk_err wk_client_unprotect(struct wk_client *client, struct wk_bytes_in apdu,
                                       bool opening, struct wk_bytes_in *plain);
/** Draws the challenge and, if one is wanted, the dedicated key. */
WK_MUST_USE wk_err wk_client_draw(struct wk_client *client,
                                  struct wk_initiate_request *initiate);
/** Answers the server's challenge; checks its answer. WK_E_AUTH: it is none. */
WK_MUST_USE wk_err wk_client_prove(struct wk_client *client, struct wk_bytes_out *answer);
WK_MUST_USE wk_err wk_client_check_proof(struct wk_client *client,
                                         const struct wk_bytes_in *answer);

#endif
