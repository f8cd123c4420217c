/* SPDX-License-Identifier: Apache-2.0
 *
 * A meter that comes to its certificate, and to the next one: with keys in files and in a token, with
 * certificates that are wrong in every way, and killed at every step. The truth is a handshake of
 * TLS with the pair that is in use. */
#include "port/linux/enrol.h"

#include <openssl/pem.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/authority.h"
#include "port/linux/enrol_part.h"
#include "tests/wk_test.h"

#define SOFTHSM    "/usr/lib/softhsm/libsofthsm2.so"
#define TITLE      "574B500010000002"
#define NAME       "meter.example"
#define LIFE_S     1000
#define DAY_S      86400
#define STEPS_MOST 200

static char g_base[] = "/tmp/wk-enrol-XXXXXX";
static char g_folder[64];
static char g_ca[64];
static char g_crl[64];
static char g_error[WK_ENROL_ERROR];
static struct wk_authority g_authority;
static struct wk_hsm g_hsm;
static bool g_token; /* of the test that runs */
static int g_folders;

/* ---- being killed ------------------------------------------------------------------------ */

static int g_kill_at; /* the step before which this process is killed; 0: never */
static int g_step;
static wk_err (*g_generate)(void *self, struct wk_hal_private *key, uint8_t *point);

static void step(void)
{
    g_step++;
    if (g_step == g_kill_at) {
        (void)kill(getpid(), SIGKILL);
    }
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    step();
    return __real_rename(from, to);
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
    step();
    return __real_unlink(path);
}

int __real_fsync(int file);
int __wrap_fsync(int file);
int __wrap_fsync(int file)
{
    step();
    return __real_fsync(file);
}

ssize_t __real_write(int file, const void *octets, size_t size);
ssize_t __wrap_write(int file, const void *octets, size_t size);
ssize_t __wrap_write(int file, const void *octets, size_t size)
{
    step();
    return __real_write(file, octets, size);
}

wk_err __real_wk_hsm_erase(struct wk_hsm *hsm, uint8_t slot);
wk_err __wrap_wk_hsm_erase(struct wk_hsm *hsm, uint8_t slot);
wk_err __wrap_wk_hsm_erase(struct wk_hsm *hsm, uint8_t slot)
{
    step();
    return __real_wk_hsm_erase(hsm, slot);
}

static wk_err generate(void *self, struct wk_hal_private *key, uint8_t *point)
{
    step();
    const wk_err err = g_generate(self, key, point);
    step();
    return err;
}

/* ---- the meter and its authority --------------------------------------------------------- */

static bool open_token(void)
{
    static const struct wk_hsm_config k_config = {SOFTHSM, "meter", "1234"};
    if (!g_token) {
        return true;
    }
    if (wk_hsm_open(&g_hsm, &k_config) != WK_OK) {
        return false;
    }
    g_generate = g_hsm.hal.generate;
    g_hsm.hal.generate = generate;
    return true;
}

static void close_token(void)
{
    if (g_token) {
        wk_hsm_close(&g_hsm);
    }
}

static struct wk_enrol_config config_of(void)
{
    return (struct wk_enrol_config){.folder = g_folder,
                                    .slot = {g_token ? 9 : 0, g_token ? 10 : 0},
                                    .hsm = g_token ? &g_hsm : NULL,
                                    .subject = {.common_name = TITLE, .name = NAME},
                                    .ca = g_ca,
                                    .crl = g_crl,
                                    .renew_percent = 80};
}

static void new_folder(void)
{
    (void)snprintf(g_folder, sizeof g_folder, "%s/meter%d", g_base, ++g_folders);
}

static int64_t now(void)
{
    return (int64_t)time(NULL);
}

static bool sign_by(const struct wk_authority *by, const struct wk_enrol *enrol, int64_t life_s,
                    uint8_t *der, size_t *size)
{
    char error[WK_AUTHORITY_ERROR];
    const struct wk_authority_order order = {
        .subject = TITLE, .name = NAME, .life_s = life_s, .now_s = now()};
    return wk_authority_sign(by, wk_bytes_in_of(enrol->request, enrol->request_size), &order,
                             der, size, error) == WK_OK;
}

static wk_err answer(struct wk_enrol *enrol)
{
    uint8_t der[WK_AUTHORITY_DER];
    size_t size = 0;
    return sign_by(&g_authority, enrol, LIFE_S, der, &size)
               ? wk_enrol_take(enrol, wk_bytes_in_of(der, size), now())
               : WK_E_IO;
}

