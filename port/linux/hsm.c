/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/hsm.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS_MOST 64
#define TAG         12
#define TAG_BITS    96
#define APDU_MOST   8192 /* octets of one seal or open in the token */
#define LABEL       32

static const CK_BBOOL k_true = CK_TRUE;
static const CK_BBOOL k_false = CK_FALSE;

/* An entry of a template; PKCS#11 takes pointers to what it does not change. */
#define ATTRIBUTE(type, value)                                                                 \
    {                                                                                          \
        (type), (void *)(uintptr_t) & (value), sizeof(value)                                   \
    }

static CK_FUNCTION_LIST *functions_of(const struct wk_hsm *hsm)
{
    return hsm->functions;
}

/* ---- errors ------------------------------------------------------------------------------ */

static wk_err fail(struct wk_hsm *hsm, wk_err err, const char *what, CK_RV code)
{
    (void)snprintf(hsm->error, sizeof hsm->error, "the token: %s: code 0x%lX", what, code);
    return err;
}

static wk_err checked(struct wk_hsm *hsm, CK_RV code, const char *what)
{
    switch (code) {
    case CKR_OK:
        return WK_OK;
    case CKR_ENCRYPTED_DATA_INVALID:
    case CKR_ENCRYPTED_DATA_LEN_RANGE:
    case CKR_WRAPPED_KEY_INVALID:
    case CKR_WRAPPED_KEY_LEN_RANGE:
    case CKR_SIGNATURE_INVALID:
        return fail(hsm, WK_E_AUTH, what, code);
    case CKR_MECHANISM_INVALID:
        return fail(hsm, WK_E_UNSUPPORTED, what, code);
    default:
        return fail(hsm, WK_E_IO, what, code);
    }
}

const char *wk_hsm_error(const struct wk_hsm *hsm)
{
    return hsm->error;
}

/* ---- objects ----------------------------------------------------------------------------- */

/* The object of a class in a slot; CK_INVALID_HANDLE: there is none. */
static wk_err find(struct wk_hsm *hsm, CK_OBJECT_CLASS class, uint8_t slot,
                   CK_OBJECT_HANDLE *object)
{
    CK_ATTRIBUTE wanted[] = {ATTRIBUTE(CKA_CLASS, class), ATTRIBUTE(CKA_ID, slot),
                             ATTRIBUTE(CKA_TOKEN, k_true)};
    CK_FUNCTION_LIST *f = functions_of(hsm);
    CK_ULONG count = 0;
    *object = CK_INVALID_HANDLE;
    WK_TRY(checked(hsm, f->C_FindObjectsInit(hsm->session, wanted, 3), "searching a key"));
    CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
    const CK_RV code = f->C_FindObjects(hsm->session, &found, 1, &count);
    (void)f->C_FindObjectsFinal(hsm->session);
    WK_TRY(checked(hsm, code, "searching a key"));
    *object = count == 1 ? found : CK_INVALID_HANDLE;
    return WK_OK;
}

static wk_err object_of(struct wk_hsm *hsm, CK_OBJECT_CLASS class, uint8_t slot,
                        CK_OBJECT_HANDLE *object)
{
    unsigned long *known =
        class == CKO_SECRET_KEY ? &hsm->secret[slot] : &hsm->private_key[slot];
    if (*known == CK_INVALID_HANDLE) {
        WK_TRY(find(hsm, class, slot, known));
    }
    *object = *known;
    if (*object == CK_INVALID_HANDLE) {
        (void)snprintf(hsm->error, sizeof hsm->error, "slot %u of the token holds no such key",
                       slot);
        return WK_E_NOT_FOUND;
    }
    return WK_OK;
}

wk_err wk_hsm_erase(struct wk_hsm *hsm, uint8_t slot)
{
    static const CK_OBJECT_CLASS k_classes[] = {CKO_SECRET_KEY, CKO_PRIVATE_KEY,
                                                CKO_PUBLIC_KEY};
    for (size_t i = 0; i < sizeof k_classes / sizeof k_classes[0]; i++) {
        CK_OBJECT_HANDLE object;
        WK_TRY(find(hsm, k_classes[i], slot, &object));
        if (object != CK_INVALID_HANDLE) {
            WK_TRY(checked(hsm, functions_of(hsm)->C_DestroyObject(hsm->session, object),
                           "removing a key"));
        }
    }
    hsm->secret[slot] = CK_INVALID_HANDLE;
    hsm->private_key[slot] = CK_INVALID_HANDLE;
    return WK_OK;
}

