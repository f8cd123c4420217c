/* SPDX-License-Identifier: Apache-2.0
 *
 * What the head-end signs and what it does not, with an authority and an archive of its own, and a meter that
 * asks for what the test says. */
#include "headend/renewal.h"

#include <openssl/x509v3.h>

#include "headend/test_source.h"
#include "port/linux/authority.h"
#include "port/linux/csr.h"
#include "tests/wk_test.h"

#define TITLE   "574B500010000002"
#define OTHER   "574B500010000003"
#define HOST_S  INT64_C(1700000000)
#define RETRY_S 900

static struct test_archive t;
static struct wk_registry registry;
static struct wk_registry_meter row;
static struct wk_renewal_state state;
static struct wk_source source;
static struct asking {
    wk_err asks;    /* WK_OK: it has a request */
    wk_err answers; /* to the certificate */
    struct wk_source_request request;
    uint32_t asked;
    uint32_t given;
    X509 *certificate; /* the last one */
} meter;

static wk_err read_request(void *self, struct wk_source_request *request)
{
    struct asking *m = self;
    m->asked++;
    *request = m->request;
    return m->asks;
}

static wk_err give_certificate(void *self, struct wk_bytes_in der)
{
    struct asking *m = self;
    const unsigned char *at = der.data;
    m->given++;
    X509_free(m->certificate);
    m->certificate = d2i_X509(NULL, &at, (long)der.size);
    return m->answers;
}

static const char *why(void *self)
{
    (void)self;
    return "it has a reason";
}

/* A request for a new key. */
static bool ask(const char *subject, const char *name)
{
    X509_REQ *request = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    const struct wk_csr_subject wanted = {.common_name = subject, .name = name};
    meter.asks = WK_OK;
    const bool good = key != NULL && wk_csr_make(key, &wanted, &request) == WK_OK &&
                      wk_csr_der(request, meter.request.der, &meter.request.size) == WK_OK;
    X509_REQ_free(request);
    EVP_PKEY_free(key);
    return good;
}

static bool begin(void)
{
    char error[WK_AUTHORITY_ERROR];
    test_archive_open(&t, 0);
    registry = (struct wk_registry){.retry_max_s = RETRY_S, .certificate_life_s = 86400};
    (void)snprintf(registry.authority, sizeof registry.authority, "%s/ca", t.directory);
    row = (struct wk_registry_meter){
        .id = t.meter, .role = WK_REGISTRY_MANAGEMENT, .tls_name = "meter.example"};
    state = (struct wk_renewal_state){0};
    meter = (struct asking){.asks = WK_E_REFUSED, .request.title = TITLE};
    source = (struct wk_source){.self = &meter,
                                .read_request = read_request,
                                .give_certificate = give_certificate,
                                .why = why};
    return wk_authority_make(registry.authority, "test root", false, HOST_S,
                             WK_AUTHORITY_ROOT_S, error) == WK_OK;
}

static void end(void)
{
    char command[128];
    X509_free(meter.certificate);
    (void)snprintf(command, sizeof command, "rm -r %s/ca", t.directory);
    EXPECT_I64(0, system(command)); /* NOLINT(cert-env33-c): a fixed text */
    test_archive_close(&t);
}

static wk_err visit(int64_t after_s)
{
    bool of_archive = true;
    const struct wk_renewal renewal = {&registry, &row, &t.archive, &source, HOST_S + after_s};
    const wk_err err = wk_renewal_visit(&renewal, &state, &of_archive);
    return of_archive ? WK_E_CORRUPT : err; /* no test breaks the archive */
}

struct audit {
    int rows;
    char what[WK_ARCHIVE_TEXT]; /* of the last one */
};

static wk_err take_audit(void *self, const struct wk_archive_audit *audit)
{
    struct audit *seen = self;
    seen->rows++;
    memcpy(seen->what, audit->what, sizeof seen->what);
    return WK_OK;
}

/* Whether the audit has so many rows, and the last one has the text. */
static bool is_told(int rows, const char *text)
{
    struct audit seen = {0};
    const wk_err err = t.archive.audit_each(t.archive.self, t.meter, take_audit, &seen);
    const bool good = err == WK_OK && seen.rows == rows && strstr(seen.what, text) != NULL;
    if (!good) {
        printf("# %d rows, the last: %s\n", seen.rows, seen.what);
    }
    return good;
}

static void what_a_meter_asks_for_is_signed_and_brought_back(void)
{
    EXPECT(begin());
    EXPECT_OK(visit(0)); /* it asks for nothing */
    EXPECT(meter.asked == 1 && meter.given == 0 && is_told(0, ""));
    EXPECT(ask(TITLE, "meter.example"));
    EXPECT_OK(visit(1));
    EXPECT(meter.given == 1 && meter.certificate != NULL);
    EXPECT(X509_check_host(meter.certificate, "meter.example", 0, 0, NULL) == 1);
    EXPECT_I64(HOST_S + 1, state.signed_s);
    EXPECT(is_told(1, "signed, and taken by the meter"));
    end();
}

