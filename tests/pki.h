/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/pki - a certification authority for tests: certificates of every kind, right and wrong,
 * and revocation lists, as PEM files. */
#ifndef WK_TEST_PKI_H
#define WK_TEST_PKI_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#define WK_PKI_DAY_S 86400

struct wk_pki_entity {
    X509 *certificate;
    EVP_PKEY *key;
};

/* What a certificate says. Zero: as it should be. */
struct wk_pki_wish {
    const char *subject;
    const char *names; /* "DNS:meter.example,IP:127.0.0.1"; NULL: none */
    const char *curve; /* "P-256" if NULL; "RSA-1024", "RSA-2048", "ED25519" also */
    const char
        *usage; /* key usage; NULL: digitalSignature, of an authority keyCertSign,cRLSign */
    const char *purpose; /* extended key usage; NULL: serverAuth,clientAuth; "": none */
    bool authority;
    bool path_limited; /* an authority that may have no other below it */
    bool sha1;         /* signed with it */
    int64_t from_s;    /* from now; 0: a day ago */
    int64_t until_s;   /* 0: in ten days */
};

/** A certificate under `issuer`; NULL: it signs itself. False: OpenSSL refuses. */
bool wk_pki_make(struct wk_pki_entity *made, const struct wk_pki_entity *issuer,
                 const struct wk_pki_wish *wish);
/** The same over a key that is there; `key` stays the caller's. */
bool wk_pki_certify(struct wk_pki_entity *made, EVP_PKEY *key,
                    const struct wk_pki_entity *issuer, const struct wk_pki_wish *wish);
void wk_pki_free(struct wk_pki_entity *entity);

/** Writes PEM files: a chain of certificates (NULL ends it), a key, a revocation list. */
bool wk_pki_write_chain(const char *path, const struct wk_pki_entity *const *chain);
bool wk_pki_write_key(const char *path, const struct wk_pki_entity *entity);
/** A list of `issuer` with one certificate on it (NULL: none), due anew in `next_s`. `append`:
 *  behind the lists that are in the file. */
bool wk_pki_write_list(const char *path, const struct wk_pki_entity *issuer,
                       const struct wk_pki_entity *revoked, int64_t next_s, bool append);

/** An authority, and below it a certificate of `names` with its key: ca.pem, own.pem, own.key. */
bool wk_pki_write_credentials(const char *folder, const char *names);

#endif
