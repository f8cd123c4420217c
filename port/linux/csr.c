/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/csr.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool add_extension(STACK_OF(X509_EXTENSION) * *list, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    const bool good = extension != NULL && X509v3_add_ext(list, extension, -1) != NULL;
    X509_EXTENSION_free(extension);
    return good;
}

static bool describe(X509_REQ *request, const struct wk_csr_subject *subject)
{
    char names[WK_CSR_NAME + 8];
    STACK_OF(X509_EXTENSION) *list = NULL;
    unsigned char octets[16];
    const char *name = subject->name;
    const bool address =
        inet_pton(AF_INET, name, octets) == 1 || inet_pton(AF_INET6, name, octets) == 1;
    (void)snprintf(names, sizeof names, "%s:%s", address ? "IP" : "DNS", name);
    X509_NAME *whose = X509_REQ_get_subject_name(request);
    const bool good = X509_REQ_set_version(request, 0) == 1 &&
                      X509_NAME_add_entry_by_txt(whose, "CN", MBSTRING_UTF8,
                                                 (const unsigned char *)subject->common_name,
                                                 -1, -1, 0) == 1 &&
                      add_extension(&list, NID_subject_alt_name, names) &&
                      add_extension(&list, NID_key_usage, "critical,digitalSignature") &&
                      add_extension(&list, NID_ext_key_usage, "serverAuth,clientAuth") &&
                      X509_REQ_add_extensions(request, list) == 1;
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return good;
}

/* A comma would begin another name. */
static bool is_name(const char *name)
{
    return name[0] != '\0' && strlen(name) < WK_CSR_NAME && strchr(name, ',') == NULL;
}

wk_err wk_csr_make(EVP_PKEY *key, const struct wk_csr_subject *subject, X509_REQ **request)
{
    const int bits = EVP_PKEY_get_bits(key);
    if (!is_name(subject->common_name) || !is_name(subject->name) ||
        EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || (bits != 256 && bits != 384)) {
        return WK_E_ARGUMENT;
    }
    *request = X509_REQ_new();
    const bool good =
        *request != NULL && describe(*request, subject) &&
        X509_REQ_set_pubkey(*request, key) == 1 &&
        X509_REQ_sign(*request, key, bits == 256 ? EVP_sha256() : EVP_sha384()) > 0;
    if (!good) {
        X509_REQ_free(*request);
        *request = NULL;
        ERR_clear_error();
    }
    return good ? WK_OK : WK_E_IO;
}

X509_REQ *wk_csr_read(struct wk_bytes_in octets)
{
    const unsigned char *at = octets.data;
    X509_REQ *request = NULL;
    if (octets.size == 0 || octets.size > INT32_MAX) {
        return NULL;
    }
    BIO *text = BIO_new_mem_buf(octets.data, (int)octets.size);
    request = text != NULL ? PEM_read_bio_X509_REQ(text, NULL, NULL, NULL) : NULL;
    BIO_free(text);
    if (request == NULL) {
        request = d2i_X509_REQ(NULL, &at, (long)octets.size);
    }
    ERR_clear_error();
    return request;
}

wk_err wk_csr_der(X509_REQ *request, uint8_t der[WK_CSR_DER], size_t *size)
{
    unsigned char *at = der;
    const int octets = i2d_X509_REQ(request, NULL);
    if (octets <= 0 || octets > WK_CSR_DER) {
        return WK_E_FULL;
    }
    *size = (size_t)i2d_X509_REQ(request, &at);
    return WK_OK;
}

wk_err wk_csr_pem(X509_REQ *request, char text[WK_CSR_TEXT])
{
    BIO *to = BIO_new(BIO_s_mem());
    char *data = NULL;
    const long size = to != NULL && PEM_write_bio_X509_REQ(to, request) == 1
                          ? BIO_get_mem_data(to, &data)
                          : 0;
    const bool good = size > 0 && size < WK_CSR_TEXT;
    if (good) {
        memcpy(text, data, (size_t)size);
        text[size] = '\0';
    }
    BIO_free(to);
    return good ? WK_OK : WK_E_FULL;
}