/* What a meter without any certificate does until it has one. */
static bool enrol_first(struct wk_enrol *enrol)
{
    const struct wk_enrol_config config = config_of();
    return wk_enrol_open(enrol, &config, g_error) == WK_OK &&
           wk_enrol_look(enrol, now(), g_error) == WK_OK && answer(enrol) == WK_OK;
}

/* Whether the pair in use serves TLS. */
static bool serves(const struct wk_enrol *enrol)
{
    char path[WK_WHOLE_FILE_PATH];
    wk_enrol_path(&enrol->config, "certificate.pem", path);
    return enrol->has_certificate &&
           wk_enrol_prove(&enrol->config, path, enrol->own, g_error) == WK_OK;
}

static bool has_key(const struct wk_enrol *enrol, int place)
{
    EVP_PKEY *key = wk_enrol_key(&enrol->config, place);
    EVP_PKEY_free(key);
    return key != NULL;
}

/* ---- the usual way ----------------------------------------------------------------------- */

static void check_usual(void)
{
    struct wk_enrol enrol;
    new_folder();
    EXPECT(open_token());
    EXPECT(enrol_first(&enrol));
    EXPECT(serves(&enrol));
    const int first = enrol.own;
    EXPECT_OK(wk_enrol_look(&enrol, now() + LIFE_S * 7 / 10, g_error));
    EXPECT_I64(WK_ENROL_NONE, enrol.waiting);
    EXPECT_OK(wk_enrol_look(&enrol, now() + LIFE_S * 8 / 10, g_error));
    EXPECT_I64(1 - first, enrol.waiting);
    EXPECT(serves(&enrol) && enrol.own == first);
    EXPECT_OK(answer(&enrol));
    EXPECT(serves(&enrol) && enrol.own == 1 - first);
    EXPECT(has_key(&enrol, first)); /* for handshakes under way */
    EXPECT_OK(wk_enrol_look(&enrol, now() + WK_ENROL_GRACE_S, g_error));
    EXPECT(!has_key(&enrol, first) && serves(&enrol));
    EXPECT_OK(answer(&enrol) == WK_E_IO ? WK_OK : WK_E_STATE); /* nothing waits */
    close_token();
}

static void a_key_in_a_file_is_renewed_at_its_share_of_life(void)
{
    g_token = false;
    check_usual();
}

static void a_key_in_a_token_is_renewed_at_its_share_of_life(void)
{
    g_token = true;
    check_usual();
}

static void what_is_left_of_a_life_is_told(void)
{
    const struct wk_enrol_life life = {1000, 2000};
    EXPECT_I64(100, wk_enrol_left_percent(&life, 900));
    EXPECT_I64(50, wk_enrol_left_percent(&life, 1500));
    EXPECT_I64(0, wk_enrol_left_percent(&life, 2100));
    EXPECT_I64(WK_ENROL_FINE, wk_enrol_level_of(&life, 1800));
    EXPECT_I64(WK_ENROL_ENDS, wk_enrol_level_of(&life, 1801));
    EXPECT_I64(WK_ENROL_ENDS, wk_enrol_level_of(&life, 1950));
    EXPECT_I64(WK_ENROL_ENDS_SOON, wk_enrol_level_of(&life, 1951));
    EXPECT_I64(WK_ENROL_ENDS_SOON, wk_enrol_level_of(&life, 2000));
    EXPECT_I64(WK_ENROL_EXPIRED, wk_enrol_level_of(&life, 2001));
}

/* ---- what is wrong ----------------------------------------------------------------------- */

