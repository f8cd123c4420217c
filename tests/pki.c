/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pki.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATH_ROOM 256

static EVP_PKEY *make_key(const char *curve)
{
    if (strncmp(curve, "RSA-", 4) == 0) {
        return EVP_RSA_gen(strcmp(curve, "RSA-1024") == 0 ? 1024U : 2048U);
    }
    return strcmp(curve, "ED25519") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                         : EVP_EC_gen(curve);
}

static bool add(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    const bool good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

static bool add_all(X509 *certificate, X509 *issuer, const struct wk_pki_wish *wish)
{
    const char *usage =
        wish->authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
    const char *constraints = !wish->authority     ? "critical,CA:FALSE"
                              : wish->path_limited ? "critical,CA:TRUE,pathlen:0"
                                                   : "critical,CA:TRUE";
    const char *purpose = wish->purpose != NULL ? wish->purpose : "serverAuth,clientAuth";
    const bool has_purpose = !wish->authority && purpose[0] != '\0';
    return add(certificate, issuer, NID_subject_key_identifier, "hash") &&
           add(certificate, issuer, NID_authority_key_identifier, "keyid") &&
           add(certificate, issuer, NID_basic_constraints, constraints) &&
           add(certificate, issuer, NID_key_usage, wish->usage != NULL ? wish->usage : usage) &&
           (!has_purpose || add(certificate, issuer, NID_ext_key_usage, purpose)) &&
           (wish->names == NULL || add(certificate, issuer, NID_subject_alt_name, wish->names));
}

static const EVP_MD *hash_of(EVP_PKEY *key, const struct wk_pki_wish *wish)
{
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
        return NULL;
    }
    return wish->sha1                      ? EVP_sha1()
           : EVP_PKEY_get_bits(key) == 384 ? EVP_sha384()
                                           : EVP_sha256();
}

bool wk_pki_certify(struct wk_pki_entity *made, EVP_PKEY *key,
                    const struct wk_pki_entity *issuer, const struct wk_pki_wish *wish)
{
    static long serial = 1;
    X509 *certificate = X509_new();
    const int64_t from_s = wish->from_s != 0 ? wish->from_s : -WK_PKI_DAY_S;
    const int64_t until_s = wish->until_s != 0 ? wish->until_s : 10 * WK_PKI_DAY_S;
    if (certificate == NULL || EVP_PKEY_up_ref(key) != 1) {
        X509_free(certificate);
        return false;
    }
    *made = (struct wk_pki_entity){certificate, key};
    X509 *above = issuer != NULL ? issuer->certificate : certificate;
    EVP_PKEY *signer = issuer != NULL ? issuer->key : key;
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, 2) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), from_s) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), until_s) != NULL &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                      (const unsigned char *)wish->subject, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, X509_get_subject_name(above)) == 1 &&
           X509_set_pubkey(certificate, key) == 1 && add_all(certificate, above, wish) &&
           X509_sign(certificate, signer, hash_of(signer, wish)) > 0;
}

bool wk_pki_make(struct wk_pki_entity *made, const struct wk_pki_entity *issuer,
                 const struct wk_pki_wish *wish)
{
    EVP_PKEY *key = make_key(wish->curve != NULL ? wish->curve : "P-256");
    *made = (struct wk_pki_entity){NULL, NULL};
    const bool good = key != NULL && wk_pki_certify(made, key, issuer, wish);
    EVP_PKEY_free(key);
    return good;
}

void wk_pki_free(struct wk_pki_entity *entity)
{
    X509_free(entity->certificate);
    EVP_PKEY_free(entity->key);
    *entity = (struct wk_pki_entity){NULL, NULL};
}

bool wk_pki_write_chain(const char *path, const struct wk_pki_entity *const *chain)
{
    FILE *file = fopen(path, "w");
    bool good = file != NULL;
    for (size_t i = 0; good && chain[i] != NULL; i++) {
        good = PEM_write_X509(file, chain[i]->certificate) == 1;
    }
    return file != NULL && fclose(file) == 0 && good;
}

bool wk_pki_write_key(const char *path, const struct wk_pki_entity *entity)
{
    FILE *file = fopen(path, "w");
    const bool good =
        file != NULL && PEM_write_PrivateKey(file, entity->key, NULL, NULL, 0, NULL, NULL) == 1;
    return file != NULL && fclose(file) == 0 && good;
}

static bool revoke(X509_CRL *list, const X509 *certificate, ASN1_TIME *now)
{
    X509_REVOKED *row = X509_REVOKED_new();
    const bool good =
        row != NULL &&
        X509_REVOKED_set_serialNumber(
            row, (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(certificate)) == 1 &&
        X509_REVOKED_set_revocationDate(row, now) == 1 && X509_CRL_add0_revoked(list, row) == 1;
    if (!good) {
        X509_REVOKED_free(row);
    }
    return good;
}

bool wk_pki_write_list(const char *path, const struct wk_pki_entity *issuer,
                       const struct wk_pki_entity *revoked, int64_t next_s, bool append)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *last = X509_gmtime_adj(NULL, -2 * WK_PKI_DAY_S);
    ASN1_TIME *next = X509_gmtime_adj(NULL, next_s);
    FILE *file = fopen(path, append ? "a" : "w");
    bool good =
        list != NULL && last != NULL && next != NULL && file != NULL &&
        X509_CRL_set_version(list, 1) == 1 &&
        X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->certificate)) == 1 &&
        X509_CRL_set1_lastUpdate(list, last) == 1 &&
        X509_CRL_set1_nextUpdate(list, next) == 1 &&
        (revoked == NULL || revoke(list, revoked->certificate, last)) &&
        X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0 &&
        PEM_write_X509_CRL(file, list) == 1;
    good = file != NULL && fclose(file) == 0 && good;
    ASN1_TIME_free(last);
    ASN1_TIME_free(next);
    X509_CRL_free(list);
    return good;
}

static const char *in_folder(const char *folder, const char *file)
{
    static char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    return path;
}

bool wk_pki_write_credentials(const char *folder, const char *names)
{
    struct wk_pki_entity root = {NULL, NULL};
    struct wk_pki_entity own = {NULL, NULL};
    const struct wk_pki_wish root_wish = {.subject = "root", .authority = true};
    const struct wk_pki_wish own_wish = {.subject = "own", .names = names};
    const struct wk_pki_entity *const roots[] = {&root, NULL};
    const struct wk_pki_entity *const chain[] = {&own, NULL};
    const bool good = wk_pki_make(&root, NULL, &root_wish) &&
                      wk_pki_make(&own, &root, &own_wish) &&
                      wk_pki_write_chain(in_folder(folder, "ca.pem"), roots) &&
                      wk_pki_write_chain(in_folder(folder, "own.pem"), chain) &&
                      wk_pki_write_key(in_folder(folder, "own.key"), &own);
    wk_pki_free(&root);
    wk_pki_free(&own);
    return good;
}
