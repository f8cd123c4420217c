/* SPDX-License-Identifier: Apache-2.0
 *
 * Our TLS against peers made of plain OpenSSL without any check of their own: who is right gets
 * in, whatever is wrong with a certificate, a version or the octets does not, on either side. */
#include "port/linux/tls.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/pki.h"
#include "tests/wk_test.h"

#define SOFTHSM    "/usr/lib/softhsm/libsofthsm2.so"
#define NAME       "meter.example"
#define ROUNDS     100 /* of an exchange of octets */
#define PATHS      256
#define PIECE      4096
#define HANDSHAKES 60

static char g_folder[] = "/tmp/wk-tls-XXXXXX";
static uint32_t g_tried;
static uint32_t g_accepted;

/* Entities that many tests need. */
static struct {
    struct wk_pki_entity root, other_root, twin_root; /* the twin has the name of the root */
    struct wk_pki_entity middle, expired_middle, revoked_middle, no_authority, no_signer;
    struct wk_pki_entity limited, below_limited;
    struct wk_pki_entity good, good384;
} g;

static const char *path_of(const char *file)
{
    static char paths[PATHS][96]; /* each lasts long enough for its test */
    static unsigned next;
    char *path = paths[next++ % PATHS];
    (void)snprintf(path, sizeof paths[0], "%s/%s", g_folder, file);
    return path;
}

static bool write_credential(const char *stem, const struct wk_pki_entity *entity,
                             const struct wk_pki_entity *above)
{
    char file[64];
    const struct wk_pki_entity *const chain[] = {entity, above, NULL};
    (void)snprintf(file, sizeof file, "%s.key", stem);
    const bool key = wk_pki_write_key(path_of(file), entity);
    (void)snprintf(file, sizeof file, "%s.pem", stem);
    return key && wk_pki_write_chain(path_of(file), chain);
}

static bool make_entities(void)
{
    const struct wk_pki_wish root = {.subject = "root", .authority = true};
    const struct wk_pki_wish middle = {.subject = "middle", .authority = true};
    const struct wk_pki_wish good = {.subject = "good", .names = "DNS:" NAME};
    const struct wk_pki_wish good384 = {
        .subject = "good", .names = "DNS:" NAME, .curve = "P-384"};
    const struct wk_pki_wish old = {
        .subject = "old", .authority = true, .until_s = -WK_PKI_DAY_S / 2};
    const struct wk_pki_wish limited = {
        .subject = "limited", .authority = true, .path_limited = true};
    const struct wk_pki_wish no_signer = {
        .subject = "no signer", .authority = true, .usage = "critical,cRLSign"};
    return wk_pki_make(&g.root, NULL, &root) && wk_pki_make(&g.other_root, NULL, &middle) &&
           wk_pki_make(&g.twin_root, NULL, &root) && wk_pki_make(&g.middle, &g.root, &middle) &&
           wk_pki_make(&g.expired_middle, &g.root, &old) &&
           wk_pki_make(&g.revoked_middle, &g.root,
                       &(struct wk_pki_wish){.subject = "revoked", .authority = true}) &&
           wk_pki_make(&g.no_authority, &g.root, &good) &&
           wk_pki_make(&g.no_signer, &g.root, &no_signer) &&
           wk_pki_make(&g.limited, &g.root, &limited) &&
           wk_pki_make(&g.below_limited, &g.limited, &middle) &&
           wk_pki_make(&g.good, &g.root, &good) && wk_pki_make(&g.good384, &g.root, &good384);
}

static bool write_files(void)
{
    const struct wk_pki_entity *const roots[] = {&g.root, NULL};
    const struct wk_pki_entity *const others[] = {&g.other_root, NULL};
    return wk_pki_write_chain(path_of("ca.pem"), roots) &&
           wk_pki_write_chain(path_of("other.pem"), others) &&
           write_credential("good", &g.good, NULL) &&
           write_credential("good384", &g.good384, NULL);
}

static bool begin(void)
{
    static bool made;
    if (!made) {
        made = mkdtemp(g_folder) != NULL && make_entities() && write_files();
    }
    return made;
}

static void clean_up(void)
{
    char command[64];
    struct wk_pki_entity *all = (struct wk_pki_entity *)&g;
    for (size_t i = 0; i < sizeof g / sizeof *all; i++) {
        wk_pki_free(&all[i]);
    }
    (void)snprintf(command, sizeof command, "rm -rf %s", g_folder);
    (void)(system(command) == 0);
}

static struct wk_tls_config config_of(bool server, const char *crl)
{
    return (struct wk_tls_config){
        .server = server,
        .certificate = path_of("good.pem"),
        .key = path_of("good.key"),
        .ca = path_of("ca.pem"),
        .crl = crl,
        .name = server ? NAME : NULL,
    };
}

/* ---- between two of ours ----------------------------------------------------------------- */