static void a_certificate_that_does_not_prove_itself_changes_nothing(void)
{
    struct wk_enrol enrol;
    struct wk_enrol other;
    struct wk_authority stranger;
    uint8_t der[WK_AUTHORITY_DER];
    uint8_t good[WK_AUTHORITY_DER];
    char folder[80];
    char error[WK_AUTHORITY_ERROR];
    size_t size = 0;
    size_t good_size = 0;
    int count = 0;
    g_token = false;
    new_folder();
    EXPECT(enrol_first(&other));
    EXPECT_OK(wk_enrol_begin(&other, g_error));
    new_folder();
    EXPECT(enrol_first(&enrol));
    EXPECT_OK(wk_enrol_begin(&enrol, g_error));
    /* garbage, and about the key of another */
    EXPECT_ERR(WK_E_FORMAT, wk_enrol_take(&enrol, wk_bytes_in_of("hello", 5), now()));
    EXPECT(sign_by(&g_authority, &other, LIFE_S, der, &size));
    EXPECT_ERR(WK_E_NOT_FOUND, wk_enrol_take(&enrol, wk_bytes_in_of(der, size), now()));
    /* by an authority nobody knows, of the same name */
    (void)snprintf(folder, sizeof folder, "%s/stranger", g_base);
    EXPECT_OK(wk_authority_make(folder, "root", true, now(), 100 * DAY_S, error));
    EXPECT_OK(wk_authority_open(&stranger, folder, error));
    const bool signed_by_stranger = sign_by(&stranger, &enrol, LIFE_S, der, &size);
    wk_authority_close(&stranger);
    EXPECT(signed_by_stranger);
    EXPECT_ERR(WK_E_AUTH, wk_enrol_take(&enrol, wk_bytes_in_of(der, size), now()));
    /* over before it came */
    EXPECT(sign_by(&g_authority, &enrol, 1, der, &size));
    (void)sleep(2);
    EXPECT_ERR(WK_E_AUTH, wk_enrol_take(&enrol, wk_bytes_in_of(der, size), now()));
    EXPECT(strstr(enrol.refused, "expired") != NULL);
    /* changed on its way */
    EXPECT(sign_by(&g_authority, &enrol, LIFE_S, good, &good_size));
    for (size_t i = good_size - 40; i < good_size; i++) {
        memcpy(der, good, good_size);
        der[i] ^= 1U;
        EXPECT(wk_enrol_take(&enrol, wk_bytes_in_of(der, good_size), now()) != WK_OK);
    }
    EXPECT(serves(&enrol) && enrol.renewed == 1);
    /* and the right one is taken after all of this; revoked, it would not have been */
    EXPECT_OK(wk_enrol_take(&enrol, wk_bytes_in_of(good, good_size), now()));
    EXPECT(serves(&enrol));
    EXPECT_OK(wk_enrol_begin(&enrol, g_error));
    EXPECT(sign_by(&g_authority, &enrol, LIFE_S, der, &size));
    EXPECT_OK(wk_authority_revoke(&g_authority, TITLE, now(), &count, error));
    EXPECT_ERR(WK_E_AUTH, wk_enrol_take(&enrol, wk_bytes_in_of(der, size), now()));
    EXPECT(strstr(enrol.refused, "revoked") != NULL);
}

static void what_is_put_into_the_folder_by_hand_is_taken_or_kept_as_refused(void)
{
    struct wk_enrol enrol;
    char path[WK_WHOLE_FILE_PATH];
    uint8_t der[WK_AUTHORITY_DER];
    size_t size = 0;
    g_token = false;
    new_folder();
    EXPECT(enrol_first(&enrol));
    EXPECT_OK(wk_enrol_begin(&enrol, g_error));
    wk_enrol_path(&enrol.config, "incoming.pem", path);
    EXPECT_OK(wk_whole_file_put(path, "nothing", 7));
    EXPECT_OK(wk_enrol_look(&enrol, now(), g_error));
    EXPECT(enrol.refused[0] != '\0' && access(path, F_OK) != 0);
    wk_enrol_path(&enrol.config, "refused.pem", path);
    EXPECT_I64(0, access(path, F_OK));
    EXPECT(sign_by(&g_authority, &enrol, LIFE_S, der, &size));
    wk_enrol_path(&enrol.config, "incoming.pem", path);
    EXPECT_OK(wk_whole_file_put(path, der, size));
    EXPECT_OK(wk_enrol_look(&enrol, now(), g_error));
    EXPECT(enrol.refused[0] == '\0' && access(path, F_OK) != 0);
    EXPECT(enrol.renewed == 2 && serves(&enrol));
}

/* ---- killed at every step ---------------------------------------------------------------- */

/* One renewal from wherever it was, to its end. */
static bool renew(struct wk_enrol *enrol)
{
    return (enrol->waiting != WK_ENROL_NONE || wk_enrol_begin(enrol, g_error) == WK_OK) &&
           answer(enrol) == WK_OK &&
           wk_enrol_look(enrol, now() + WK_ENROL_GRACE_S, g_error) == WK_OK;
}

