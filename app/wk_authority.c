/* SPDX-License-Identifier: Apache-2.0
 *
 * wk authority - a small certification authority for who has none. */
#include <getopt.h>
#include <inttypes.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app/wk.h"
#include "port/linux/authority.h"
#include "port/linux/csr.h"
#include "port/linux/ini.h"
#include "port/linux/whole_file.h"

#define DAY_S      86400
#define DAYS_MOST  36500
#define SIGN_DAYS  365
#define ROOT_DAYS  7305
#define LIST_DAYS  30
#define TIME_ROOM  32
#define STATE_ROOM 48

static struct wk_authority authority;
static const char *subject;
static const char *name;
static const char *out;
static const char *curve = "P-384";
static int64_t life_s;
static char error[WK_AUTHORITY_ERROR];

static const char k_help[] =
    "usage: wk authority make DIR [--name TEXT] [--curve P-256|P-384] [--days N]\n"
    "       wk authority sign DIR REQUEST [--subject NAME] [--name NAME] [--days N] [--out "
    "FILE]\n"
    "       wk authority list DIR\n"
    "       wk authority revoke DIR SERIAL|SUBJECT\n"
    "       wk authority crl DIR [--days N]\n"
    "A certification authority in one folder, for who has none: root.pem is what others trust\n"
    "(tls_ca), crl.pem what they look up (tls_crl), root.key is for nobody else. sign takes a\n"
    "request whose signature is right, with a key on P-256 or P-384 and the system title of a\n"
    "meter as its subject, or another one that --subject names; --name is the DNS name or\n"
    "address that the request may have. revoke takes back one certificate, or those of a\n"
    "subject, and writes crl.pem; crl writes it anew before it is out of date (30 days).\n"
    "  --days N, --seconds N   life: of a root 7305 days, of a certificate 365\n";

static int fail(void)
{
    fprintf(stderr, "wk: %s\n", error);
    return WK_EXIT_FAILED;
}

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

static int64_t life_or(int64_t days)
{
    return life_s > 0 ? life_s : days * DAY_S;
}

static int run_make(const char *folder)
{
    const bool p384 = strcmp(curve, "P-384") == 0;
    if (!p384 && strcmp(curve, "P-256") != 0) {
        fprintf(stderr, "wk: --curve \"%s\": must be P-256 or P-384\n", curve);
        return WK_EXIT_USAGE;
    }
    if (wk_authority_make(folder, name != NULL ? name : "Wattkeeper root", p384, now_s(),
                          life_or(ROOT_DAYS), error) != WK_OK) {
        return fail();
    }
    printf("%s/root.pem\n", folder);
    return WK_EXIT_OK;
}

static int write_certificate(const uint8_t *der, size_t size)
{
    const unsigned char *at = der;
    X509 *certificate = d2i_X509(NULL, &at, (long)size);
    FILE *to = out != NULL ? fopen(out, "we") : stdout;
    bool good = certificate != NULL && to != NULL && PEM_write_X509(to, certificate) == 1;
    if (out != NULL && to != NULL) {
        good = fclose(to) == 0 && good;
    }
    X509_free(certificate);
    if (!good) {
        fprintf(stderr, "wk: %s: the certificate cannot be written\n", out != NULL ? out : "-");
    }
    return good ? WK_EXIT_OK : WK_EXIT_FAILED;
}

static int run_sign(const char *path)
{
    uint8_t request[WK_CSR_TEXT];
    uint8_t der[WK_AUTHORITY_DER];
    size_t size = 0;
    const struct wk_authority_order order = {
        .subject = subject, .name = name, .life_s = life_or(SIGN_DAYS), .now_s = now_s()};
    if (path == NULL || wk_whole_file_read(path, request, sizeof request, &size) != WK_OK) {
        fprintf(stderr, "wk: %s: cannot be read, or is too long\n",
                path != NULL ? path : "the request");
        return path != NULL ? WK_EXIT_FAILED : WK_EXIT_USAGE;
    }
    if (wk_authority_sign(&authority, wk_bytes_in_of(request, size), &order, der, &size,
                          error) != WK_OK) {
        return fail();
    }
    return write_certificate(der, size);
}