static bool carry(struct wk_tls *from, struct wk_tls *to)
{
    const uint8_t *octets;
    const size_t size = wk_tls_output(from, &octets);
    const bool good = size == 0 || wk_tls_take(to, octets, size) == WK_OK;
    wk_tls_sent(from, size);
    return good;
}

/* Until both are open or one has given up; then a word goes each way. */
static bool converse(struct wk_tls *client, struct wk_tls *server)
{
    uint8_t octets[8];
    size_t size;
    for (int i = 0; i < 6; i++) {
        const wk_err here = wk_tls_handshake(client);
        const bool carried = carry(client, server);
        const wk_err there = wk_tls_handshake(server);
        if (!carried || !carry(server, client) || (here != WK_OK && here != WK_E_SHORT) ||
            (there != WK_OK && there != WK_E_SHORT)) {
            return false;
        }
    }
    if (wk_tls_write(client, (const uint8_t *)"ask", 3) != WK_OK || !carry(client, server) ||
        wk_tls_read(server, octets, sizeof octets, &size) != WK_OK || size != 3 ||
        wk_tls_write(server, (const uint8_t *)"told", 4) != WK_OK || !carry(server, client)) {
        return false;
    }
    return wk_tls_read(client, octets, sizeof octets, &size) == WK_OK && size == 4;
}

struct pair {
    struct wk_tls_context *client;
    struct wk_tls_context *server;
};

/* One conversation; `resumed` tells how it began. */
static bool meet(const struct pair *pair, bool *resumed)
{
    struct wk_tls *client = NULL;
    struct wk_tls *server = NULL;
    const bool good = wk_tls_begin(&client, pair->client, NAME, "meter") == WK_OK &&
                      wk_tls_begin(&server, pair->server, NULL, NULL) == WK_OK &&
                      converse(client, server);
    *resumed = good && wk_tls_is_resumed(client) && wk_tls_is_resumed(server);
    if (good) {
        wk_tls_end(client);
    }
    wk_tls_free(client);
    wk_tls_free(server);
    return good;
}

/* ---- against a peer without scruples ----------------------------------------------------- */

struct peer {
    const char *certificate; /* PEM of a chain; NULL: none */
    const char *key;
    int version;           /* the only one it speaks; 0: TLS 1.3 */
    const uint8_t *octets; /* says this in place of a handshake */
    size_t size;
    bool vanishes; /* it ends in the middle of the handshake */
};

static SSL_CTX *peer_context(const struct peer *peer)
{
    const int version = peer->version != 0 ? peer->version : TLS1_3_VERSION;
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    if (ctx == NULL) {
        return NULL;
    }
    SSL_CTX_set_security_level(ctx, 0);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    if (SSL_CTX_set_min_proto_version(ctx, version) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, version) != 1 ||
        (peer->certificate != NULL &&
         (SSL_CTX_use_certificate_chain_file(ctx, peer->certificate) != 1 ||
          SSL_CTX_use_PrivateKey_file(ctx, peer->key, SSL_FILETYPE_PEM) != 1))) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

/* Moves what ours has to say to the peer, and what the peer says to ours. */
static void exchange(struct wk_tls *ours, BIO *in, BIO *out)
{
    uint8_t octets[PIECE];
    const uint8_t *said;
    size_t size = wk_tls_output(ours, &said);
    size_t moved;
    if (size > 0) {
        (void)BIO_write_ex(in, said, size, &moved);
        wk_tls_sent(ours, size);
    }
    while (BIO_read_ex(out, octets, sizeof octets, &size) == 1 && size > 0) {
        (void)(wk_tls_take(ours, octets, size) == WK_OK);
    }
}

/* Whether ours believed the peer so far that it would serve it, or ask it. */
static bool accepts(struct wk_tls *ours, bool ours_is_server, const struct peer *peer, SSL *ssl)
{
    BIO *in = SSL_get_rbio(ssl);
    BIO *out = SSL_get_wbio(ssl);
    uint8_t octets[PIECE];
    size_t size = 0;
    wk_err err = WK_E_SHORT;
    for (int i = 0; i < ROUNDS && err == WK_E_SHORT; i++) {
        (void)SSL_do_handshake(ssl);
        if (SSL_is_init_finished(ssl) == 1) {
            (void)SSL_write_ex(ssl, "let me in", 9, &size);
        }
        exchange(ours, in, out);
        if (peer->vanishes && i == 0) {
            wk_tls_take_end(ours);
        }
        if (!ours_is_server && wk_tls_handshake(ours) == WK_OK) {
            return true;
        }
        err = wk_tls_read(ours, octets, sizeof octets, &size);
    }
    return err == WK_OK;
}