static wk_err name_of(uint8_t slot, char label[LABEL])
{
    (void)snprintf(label, LABEL, "meter key %u", slot);
    return slot > 0 ? WK_OK : WK_E_ARGUMENT;
}

/* A key for this moment, in the token's memory only. */
static wk_err make_passing(struct wk_hsm *hsm, const uint8_t *octets, size_t size,
                           CK_OBJECT_HANDLE *object)
{
    static const CK_OBJECT_CLASS k_class = CKO_SECRET_KEY;
    static const CK_KEY_TYPE k_type = CKK_AES;
    CK_ATTRIBUTE made[] = {
        ATTRIBUTE(CKA_CLASS, k_class),     ATTRIBUTE(CKA_KEY_TYPE, k_type),
        ATTRIBUTE(CKA_TOKEN, k_false),     ATTRIBUTE(CKA_EXTRACTABLE, k_true),
        ATTRIBUTE(CKA_SENSITIVE, k_false), {CKA_VALUE, (void *)(uintptr_t)octets, size}};
    return checked(hsm, functions_of(hsm)->C_CreateObject(hsm->session, made, 6, object),
                   "taking a key");
}

wk_err wk_hsm_import(struct wk_hsm *hsm, uint8_t slot, const uint8_t *octets, uint8_t size)
{
    static const CK_OBJECT_CLASS k_class = CKO_SECRET_KEY;
    static const CK_KEY_TYPE k_type = CKK_AES;
    char label[LABEL];
    WK_TRY(name_of(slot, label));
    if (size != 16 && size != 32) {
        return WK_E_ARGUMENT;
    }
    CK_ATTRIBUTE made[] = {ATTRIBUTE(CKA_CLASS, k_class),
                           ATTRIBUTE(CKA_KEY_TYPE, k_type),
                           ATTRIBUTE(CKA_TOKEN, k_true),
                           ATTRIBUTE(CKA_PRIVATE, k_true),
                           ATTRIBUTE(CKA_SENSITIVE, k_true),
                           ATTRIBUTE(CKA_EXTRACTABLE, k_false),
                           ATTRIBUTE(CKA_ENCRYPT, k_true),
                           ATTRIBUTE(CKA_DECRYPT, k_true),
                           ATTRIBUTE(CKA_WRAP, k_true),
                           ATTRIBUTE(CKA_UNWRAP, k_true),
                           ATTRIBUTE(CKA_ID, slot),
                           {CKA_LABEL, label, strlen(label)},
                           {CKA_VALUE, (void *)(uintptr_t)octets, size}};
    CK_OBJECT_HANDLE object;
    WK_TRY(wk_hsm_erase(hsm, slot));
    WK_TRY(checked(hsm, functions_of(hsm)->C_CreateObject(hsm->session, made, 13, &object),
                   "importing a key"));
    hsm->secret[slot] = object;
    return WK_OK;
}

wk_err wk_hsm_make_key(struct wk_hsm *hsm, uint8_t slot, uint8_t size)
{
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG octets = size;
    char label[LABEL];
    WK_TRY(name_of(slot, label));
    if (size != 16 && size != 32) {
        return WK_E_ARGUMENT;
    }
    CK_ATTRIBUTE made[] = {
        ATTRIBUTE(CKA_TOKEN, k_true),     ATTRIBUTE(CKA_PRIVATE, k_true),
        ATTRIBUTE(CKA_SENSITIVE, k_true), ATTRIBUTE(CKA_EXTRACTABLE, k_false),
        ATTRIBUTE(CKA_ENCRYPT, k_true),   ATTRIBUTE(CKA_DECRYPT, k_true),
        ATTRIBUTE(CKA_WRAP, k_true),      ATTRIBUTE(CKA_UNWRAP, k_true),
        ATTRIBUTE(CKA_ID, slot),          {CKA_LABEL, label, strlen(label)},
        ATTRIBUTE(CKA_VALUE_LEN, octets)};
    CK_OBJECT_HANDLE object;
    WK_TRY(wk_hsm_erase(hsm, slot));
    WK_TRY(checked(
        hsm, functions_of(hsm)->C_GenerateKey(hsm->session, &mechanism, made, 11, &object),
        "making a key"));
    hsm->secret[slot] = object;
    return WK_OK;
}

/* ---- AES-GCM ----------------------------------------------------------------------------- */

/* What one seal or open works on. */
struct text {
    const uint8_t *in;
    uint8_t *out;
    size_t size;
};

