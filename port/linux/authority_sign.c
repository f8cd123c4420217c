/* SPDX-License-Identifier: Apache-2.0
 *
 * What an authority looks at before it signs, and the certificate it makes. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "port/linux/authority_part.h"
#include "port/linux/csr.h"

#define TITLE_DIGITS 16
#define BACK_MOST_S  300
#define BACK_PART    10
#define NAMES_ROOM   (2 * WK_CSR_NAME + 16)

/* ---- checking the request ---------------------------------------------------------------- */

static wk_err check_key(X509_REQ *request, char error[WK_AUTHORITY_ERROR])
{
    char curve[32] = "";
    size_t size = 0;
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    const bool known = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
                       EVP_PKEY_get_group_name(key, curve, sizeof curve, &size) == 1 &&
                       (strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0);
    if (!known) {
        return wk_authority_fail(error, WK_E_UNSUPPORTED, "request",
                                 "its key is not ECDSA on P-256 or P-384");
    }
    return X509_REQ_verify(request, key) == 1
               ? WK_OK
               : wk_authority_fail(error, WK_E_AUTH, "request",
                                   "who made it does not have the key: its signature is wrong");
}

static bool is_title(const char *text)
{
    bool good = strlen(text) == TITLE_DIGITS;
    for (size_t i = 0; good && i < TITLE_DIGITS; i++) {
        good = isxdigit((unsigned char)text[i]) != 0;
    }
    return good;
}

/* The common name, which must be all there is. */
static wk_err check_subject(X509_REQ *request, const struct wk_authority_order *order,
                            char subject[WK_AUTHORITY_SUBJECT], char error[WK_AUTHORITY_ERROR])
{
    X509_NAME *name = X509_REQ_get_subject_name(request);
    const int size =
        X509_NAME_get_text_by_NID(name, NID_commonName, subject, WK_AUTHORITY_SUBJECT);
    bool plain =
        X509_NAME_entry_count(name) == 1 && size > 0 && (size_t)size == strlen(subject);
    for (int i = 0; plain && i < size; i++) {
        plain = subject[i] > ' ' && subject[i] < 0x7F;
    }
    if (!plain) {
        return wk_authority_fail(error, WK_E_DENIED, "request",
                                 "its subject must be one common name without blanks");
    }
    const bool wanted =
        order->subject != NULL ? strcasecmp(subject, order->subject) == 0 : is_title(subject);
    return wanted
               ? WK_OK
               : wk_authority_fail(error, WK_E_DENIED, subject,
                                   order->subject != NULL
                                       ? "is not the subject that was ordered"
                                       : "is no system title in 16 digits; name it to sign it");
}

static bool name_text(const GENERAL_NAME *name, char text[WK_CSR_NAME])
{
    if (name->type == GEN_DNS) {
        const int size = ASN1_STRING_length(name->d.dNSName);
        (void)snprintf(text, WK_CSR_NAME, "%.*s", size < WK_CSR_NAME ? size : 0,
                       (const char *)ASN1_STRING_get0_data(name->d.dNSName));
        return size > 0 && strlen(text) == (size_t)size;
    }
    const int octets = name->type == GEN_IPADD ? ASN1_STRING_length(name->d.iPAddress) : 0;
    const int family = octets == 4 ? AF_INET : AF_INET6;
    return (octets == 4 || octets == 16) &&
           inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), text, WK_CSR_NAME) !=
               NULL;
}

/* Names in the words of OpenSSL. One that nobody ordered could be that of another machine. */
static wk_err check_name(const GENERAL_NAME *name, const struct wk_authority_order *order,
                         const char *subject, char names[NAMES_ROOM],
                         char error[WK_AUTHORITY_ERROR])
{
    char text[WK_CSR_NAME];
    if (!name_text(name, text)) {
        return wk_authority_fail(error, WK_E_DENIED, "request",
                                 "has a name that is neither of DNS nor an address");
    }
    if (strcasecmp(text, subject) != 0 &&
        (order->name == NULL || strcasecmp(text, order->name) != 0)) {
        return wk_authority_fail(error, WK_E_DENIED, text,
                                 "is a name in the request that was not ordered");
    }
    const size_t used = strlen(names);
    const int size = snprintf(names + used, NAMES_ROOM - used, "%s%s:%s", used > 0 ? "," : "",
                              name->type == GEN_DNS ? "DNS" : "IP", text);
    return size > 0 && (size_t)size < NAMES_ROOM - used
               ? WK_OK
               : wk_authority_fail(error, WK_E_DENIED, "request", "has too many names");
}

static wk_err check_names(X509_REQ *request, const struct wk_authority_order *order,
                          const char *subject, char names[NAMES_ROOM],
                          char error[WK_AUTHORITY_ERROR])
{
    STACK_OF(X509_EXTENSION) *list = X509_REQ_get_extensions(request);
    GENERAL_NAMES *found = X509V3_get_d2i(list, NID_subject_alt_name, NULL, NULL);
    wk_err err = WK_OK;
    names[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(found) && err == WK_OK; i++) {
        err = check_name(sk_GENERAL_NAME_value(found, i), order, subject, names, error);
    }
    GENERAL_NAMES_free(found);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return err;
}

