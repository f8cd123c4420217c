/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/enrol.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "port/linux/enrol_part.h"

#define CERTIFICATE "certificate.pem"
#define CANDIDATE   "candidate.pem"
#define REQUEST     "request.pem"
#define INCOMING    "incoming.pem"
#define REFUSED     "refused.pem"
#define CHAIN_MOST  5
#define PERCENT     100

wk_err wk_enrol_fail(char error[WK_ENROL_ERROR], wk_err err, const char *what, const char *why)
{
    (void)snprintf(error, WK_ENROL_ERROR, "%.100s: %.150s", what, why);
    ERR_clear_error();
    return err;
}

void wk_enrol_path(const struct wk_enrol_config *config, const char *file,
                   char path[WK_WHOLE_FILE_PATH])
{
    (void)snprintf(path, WK_WHOLE_FILE_PATH, "%.550s/%.40s", config->folder, file);
}

/* ---- certificates ------------------------------------------------------------------------ */

static bool seconds_of(const ASN1_TIME *time, int64_t *utc_s)
{
    struct tm parts;
    const bool good = ASN1_TIME_to_tm(time, &parts) == 1;
    *utc_s = good ? (int64_t)timegm(&parts) : 0;
    return good;
}

static bool life_of(const X509 *certificate, struct wk_enrol_life *life)
{
    return seconds_of(X509_get0_notBefore(certificate), &life->from_s) &&
           seconds_of(X509_get0_notAfter(certificate), &life->until_s);
}

/* NULL and *err WK_E_NOT_FOUND: there is no file. */
static X509 *read_certificate(const char *path, wk_err *err)
{
    FILE *file = fopen(path, "re");
    X509 *certificate = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    *err = certificate != NULL               ? WK_OK
           : file == NULL && errno == ENOENT ? WK_E_NOT_FOUND
                                             : WK_E_FORMAT;
    if (file != NULL) {
        (void)fclose(file);
    }
    ERR_clear_error();
    return certificate;
}

wk_err wk_enrol_life_of(const char *path, struct wk_enrol_life *life)
{
    wk_err err;
    X509 *certificate = read_certificate(path, &err);
    if (certificate != NULL && !life_of(certificate, life)) {
        err = WK_E_FORMAT;
    }
    X509_free(certificate);
    return err;
}

int wk_enrol_left_percent(const struct wk_enrol_life *life, int64_t now_s)
{
    const int64_t whole_s = life->until_s - life->from_s;
    const int64_t left_s = life->until_s - now_s;
    if (whole_s <= 0 || left_s <= 0) {
        return 0;
    }
    return left_s >= whole_s ? PERCENT : (int)(left_s * PERCENT / whole_s);
}

wk_enrol_level wk_enrol_level_of(const struct wk_enrol_life *life, int64_t now_s)
{
    const int percent = wk_enrol_left_percent(life, now_s);
    return now_s > life->until_s       ? WK_ENROL_EXPIRED
           : percent < WK_ENROL_URGENT ? WK_ENROL_ENDS_SOON
           : percent < WK_ENROL_LOW    ? WK_ENROL_ENDS
                                       : WK_ENROL_FINE;
}

static bool is_due(const struct wk_enrol *enrol, int64_t now_s)
{
    const struct wk_enrol_life *life = &enrol->life;
    return !enrol->has_certificate ||
           (now_s - life->from_s) * PERCENT >=
               (life->until_s - life->from_s) * enrol->config.renew_percent;
}

/* ---- going on from what is there --------------------------------------------------------- */

static int place_of(const struct wk_enrol *enrol, const EVP_PKEY *wanted)
{
    int found = WK_ENROL_NONE;
    for (int i = 0; i < WK_ENROL_PLACES && wanted != NULL; i++) {
        EVP_PKEY *key = wk_enrol_key(&enrol->config, i);
        if (key != NULL && EVP_PKEY_eq(key, wanted) == 1) {
            found = i;
        }
        EVP_PKEY_free(key);
    }
    ERR_clear_error();
    return found;
}

