/* SPDX-License-Identifier: Apache-2.0
 *
 * wk tls - makes a key with a request for its certificate, and shows certificates. */
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/wk.h"
#include "app/wk_trust.h"
#include "port/linux/csr.h"
#include "port/linux/ini.h"
#include "port/linux/tls_key.h"

#define SHOWN_MOST 64 /* certificates of a file */

static struct wk_trust trust;
static const char *curve = "P-256";
static const char *csr;
static bool wants_help;

static const char k_help[] =
    "usage: wk tls request --tls-key FILE|pkcs11:SLOT --tls-name NAME [--curve P-256|P-384]\n"
    "                      [--csr FILE]\n"
    "       wk tls show FILE...\n"
    "request makes a private key, in a file that nobody else may read or in a slot of a token\n"
    "that it never leaves, and writes a request for a certificate of NAME (a DNS name or an\n"
    "address). A key that is there is never replaced. show prints the certificates of PEM\n"
    "files.\n"
    "  --token-module FILE, --token-label TEXT, --token-pin-file FILE   the token\n";

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "wk: %s: %s\n", what, why);
    return WK_EXIT_FAILED;
}

/* ---- request ----------------------------------------------------------------------------- */

static bool is_in_token(const char *key)
{
    return strncmp(key, WK_TLS_TOKEN, strlen(WK_TLS_TOKEN)) == 0;
}

/* NULL, and a text on standard error. */
static EVP_PKEY *key_in_token(const char *name, uint8_t size)
{
    int64_t slot;
    uint8_t point[WK_HAL_POINT];
    uint8_t found;
    if (wk_ini_integer(name + strlen(WK_TLS_TOKEN), 1, WK_HSM_SLOTS, &slot) != WK_OK) {
        (void)fail(name, "a new key needs the number of a slot, 1 to 255");
        return NULL;
    }
    if (!wk_trust_token(&trust)) {
        return NULL;
    }
    if (wk_hsm_point(&trust.hsm, (uint8_t)slot, point, &found) == WK_OK) {
        (void)fail(name, "the slot holds a key already; choose another one");
        return NULL;
    }
    struct wk_hal_private key = {.size = size, .slot = (uint8_t)slot};
    if (trust.hsm.hal.generate(&trust.hsm, &key, point) != WK_OK) {
        (void)fail(name, wk_hsm_error(&trust.hsm));
        return NULL;
    }
    return wk_tls_key_of(&trust.hsm, (uint8_t)slot);
}

static EVP_PKEY *key_in_file(const char *path)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (file == NULL) {
        (void)fail(path, "a new key cannot be written there (is there one already?)");
        return NULL;
    }
    EVP_PKEY *key = EVP_EC_gen(curve);
    bool good = key != NULL && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
    good = fclose(file) == 0 && good;
    if (!good) {
        (void)unlink(path);
        EVP_PKEY_free(key);
        (void)fail(path, "the key cannot be made");
        return NULL;
    }
    return key;
}

static int write_request(EVP_PKEY *key, const char *name)
{
    X509_REQ *request = NULL;
    const struct wk_csr_subject subject = {.common_name = name, .name = name};
    const bool made = wk_csr_make(key, &subject, &request) == WK_OK;
    FILE *to = csr != NULL ? fopen(csr, "we") : stdout;
    bool good = made && to != NULL && PEM_write_X509_REQ(to, request) == 1;
    if (csr != NULL && to != NULL) {
        good = fclose(to) == 0 && good;
    }
    X509_REQ_free(request);
    return good ? WK_EXIT_OK
                : fail(csr != NULL ? csr : name, "the request cannot be made or written");
}

static int run_request(int count)
{
    const char *place = wk_trust_text(&trust, WK_TRUST_KEY);
    const char *name = wk_trust_text(&trust, WK_TRUST_NAME);
    const bool small = strcmp(curve, "P-256") == 0;
    if (count != 0 || place == NULL || name == NULL || strlen(name) >= WK_TLS_NAME) {
        fprintf(stderr, "wk: wk tls request needs --tls-key and --tls-name\n");
        return WK_EXIT_USAGE;
    }
    if (!small && strcmp(curve, "P-384") != 0) {
        fprintf(stderr, "wk: --curve \"%s\": must be P-256 or P-384\n", curve);
        return WK_EXIT_USAGE;
    }
    EVP_PKEY *key =
        is_in_token(place) ? key_in_token(place, small ? 32 : 48) : key_in_file(place);
    if (key == NULL) {
        return WK_EXIT_FAILED;
    }
    const int status = write_request(key, name);
    EVP_PKEY_free(key);
    if (trust.has_token) {
        wk_hsm_close(&trust.hsm);
    }
    return status;
}