/* ---- the certificate --------------------------------------------------------------------- */

static bool describe(X509 *made, const struct wk_authority *authority, X509_REQ *request,
                     const char *names)
{
    X509 *root = authority->root;
    return X509_set_version(made, X509_VERSION_3) == 1 &&
           X509_set_subject_name(made, X509_REQ_get_subject_name(request)) == 1 &&
           X509_set_issuer_name(made, X509_get_subject_name(root)) == 1 &&
           X509_set_pubkey(made, X509_REQ_get0_pubkey(request)) == 1 &&
           wk_authority_extend(made, root, NID_basic_constraints, "critical,CA:FALSE") &&
           wk_authority_extend(made, root, NID_key_usage, "critical,digitalSignature") &&
           wk_authority_extend(made, root, NID_ext_key_usage, "serverAuth,clientAuth") &&
           wk_authority_extend(made, root, NID_subject_key_identifier, "hash") &&
           wk_authority_extend(made, root, NID_authority_key_identifier, "keyid") &&
           (names[0] == '\0' || wk_authority_extend(made, root, NID_subject_alt_name, names));
}

/* Fills in when it is valid: not beyond the root. */
static wk_err set_life(const struct wk_authority *authority,
                       const struct wk_authority_order *order, struct wk_authority_row *row,
                       char error[WK_AUTHORITY_ERROR])
{
    int64_t end_s = 0;
    const int64_t part_s = order->life_s / BACK_PART;
    row->from_s = order->now_s - (part_s < BACK_MOST_S ? part_s : BACK_MOST_S);
    row->until_s = order->now_s + order->life_s;
    if (order->life_s <= 0 ||
        !wk_authority_seconds(X509_get0_notAfter(authority->root), &end_s) ||
        row->until_s > end_s) {
        return wk_authority_fail(error, WK_E_ARGUMENT, authority->folder,
                                 "a certificate cannot live longer than its root");
    }
    return WK_OK;
}

static wk_err make(const struct wk_authority *authority, X509_REQ *request, const char *names,
                   struct wk_authority_row *row, X509 **made, char error[WK_AUTHORITY_ERROR])
{
    char path[WK_AUTHORITY_FILE];
    char file[WK_AUTHORITY_SERIAL + 8];
    *made = X509_new();
    const bool good = *made != NULL && wk_authority_number(*made, row->serial) &&
                      wk_authority_date(*made, row->from_s, row->until_s) &&
                      describe(*made, authority, request, names) &&
                      X509_sign(*made, authority->key, wk_authority_hash(authority->key)) > 0;
    if (!good) {
        return wk_authority_fail(error, WK_E_IO, row->subject, "cannot be signed");
    }
    (void)snprintf(file, sizeof file, "%s.pem", row->serial);
    wk_authority_path(authority->folder, file, path);
    /* the index before the certificate: what nobody knows of could not be revoked */
    WK_TRY(wk_authority_note(authority, row, error));
    return wk_authority_keep(path, *made) == WK_OK
               ? WK_OK
               : wk_authority_fail(error, WK_E_IO, path, strerror(errno));
}

static wk_err sign(const struct wk_authority *authority, X509_REQ *request,
                   const struct wk_authority_order *order, X509 **made,
                   char error[WK_AUTHORITY_ERROR])
{
    char names[NAMES_ROOM];
    struct wk_authority_row row = {.serial = ""};
    WK_TRY(check_key(request, error));
    WK_TRY(check_subject(request, order, row.subject, error));
    WK_TRY(check_names(request, order, row.subject, names, error));
    WK_TRY(set_life(authority, order, &row, error));
    const int lock = wk_authority_lock(authority->folder);
    if (lock < 0) {
        return wk_authority_fail(error, WK_E_IO, authority->folder, strerror(errno));
    }
    const wk_err err = make(authority, request, names, &row, made, error);
    (void)close(lock);
    return err;
}

wk_err wk_authority_sign(const struct wk_authority *authority, struct wk_bytes_in request,
                         const struct wk_authority_order *order, uint8_t der[WK_AUTHORITY_DER],
                         size_t *size, char error[WK_AUTHORITY_ERROR])
{
    unsigned char *at = der;
    X509 *made = NULL;
    X509_REQ *read = wk_csr_read(request);
    if (read == NULL) {
        return wk_authority_fail(error, WK_E_FORMAT, "request",
                                 "is no request for a certificate");
    }
    wk_err err = sign(authority, read, order, &made, error);
    const int octets = err == WK_OK ? i2d_X509(made, NULL) : 0;
    if (err == WK_OK && (octets <= 0 || octets > WK_AUTHORITY_DER)) {
        err = wk_authority_fail(error, WK_E_FULL, "certificate", "is too long");
    }
    *size = err == WK_OK ? (size_t)i2d_X509(made, &at) : 0;
    X509_free(made);
    X509_REQ_free(read);
    ERR_clear_error();
    return err;
}