/* A child renews and is killed before a step. True: it was killed; false: it came to the end. */
static bool kill_at(int at)
{
    int status = 0;
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        struct wk_enrol enrol;
        const struct wk_enrol_config config = config_of();
        const bool ready = open_token() && wk_enrol_open(&enrol, &config, g_error) == WK_OK;
        g_step = 0;
        g_kill_at = at;
        _exit(ready && renew(&enrol) ? 0 : 1);
    }
    (void)waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* What must hold after any cut: a pair serves, and no key is there that is neither in use nor
 * waiting. */
static bool is_sound(struct wk_enrol *enrol)
{
    const struct wk_enrol_config config = config_of();
    bool good = wk_enrol_open(enrol, &config, g_error) == WK_OK && serves(enrol);
    for (int i = 0; good && i < WK_ENROL_PLACES; i++) {
        good = has_key(enrol, i) == (i == enrol->own || i == enrol->waiting);
    }
    return good;
}

static void check_kills(const char *figure)
{
    struct wk_enrol enrol;
    int kills = 0;
    new_folder();
    EXPECT(open_token() && enrol_first(&enrol));
    close_token();
    for (int at = 1; at <= STEPS_MOST && kill_at(at); at++) {
        kills++;
        EXPECT(open_token());
        EXPECT(is_sound(&enrol));
        EXPECT(renew(&enrol)); /* and it goes on from there */
        EXPECT(is_sound(&enrol));
        close_token();
    }
    WK_TEST_FIGURE(figure, kills, "kills", ">= 12", kills >= 12, 0);
    EXPECT(kills >= 12 && kills < STEPS_MOST);
    EXPECT(open_token() && is_sound(&enrol));
    close_token();
}

static void killed_at_every_step_a_pair_in_files_serves(void)
{
    g_token = false;
    check_kills("kills_while_renewing_in_files");
}

static void killed_at_every_step_a_pair_in_the_token_serves(void)
{
    g_token = true;
    check_kills("kills_while_renewing_in_a_token");
}

/* ---- all of it --------------------------------------------------------------------------- */

static bool make_world(void)
{
    char text[512];
    char error[WK_AUTHORITY_ERROR];
    if (mkdtemp(g_base) == NULL) {
        return false;
    }
    (void)snprintf(text, sizeof text, "%s/softhsm2.conf", g_base);
    (void)setenv("SOFTHSM2_CONF", text, 1);
    (void)snprintf(
        text, sizeof text,
        "mkdir %s/tokens && echo 'directories.tokendir = %s/tokens' > %s/softhsm2.conf "
        "&& softhsm2-util --init-token --free --label meter --pin 1234 --so-pin 5678 "
        ">/dev/null",
        g_base, g_base, g_base);
    if (system(text) != 0) { /* NOLINT(cert-env33-c): a fixed text */
        return false;
    }
    (void)snprintf(text, sizeof text, "%s/ca", g_base);
    (void)snprintf(g_ca, sizeof g_ca, "%s/ca/root.pem", g_base);
    (void)snprintf(g_crl, sizeof g_crl, "%s/ca/crl.pem", g_base);
    return wk_authority_make(text, "root", true, now(), 100 * DAY_S, error) == WK_OK &&
           wk_authority_open(&g_authority, text, error) == WK_OK;
}

int main(void)
{
    static const struct wk_test k_tests[] = {
        T(a_key_in_a_file_is_renewed_at_its_share_of_life),
        T(a_key_in_a_token_is_renewed_at_its_share_of_life),
        T(what_is_left_of_a_life_is_told),
        T(what_is_put_into_the_folder_by_hand_is_taken_or_kept_as_refused),
        T(killed_at_every_step_a_pair_in_files_serves),
        T(killed_at_every_step_a_pair_in_the_token_serves),
        T(a_certificate_that_does_not_prove_itself_changes_nothing),
    };
    char command[64];
    if (!make_world()) {
        return 1;
    }
    const int status = wk_test_main_(k_tests, (int)(sizeof k_tests / sizeof k_tests[0]));
    wk_authority_close(&g_authority);
    (void)snprintf(command, sizeof command, "rm -rf %s", g_base);
    return system(command) == 0 ? status : 1; /* NOLINT(cert-env33-c): a fixed text */
}