static wk_err seal_in_token(struct wk_hsm *hsm, CK_OBJECT_HANDLE key, CK_GCM_PARAMS *params,
                            const struct text *text, uint8_t tag[TAG])
{
    const size_t size = text->size;
    uint8_t sealed[APDU_MOST + TAG];
    CK_MECHANISM mechanism = {CKM_AES_GCM, params, sizeof *params};
    CK_FUNCTION_LIST *f = functions_of(hsm);
    CK_ULONG made = sizeof sealed;
    uint8_t none = 0;
    if (size > APDU_MOST) {
        return WK_E_FULL;
    }
    WK_TRY(checked(hsm, f->C_EncryptInit(hsm->session, &mechanism, key), "sealing"));
    CK_BYTE_PTR plain = size > 0 ? (CK_BYTE_PTR)(uintptr_t)text->in : &none;
    WK_TRY(checked(hsm, f->C_Encrypt(hsm->session, plain, size, sealed, &made), "sealing"));
    if (made != size + TAG) {
        return fail(hsm, WK_E_IO, "sealing gave another length", made);
    }
    if (size > 0) { /* a GMAC has no text, and no place for one */
        memcpy(text->out, sealed, size);
    }
    memcpy(tag, sealed + size, TAG);
    return WK_OK;
}

/* Functions of wk_hal_crypto have its parameters. */
/* NOLINTNEXTLINE(readability-function-size) */
static wk_err gcm_seal(void *self, const struct wk_hal_key *key, const uint8_t iv[12],
                       const void *aad, size_t aad_size, const uint8_t *in, uint8_t *out,
                       size_t size, uint8_t tag[12])
{
    struct wk_hsm *hsm = self;
    if (key->slot == 0) {
        return hsm->software.hal.gcm_seal(&hsm->software, key, iv, aad, aad_size, in, out, size,
                                          tag);
    }
    CK_OBJECT_HANDLE object;
    WK_TRY(object_of(hsm, CKO_SECRET_KEY, key->slot, &object));
    CK_GCM_PARAMS params = {(CK_BYTE_PTR)(uintptr_t)iv,  12,       96,
                            (CK_BYTE_PTR)(uintptr_t)aad, aad_size, TAG_BITS};
    return seal_in_token(hsm, object, &params, &(struct text){in, out, size}, tag);
}

/* Encryption without authentication is counter mode from 2 on (NIST SP 800-38D, 7.1). */
static wk_err open_unchecked(struct wk_hsm *hsm, CK_OBJECT_HANDLE key, const uint8_t iv[12],
                             const uint8_t *in, uint8_t *out, size_t size)
{
    CK_AES_CTR_PARAMS params = {.ulCounterBits = 32};
    CK_MECHANISM mechanism = {CKM_AES_CTR, &params, sizeof params};
    CK_FUNCTION_LIST *f = functions_of(hsm);
    CK_ULONG made = size;
    memcpy(params.cb, iv, 12);
    params.cb[15] = 2;
    WK_TRY(checked(hsm, f->C_DecryptInit(hsm->session, &mechanism, key), "opening"));
    return checked(hsm,
                   f->C_Decrypt(hsm->session, (CK_BYTE_PTR)(uintptr_t)in, size, out, &made),
                   "opening");
}

