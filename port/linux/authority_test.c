/* SPDX-License-Identifier: Apache-2.0
 *
 * The authority against the openssl command line: what it signs openssl verifies, what it revokes
 * openssl refuses, and requests that are not right are not signed. */
#include "port/linux/authority.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/csr.h"
#include "port/linux/whole_file.h"
#include "tests/wk_test.h"

#define TITLE "574B500010000002"
#define YEAR  (INT64_C(365) * 86400)

static char g_folder[] = "/tmp/wk-authority-XXXXXX";
static char g_error[WK_AUTHORITY_ERROR];
static struct wk_authority g_authority;

static bool run(const char *command)
{
    char line[512];
    (void)snprintf(line, sizeof line, "cd %s && %s >out 2>&1", g_folder, command);
    return system(line) == 0; /* NOLINT(cert-env33-c): a fixed text */
}

static const char *path_of(const char *file)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", g_folder, file);
    return path;
}

/* A request made by openssl. */
static bool request(const char *subject, const char *more, struct wk_bytes_in *octets)
{
    static uint8_t text[8192];
    char command[384];
    size_t size;
    (void)snprintf(command, sizeof command,
                   "openssl req -new -nodes -keyout key -out csr -subj %s %s", subject, more);
    if (!run(command) ||
        wk_whole_file_read(path_of("csr"), text, sizeof text, &size) != WK_OK) {
        return false;
    }
    *octets = wk_bytes_in_of(text, size);
    return true;
}

static wk_err sign(const char *subject, const char *more,
                   const struct wk_authority_order *order)
{
    uint8_t der[WK_AUTHORITY_DER];
    size_t size = 0;
    struct wk_bytes_in octets;
    if (!request(subject, more, &octets)) {
        return WK_E_IO;
    }
    const wk_err err = wk_authority_sign(&g_authority, octets, order, der, &size, g_error);
    return err == WK_OK ? wk_whole_file_put(path_of("made.der"), der, size) : err;
}

#define P256      "-newkey ec -pkeyopt ec_paramgen_curve:P-256 "
#define NAMED(sn) "-addext subjectAltName=" sn

static void what_it_signs_openssl_verifies_and_what_it_revokes_not(void)
{
    const struct wk_authority_order order = {
        .name = "192.0.2.7", .life_s = YEAR, .now_s = time(NULL)};
    int count = 0;
    EXPECT_OK(sign("/CN=" TITLE, P256 NAMED("IP:192.0.2.7"), &order));
    EXPECT(run("openssl x509 -in made.der -inform DER -out made.pem"));
    EXPECT(run("openssl verify -x509_strict -purpose sslserver -verify_ip 192.0.2.7 "
               "-crl_check -CAfile ca/root.pem -CRLfile ca/crl.pem made.pem"));
    EXPECT(run("openssl verify -purpose sslclient -CAfile ca/root.pem made.pem"));
    EXPECT_OK(wk_authority_revoke(&g_authority, TITLE, time(NULL), &count, g_error));
    EXPECT_I64(1, count);
    EXPECT(run("openssl verify -crl_check -CAfile ca/root.pem -CRLfile ca/crl.pem made.pem "
               "2>&1 | grep -q revoked"));
    EXPECT_ERR(WK_E_NOT_FOUND,
               wk_authority_revoke(&g_authority, TITLE, time(NULL), &count, g_error));
}

static void what_was_not_ordered_is_not_signed(void)
{
    const struct wk_authority_order order = {
        .name = "meter.example", .life_s = YEAR, .now_s = time(NULL)};
    struct wk_authority_order other = order;
    EXPECT_ERR(WK_E_DENIED, sign("/CN=headend.example", P256, &order));
    EXPECT_ERR(WK_E_DENIED, sign("/CN=" TITLE "/O=More", P256, &order));
    EXPECT_ERR(WK_E_DENIED, sign("/CN=" TITLE, P256 NAMED("DNS:headend.example"), &order));
    EXPECT_ERR(WK_E_DENIED, sign("/CN=" TITLE, P256 NAMED("URI:urn:x"), &order));
    EXPECT_ERR(WK_E_DENIED,
               sign("/CN=" TITLE, P256 NAMED("DNS:meter.example,DNS:other.example"), &order));
    EXPECT_ERR(WK_E_UNSUPPORTED, sign("/CN=" TITLE, "-newkey rsa:2048", &order));
    EXPECT_ERR(WK_E_UNSUPPORTED,
               sign("/CN=" TITLE, "-newkey ec -pkeyopt ec_paramgen_curve:P-521", &order));
    other.subject = "574B500010000003";
    EXPECT_ERR(WK_E_DENIED, sign("/CN=" TITLE, P256, &other));
    other.subject = "headend.example";
    EXPECT_OK(sign("/CN=headend.example", P256 NAMED("DNS:headend.example"), &other));
    other.life_s = 100 * YEAR;
    EXPECT_ERR(WK_E_ARGUMENT, sign("/CN=headend.example", P256, &other));
}

static void a_request_that_was_changed_is_not_signed(void)
{
    const struct wk_authority_order order = {.life_s = YEAR, .now_s = time(NULL)};
    uint8_t der[WK_AUTHORITY_DER];
    uint8_t changed[WK_CSR_DER];
    size_t size = 0;
    size_t refused = 0;
    struct wk_bytes_in octets;
    EXPECT(request("/CN=" TITLE, P256 "-outform DER", &octets));
    for (size_t i = 0; i < octets.size; i++) {
        memcpy(changed, octets.data, octets.size);
        changed[i] ^= 1U;
        refused += wk_authority_sign(&g_authority, wk_bytes_in_of(changed, octets.size), &order,
                                     der, &size, g_error) != WK_OK;
    }
    EXPECT_I64(octets.size, refused);
}

static void a_root_is_never_replaced(void)
{
    char folder[64];
    (void)snprintf(folder, sizeof folder, "%s/ca", g_folder);
    EXPECT_ERR(WK_E_STATE,
               wk_authority_make(folder, "again", false, time(NULL), YEAR, g_error));
    EXPECT(run("test $(stat -c %a ca/root.key) = 600"));
    struct wk_authority none;
    EXPECT_ERR(WK_E_NOT_FOUND, wk_authority_open(&none, g_folder, g_error));
}

int main(void)
{
    static const struct wk_test k_tests[] = {
        T(what_it_signs_openssl_verifies_and_what_it_revokes_not),
        T(what_was_not_ordered_is_not_signed),
        T(a_request_that_was_changed_is_not_signed),
        T(a_root_is_never_replaced),
    };
    char folder[64];
    if (mkdtemp(g_folder) == NULL) {
        return 1;
    }
    (void)snprintf(folder, sizeof folder, "%s/ca", g_folder);
    if (wk_authority_make(folder, "root", true, time(NULL), 20 * YEAR, g_error) != WK_OK ||
        wk_authority_open(&g_authority, folder, g_error) != WK_OK) {
        printf("# %s\n", g_error);
        return 1;
    }
    const int status = wk_test_main_(k_tests, (int)(sizeof k_tests / sizeof k_tests[0]));
    wk_authority_close(&g_authority);
    (void)run("rm -rf ca made* csr key");
    (void)unlink(path_of("out"));
    (void)rmdir(g_folder);
    return status;
}