static bool is_accepted(const struct pair *pair, bool ours_is_server, const struct peer *peer)
{
    struct wk_tls *ours = NULL;
    SSL_CTX *ctx = peer_context(peer);
    SSL *ssl = ctx != NULL ? SSL_new(ctx) : NULL;
    bool accepted = true; /* a peer that cannot be made has shown nothing */
    if (ssl != NULL && wk_tls_begin(&ours, ours_is_server ? pair->server : pair->client, NAME,
                                    NULL) == WK_OK) {
        SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        if (ours_is_server) {
            SSL_set_connect_state(ssl);
        } else {
            SSL_set_accept_state(ssl);
        }
        if (peer->octets != NULL) {
            uint8_t read[8];
            size_t size;
            const bool taken = wk_tls_take(ours, peer->octets, peer->size) == WK_OK;
            accepted = !taken || wk_tls_read(ours, read, sizeof read, &size) == WK_OK ||
                       wk_tls_is_open(ours);
        } else {
            accepted = accepts(ours, ours_is_server, peer, ssl);
        }
    }
    wk_tls_free(ours);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return accepted;
}

static bool make_pair(struct pair *pair, const char *crl)
{
    char error[WK_TLS_ERROR];
    const struct wk_tls_config client = config_of(false, crl);
    const struct wk_tls_config server = config_of(true, crl);
    *pair = (struct pair){NULL, NULL};
    return wk_tls_context_make(&pair->client, &client, error) == WK_OK &&
           wk_tls_context_make(&pair->server, &server, error) == WK_OK;
}

static void free_pair(struct pair *pair)
{
    wk_tls_context_free(pair->client);
    wk_tls_context_free(pair->server);
}

/* ---- tests ------------------------------------------------------------------------------- */

static void who_is_right_gets_in_and_comes_back_by_a_resumed_session(void)
{
    struct pair pair;
    bool resumed;
    EXPECT(begin());
    EXPECT(make_pair(&pair, NULL));
    EXPECT(meet(&pair, &resumed));
    EXPECT(!resumed);
    EXPECT(meet(&pair, &resumed));
    EXPECT(resumed);
    const struct peer good = {path_of("good.pem"), path_of("good.key"), 0, NULL, 0, false};
    const struct peer good384 = {
        path_of("good384.pem"), path_of("good384.key"), 0, NULL, 0, false};
    EXPECT(is_accepted(&pair, true, &good));
    EXPECT(is_accepted(&pair, false, &good));
    EXPECT(is_accepted(&pair, true, &good384));
    EXPECT(is_accepted(&pair, false, &good384));
    free_pair(&pair);
}

/* A wrong peer, in both directions. Says what was accepted. */
static void try_both(const struct pair *pair, const char *what, const struct peer *peer)
{
    for (int server = 0; server < 2; server++) {
        const bool accepted = is_accepted(pair, server == 1, peer);
        g_tried++;
        g_accepted += accepted ? 1 : 0;
        if (accepted) {
            printf("# accepted as %s: %s\n", server == 1 ? "client" : "server", what);
        }
    }
}

struct wrong {
    const char *what;
    const struct wk_pki_entity *issuer; /* NULL: itself */
    const struct wk_pki_entity *above;  /* what it shows beside its own; NULL: nothing */
    struct wk_pki_wish wish;
};

static const struct wrong k_wrong[] = {
    {"expired", &g.root, NULL, {.until_s = -60}},
    {"not yet valid", &g.root, NULL, {.from_s = 3600}},
    {"an authority nobody knows", &g.other_root, &g.other_root, {0}},
    {"an authority of the right name", &g.twin_root, &g.twin_root, {0}},
    {"signed by itself", NULL, NULL, {0}},
    {"another name", &g.root, NULL, {.names = "DNS:other.example"}},
    {"the name in the subject only",
     &g.root,
     NULL,
     {.subject = NAME, .names = "DNS:x.example"}},
    {"no name but the subject", &g.root, NULL, {.subject = NAME, .names = ""}},
    {"part of a wildcard", &g.root, NULL, {.names = "DNS:met*.example"}},
    {"the name with a zero in it", &g.root, NULL, {.names = "DNS:" NAME ".evil.example"}},
    {"for signing code", &g.root, NULL, {.purpose = "codeSigning"}},
    {"for mail", &g.root, NULL, {.purpose = "emailProtection"}},
    {"usage without signatures", &g.root, NULL, {.usage = "critical,keyEncipherment"}},
    {"RSA of 1024 bits", &g.root, NULL, {.curve = "RSA-1024"}},
    {"RSA of 2048 bits", &g.root, NULL, {.curve = "RSA-2048"}},
    {"P-521", &g.root, NULL, {.curve = "P-521"}},
    {"P-224", &g.root, NULL, {.curve = "P-224"}},
    {"secp256k1", &g.root, NULL, {.curve = "secp256k1"}},
    {"Ed25519", &g.root, NULL, {.curve = "ED25519"}},
    {"signed with SHA-1", &g.root, NULL, {.sha1 = true}},
    {"the certificate between is missing", &g.middle, NULL, {0}},
    {"the certificate between is expired", &g.expired_middle, &g.expired_middle, {0}},
    {"the issuer is no authority", &g.no_authority, &g.no_authority, {0}},
    {"the issuer may not sign certificates", &g.no_signer, &g.no_signer, {0}},
    {"the certificate between is another one", &g.middle, &g.limited, {0}},
};