/* *is_whole: nothing of it is unknown, so that what belongs to nothing may be destroyed. */
static wk_err find_own(struct wk_enrol *enrol, bool *is_whole, char error[WK_ENROL_ERROR])
{
    char path[WK_WHOLE_FILE_PATH];
    wk_err err;
    wk_enrol_path(&enrol->config, CERTIFICATE, path);
    X509 *certificate = read_certificate(path, &err);
    enrol->own =
        certificate != NULL ? place_of(enrol, X509_get0_pubkey(certificate)) : WK_ENROL_NONE;
    if (certificate != NULL && !life_of(certificate, &enrol->life)) {
        err = WK_E_FORMAT;
    }
    X509_free(certificate);
    enrol->has_certificate = err == WK_OK && enrol->own != WK_ENROL_NONE;
    *is_whole = err == WK_E_NOT_FOUND || enrol->has_certificate;
    return err == WK_OK || err == WK_E_NOT_FOUND
               ? WK_OK
               : wk_enrol_fail(error, err, path, "holds no certificate, or cannot be read");
}

static wk_err keep_request(struct wk_enrol *enrol, X509_REQ *request)
{
    WK_TRY(wk_csr_der(request, enrol->request, &enrol->request_size));
    return wk_csr_pem(request, enrol->request_text);
}

static void forget_request(struct wk_enrol *enrol)
{
    enrol->waiting = WK_ENROL_NONE;
    enrol->request_size = 0;
    enrol->request_text[0] = '\0';
}

/* A key waits only if the request is about it. */
static void find_waiting(struct wk_enrol *enrol)
{
    char path[WK_WHOLE_FILE_PATH];
    char text[WK_CSR_TEXT];
    size_t size = 0;
    forget_request(enrol);
    wk_enrol_path(&enrol->config, REQUEST, path);
    if (wk_whole_file_read(path, text, sizeof text, &size) != WK_OK) {
        return;
    }
    X509_REQ *request = wk_csr_read(wk_bytes_in_of(text, size));
    const int place =
        request != NULL ? place_of(enrol, X509_REQ_get0_pubkey(request)) : WK_ENROL_NONE;
    if (place != WK_ENROL_NONE && place != enrol->own &&
        keep_request(enrol, request) == WK_OK) {
        enrol->waiting = place;
    }
    X509_REQ_free(request);
}

static wk_err destroy_leftovers(struct wk_enrol *enrol, char error[WK_ENROL_ERROR])
{
    for (int i = 0; i < WK_ENROL_PLACES; i++) {
        if (i != enrol->own && i != enrol->waiting) {
            WK_TRY(wk_enrol_destroy_key(&enrol->config, i, error));
        }
    }
    enrol->clean_s = 0;
    return WK_OK;
}

wk_err wk_enrol_open(struct wk_enrol *enrol, const struct wk_enrol_config *config,
                     char error[WK_ENROL_ERROR])
{
    bool is_whole = false;
    *enrol =
        (struct wk_enrol){.config = *config, .own = WK_ENROL_NONE, .waiting = WK_ENROL_NONE};
    if (config->renew_percent < 1 || config->renew_percent >= PERCENT ||
        strlen(config->folder) > WK_WHOLE_FILE_PATH - 64) {
        return wk_enrol_fail(error, WK_E_ARGUMENT, config->folder,
                             "the path is too long, or the share of life is not 1 to 99");
    }
    if (mkdir(config->folder, 0700) != 0 && errno != EEXIST) {
        return wk_enrol_fail(error, WK_E_IO, config->folder, strerror(errno));
    }
    WK_TRY(find_own(enrol, &is_whole, error));
    find_waiting(enrol);
    return is_whole ? destroy_leftovers(enrol, error) : WK_OK;
}

/* ---- a new pair -------------------------------------------------------------------------- */

static wk_err make_request(struct wk_enrol *enrol, int place, char error[WK_ENROL_ERROR])
{
    char path[WK_WHOLE_FILE_PATH];
    X509_REQ *request = NULL;
    EVP_PKEY *key = wk_enrol_key(&enrol->config, place);
    wk_err err =
        key != NULL ? wk_csr_make(key, &enrol->config.subject, &request) : WK_E_NOT_FOUND;
    err = err == WK_OK ? keep_request(enrol, request) : err;
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    if (err != WK_OK) {
        return wk_enrol_fail(error, err, "request", "it cannot be made of the new key");
    }
    wk_enrol_path(&enrol->config, REQUEST, path);
    return wk_whole_file_put(path, enrol->request_text, strlen(enrol->request_text)) == WK_OK
               ? WK_OK
               : wk_enrol_fail(error, WK_E_IO, path, strerror(errno));
}

