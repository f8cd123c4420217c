/* SPDX-License-Identifier: Apache-2.0
 *
 * link/seal - packets over carriers that do not protect: AES-GCM, one key for each session.
 *
 * Meter and head-end share a key. HELLO and WELCOME are sealed with it under a nonce that is drawn;
 * each carries 16 octets drawn by its sender, and of both the key of the session is derived:
 * the AES-CTR key stream of the shared key at a counter block that is the SHA-256 of both, cut to 96 bits. So
 * no counter must outlive a power cut, and a recorded session is worth nothing in another: its
 * packets do not open. In a session the nonce is direction, session and number of the packet, and
 * numbers only rise (link/receiver refuses one that came before).
 *
 *   HELLO, WELCOME   head, title (HELLO), 12 octets of nonce, frames, tag
 *   others           head, frames, tag
 *
 * What is not secret (head, title, nonce) is authenticated, too. No transport session: an address
 * that changed, a modem that slept cost nothing. */
#ifndef WK_LINK_SEAL_H
#define WK_LINK_SEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "link/packet.h"
#include "port/hal.h"

#define WK_LINK_TAG  12
#define WK_LINK_IV   12
#define WK_LINK_SEAL (WK_LINK_TITLE + WK_LINK_IV + WK_LINK_TAG) /* octets it adds, most */

/* Which way a packet goes. */
typedef enum wk_link_way {
    WK_LINK_FROM_METER = 0,
    WK_LINK_TO_METER = 1,
} wk_link_way;

/* What HELLO and WELCOME have beside. */
struct wk_link_opening {
    const uint8_t *title;   /* HELLO: WK_LINK_TITLE octets; WELCOME: NULL */
    uint8_t iv[WK_LINK_IV]; /* drawn for this packet */
};

struct wk_link_keys {
    const struct wk_hal_crypto *crypto;
    const struct wk_hal_key *shared;
    struct wk_hal_key session;
    bool has_session;
};

/** The key of a session, of what both have drawn. */
WK_MUST_USE wk_err wk_link_seal_agree(struct wk_link_keys *keys,
                                      const uint8_t meter[WK_LINK_NONCE],
                                      const uint8_t headend[WK_LINK_NONCE]);

/** Seals in place: `packet` holds `*size` octets, head and frames, in a room of at least *size +
 *  WK_LINK_SEAL; the bits of the head are set. `number` is the whole number of the packet.
 *  `opening`: of HELLO and WELCOME, else NULL. WK_E_STATE: there is no key yet. */
WK_MUST_USE wk_err wk_link_seal(const struct wk_link_keys *keys, wk_link_way way,
                                const struct wk_link_opening *opening, uint32_t number,
                                uint8_t *packet, size_t *size);
/** Opens in place: head and frames are left. `number` as above. WK_E_AUTH; WK_E_SHORT; WK_E_STATE. */
WK_MUST_USE wk_err wk_link_open(const struct wk_link_keys *keys, wk_link_way way,
                                uint32_t number, uint8_t *packet, size_t *size);
/** The title in a sealed HELLO, before it is opened: whose key it needs. NULL: it is none. */
const uint8_t *wk_link_seal_title(const uint8_t *packet, size_t size);

#endif