static bool write_wrong(const struct wrong *wrong)
{
    struct wk_pki_entity made;
    struct wk_pki_wish wish = wrong->wish;
    wish.subject = wish.subject != NULL ? wish.subject : "peer";
    wish.names = wish.names == NULL ? "DNS:" NAME : wish.names[0] == '\0' ? NULL : wish.names;
    const bool good = wk_pki_make(&made, wrong->issuer, &wish) &&
                      write_credential("wrong", &made, wrong->above);
    wk_pki_free(&made);
    return good;
}

/* leaf <- below_limited <- limited <- root: one authority too many. */
static bool write_too_long(void)
{
    struct wk_pki_entity leaf;
    const struct wk_pki_wish wish = {.subject = "leaf", .names = "DNS:" NAME};
    const struct wk_pki_entity *const chain[] = {&leaf, &g.below_limited, &g.limited, NULL};
    const bool good = wk_pki_make(&leaf, &g.below_limited, &wish) &&
                      wk_pki_write_key(path_of("wrong.key"), &leaf) &&
                      wk_pki_write_chain(path_of("wrong.pem"), chain);
    wk_pki_free(&leaf);
    return good;
}

static void no_wrong_certificate_is_accepted_on_either_side(void)
{
    struct pair pair;
    EXPECT(begin());
    EXPECT(make_pair(&pair, NULL));
    const struct peer peer = {path_of("wrong.pem"), path_of("wrong.key"), 0, NULL, 0, false};
    g_tried = 0;
    g_accepted = 0;
    for (size_t i = 0; i < sizeof k_wrong / sizeof k_wrong[0]; i++) {
        EXPECT(write_wrong(&k_wrong[i]));
        try_both(&pair, k_wrong[i].what, &peer);
    }
    EXPECT(write_too_long());
    try_both(&pair, "a path that is too long", &peer);
    /* what is for the other side only */
    EXPECT(write_wrong(
        &(struct wrong){"for servers only", &g.root, NULL, {.purpose = "serverAuth"}}));
    EXPECT(!is_accepted(&pair, true, &peer));
    EXPECT(is_accepted(&pair, false, &peer));
    EXPECT(write_wrong(
        &(struct wrong){"for clients only", &g.root, NULL, {.purpose = "clientAuth"}}));
    EXPECT(is_accepted(&pair, true, &peer));
    EXPECT(!is_accepted(&pair, false, &peer));
    g_tried += 2;
    free_pair(&pair);
    printf("# %u wrong certificates were shown, %u accepted\n", g_tried, g_accepted);
    WK_TEST_FIGURE("tls.wrong_certificates.accepted", g_accepted, "of 54", "0", g_accepted == 0,
                   0);
    EXPECT_I64(54, g_tried);
    EXPECT_I64(0, g_accepted);
}

static void what_is_revoked_is_refused_and_so_is_an_old_list(void)
{
    struct pair pair;
    struct wk_pki_entity leaf;
    const struct wk_pki_wish wish = {.subject = "leaf", .names = "DNS:" NAME};
    const char *crl = path_of("crl.pem");
    bool resumed;
    EXPECT(begin());
    EXPECT(wk_pki_make(&leaf, &g.root, &wish));
    EXPECT(write_credential("wrong", &leaf, NULL));
    const struct peer peer = {path_of("wrong.pem"), path_of("wrong.key"), 0, NULL, 0, false};
    EXPECT(wk_pki_write_list(crl, &g.root, NULL, WK_PKI_DAY_S, false));
    EXPECT(make_pair(&pair, crl));
    EXPECT(is_accepted(&pair, true, &peer));
    EXPECT(is_accepted(&pair, false, &peer));
    EXPECT(meet(&pair, &resumed) && meet(&pair, &resumed) && resumed);
    /* Both that run read the new list; sessions of before are not resumed. */
    EXPECT(wk_pki_write_list(crl, &g.root, &leaf, WK_PKI_DAY_S, false));
    EXPECT(!is_accepted(&pair, true, &peer));
    EXPECT(!is_accepted(&pair, false, &peer));
    EXPECT(meet(&pair, &resumed) && !resumed);
    free_pair(&pair);
    EXPECT(make_pair(&pair, crl));
    g_tried = 0;
    g_accepted = 0;
    try_both(&pair, "revoked", &peer);
    free_pair(&pair);
    EXPECT(wk_pki_write_list(crl, &g.root, NULL, -60, false)); /* out of date */
    EXPECT(make_pair(&pair, crl));
    try_both(&pair, "an old list", &peer);
    free_pair(&pair);
    EXPECT(wk_pki_write_list(crl, &g.other_root, NULL, WK_PKI_DAY_S, false)); /* of another */
    EXPECT(make_pair(&pair, crl));
    try_both(&pair, "the list of another authority", &peer);
    free_pair(&pair);
    wk_pki_free(&leaf);
    EXPECT(wk_pki_make(&leaf, &g.revoked_middle, &wish)); /* what is between is revoked */
    EXPECT(write_credential("wrong", &leaf, &g.revoked_middle));
    EXPECT(wk_pki_write_list(crl, &g.root, &g.revoked_middle, WK_PKI_DAY_S, false));
    EXPECT(wk_pki_write_list(crl, &g.revoked_middle, NULL, WK_PKI_DAY_S, true));
    EXPECT(make_pair(&pair, crl));
    try_both(&pair, "a revoked authority between", &peer);
    free_pair(&pair);
    wk_pki_free(&leaf);
    printf("# %u tried, %u accepted\n", g_tried, g_accepted);
    EXPECT_I64(8, g_tried);
    EXPECT_I64(0, g_accepted);
}