wk_err wk_enrol_begin(struct wk_enrol *enrol, char error[WK_ENROL_ERROR])
{
    char path[WK_WHOLE_FILE_PATH];
    const int place = enrol->own == 0 ? 1 : 0;
    wk_enrol_path(&enrol->config, REQUEST, path);
    if (wk_whole_file_remove(path) != WK_OK) {
        return wk_enrol_fail(error, WK_E_IO, path, strerror(errno));
    }
    forget_request(enrol);
    enrol->clean_s = 0; /* an old key is replaced now */
    WK_TRY(wk_enrol_make_key(&enrol->config, place, error));
    const wk_err err = make_request(enrol, place, error);
    if (err != WK_OK) {
        forget_request(enrol);
        return err;
    }
    enrol->waiting = place;
    return WK_OK;
}

/* ---- its certificate --------------------------------------------------------------------- */

/* The certificates that came, the own one first. NULL: there is none. */
static STACK_OF(X509) * read_chain(struct wk_bytes_in octets)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    BIO *text =
        octets.size <= WK_ENROL_CHAIN ? BIO_new_mem_buf(octets.data, (int)octets.size) : NULL;
    X509 *next = NULL;
    while (text != NULL && chain != NULL && sk_X509_num(chain) < CHAIN_MOST &&
           (next = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
        (void)sk_X509_push(chain, next);
    }
    const unsigned char *at = octets.data;
    if (text != NULL && chain != NULL && sk_X509_num(chain) == 0 &&
        (next = d2i_X509(NULL, &at, (long)octets.size)) != NULL) {
        (void)sk_X509_push(chain, next);
    }
    BIO_free(text);
    ERR_clear_error();
    return chain;
}

static wk_err write_candidate(const STACK_OF(X509) * chain, const char *path)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *data = NULL;
    bool good = text != NULL;
    for (int i = 0; good && i < sk_X509_num(chain); i++) {
        good = PEM_write_bio_X509(text, sk_X509_value(chain, i)) == 1;
    }
    const long size = good ? BIO_get_mem_data(text, &data) : 0;
    const wk_err err = size > 0 ? wk_whole_file_put(path, data, (size_t)size) : WK_E_IO;
    BIO_free(text);
    return err;
}

static bool is_in_use(const struct wk_enrol *enrol, const X509 *certificate)
{
    char path[WK_WHOLE_FILE_PATH];
    wk_err err;
    wk_enrol_path(&enrol->config, CERTIFICATE, path);
    X509 *own = enrol->has_certificate ? read_certificate(path, &err) : NULL;
    const bool same = own != NULL && X509_cmp(own, certificate) == 0;
    X509_free(own);
    return same;
}

static wk_err check(struct wk_enrol *enrol, X509 *certificate)
{
    char subject[WK_CSR_NAME] = "";
    EVP_PKEY *key =
        enrol->waiting != WK_ENROL_NONE ? wk_enrol_key(&enrol->config, enrol->waiting) : NULL;
    const bool ours = key != NULL && EVP_PKEY_eq(key, X509_get0_pubkey(certificate)) == 1;
    EVP_PKEY_free(key);
    if (!ours) {
        return wk_enrol_fail(
            enrol->refused, WK_E_NOT_FOUND, "certificate",
            enrol->waiting == WK_ENROL_NONE
                ? "no key waits for one; see when it is due"
                : "it is not about the key that waits: sign the newest request");
    }
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, subject,
                                    sizeof subject);
    return strcasecmp(subject, enrol->config.subject.common_name) == 0
               ? WK_OK
               : wk_enrol_fail(enrol->refused, WK_E_DENIED, "certificate",
                               "its common name is not the system title of this meter");
}

/* The step after which the new pair is the one in use. */
static wk_err put_to_use(struct wk_enrol *enrol, const char *candidate, int64_t now_s)
{
    char path[WK_WHOLE_FILE_PATH];
    wk_enrol_path(&enrol->config, CERTIFICATE, path);
    if (wk_whole_file_move(candidate, path) != WK_OK) {
        return wk_enrol_fail(enrol->refused, WK_E_IO, path, strerror(errno));
    }
    enrol->clean_s = enrol->own != WK_ENROL_NONE ? now_s + WK_ENROL_GRACE_S : 0;
    enrol->own = enrol->waiting;
    enrol->has_certificate = wk_enrol_life_of(path, &enrol->life) == WK_OK;
    enrol->renewed++;
    forget_request(enrol);
    wk_enrol_path(&enrol->config, REQUEST, path);
    (void)(wk_whole_file_remove(path) == WK_OK); /* it is about the key in use: means nothing */
    return WK_OK;
}