static void what_is_not_of_the_meter_is_not_signed(void)
{
    static const struct {
        const char *subject;
        const char *name;
        const char *told;
    } k_wrong[] = {
        {OTHER, "meter.example", "not the subject"},
        {TITLE, "headend.example", "not ordered"},
        {TITLE, OTHER, "not ordered"},
    };
    EXPECT(begin());
    for (int i = 0; i < 3; i++) {
        const int64_t at_s = (int64_t)i * 2 * RETRY_S;
        EXPECT(ask(k_wrong[i].subject, k_wrong[i].name));
        EXPECT_OK(visit(at_s));
        EXPECT(is_told(i + 1, "certificate not signed: ") && is_told(i + 1, k_wrong[i].told));
        EXPECT_I64(0, state.signed_s);
        EXPECT_OK(visit(at_s + RETRY_S - 1)); /* not asked again before its time */
        EXPECT_I64(i + 1, meter.asked);
    }
    meter.request.size = 7;
    EXPECT_OK(visit(6 * RETRY_S));
    EXPECT(is_told(4, "certificate not signed: "));
    EXPECT_I64(0, meter.given);
    end();
}

/* The registry says which title a meter has: it goes before what the association told. */
static void a_meter_does_not_get_the_title_of_another(void)
{
    static const uint8_t k_other[WK_REGISTRY_TITLE] = {0x57, 0x4B, 0x50, 0, 0x10, 0, 0, 3};
    EXPECT(begin());
    memcpy(row.meter_title, k_other, sizeof k_other);
    row.has_meter_title = true;
    EXPECT(ask(TITLE, "meter.example"));
    EXPECT_OK(visit(0));
    EXPECT(meter.given == 0 && is_told(1, "certificate not signed: "));
    end();
}

static void a_certificate_that_the_meter_refuses_is_told_and_tried_later(void)
{
    EXPECT(begin());
    EXPECT(ask(TITLE, "meter.example"));
    meter.answers = WK_E_REFUSED;
    EXPECT_OK(visit(0));
    EXPECT(meter.given == 1 &&
           is_told(1, "certificate signed, and refused by the meter: it has a reason"));
    EXPECT_I64(0, state.signed_s);
    EXPECT_OK(visit(RETRY_S - 1));
    EXPECT_I64(1, meter.asked);
    meter.answers = WK_OK;
    EXPECT_OK(visit(RETRY_S));
    EXPECT(meter.given == 2 && is_told(2, "signed, and taken by the meter"));
    end();
}

static void a_line_that_is_cut_is_an_error_and_tried_at_once(void)
{
    EXPECT(begin());
    EXPECT(ask(TITLE, "meter.example"));
    meter.answers = WK_E_CLOSED;
    EXPECT_ERR(WK_E_CLOSED, visit(0));
    EXPECT(is_told(0, ""));
    meter.answers = WK_OK;
    EXPECT_OK(visit(1));
    EXPECT(is_told(1, "signed, and taken by the meter"));
    meter.asks = WK_E_CLOSED;
    EXPECT_ERR(WK_E_CLOSED, visit(2));
    end();
}

/* Each attempt signs another certificate. */
static void a_line_that_is_always_cut_does_not_fill_the_authority(void)
{
    EXPECT(begin());
    EXPECT(ask(TITLE, "meter.example"));
    meter.answers = WK_E_CLOSED;
    for (int i = 0; i < WK_RENEWAL_CUTS; i++) {
        EXPECT_ERR(WK_E_CLOSED, visit(i));
    }
    EXPECT_OK(visit(WK_RENEWAL_CUTS)); /* it is not even asked */
    EXPECT_I64(WK_RENEWAL_CUTS, meter.given);
    EXPECT_ERR(WK_E_CLOSED, visit(WK_RENEWAL_CUTS + RETRY_S));
    EXPECT_ERR(WK_E_CLOSED, visit(WK_RENEWAL_CUTS + RETRY_S + 1));
    end();
}

static void who_only_reads_and_who_has_no_authority_signs_nothing(void)
{
    EXPECT(begin());
    EXPECT(ask(TITLE, "meter.example"));
    row.role = WK_REGISTRY_READER;
    EXPECT_OK(visit(0));
    row.role = WK_REGISTRY_MANAGEMENT;
    source.read_request = NULL;
    EXPECT_OK(visit(1));
    source.read_request = read_request;
    char *folder = registry.authority + strlen(registry.authority);
    folder[0] = 'x'; /* is not there */
    folder[1] = '\0';
    EXPECT_OK(visit(2));
    char reason[WK_INI_WHY];
    EXPECT(!wk_renewal_can(&registry, reason) && strstr(reason, "authority: ") == reason);
    EXPECT(meter.given == 0 && is_told(2, "certificate not signed: "));
    registry.authority[0] = '\0';
    EXPECT(wk_renewal_can(&registry, reason));
    EXPECT_OK(visit(3 * RETRY_S));
    EXPECT_I64(1, meter.asked);
    (void)snprintf(registry.authority, sizeof registry.authority, "%s/ca", t.directory);
    end();
}

WK_TEST_MAIN(T(what_a_meter_asks_for_is_signed_and_brought_back),
             T(what_is_not_of_the_meter_is_not_signed),
             T(a_meter_does_not_get_the_title_of_another),
             T(a_certificate_that_the_meter_refuses_is_told_and_tried_later),
             T(a_line_that_is_cut_is_an_error_and_tried_at_once),
             T(a_line_that_is_always_cut_does_not_fill_the_authority),
             T(who_only_reads_and_who_has_no_authority_signs_nothing))