/* A new pair is put in the place of the old one while both sides run; that the old one is not used any
 * more shows when it is revoked. */
static void a_new_certificate_comes_into_use_with_the_next_connection(void)
{
    struct pair pair = {NULL, NULL};
    struct wk_pki_entity first, second, foreign;
    char error[WK_TLS_ERROR];
    char keys[256];
    bool resumed;
    const char *crl = path_of("renewed.crl");
    const char *certificate = path_of("first.pem");
    const struct wk_pki_wish wish = {.subject = "leaf", .names = "DNS:" NAME};
    EXPECT(begin());
    EXPECT(wk_pki_make(&first, &g.root, &wish) && wk_pki_make(&second, &g.root, &wish) &&
           wk_pki_make(&foreign, &g.root, &wish));
    EXPECT(write_credential("first", &first, NULL) &&
           write_credential("second", &second, NULL) &&
           write_credential("foreign", &foreign, NULL));
    EXPECT(wk_pki_write_list(crl, &g.root, NULL, WK_PKI_DAY_S, false));
    (void)snprintf(keys, sizeof keys, "%s, %s", path_of("second.key"), path_of("first.key"));
    struct wk_tls_config config = config_of(true, crl);
    config.certificate = certificate;
    config.key = keys;
    EXPECT_OK(wk_tls_context_make(&pair.server, &config, error));
    config.server = false;
    config.name = NULL;
    EXPECT_OK(wk_tls_context_make(&pair.client, &config, error));
    EXPECT(meet(&pair, &resumed) && !resumed);
    /* one that none of the keys belongs to: what was before holds */
    EXPECT_I64(0, rename(path_of("foreign.pem"), certificate));
    EXPECT(meet(&pair, &resumed));
    EXPECT_I64(0, rename(path_of("second.pem"), certificate));
    EXPECT(meet(&pair, &resumed));
    EXPECT(wk_pki_write_list(crl, &g.root, &first, WK_PKI_DAY_S, false));
    EXPECT(meet(&pair, &resumed) && !resumed);
    EXPECT(wk_pki_write_list(crl, &g.root, &second, WK_PKI_DAY_S, false));
    EXPECT(!meet(&pair, &resumed));
    free_pair(&pair);
    wk_pki_free(&first);
    wk_pki_free(&second);
    wk_pki_free(&foreign);
}

static bool put_chain(const char *file, const struct wk_pki_entity *entity)
{
    const struct wk_pki_entity *const chain[] = {entity, NULL};
    return wk_pki_write_chain(path_of(file), chain);
}

static void a_client_waits_for_its_certificate_and_resumes_nothing_from_before_it(void)
{
    struct pair pair;
    struct wk_tls *tls = NULL;
    struct wk_tls_context *none = NULL;
    char error[WK_TLS_ERROR] = "";
    bool resumed = true;
    EXPECT(begin());
    EXPECT(make_pair(&pair, NULL));
    wk_tls_context_free(pair.client);
    struct wk_tls_config config = config_of(false, NULL);
    char keys[256];
    (void)snprintf(keys, sizeof keys, "%s, %s", path_of("good.key"), path_of("good384.key"));
    config.certificate = path_of("later.pem");
    config.key = keys;
    EXPECT(wk_tls_context_make(&none, &config, error) != WK_OK);
    config.later = true;
    EXPECT_OK(wk_tls_context_make(&pair.client, &config, error));
    EXPECT(!wk_tls_is_ready(pair.client));
    EXPECT_ERR(WK_E_FULL, wk_tls_begin(&tls, pair.client, NAME, "meter"));
    EXPECT(put_chain("later.pem", &g.other_root)); /* none of ours */
    EXPECT(!wk_tls_is_ready(pair.client));
    EXPECT(put_chain("later.pem", &g.good));
    EXPECT(wk_tls_is_ready(pair.client));
    EXPECT(meet(&pair, &resumed) && !resumed);
    EXPECT(meet(&pair, &resumed) && resumed);
    EXPECT(put_chain("later.pem", &g.good384));
    EXPECT(meet(&pair, &resumed) && !resumed);
    EXPECT(meet(&pair, &resumed) && resumed);
    EXPECT(put_chain("later.pem", &g.other_root)); /* that from before holds */
    EXPECT(meet(&pair, &resumed) && resumed);
    config.ca = path_of("later.key"); /* whom to believe cannot come later */
    EXPECT(wk_tls_context_make(&none, &config, error) != WK_OK);
    free_pair(&pair);
}

