/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/hsm - wk_hal_crypto with keys in a token: smart card, secure element or software
 * token behind PKCS#11 (OASIS, version 2.40).
 *
 * A key whose `slot` is 0 is used from its octets, by OpenSSL, as in port/linux/crypto; a key
 * with a slot stays in the token: AES keys for GCM and key wrap, P-256 and P-384 private keys for
 * ECDSA, ECDH and what TLS needs. Slot n is the object whose CKA_ID is the octet n. Keys are made
 * in the token or imported once, sensitive and not extractable: no function gives them out.
 *
 * The authentication key of suites 0 to 2 is additional data of GCM, not a key of a cipher: it
 * is always octets. One thread per instance. */
#ifndef WK_PORT_LINUX_HSM_H
#define WK_PORT_LINUX_HSM_H

#include <stdint.h>

#include "port/hal.h"
#include "port/linux/crypto.h"

#define WK_HSM_ERROR 192
#define WK_HSM_SLOTS 255 /* 1..255 */

struct wk_hsm_config {
    const char *module; /* "/usr/lib/softhsm/libsofthsm2.so" */
    const char *label;  /* of the token; NULL: the first one that is initialized */
    const char *pin;    /* of its user */
};

struct wk_hsm {
    struct wk_crypto software; /* for keys without a slot */
    void *library;
    void *functions; /* CK_FUNCTION_LIST */
    unsigned long session;
    /* handles of objects by slot, found once; 0: not looked for yet */
    unsigned long secret[WK_HSM_SLOTS + 1];
    unsigned long private_key[WK_HSM_SLOTS + 1];
    char error[WK_HSM_ERROR];
    struct wk_hal_crypto hal; /* give &hsm->hal to who needs it */
};

/** Loads the module and logs in. On error hsm->error says what to do: WK_E_NOT_FOUND no such module
 *  or token, WK_E_AUTH wrong PIN, WK_E_IO otherwise; nothing is left open. The instance must not
 *  move afterwards. */
WK_MUST_USE wk_err wk_hsm_open(struct wk_hsm *hsm, const struct wk_hsm_config *config);
/** Logs out. Also right for an instance that was not opened. */
void wk_hsm_close(struct wk_hsm *hsm);

/** What the token answered last, for people. */
const char *wk_hsm_error(const struct wk_hsm *hsm);

/** Puts an AES key (16 or 32 octets) into a slot, in place of what is there: for commissioning.
 *  WK_E_ARGUMENT: no such slot or size. */
WK_MUST_USE wk_err wk_hsm_import(struct wk_hsm *hsm, uint8_t slot, const uint8_t *octets,
                                 uint8_t size);
/** Makes an AES key in a slot, in place of what is there. */
WK_MUST_USE wk_err wk_hsm_make_key(struct wk_hsm *hsm, uint8_t slot, uint8_t size);
/** The public key of the private key in a slot: x || y, *size = 32 or 48 per coordinate.
 *  WK_E_NOT_FOUND: the slot is empty. */
WK_MUST_USE wk_err wk_hsm_point(struct wk_hsm *hsm, uint8_t slot, uint8_t point[WK_HAL_POINT],
                                uint8_t *size);
/** Forgets where the token has its objects: another process may have made them anew. */
void wk_hsm_look_again(struct wk_hsm *hsm);
/** The slot of a private key by its label, or by its number as text. WK_E_NOT_FOUND: there is none,
 *  or its CKA_ID is no slot. */
WK_MUST_USE wk_err wk_hsm_slot_of(struct wk_hsm *hsm, const char *name, uint8_t *slot);
/** Destroys all objects of a slot. */
WK_MUST_USE wk_err wk_hsm_erase(struct wk_hsm *hsm, uint8_t slot);

#endif