static wk_err open_checked(struct wk_hsm *hsm, CK_OBJECT_HANDLE key, CK_GCM_PARAMS *params,
                           const struct text *text, const uint8_t *tag)
{
    const size_t size = text->size;
    uint8_t sealed[APDU_MOST + TAG];
    uint8_t plain[APDU_MOST + TAG];
    CK_MECHANISM mechanism = {CKM_AES_GCM, params, sizeof *params};
    CK_FUNCTION_LIST *f = functions_of(hsm);
    CK_ULONG made = sizeof plain;
    if (size > APDU_MOST) {
        return WK_E_FULL;
    }
    if (size > 0) {
        memcpy(sealed, text->in, size);
        memset(text->out, 0, size);
    }
    memcpy(sealed + size, tag, TAG);
    WK_TRY(checked(hsm, f->C_DecryptInit(hsm->session, &mechanism, key), "opening"));
    const CK_RV code = f->C_Decrypt(hsm->session, sealed, size + TAG, plain, &made);
    if (code != CKR_OK) {
        /* tokens do not agree on the code of a wrong tag, and nothing else can go wrong here */
        return fail(hsm, WK_E_AUTH, "opening", code);
    }
    if (made != size) {
        return fail(hsm, WK_E_IO, "opening gave another length", made);
    }
    if (size > 0) {
        memcpy(text->out, plain, size);
    }
    memset(plain, 0, sizeof plain);
    return WK_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters of wk_hal_crypto */
static wk_err gcm_open(void *self, const struct wk_hal_key *key, const uint8_t iv[12],
                       const void *aad, size_t aad_size, const uint8_t *in, uint8_t *out,
                       size_t size, const uint8_t *tag, size_t tag_size)
{
    struct wk_hsm *hsm = self;
    if (key->slot == 0) {
        return hsm->software.hal.gcm_open(&hsm->software, key, iv, aad, aad_size, in, out, size,
                                          tag, tag_size);
    }
    CK_OBJECT_HANDLE object;
    WK_TRY(object_of(hsm, CKO_SECRET_KEY, key->slot, &object));
    if (tag_size == 0) {
        return open_unchecked(hsm, object, iv, in, out, size);
    }
    CK_GCM_PARAMS params = {(CK_BYTE_PTR)(uintptr_t)iv,  12,       96,
                            (CK_BYTE_PTR)(uintptr_t)aad, aad_size, TAG_BITS};
    return open_checked(hsm, object, &params, &(struct text){in, out, size}, tag);
}

/* ---- key wrap ---------------------------------------------------------------------------- */

static wk_err wrap(void *self, const struct wk_hal_key *kek, const struct wk_hal_key *key,
                   uint8_t out[WK_HAL_WRAPPED])
{
    struct wk_hsm *hsm = self;
    CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE by;
    CK_OBJECT_HANDLE what;
    if (key->slot != 0) {
        return WK_E_DENIED; /* no key leaves the token */
    }
    if (kek->slot == 0) {
        return hsm->software.hal.wrap(&hsm->software, kek, key, out);
    }
    WK_TRY(object_of(hsm, CKO_SECRET_KEY, kek->slot, &by));
    WK_TRY(make_passing(hsm, key->octets, key->size, &what));
    CK_ULONG size = WK_HAL_WRAPPED;
    CK_FUNCTION_LIST *f = functions_of(hsm);
    const CK_RV code = f->C_WrapKey(hsm->session, &mechanism, by, what, out, &size);
    (void)f->C_DestroyObject(hsm->session, what);
    WK_TRY(checked(hsm, code, "wrapping a key"));
    return size == (CK_ULONG)key->size + 8 ? WK_OK : fail(hsm, WK_E_IO, "another length", size);
}

static wk_err unwrap_into_slot(struct wk_hsm *hsm, CK_OBJECT_HANDLE by, const uint8_t *wrapped,
                               size_t size, uint8_t slot)
{
    static const CK_OBJECT_CLASS k_class = CKO_SECRET_KEY;
    static const CK_KEY_TYPE k_type = CKK_AES;
    char label[LABEL];
    WK_TRY(name_of(slot, label));
    CK_ATTRIBUTE made[] = {
        ATTRIBUTE(CKA_CLASS, k_class),    ATTRIBUTE(CKA_KEY_TYPE, k_type),
        ATTRIBUTE(CKA_TOKEN, k_true),     ATTRIBUTE(CKA_PRIVATE, k_true),
        ATTRIBUTE(CKA_SENSITIVE, k_true), ATTRIBUTE(CKA_EXTRACTABLE, k_false),
        ATTRIBUTE(CKA_ENCRYPT, k_true),   ATTRIBUTE(CKA_DECRYPT, k_true),
        ATTRIBUTE(CKA_WRAP, k_true),      ATTRIBUTE(CKA_UNWRAP, k_true),
        ATTRIBUTE(CKA_ID, slot),          {CKA_LABEL, label, strlen(label)}};
    CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE before;
    CK_OBJECT_HANDLE object;
    CK_FUNCTION_LIST *f = functions_of(hsm);
    WK_TRY(find(hsm, CKO_SECRET_KEY, slot, &before));
    WK_TRY(checked(hsm,
                   f->C_UnwrapKey(hsm->session, &mechanism, by, (CK_BYTE_PTR)(uintptr_t)wrapped,
                                  size, made, 12, &object),
                   "unwrapping a key"));
    hsm->secret[slot] = object;
    if (before != CK_INVALID_HANDLE) { /* only now: a cut before left the old one */
        (void)f->C_DestroyObject(hsm->session, before);
    }
    return WK_OK;
}

static wk_err unwrap_in_clear(struct wk_hsm *hsm, CK_OBJECT_HANDLE by, const uint8_t *wrapped,
                              size_t size, struct wk_hal_key *key)
{
    static const CK_OBJECT_CLASS k_class = CKO_SECRET_KEY;
    static const CK_KEY_TYPE k_type = CKK_AES;
    uint8_t octets[WK_HAL_KEY_SIZE];
    CK_ATTRIBUTE made[] = {ATTRIBUTE(CKA_CLASS, k_class), ATTRIBUTE(CKA_KEY_TYPE, k_type),
                           ATTRIBUTE(CKA_TOKEN, k_false), ATTRIBUTE(CKA_SENSITIVE, k_false),
                           ATTRIBUTE(CKA_EXTRACTABLE, k_true)};
    CK_ATTRIBUTE wanted = {CKA_VALUE, octets, sizeof octets};
    CK_MECHANISM mechanism = {CKM_AES_KEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE object;
    CK_FUNCTION_LIST *f = functions_of(hsm);
    WK_TRY(checked(hsm,
                   f->C_UnwrapKey(hsm->session, &mechanism, by, (CK_BYTE_PTR)(uintptr_t)wrapped,
                                  size, made, 5, &object),
                   "unwrapping a key"));
    const CK_RV code = f->C_GetAttributeValue(hsm->session, object, &wanted, 1);
    (void)f->C_DestroyObject(hsm->session, object);
    WK_TRY(checked(hsm, code, "reading an unwrapped key"));
    *key = (struct wk_hal_key){.size = (uint8_t)wanted.ulValueLen};
    memcpy(key->octets, octets, wanted.ulValueLen);
    memset(octets, 0, sizeof octets);
    return WK_OK;
}

static wk_err unwrap(void *self, const struct wk_hal_key *kek, const uint8_t *wrapped,
                     size_t size, struct wk_hal_key *key)
{
    struct wk_hsm *hsm = self;
    CK_OBJECT_HANDLE by;
    if (size != 24 && size != 40) {
        return WK_E_ARGUMENT;
    }
    if (kek->slot == 0 && key->slot == 0) {
        return hsm->software.hal.unwrap(&hsm->software, kek, wrapped, size, key);
    }
    if (kek->slot == 0) { /* wrapped by a key that we have: import what comes out */
        struct wk_hal_key clear = {.size = 0};
        const uint8_t slot = key->slot;
        WK_TRY(hsm->software.hal.unwrap(&hsm->software, kek, wrapped, size, &clear));
        WK_TRY(wk_hsm_import(hsm, slot, clear.octets, clear.size));
        key->size = clear.size;
        memset(&clear, 0, sizeof clear);
        return WK_OK;
    }
    WK_TRY(object_of(hsm, CKO_SECRET_KEY, kek->slot, &by));
    if (key->slot == 0) {
        return unwrap_in_clear(hsm, by, wrapped, size, key);
    }
    WK_TRY(unwrap_into_slot(hsm, by, wrapped, size, key->slot));
    key->size = (uint8_t)(size - 8);
    return WK_OK;
}

/* ---- elliptic curves --------------------------------------------------------------------- */

/* The object identifiers of P-256 and P-384 in DER. */
static const uint8_t k_p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
static const uint8_t k_p384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};

static wk_err sign(void *self, const struct wk_hal_private *key, const uint8_t *hash,
                   uint8_t signature[WK_HAL_POINT])
{
    struct wk_hsm *hsm = self;
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_OBJECT_HANDLE object;
    if (key->slot == 0) {
        return hsm->software.hal.sign(&hsm->software, key, hash, signature);
    }
    CK_FUNCTION_LIST *f = functions_of(hsm);
    CK_ULONG size = WK_HAL_POINT;
    WK_TRY(object_of(hsm, CKO_PRIVATE_KEY, key->slot, &object));
    WK_TRY(checked(hsm, f->C_SignInit(hsm->session, &mechanism, object), "signing"));
    WK_TRY(checked(
        hsm, f->C_Sign(hsm->session, (CK_BYTE_PTR)(uintptr_t)hash, key->size, signature, &size),
        "signing"));
    return size == 2UL * key->size ? WK_OK : fail(hsm, WK_E_IO, "another curve", size);
}

static wk_err agree(void *self, const struct wk_hal_private *key, const uint8_t *point,
                    uint8_t secret[WK_HAL_EC])
{
    static const CK_OBJECT_CLASS k_class = CKO_SECRET_KEY;
    static const CK_KEY_TYPE k_type = CKK_GENERIC_SECRET;
    struct wk_hsm *hsm = self;
    CK_OBJECT_HANDLE own;
    CK_OBJECT_HANDLE derived;
    if (key->slot == 0) {
        return hsm->software.hal.agree(&hsm->software, key, point, secret);
    }
    uint8_t other[1 + WK_HAL_POINT] = {0x04}; /* not compressed */
    memcpy(other + 1, point, 2U * key->size);
    CK_ECDH1_DERIVE_PARAMS params = {CKD_NULL, 0, NULL, 1U + 2U * key->size, other};
    CK_MECHANISM mechanism = {CKM_ECDH1_DERIVE, &params, sizeof params};
    const CK_ULONG size = key->size;
    CK_ATTRIBUTE made[] = {
        ATTRIBUTE(CKA_CLASS, k_class),      ATTRIBUTE(CKA_KEY_TYPE, k_type),
        ATTRIBUTE(CKA_TOKEN, k_false),      ATTRIBUTE(CKA_SENSITIVE, k_false),
        ATTRIBUTE(CKA_EXTRACTABLE, k_true), ATTRIBUTE(CKA_VALUE_LEN, size)};
    CK_ATTRIBUTE wanted = {CKA_VALUE, secret, key->size};
    CK_FUNCTION_LIST *f = functions_of(hsm);
    WK_TRY(object_of(hsm, CKO_PRIVATE_KEY, key->slot, &own));
    const CK_RV code = f->C_DeriveKey(hsm->session, &mechanism, own, made, 6, &derived);
    if (code != CKR_OK) {
        return fail(hsm, WK_E_RANGE, "agreeing on a secret", code); /* the point is wrong */
    }
    const CK_RV read = f->C_GetAttributeValue(hsm->session, derived, &wanted, 1);
    (void)f->C_DestroyObject(hsm->session, derived);
    return checked(hsm, read, "reading an agreed secret");
}

wk_err wk_hsm_point(struct wk_hsm *hsm, uint8_t slot, uint8_t point[WK_HAL_POINT],
                    uint8_t *size)
{
    uint8_t der[4 + WK_HAL_POINT];
    CK_OBJECT_HANDLE object;
    CK_ATTRIBUTE wanted = {CKA_EC_POINT, der, sizeof der};
    WK_TRY(find(hsm, CKO_PUBLIC_KEY, slot, &object));
    if (object == CK_INVALID_HANDLE) {
        return WK_E_NOT_FOUND;
    }
    WK_TRY(checked(hsm,
                   functions_of(hsm)->C_GetAttributeValue(hsm->session, object, &wanted, 1),
                   "reading a public key"));
    /* an octet string: 04, length in one octet, 04, x, y */
    const CK_ULONG octets = wanted.ulValueLen;
    const bool known = octets == 3 + 2 * 32 || octets == 3 + 2 * 48;
    if (!known || der[0] != 0x04 || der[1] != octets - 2 || der[2] != 0x04) {
        return fail(hsm, WK_E_FORMAT, "a public key of another form", octets);
    }
    *size = (uint8_t)((octets - 3) / 2);
    memcpy(point, der + 3, octets - 3);
    return WK_OK;
}

/* CKA_ID of the private key with that label. */
static wk_err slot_of_label(struct wk_hsm *hsm, const char *label, uint8_t *slot)
{
    static const CK_OBJECT_CLASS k_class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[] = {ATTRIBUTE(CKA_CLASS, k_class),
                             {CKA_LABEL, (void *)(uintptr_t)label, strlen(label)}};
    CK_OBJECT_HANDLE found = CK_INVALID_HANDLE;
    CK_ULONG count = 0;
    uint8_t id[8];
    CK_ATTRIBUTE told = {CKA_ID, id, sizeof id};
    CK_FUNCTION_LIST *f = functions_of(hsm);
    WK_TRY(checked(hsm, f->C_FindObjectsInit(hsm->session, wanted, 2), "searching a key"));
    const CK_RV code = f->C_FindObjects(hsm->session, &found, 1, &count);
    (void)f->C_FindObjectsFinal(hsm->session);
    WK_TRY(checked(hsm, code, "searching a key"));
    if (count != 1 || f->C_GetAttributeValue(hsm->session, found, &told, 1) != CKR_OK ||
        told.ulValueLen != 1 || id[0] == 0) {
        (void)snprintf(hsm->error, sizeof hsm->error,
                       "the token has no private key \"%.60s\" in a slot", label);
        return WK_E_NOT_FOUND;
    }
    *slot = id[0];
    return WK_OK;
}

void wk_hsm_look_again(struct wk_hsm *hsm)
{
    memset(hsm->secret, 0, sizeof hsm->secret);
    memset(hsm->private_key, 0, sizeof hsm->private_key);
}

wk_err wk_hsm_slot_of(struct wk_hsm *hsm, const char *name, uint8_t *slot)
{
    char *end;
    CK_OBJECT_HANDLE object;
    const unsigned long number = strtoul(name, &end, 10);
    if (end == name || *end != '\0' || number == 0 || number > WK_HSM_SLOTS) {
        return slot_of_label(hsm, name, slot);
    }
    *slot = (uint8_t)number;
    return object_of(hsm, CKO_PRIVATE_KEY, *slot, &object);
}

static wk_err generate_in_slot(struct wk_hsm *hsm, const struct wk_hal_private *key)
{
    const bool p256 = key->size == 32;
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    char label[LABEL];
    const uint8_t slot = key->slot;
    WK_TRY(name_of(slot, label));
    CK_ATTRIBUTE public_part[] = {ATTRIBUTE(CKA_TOKEN, k_true),
                                  ATTRIBUTE(CKA_VERIFY, k_true),
                                  ATTRIBUTE(CKA_ID, slot),
                                  {CKA_LABEL, label, strlen(label)},
                                  {CKA_EC_PARAMS, (void *)(uintptr_t)(p256 ? k_p256 : k_p384),
                                   p256 ? sizeof k_p256 : sizeof k_p384}};
    CK_ATTRIBUTE private_part[] = {
        ATTRIBUTE(CKA_TOKEN, k_true),     ATTRIBUTE(CKA_PRIVATE, k_true),
        ATTRIBUTE(CKA_SENSITIVE, k_true), ATTRIBUTE(CKA_EXTRACTABLE, k_false),
        ATTRIBUTE(CKA_SIGN, k_true),      ATTRIBUTE(CKA_DERIVE, k_true),
        ATTRIBUTE(CKA_ID, slot),          {CKA_LABEL, label, strlen(label)}};
    CK_OBJECT_HANDLE made[2];
    WK_TRY(wk_hsm_erase(hsm, slot));
    WK_TRY(checked(hsm,
                   functions_of(hsm)->C_GenerateKeyPair(hsm->session, &mechanism, public_part,
                                                        5, private_part, 8, &made[0], &made[1]),
                   "making a key pair"));
    hsm->private_key[slot] = made[1];
    return WK_OK;
}

static wk_err generate(void *self, struct wk_hal_private *key, uint8_t point[WK_HAL_POINT])
{
    struct wk_hsm *hsm = self;
    uint8_t size;
    if (key->size != 32 && key->size != 48) {
        return WK_E_UNSUPPORTED;
    }
    if (key->slot == 0) {
        return hsm->software.hal.generate(&hsm->software, key, point);
    }
    WK_TRY(generate_in_slot(hsm, key));
    return wk_hsm_point(hsm, key->slot, point, &size);
}

/* ---- what needs no key of the token ---------------------------------------------------------- */

static wk_err sha256(void *self, const void *in, size_t size, uint8_t out[32])
{
    struct wk_hsm *hsm = self;
    return hsm->software.hal.sha256(&hsm->software, in, size, out);
}

static wk_err digest_begin(void *self)
{
    struct wk_hsm *hsm = self;
    return hsm->software.hal.digest_begin(&hsm->software);
}

static wk_err digest_add(void *self, const void *in, size_t size)
{
    struct wk_hsm *hsm = self;
    return hsm->software.hal.digest_add(&hsm->software, in, size);
}

static wk_err digest_end(void *self, uint8_t out[32])
{
    struct wk_hsm *hsm = self;
    return hsm->software.hal.digest_end(&hsm->software, out);
}

static wk_err hash(void *self, wk_hal_hash kind, const void *in, size_t size, uint8_t *out)
{
    struct wk_hsm *hsm = self;
    return hsm->software.hal.hash(&hsm->software, kind, in, size, out);
}

static wk_err verify(void *self, size_t size, const uint8_t *point, const uint8_t *digest,
                     const uint8_t *signature)
{
    struct wk_hsm *hsm = self;
    return hsm->software.hal.verify(&hsm->software, size, point, digest, signature);
}

static wk_err draw(void *self, void *to, size_t size)
{
    struct wk_hsm *hsm = self;
    return checked(hsm, functions_of(hsm)->C_GenerateRandom(hsm->session, to, size),
                   "drawing random octets");
}

/* ---- opening and closing ----------------------------------------------------------------- */

static wk_err load(struct wk_hsm *hsm, const char *module)
{
    hsm->library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    if (hsm->library == NULL) {
        (void)snprintf(hsm->error, sizeof hsm->error, "PKCS#11 module: %.150s", dlerror());
        return WK_E_NOT_FOUND;
    }
    CK_C_GetFunctionList get = NULL;
    void *symbol = dlsym(hsm->library, "C_GetFunctionList");
    memcpy(&get, &symbol, sizeof get);
    CK_FUNCTION_LIST *list = NULL;
    if (get == NULL || get(&list) != CKR_OK) {
        (void)snprintf(hsm->error, sizeof hsm->error, "%.120s is no PKCS#11 module", module);
        return WK_E_NOT_FOUND;
    }
    const CK_RV code = list->C_Initialize(NULL);
    if (code != CKR_OK && code != CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        return fail(hsm, WK_E_IO, "starting the module", code);
    }
    hsm->functions = list;
    return WK_OK;
}

/* Labels are padded with spaces. */
static bool is_labelled(const CK_TOKEN_INFO *info, const char *label)
{
    const size_t size = label != NULL ? strlen(label) : 0;
    bool same = size <= sizeof info->label;
    for (size_t i = 0; i < sizeof info->label && same && label != NULL; i++) {
        same = info->label[i] == (i < size ? (CK_UTF8CHAR)label[i] : ' ');
    }
    return same && (info->flags & CKF_TOKEN_INITIALIZED) != 0;
}

static wk_err find_token(struct wk_hsm *hsm, const char *label, CK_SLOT_ID *slot)
{
    CK_SLOT_ID slots[TOKENS_MOST];
    CK_ULONG count = TOKENS_MOST;
    CK_FUNCTION_LIST *f = functions_of(hsm);
    WK_TRY(checked(hsm, f->C_GetSlotList(CK_TRUE, slots, &count), "listing tokens"));
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (f->C_GetTokenInfo(slots[i], &info) == CKR_OK && is_labelled(&info, label)) {
            *slot = slots[i];
            return WK_OK;
        }
    }
    (void)snprintf(
        hsm->error, sizeof hsm->error,
        "there is no initialized token%s%.60s among %lu; see softhsm2-util --show-slots",
        label != NULL ? " labelled " : "", label != NULL ? label : "", count);
    return WK_E_NOT_FOUND;
}