static void other_versions_and_other_octets_are_refused(void)
{
    static const uint8_t k_aarq[] = {0x00, 0x01, 0x00, 0x10, 0x00, 0x01, 0x00, 0x1F, 0x60, 0x1D,
                                     0xA1, 0x09, 0x06, 0x07, 0x60, 0x85, 0x74, 0x05, 0x08, 0x01,
                                     0x01, 0xBE, 0x10, 0x04, 0x0E, 0x01, 0x00, 0x00, 0x00, 0x06,
                                     0x5F, 0x1F, 0x04, 0x00, 0x00, 0x7E, 0x1F, 0xFF, 0xFF};
    static const uint8_t k_http[] = "GET / HTTP/1.1\r\nHost: meter.example\r\n\r\n";
    static const uint8_t k_alert[] = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28};
    static const uint8_t k_huge[] = {0x16, 0x03, 0x01, 0xFF, 0xFF, 0x01, 0x00, 0x00};
    static const uint8_t k_zeros[64];
    static const int k_versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};
    struct pair pair;
    EXPECT(begin());
    EXPECT(make_pair(&pair, NULL));
    g_tried = 0;
    g_accepted = 0;
    struct peer peer = {path_of("good.pem"), path_of("good.key"), 0, NULL, 0, false};
    for (size_t i = 0; i < sizeof k_versions / sizeof k_versions[0]; i++) {
        peer.version = k_versions[i];
        try_both(&pair, "an old version", &peer);
    }
    peer.version = 0;
    peer.vanishes = true;
    try_both(&pair, "gone during the handshake", &peer);
    peer.vanishes = false;
    const struct {
        const uint8_t *octets;
        size_t size;
    } junk[] = {{k_aarq, sizeof k_aarq},
                {k_http, sizeof k_http},
                {k_alert, sizeof k_alert},
                {k_huge, sizeof k_huge},
                {k_zeros, sizeof k_zeros}};
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++) {
        peer.octets = junk[i].octets;
        peer.size = junk[i].size;
        try_both(&pair, "octets of something else", &peer);
    }
    const struct peer nobody = {NULL, NULL, 0, NULL, 0, false};
    try_both(&pair, "no certificate", &nobody);
    free_pair(&pair);
    printf("# %u tried, %u accepted\n", g_tried, g_accepted);
    EXPECT_I64(20, g_tried);
    EXPECT_I64(0, g_accepted);
}

/* Every octet of the client's last flight, which proves it, is changed once. */
static void no_changed_octet_of_a_handshake_is_accepted(void)
{
    struct pair pair;
    uint8_t flight[PIECE];
    size_t size = 1;
    uint32_t accepted = 0;
    uint32_t tried = 0;
    EXPECT(begin());
    EXPECT(make_pair(&pair, NULL));
    for (size_t at = 0; at < size; at += 7) {
        struct wk_tls *client = NULL;
        struct wk_tls *server = NULL;
        const uint8_t *octets;
        uint8_t read[8];
        size_t got;
        EXPECT_OK(wk_tls_begin(&client, pair.client, NAME, NULL));
        EXPECT_OK(wk_tls_begin(&server, pair.server, NULL, NULL));
        EXPECT_ERR(WK_E_SHORT, wk_tls_handshake(client));
        EXPECT(carry(client, server));
        EXPECT_ERR(WK_E_SHORT, wk_tls_handshake(server));
        EXPECT(carry(server, client));
        EXPECT_OK(wk_tls_handshake(client));
        EXPECT_OK(wk_tls_write(client, (const uint8_t *)"ask", 3));
        size = wk_tls_output(client, &octets);
        EXPECT(size < sizeof flight);
        if (at < size) { /* signatures differ in length: this flight may be the shorter one */
            memcpy(flight, octets, size);
            flight[at] ^= 0x10;
            EXPECT_OK(wk_tls_take(server, flight, size));
            accepted += wk_tls_read(server, read, sizeof read, &got) == WK_OK ? 1 : 0;
            tried++;
        }
        wk_tls_free(client);
        wk_tls_free(server);
    }
    free_pair(&pair);
    printf("# %u tried, %u accepted\n", tried, accepted);
    EXPECT(tried > 80);
    EXPECT_I64(0, accepted);
}

