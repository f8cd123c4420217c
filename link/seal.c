/* SPDX-License-Identifier: Apache-2.0 */
#include "link/seal.h"

#include <string.h>

#define SEALED     0x01
#define OPENS      0x02
#define SHA256     32
#define KEY_OCTETS 16

wk_err wk_link_seal_agree(struct wk_link_keys *keys, const uint8_t meter[WK_LINK_NONCE],
                          const uint8_t headend[WK_LINK_NONCE])
{
    static const uint8_t purpose[] = {'w', 'k', ' ', 'l', 'i', 'n', 'k', '1'};
    static const uint8_t zeros[KEY_OCTETS];
    uint8_t both[sizeof purpose + 2 * WK_LINK_NONCE];
    uint8_t hash[SHA256];
    uint8_t tag[WK_LINK_TAG];
    const struct wk_hal_crypto *crypto = keys->crypto;
    struct wk_hal_key session = {.size = KEY_OCTETS};
    memcpy(both, purpose, sizeof purpose);
    memcpy(both + sizeof purpose, meter, WK_LINK_NONCE);
    memcpy(both + sizeof purpose + WK_LINK_NONCE, headend, WK_LINK_NONCE);
    if (crypto->sha256 == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(crypto->sha256(crypto->self, both, sizeof both, hash));
    WK_TRY(crypto->gcm_seal(crypto->self, keys->shared, hash, NULL, 0, zeros, session.octets,
                            KEY_OCTETS, tag));
    keys->session = session;
    keys->has_session = true;
    return WK_OK;
}

static void nonce_of(uint8_t nonce[WK_LINK_IV], wk_link_way way, const uint8_t *packet,
                     uint32_t number)
{
    struct wk_bytes_out out = wk_bytes_out_of(nonce, WK_LINK_IV);
    wk_bytes_out_u32be(&out, (uint32_t)way);
    wk_bytes_out_put(&out, packet + 1, 4); /* the session */
    wk_bytes_out_u32be(&out, number);
}

/* Title and nonce go in front of the frames, in the clear. */
static size_t make_room(const struct wk_link_opening *opening, uint8_t *packet, size_t frames)
{
    const size_t more = (opening->title != NULL ? WK_LINK_TITLE : 0u) + WK_LINK_IV;
    memmove(packet + WK_LINK_HEAD + more, packet + WK_LINK_HEAD, frames);
    if (opening->title != NULL) {
        memcpy(packet + WK_LINK_HEAD, opening->title, WK_LINK_TITLE);
    }
    memcpy(packet + WK_LINK_HEAD + more - WK_LINK_IV, opening->iv, WK_LINK_IV);
    return more;
}

wk_err wk_link_seal(const struct wk_link_keys *keys, wk_link_way way,
                    const struct wk_link_opening *opening, uint32_t number, uint8_t *packet,
                    size_t *size)
{
    const struct wk_hal_crypto *crypto = keys->crypto;
    const struct wk_hal_key *key = opening != NULL ? keys->shared : &keys->session;
    const size_t frames = *size - WK_LINK_HEAD;
    uint8_t nonce[WK_LINK_IV];
    size_t clear = WK_LINK_HEAD;
    if (opening == NULL && !keys->has_session) {
        return WK_E_STATE;
    }
    packet[0] |= (uint8_t)(SEALED | (opening != NULL ? OPENS : 0));
    nonce_of(nonce, way, packet, number);
    if (opening != NULL) {
        clear += make_room(opening, packet, frames);
        memcpy(nonce, opening->iv, sizeof nonce);
    }
    WK_TRY(crypto->gcm_seal(crypto->self, key, nonce, packet, clear, packet + clear,
                            packet + clear, frames, packet + clear + frames));
    *size = clear + frames + WK_LINK_TAG;
    return WK_OK;
}

wk_err wk_link_open(const struct wk_link_keys *keys, wk_link_way way, uint32_t number,
                    uint8_t *packet, size_t *size)
{
    const struct wk_hal_crypto *crypto = keys->crypto;
    const bool opens = (packet[0] & OPENS) != 0;
    uint8_t nonce[WK_LINK_IV];
    size_t clear = WK_LINK_HEAD;
    if (opens) {
        clear += (way == WK_LINK_FROM_METER ? WK_LINK_TITLE : 0u) + WK_LINK_IV;
    } else if (!keys->has_session) {
        return WK_E_STATE;
    }
    if (*size < clear + WK_LINK_TAG) {
        return WK_E_SHORT;
    }
    nonce_of(nonce, way, packet, number);
    if (opens) {
        memcpy(nonce, packet + clear - WK_LINK_IV, WK_LINK_IV);
    }
    const size_t frames = *size - clear - WK_LINK_TAG;
    WK_TRY(crypto->gcm_open(crypto->self, opens ? keys->shared : &keys->session, nonce, packet,
                            clear, packet + clear, packet + clear, frames,
                            packet + clear + frames, WK_LINK_TAG));
    memmove(packet + WK_LINK_HEAD, packet + clear, frames);
    *size = WK_LINK_HEAD + frames;
    return WK_OK;
}

const uint8_t *wk_link_seal_title(const uint8_t *packet, size_t size)
{
    const bool is = size >= WK_LINK_HEAD + WK_LINK_SEAL &&
                    (packet[0] & (SEALED | OPENS)) == (SEALED | OPENS);
    return is ? packet + WK_LINK_HEAD : NULL;
}