/* ---- show -------------------------------------------------------------------------------- */

static void print_extension(BIO *out, const X509 *certificate, int kind, const char *label)
{
    const int at = X509_get_ext_by_NID(certificate, kind, -1);
    if (at >= 0) {
        BIO_printf(out, "  %s: ", label);
        (void)X509V3_EXT_print(out, X509_get_ext(certificate, at), 0, 0);
        BIO_printf(out, "\n");
    }
}

static void print_time(BIO *out, const char *label, const ASN1_TIME *time)
{
    BIO_printf(out, "  %s: ", label);
    (void)ASN1_TIME_print(out, time);
    BIO_printf(out, "\n");
}

static void print_certificate(BIO *out, X509 *certificate)
{
    char group[32] = "";
    size_t size = 0;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int digest_size = 0;
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    BIO_printf(out, "subject: ");
    (void)X509_NAME_print_ex(out, X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE);
    BIO_printf(out, "\n  issuer: ");
    (void)X509_NAME_print_ex(out, X509_get_issuer_name(certificate), 0, XN_FLAG_ONELINE);
    BIO_printf(out, "\n");
    print_time(out, "from", X509_get0_notBefore(certificate));
    print_time(out, "until", X509_get0_notAfter(certificate));
    const bool named =
        key != NULL && EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1;
    BIO_printf(out, "  key: %s\n", named ? group : "not of an elliptic curve");
    print_extension(out, certificate, NID_subject_alt_name, "names");
    print_extension(out, certificate, NID_key_usage, "usage");
    print_extension(out, certificate, NID_ext_key_usage, "meant for");
    print_extension(out, certificate, NID_basic_constraints, "authority");
    if (X509_digest(certificate, EVP_sha256(), digest, &digest_size) == 1) {
        BIO_printf(out, "  SHA-256: ");
        for (unsigned int i = 0; i < digest_size; i++) {
            BIO_printf(out, "%02X", digest[i]);
        }
        BIO_printf(out, "\n");
    }
}

static int show_file(BIO *out, const char *path)
{
    FILE *file = fopen(path, "re");
    int count = 0;
    X509 *certificate = NULL;
    if (file == NULL) {
        return fail(path, "cannot be read");
    }
    while (count < SHOWN_MOST &&
           (certificate = PEM_read_X509(file, NULL, NULL, NULL)) != NULL) {
        print_certificate(out, certificate);
        X509_free(certificate);
        count++;
    }
    (void)fclose(file);
    return count > 0 ? WK_EXIT_OK : fail(path, "holds no certificate in PEM");
}

static int run_show(int count, char **paths)
{
    BIO *out = BIO_new_fp(stdout, BIO_NOCLOSE);
    int status = count > 0 && out != NULL ? WK_EXIT_OK : WK_EXIT_USAGE;
    if (status != WK_EXIT_OK) {
        fprintf(stderr, "wk: which file? wk tls show FILE\n");
    }
    for (int i = 0; i < count && status == WK_EXIT_OK; i++) {
        status = show_file(out, paths[i]);
    }
    BIO_free(out);
    return status;
}

int wk_tls_run(int argc, char **argv)
{
    static const struct option k_options[] = {{"curve", required_argument, NULL, 'c'},
                                              {"csr", required_argument, NULL, 'o'},
                                              {"help", no_argument, NULL, 'h'},
                                              WK_TRUST_LONG_OPTIONS,
                                              {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        curve = option == 'c' ? optarg : curve;
        csr = option == 'o' ? optarg : csr;
        wants_help = wants_help || option == 'h';
        if (option == '?' ||
            (wk_trust_is_option(option) && !wk_trust_option(&trust, option, optarg))) {
            return WK_EXIT_USAGE;
        }
    }
    if (wants_help) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    const char *what = optind < argc ? argv[optind] : "";
    if (strcmp(what, "request") == 0) {
        return run_request(argc - optind - 1);
    }
    if (strcmp(what, "show") == 0) {
        return run_show(argc - optind - 1, argv + optind + 1);
    }
    fputs("wk: wk tls request, or wk tls show FILE; see wk help tls\n", stderr);
    return WK_EXIT_USAGE;
}