static void print_time(int64_t utc_s, char text[TIME_ROOM])
{
    const time_t at = (time_t)utc_s;
    struct tm parts;
    text[0] = '\0';
    if (gmtime_r(&at, &parts) != NULL) {
        (void)strftime(text, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
}

static wk_err print_row(void *self, const struct wk_authority_row *row)
{
    char from[TIME_ROOM];
    char until[TIME_ROOM];
    char revoked[TIME_ROOM];
    char state[STATE_ROOM] = "good";
    (void)self;
    print_time(row->from_s, from);
    print_time(row->until_s, until);
    print_time(row->revoked_s, revoked);
    if (row->revoked_s != 0) {
        (void)snprintf(state, sizeof state, "revoked %s", revoked);
    } else if (row->until_s < now_s()) {
        (void)snprintf(state, sizeof state, "expired");
    }
    printf("%s  %-16s  %s  %s  %s\n", row->serial, row->subject, from, until, state);
    return WK_OK;
}

static int run_list(void)
{
    printf("%-32s  %-16s  %-20s  %-20s  state\n", "serial", "subject", "from", "until");
    return wk_authority_each(&authority, print_row, NULL, error) == WK_OK ? WK_EXIT_OK : fail();
}

static int run_revoke(const char *which)
{
    int count = 0;
    if (which == NULL) {
        fputs("wk: which certificate? its serial number, or its subject\n", stderr);
        return WK_EXIT_USAGE;
    }
    if (wk_authority_revoke(&authority, which, now_s(), &count, error) != WK_OK) {
        return fail();
    }
    printf("%d revoked: bring %s/crl.pem to who looks it up\n", count, authority.folder);
    return WK_EXIT_OK;
}

static int run_crl(void)
{
    return wk_authority_list(&authority, now_s(), life_or(LIST_DAYS), error) == WK_OK
               ? WK_EXIT_OK
               : fail();
}

static int run_in(const char *what, const char *folder, const char *more)
{
    if (wk_authority_open(&authority, folder, error) != WK_OK) {
        return fail();
    }
    int status = WK_EXIT_USAGE;
    if (strcmp(what, "sign") == 0) {
        status = run_sign(more);
    } else if (strcmp(what, "list") == 0) {
        status = run_list();
    } else if (strcmp(what, "revoke") == 0) {
        status = run_revoke(more);
    } else if (strcmp(what, "crl") == 0) {
        status = run_crl();
    } else {
        fprintf(stderr, "wk: \"%s\": must be make, sign, list, revoke or crl\n", what);
    }
    wk_authority_close(&authority);
    return status;
}

static bool take_life(const char *option, const char *value, int64_t unit_s)
{
    if (wk_ini_integer(value, 1, DAYS_MOST * (int64_t)DAY_S / unit_s, &life_s) != WK_OK) {
        fprintf(stderr, "wk: %s \"%s\": must be a whole number of at least 1\n", option, value);
        return false;
    }
    life_s *= unit_s;
    return true;
}

static bool take_option(int option, const char *value)
{
    switch (option) {
    case 's':
        subject = value;
        return true;
    case 'n':
        name = value;
        return true;
    case 'o':
        out = value;
        return true;
    case 'c':
        curve = value;
        return true;
    case 'd':
        return take_life("--days", value, DAY_S);
    case 'l':
        return take_life("--seconds", value, 1);
    default:
        return false;
    }
}

int wk_authority_run(int argc, char **argv)
{
    static const struct option k_options[] = {
        {"subject", required_argument, NULL, 's'}, {"name", required_argument, NULL, 'n'},
        {"out", required_argument, NULL, 'o'},     {"curve", required_argument, NULL, 'c'},
        {"days", required_argument, NULL, 'd'},    {"seconds", required_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},          {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(k_help, stdout);
            return WK_EXIT_OK;
        }
        if (!take_option(option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    const char *what = optind < argc ? argv[optind] : "";
    const char *folder = optind + 1 < argc ? argv[optind + 1] : NULL;
    if (folder == NULL || argc - optind > 3) {
        fputs("wk: wk authority make|sign|list|revoke|crl DIR; see wk help authority\n",
              stderr);
        return WK_EXIT_USAGE;
    }
    return strcmp(what, "make") == 0
               ? run_make(folder)
               : run_in(what, folder, optind + 2 < argc ? argv[optind + 2] : NULL);
}