static void a_connection_that_is_cut_is_not_taken_for_closed(void)
{
    struct pair pair;
    struct wk_tls *client = NULL;
    struct wk_tls *server = NULL;
    uint8_t octets[8];
    size_t size;
    EXPECT(begin());
    EXPECT(make_pair(&pair, NULL));
    EXPECT_OK(wk_tls_begin(&client, pair.client, NAME, NULL));
    EXPECT_OK(wk_tls_begin(&server, pair.server, NULL, NULL));
    EXPECT(converse(client, server));
    wk_tls_take_end(server); /* without close_notify */
    EXPECT_ERR(WK_E_CLOSED, wk_tls_read(server, octets, sizeof octets, &size));
    EXPECT(strstr(wk_tls_error(server), "cut off") != NULL);
    wk_tls_end(client);
    wk_tls_free(client);
    wk_tls_free(server);
    EXPECT_OK(wk_tls_begin(&client, pair.client, NAME, NULL));
    EXPECT_OK(wk_tls_begin(&server, pair.server, NULL, NULL));
    EXPECT(converse(client, server));
    wk_tls_end(client);
    EXPECT(carry(client, server));
    EXPECT_ERR(WK_E_CLOSED, wk_tls_read(server, octets, sizeof octets, &size));
    EXPECT(strstr(wk_tls_error(server), "cut off") == NULL);
    EXPECT_ERR(WK_E_STATE, wk_tls_write(server, octets, 1));
    wk_tls_free(client);
    wk_tls_free(server);
    free_pair(&pair);
}

static void files_that_are_wrong_are_told(void)
{
    char error[WK_TLS_ERROR] = "";
    struct wk_tls_context *context = NULL;
    EXPECT(begin());
    struct wk_tls_config config = config_of(true, NULL);
    config.certificate = path_of("nothing.pem");
    EXPECT_ERR(WK_E_FORMAT, wk_tls_context_make(&context, &config, error));
    EXPECT(strstr(error, "nothing.pem") != NULL);
    config = config_of(true, NULL);
    config.key = path_of("nothing.key");
    EXPECT_ERR(WK_E_NOT_FOUND, wk_tls_context_make(&context, &config, error));
    EXPECT(strstr(error, "nothing.key") != NULL);
    config.key = path_of("good384.key");
    EXPECT_ERR(WK_E_FORMAT, wk_tls_context_make(&context, &config, error));
    EXPECT(strstr(error, "does not belong") != NULL);
    config.key = "pkcs11:7";
    EXPECT_ERR(WK_E_NOT_FOUND, wk_tls_context_make(&context, &config, error));
    EXPECT(strstr(error, "no token") != NULL);
    config = config_of(true, path_of("good.pem"));
    EXPECT_ERR(WK_E_FORMAT, wk_tls_context_make(&context, &config, error));
    EXPECT(strstr(error, "revocation") != NULL);
    config = config_of(true, NULL);
    config.ca = path_of("good.key");
    EXPECT_ERR(WK_E_FORMAT, wk_tls_context_make(&context, &config, error));
    EXPECT(strstr(error, "authorities") != NULL);
    config.ca = NULL;
    EXPECT_ERR(WK_E_FORMAT, wk_tls_context_make(&context, &config, error));
}

/* ---- keys in a token --------------------------------------------------------------------- */

static bool make_token(struct wk_hsm *hsm)
{
    static const struct wk_hsm_config k_config = {SOFTHSM, "tls", "1234"};
    FILE *file = fopen(path_of("softhsm2.conf"), "w");
    if (file == NULL) {
        return false;
    }
    fprintf(file, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
            g_folder);
    (void)fclose(file);
    (void)setenv("SOFTHSM2_CONF", path_of("softhsm2.conf"), 1);
    return system("softhsm2-util --init-token --free --label tls --pin 1234 --so-pin 5678 "
                  ">/dev/null 2>&1") == 0 &&
           wk_hsm_open(hsm, &k_config) == WK_OK;
}

