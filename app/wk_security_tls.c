/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_security_tls.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "app/wk_named.h"
#include "cosem/axdr.h"
#include "port/linux/csr.h"
#include "port/linux/whole_file.h"

#define CLASS_SECURITY_SETUP 64
#define METHOD_GENERATE      4
#define METHOD_REQUEST       5
#define METHOD_IMPORT        6
#define TYPE_TLS             2
#define FILE_ROOM            8192

bool wk_security_tls_is_wanted(const struct wk_security_tls *wanted)
{
    return wanted->renew || wanted->csr != NULL || wanted->certificate != NULL;
}

static struct wk_apdu_target target_of(const uint8_t obis[WK_OBIS_SIZE], uint8_t method)
{
    struct wk_apdu_target target = {.class_id = CLASS_SECURITY_SETUP, .id = method};
    memcpy(target.obis, obis, WK_OBIS_SIZE);
    return target;
}

static bool renew(struct wk_meter *meter, const uint8_t obis[WK_OBIS_SIZE])
{
    static const uint8_t k_tls[2] = {WK_AXDR_ENUM, TYPE_TLS};
    const struct wk_apdu_target target = target_of(obis, METHOD_GENERATE);
    const wk_err err = wk_dlms_client_action(&meter->client, &target, k_tls, sizeof k_tls);
    if (err != WK_OK) {
        wk_named_complain(meter, "--renew", err);
    }
    return err == WK_OK;
}

static bool write_request(struct wk_bytes_in der, const char *path)
{
    X509_REQ *request = wk_csr_read(der);
    const bool here = strcmp(path, "-") == 0;
    FILE *to = here ? stdout : fopen(path, "we");
    bool good = request != NULL && to != NULL && PEM_write_X509_REQ(to, request) == 1;
    if (!here && to != NULL) {
        good = fclose(to) == 0 && good;
    }
    X509_REQ_free(request);
    if (!good) {
        fprintf(stderr, "wk: %s: the request cannot be written\n", path);
    }
    return good;
}

static bool fetch_request(struct wk_meter *meter, const uint8_t obis[WK_OBIS_SIZE],
                          const char *path)
{
    static const uint8_t k_tls[2] = {WK_AXDR_ENUM, TYPE_TLS};
    uint8_t value[WK_CSR_DER + 8];
    size_t size = 0;
    const struct wk_apdu_target target = target_of(obis, METHOD_REQUEST);
    const wk_err err =
        wk_dlms_client_call(&meter->client, &target, wk_bytes_in_of(k_tls, sizeof k_tls), value,
                            sizeof value, &size);
    if (err != WK_OK) {
        wk_named_complain(meter, "--csr (does a new key wait? see --renew)", err);
        return false;
    }
    struct wk_bytes_in in = wk_bytes_in_of(value, size);
    const uint8_t *der = wk_axdr_read_octets(&in, &size);
    if (wk_bytes_in_end(&in) != WK_OK || der == NULL) {
        fputs("wk: --csr: the meter answered something else than a request\n", stderr);
        return false;
    }
    return write_request(wk_bytes_in_of(der, size), path);
}

/* The first certificate of a file, in DER. */
static bool read_certificate(const char *path, uint8_t der[FILE_ROOM], size_t *size)
{
    uint8_t text[FILE_ROOM];
    unsigned char *at = der;
    if (wk_whole_file_read(path, text, sizeof text, size) != WK_OK) {
        fprintf(stderr, "wk: %s: cannot be read, or is too long\n", path);
        return false;
    }
    BIO *from = BIO_new_mem_buf(text, (int)*size);
    X509 *certificate = from != NULL ? PEM_read_bio_X509(from, NULL, NULL, NULL) : NULL;
    const unsigned char *octets = text;
    if (certificate == NULL) {
        certificate = d2i_X509(NULL, &octets, (long)*size);
    }
    const int length = certificate != NULL ? i2d_X509(certificate, NULL) : 0;
    const bool good = length > 0 && length <= FILE_ROOM && i2d_X509(certificate, &at) == length;
    *size = good ? (size_t)length : 0;
    X509_free(certificate);
    BIO_free(from);
    if (!good) {
        fprintf(stderr, "wk: %s: holds no certificate\n", path);
    }
    return good;
}

static bool bring(struct wk_meter *meter, const uint8_t obis[WK_OBIS_SIZE], const char *path)
{
    uint8_t der[FILE_ROOM];
    uint8_t parameter[FILE_ROOM + 8];
    size_t size = 0;
    struct wk_bytes_out out = wk_bytes_out_of(parameter, sizeof parameter);
    const struct wk_apdu_target target = target_of(obis, METHOD_IMPORT);
    if (!read_certificate(path, der, &size)) {
        return false;
    }
    wk_axdr_put_octet_string(&out, der, size);
    const wk_err err = wk_dlms_client_action(&meter->client, &target, parameter, out.size);
    if (err != WK_OK) {
        wk_named_complain(meter, "--import (the meter's page says why)", err);
    }
    return err == WK_OK;
}

bool wk_security_tls_do(struct wk_meter *meter, const uint8_t obis[WK_OBIS_SIZE],
                        const struct wk_security_tls *wanted)
{
    const bool done = (!wanted->renew || renew(meter, obis)) &&
                      (wanted->csr == NULL || fetch_request(meter, obis, wanted->csr)) &&
                      (wanted->certificate == NULL || bring(meter, obis, wanted->certificate));
    const bool quiet = wanted->csr != NULL && strcmp(wanted->csr, "-") == 0;
    if (done && meter->json && !quiet) {
        puts("{\"done\":true}");
    }
    return done;
}
