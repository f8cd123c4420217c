/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/authority_part.h"
#include "port/linux/whole_file.h"

#define ROOT     "root.pem"
#define ROOT_KEY "root.key"
#define LOCK     "lock"
#define PEM_ROOM 8192
#define NUMBER   16 /* octets of a serial number */

/* ---- what both files need ---------------------------------------------------------------- */

wk_err wk_authority_fail(char error[WK_AUTHORITY_ERROR], wk_err err, const char *what,
                         const char *why)
{
    (void)snprintf(error, WK_AUTHORITY_ERROR, "%.120s: %.120s", what, why);
    ERR_clear_error();
    return err;
}

void wk_authority_path(const char *folder, const char *file, char path[WK_AUTHORITY_FILE])
{
    (void)snprintf(path, WK_AUTHORITY_FILE, "%.511s/%.40s", folder, file);
}

int wk_authority_lock(const char *folder)
{
    char path[WK_AUTHORITY_FILE];
    wk_authority_path(folder, LOCK, path);
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0 && flock(file, LOCK_EX) != 0) {
        (void)close(file);
        return -1;
    }
    return file;
}

bool wk_authority_extend(X509 *certificate, X509 *issuer, int kind, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
    const bool good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

bool wk_authority_number(X509 *certificate, char serial[WK_AUTHORITY_SERIAL])
{
    uint8_t octets[NUMBER];
    if (RAND_bytes(octets, sizeof octets) != 1) {
        return false;
    }
    octets[0] = (octets[0] & 0x7FU) | 0x40U; /* positive, and always as long */
    for (size_t i = 0; i < sizeof octets; i++) {
        (void)snprintf(serial + 2 * i, 3, "%02X", octets[i]);
    }
    BIGNUM *number = BN_bin2bn(octets, sizeof octets, NULL);
    const bool good = number != NULL &&
                      BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return good;
}

bool wk_authority_date(X509 *certificate, int64_t from_s, int64_t until_s)
{
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)from_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)until_s) != NULL;
}

const EVP_MD *wk_authority_hash(const EVP_PKEY *key)
{
    return EVP_PKEY_get_bits(key) == 384 ? EVP_sha384() : EVP_sha256();
}

bool wk_authority_seconds(const ASN1_TIME *time, int64_t *utc_s)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return false;
    }
    *utc_s = (int64_t)timegm(&parts);
    return true;
}

static wk_err keep_text(const char *path, BIO *text)
{
    char *data = NULL;
    const long size = BIO_get_mem_data(text, &data);
    return size > 0 ? wk_whole_file_put(path, data, (size_t)size) : WK_E_IO;
}

wk_err wk_authority_keep(const char *path, X509 *certificate)
{
    BIO *text = BIO_new(BIO_s_mem());
    const wk_err err = text != NULL && PEM_write_bio_X509(text, certificate) == 1
                           ? keep_text(path, text)
                           : WK_E_IO;
    BIO_free(text);
    return err;
}

/* ---- the root ---------------------------------------------------------------------------- */

static wk_err keep_key(const char *path, EVP_PKEY *key)
{
    BIO *text = BIO_new(BIO_s_secmem());
    const wk_err err =
        text != NULL && PEM_write_bio_PrivateKey(text, key, NULL, NULL, 0, NULL, NULL) == 1
            ? keep_text(path, text)
            : WK_E_IO;
    BIO_free(text);
    return err;
}