/* A certificate for a new key in `slot`, as token.pem. */
static bool certify_slot(struct wk_hsm *hsm, uint8_t slot, uint8_t size)
{
    uint8_t point[WK_HAL_POINT];
    struct wk_hal_private key = {.size = size, .slot = slot};
    struct wk_pki_entity made;
    const struct wk_pki_wish wish = {.subject = "token", .names = "DNS:" NAME};
    const struct wk_pki_entity *const chain[] = {&made, NULL};
    uint8_t whole[1 + WK_HAL_POINT] = {0x04};
    if (hsm->hal.generate(hsm, &key, point) != WK_OK) {
        return false;
    }
    memcpy(whole + 1, point, 2U * size);
    EVP_PKEY *public_part = EVP_EC_gen(size == 32 ? "P-256" : "P-384");
    const bool good =
        public_part != NULL &&
        EVP_PKEY_set1_encoded_public_key(public_part, whole, 1U + 2U * size) == 1 &&
        wk_pki_certify(&made, public_part, &g.root, &wish) &&
        wk_pki_write_chain(path_of("token.pem"), chain);
    wk_pki_free(&made);
    EVP_PKEY_free(public_part);
    return good;
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The shortest of whole handshakes, which others on the machine disturb least; 0: one failed. */
static int64_t handshake_ns(const struct pair *pair)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < HANDSHAKES; i++) {
        struct wk_tls *client = NULL;
        struct wk_tls *server = NULL;
        const int64_t begun = now_ns();
        const bool good = wk_tls_begin(&client, pair->client, NAME, NULL) == WK_OK &&
                          wk_tls_begin(&server, pair->server, NULL, NULL) == WK_OK &&
                          converse(client, server);
        const int64_t took = now_ns() - begun;
        least = took < least ? took : least;
        wk_tls_free(client);
        wk_tls_free(server);
        if (!good) {
            return 0;
        }
    }
    return least;
}

/* The same from the other end, as a meter does it for its link: the token signs for the client. */
static int64_t client_handshake_ns(struct pair *pair, struct wk_hsm *hsm)
{
    char error[WK_TLS_ERROR];
    struct wk_tls_config config = config_of(false, NULL);
    const struct wk_tls_config server = config_of(true, NULL);
    config.certificate = path_of("token.pem");
    config.key = "pkcs11:2";
    config.hsm = hsm;
    free_pair(pair);
    return wk_tls_context_make(&pair->client, &config, error) == WK_OK &&
                   wk_tls_context_make(&pair->server, &server, error) == WK_OK
               ? handshake_ns(pair)
               : 0;
}

static void a_key_in_a_token_shakes_hands_and_never_leaves_it(void)
{
    static struct wk_hsm hsm;
    char error[WK_TLS_ERROR] = "";
    struct pair pair;
    EXPECT(begin());
    EXPECT(make_token(&hsm));
    EXPECT(make_pair(&pair, NULL));
    const int64_t file_ns = handshake_ns(&pair);
    int64_t token_ns = 0;
    for (uint8_t slot = 1; slot <= 2; slot++) {
        char key[32];
        wk_tls_context_free(pair.server);
        pair.server = NULL;
        EXPECT(certify_slot(&hsm, slot, slot == 1 ? 48 : 32));
        struct wk_tls_config config = config_of(true, NULL);
        (void)snprintf(key, sizeof key, slot == 1 ? "pkcs11:meter key %u" : "pkcs11:%u", slot);
        config.certificate = path_of("token.pem");
        config.key = key;
        config.hsm = &hsm;
        EXPECT_OK(wk_tls_context_make(&pair.server, &config, error));
        token_ns = handshake_ns(&pair);
        EXPECT(token_ns > 0);
        config.key = "pkcs11:9";
        struct wk_tls_context *none = NULL;
        EXPECT_ERR(WK_E_NOT_FOUND, wk_tls_context_make(&none, &config, error));
        config.key = slot == 1 ? "pkcs11:2" : "pkcs11:1"; /* the other key, or none yet */
        EXPECT(wk_tls_context_make(&none, &config, error) != WK_OK);
    }
    const int64_t link_ns = client_handshake_ns(&pair, &hsm);
    free_pair(&pair);
    wk_hsm_close(&hsm);
    EXPECT(file_ns > 0 && link_ns > 0);
    const double link_ratio = (double)link_ns / (double)file_ns;
    WK_TEST_FIGURE("tls.handshake.link_token_to_file", link_ratio, "ratio", "<= 2",
                   link_ratio <= 2.0, 0);
    const double ratio = (double)token_ns / (double)file_ns;
    printf("# P-256 handshake: %.3f ms with a file, %.3f ms with the token\n",
           (double)file_ns / 1e6, (double)token_ns / 1e6);
    WK_TEST_FIGURE("tls.handshake.token_to_file", ratio, "ratio", "<= 2", ratio <= 2.0, 0);
    clean_up();
}

WK_TEST_MAIN(T(who_is_right_gets_in_and_comes_back_by_a_resumed_session),
             T(no_wrong_certificate_is_accepted_on_either_side),
             T(what_is_revoked_is_refused_and_so_is_an_old_list),
             T(a_new_certificate_comes_into_use_with_the_next_connection),
             T(a_client_waits_for_its_certificate_and_resumes_nothing_from_before_it),
             T(other_versions_and_other_octets_are_refused),
             T(no_changed_octet_of_a_handshake_is_accepted),
             T(a_connection_that_is_cut_is_not_taken_for_closed),
             T(files_that_are_wrong_are_told),
             T(a_key_in_a_token_shakes_hands_and_never_leaves_it))