static wk_err log_in(struct wk_hsm *hsm, const struct wk_hsm_config *config)
{
    CK_SLOT_ID slot;
    CK_FUNCTION_LIST *f = functions_of(hsm);
    WK_TRY(find_token(hsm, config->label, &slot));
    WK_TRY(checked(
        hsm,
        f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &hsm->session),
        "opening a session"));
    const CK_RV code = f->C_Login(hsm->session, CKU_USER,
                                  (CK_UTF8CHAR_PTR)(uintptr_t)config->pin, strlen(config->pin));
    if (code == CKR_OK || code == CKR_USER_ALREADY_LOGGED_IN) {
        return WK_OK;
    }
    if (code == CKR_PIN_INCORRECT || code == CKR_PIN_LOCKED || code == CKR_PIN_LEN_RANGE) {
        (void)snprintf(hsm->error, sizeof hsm->error,
                       code == CKR_PIN_LOCKED ? "the token is locked after too many wrong PINs"
                                              : "the token refuses the PIN");
        return WK_E_AUTH;
    }
    return fail(hsm, WK_E_IO, "logging in", code);
}

wk_err wk_hsm_open(struct wk_hsm *hsm, const struct wk_hsm_config *config)
{
    memset(hsm, 0, sizeof *hsm);
    wk_err err = wk_crypto_init(&hsm->software);
    err = err == WK_OK ? load(hsm, config->module) : err;
    err = err == WK_OK ? log_in(hsm, config) : err;
    if (err != WK_OK) {
        char error[WK_HSM_ERROR];
        memcpy(error, hsm->error, sizeof error);
        wk_hsm_close(hsm);
        memcpy(hsm->error, error, sizeof error);
        return err;
    }
    hsm->hal = (struct wk_hal_crypto){.self = hsm,
                                      .gcm_seal = gcm_seal,
                                      .gcm_open = gcm_open,
                                      .sha256 = sha256,
                                      .random = draw,
                                      .digest_begin = digest_begin,
                                      .digest_add = digest_add,
                                      .digest_end = digest_end,
                                      .hash = hash,
                                      .wrap = wrap,
                                      .unwrap = unwrap,
                                      .sign = sign,
                                      .verify = verify,
                                      .agree = agree,
                                      .generate = generate};
    return WK_OK;
}

void wk_hsm_close(struct wk_hsm *hsm)
{
    CK_FUNCTION_LIST *f = functions_of(hsm);
    if (f != NULL) {
        if (hsm->session != CK_INVALID_HANDLE) {
            (void)f->C_Logout(hsm->session);
            (void)f->C_CloseSession(hsm->session);
        }
        (void)f->C_Finalize(NULL);
    }
    if (hsm->library != NULL) {
        (void)dlclose(hsm->library);
    }
    wk_crypto_close(&hsm->software);
    memset(hsm, 0, sizeof *hsm);
}