static wk_err take(struct wk_enrol *enrol, const STACK_OF(X509) * chain, int64_t now_s)
{
    char candidate[WK_WHOLE_FILE_PATH];
    X509 *certificate = sk_X509_value(chain, 0);
    if (is_in_use(enrol, certificate)) {
        return WK_OK;
    }
    WK_TRY(check(enrol, certificate));
    wk_enrol_path(&enrol->config, CANDIDATE, candidate);
    if (write_candidate(chain, candidate) != WK_OK) {
        return wk_enrol_fail(enrol->refused, WK_E_IO, candidate, strerror(errno));
    }
    const wk_err err =
        wk_enrol_prove(&enrol->config, candidate, enrol->waiting, enrol->refused);
    if (err != WK_OK) {
        (void)(wk_whole_file_remove(candidate) == WK_OK); /* the next one is put in its place */
        return WK_E_AUTH;
    }
    return put_to_use(enrol, candidate, now_s);
}

wk_err wk_enrol_take(struct wk_enrol *enrol, struct wk_bytes_in octets, int64_t now_s)
{
    STACK_OF(X509) *chain = read_chain(octets);
    enrol->refused[0] = '\0';
    const wk_err err = sk_X509_num(chain) > 0
                           ? take(enrol, chain, now_s)
                           : wk_enrol_fail(enrol->refused, WK_E_FORMAT, "certificate",
                                           "it is none, neither in PEM nor in DER");
    sk_X509_pop_free(chain, X509_free);
    return err;
}

/* ---- what is due ------------------------------------------------------------------------- */

static wk_err take_incoming(struct wk_enrol *enrol, int64_t now_s, char error[WK_ENROL_ERROR])
{
    char path[WK_WHOLE_FILE_PATH];
    char refused[WK_WHOLE_FILE_PATH];
    uint8_t text[WK_ENROL_CHAIN];
    size_t size = 0;
    wk_enrol_path(&enrol->config, INCOMING, path);
    wk_err err = wk_whole_file_read(path, text, sizeof text, &size);
    if (err == WK_E_NOT_FOUND) {
        return WK_OK;
    }
    err = err == WK_OK ? wk_enrol_take(enrol, wk_bytes_in_of(text, size), now_s) : err;
    wk_enrol_path(&enrol->config, REFUSED, refused);
    err = err == WK_OK ? wk_whole_file_remove(path) : wk_whole_file_move(path, refused);
    return err == WK_OK ? WK_OK : wk_enrol_fail(error, err, path, strerror(errno));
}

wk_err wk_enrol_look(struct wk_enrol *enrol, int64_t now_s, char error[WK_ENROL_ERROR])
{
    if (enrol->clean_s != 0 && now_s >= enrol->clean_s) {
        WK_TRY(destroy_leftovers(enrol, error));
    }
    WK_TRY(take_incoming(enrol, now_s, error));
    const bool idle = enrol->waiting == WK_ENROL_NONE && enrol->clean_s == 0;
    return idle && is_due(enrol, now_s) ? wk_enrol_begin(enrol, error) : WK_OK;
}

wk_err wk_enrol_names(const struct wk_enrol_config *config, char *certificate, char *keys,
                      size_t room)
{
    char path[WK_WHOLE_FILE_PATH];
    char key[WK_ENROL_PLACES][WK_WHOLE_FILE_PATH];
    wk_enrol_path(config, CERTIFICATE, path);
    wk_enrol_key_name(config, 0, key[0]);
    wk_enrol_key_name(config, 1, key[1]);
    const int whole = snprintf(certificate, room, "%s", path);
    const int both = snprintf(keys, room, "%s, %s", key[0], key[1]);
    return whole > 0 && (size_t)whole < room && both > 0 && (size_t)both < room ? WK_OK
                                                                                : WK_E_ARGUMENT;
}