static X509 *make_root(EVP_PKEY *key, const char *name, int64_t now_s, int64_t life_s)
{
    char serial[WK_AUTHORITY_SERIAL];
    X509 *root = X509_new();
    X509_NAME *subject = root != NULL ? X509_get_subject_name(root) : NULL;
    const bool good =
        subject != NULL && X509_set_version(root, X509_VERSION_3) == 1 &&
        wk_authority_number(root, serial) &&
        wk_authority_date(root, now_s - 300, now_s + life_s) &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
                                   -1, -1, 0) == 1 &&
        X509_set_issuer_name(root, subject) == 1 && X509_set_pubkey(root, key) == 1 &&
        wk_authority_extend(root, root, NID_subject_key_identifier, "hash") &&
        wk_authority_extend(root, root, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        wk_authority_extend(root, root, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        X509_sign(root, key, wk_authority_hash(key)) > 0;
    if (!good) {
        X509_free(root);
        return NULL;
    }
    return root;
}

/* The key first: a root without its key would be told as one that is there. */
static wk_err keep_root(const char *folder, EVP_PKEY *key, X509 *root,
                        char error[WK_AUTHORITY_ERROR])
{
    char path[WK_AUTHORITY_FILE];
    wk_authority_path(folder, ROOT_KEY, path);
    if (keep_key(path, key) != WK_OK) {
        return wk_authority_fail(error, WK_E_IO, path, strerror(errno));
    }
    wk_authority_path(folder, ROOT, path);
    return wk_authority_keep(path, root) == WK_OK
               ? WK_OK
               : wk_authority_fail(error, WK_E_IO, path, strerror(errno));
}

wk_err wk_authority_make(const char *folder, const char *name, bool p384, int64_t now_s,
                         int64_t life_s, char error[WK_AUTHORITY_ERROR])
{
    char path[WK_AUTHORITY_FILE];
    struct wk_authority made = {.root = NULL};
    if (strlen(folder) >= sizeof made.folder || name[0] == '\0' ||
        strlen(name) >= WK_AUTHORITY_SUBJECT || life_s <= 0) {
        return wk_authority_fail(error, WK_E_ARGUMENT, folder,
                                 "folder or name is too long, or the life is not");
    }
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return wk_authority_fail(error, WK_E_IO, folder, strerror(errno));
    }
    wk_authority_path(folder, ROOT, path);
    if (access(path, F_OK) == 0) {
        return wk_authority_fail(error, WK_E_STATE, folder,
                                 "there is an authority already; it is not replaced");
    }
    EVP_PKEY *key = EVP_EC_gen(p384 ? "P-384" : "P-256");
    X509 *root = key != NULL ? make_root(key, name, now_s, life_s) : NULL;
    wk_err err = root != NULL
                     ? keep_root(folder, key, root, error)
                     : wk_authority_fail(error, WK_E_IO, folder, "the root cannot be made");
    X509_free(root);
    EVP_PKEY_free(key);
    if (err == WK_OK) {
        err = wk_authority_open(&made, folder, error);
    }
    if (err == WK_OK) {
        err = wk_authority_list(&made, now_s, WK_AUTHORITY_LIST_S, error);
        wk_authority_close(&made);
    }
    return err;
}

wk_err wk_authority_open(struct wk_authority *authority, const char *folder,
                         char error[WK_AUTHORITY_ERROR])
{
    char path[WK_AUTHORITY_FILE];
    *authority = (struct wk_authority){.root = NULL};
    if (strlen(folder) >= sizeof authority->folder) {
        return wk_authority_fail(error, WK_E_NOT_FOUND, folder, "is too long a path");
    }
    (void)snprintf(authority->folder, sizeof authority->folder, "%s", folder);
    wk_authority_path(folder, ROOT, path);
    FILE *file = fopen(path, "re");
    authority->root = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    wk_authority_path(folder, ROOT_KEY, path);
    file = fopen(path, "re");
    authority->key =
        file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, (void *)(uintptr_t) "") : NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (authority->root == NULL || authority->key == NULL) {
        wk_authority_close(authority);
        return wk_authority_fail(
            error, WK_E_NOT_FOUND, folder,
            "holds no authority (root.pem and root.key); see wk authority");
    }
    if (X509_check_private_key(authority->root, authority->key) != 1) {
        wk_authority_close(authority);
        return wk_authority_fail(error, WK_E_FORMAT, folder,
                                 "root.key is not that of root.pem");
    }
    return WK_OK;
}

void wk_authority_close(struct wk_authority *authority)
{
    X509_free(authority->root);
    EVP_PKEY_free(authority->key);
    authority->root = NULL;
    authority->key = NULL;
}
