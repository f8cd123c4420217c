/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "port/linux/tls_own.h"

#define PATH_ROOM    512
#define FILES        2 /* authorities, revocations */
#define SECURITY     2 /* OpenSSL's level: nothing below 112 bits, no SHA-1 */
#define SIGNATURES   "ECDSA+SHA256:ECDSA+SHA384"
#define GROUPS       "P-256:X25519:P-384"
#define CIPHERSUITES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"

struct remembered {
    char peer[WK_TLS_NAME];
    SSL_SESSION *session; /* NULL: free */
};

struct wk_tls_context {
    SSL_CTX *ctx;
    bool server;
    char ca[PATH_ROOM];
    char crl[PATH_ROOM]; /* "": none */
    char name[WK_TLS_NAME];
    char certificate[PATH_ROOM];
    char key[PATH_ROOM];   /* as in struct wk_tls_config */
    struct wk_tls_own own; /* of the two before */
    bool has_own;
    pthread_mutex_t lock; /* of what follows, and of `ctx` */
    struct timespec changed[FILES];
    struct timespec own_changed; /* the certificate */
    X509_STORE *store;           /* whom to trust; a connection keeps that of its begin */
    uint32_t next;
    struct remembered session[WK_TLS_SESSIONS];
};

struct wk_tls {
    struct wk_tls_context *context;
    SSL *ssl;
    BIO *in;
    BIO *out;
    bool is_over;
    bool is_cut;
    bool is_failed; /* refused by either side: its session is worth nothing */
    char peer[WK_TLS_NAME];
    char error[WK_TLS_ERROR];
};

/* ---- errors ------------------------------------------------------------------------------ */

static wk_err refuse(char error[WK_TLS_ERROR], wk_err err, const char *what, const char *why)
{
    (void)snprintf(error, WK_TLS_ERROR, "%.110s: %.70s", what, why);
    ERR_clear_error();
    return err;
}

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text != NULL ? text : "no reason is known";
}

/* ---- trust ------------------------------------------------------------------------------- */

/* Keys other than ECDSA on the two curves are not for meters. */
static int check_certificate(int is_good, X509_STORE_CTX *store)
{
    const X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    const EVP_PKEY *key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
    char curve[32];
    size_t size;
    if (is_good == 0 || certificate == NULL) {
        return is_good;
    }
    const bool known = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
                       EVP_PKEY_get_group_name(key, curve, sizeof curve, &size) == 1 &&
                       (strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0);
    if (!known) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_EE_KEY_TOO_SMALL);
        return 0;
    }
    /* the peer signs with it, and nothing else */
    if (X509_STORE_CTX_get_error_depth(store) == 0 &&
        (X509_get_key_usage((X509 *)(uintptr_t)certificate) & KU_DIGITAL_SIGNATURE) == 0) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
        return 0;
    }
    return 1;
}

static bool is_changed(const char *path, struct timespec *seen)
{
    struct stat status;
    if (path[0] == '\0' || stat(path, &status) != 0) {
        return false;
    }
    const bool changed =
        status.st_mtim.tv_sec != seen->tv_sec || status.st_mtim.tv_nsec != seen->tv_nsec;
    *seen = status.st_mtim;
    return changed;
}

/* Sessions are of the trust they were made with. */
static bool name_sessions(const struct wk_tls_context *context)
{
    return SSL_CTX_set_session_id_context(context->ctx, (const uint8_t *)context->changed,
                                          sizeof context->changed) == 1;
}

static wk_err load_trust(struct wk_tls_context *context, char error[WK_TLS_ERROR])
{
    X509_STORE *store = X509_STORE_new();
    unsigned long flags = 0;
    if (store == NULL) {
        return refuse(error, WK_E_IO, "TLS", "no memory");
    }
    if (X509_STORE_load_file(store, context->ca) != 1) {
        X509_STORE_free(store);
        return refuse(error, WK_E_FORMAT, context->ca, "holds no certificates of authorities");
    }
    if (context->crl[0] != '\0') {
        X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
        if (lookup == NULL || X509_load_crl_file(lookup, context->crl, X509_FILETYPE_PEM) < 1) {
            X509_STORE_free(store);
            return refuse(error, WK_E_FORMAT, context->crl, "holds no revocation list");
        }
        flags = X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    }
    if (X509_STORE_set_flags(store, flags) != 1) {
        X509_STORE_free(store);
        return refuse(error, WK_E_IO, "TLS", reason());
    }
    X509_STORE_free(context->store);
    context->store = store;
    return name_sessions(context) ? WK_OK : refuse(error, WK_E_IO, "TLS", reason());
}

static bool look_for_changes(struct wk_tls_context *context)
{
    const bool ca = is_changed(context->ca, &context->changed[0]);
    return is_changed(context->crl, &context->changed[1]) || ca;
}

/* ---- the own certificate and key --------------------------------------------------------- */

/* One that cannot be used is looked at again with the next connection: its token may be away. */
static wk_err load_own(struct wk_tls_context *context, char error[WK_TLS_ERROR])
{
    _Static_assert(WK_TLS_OWN_ERROR == WK_TLS_ERROR, "one text serves both");
    (void)is_changed(context->certificate, &context->own_changed);
    const wk_err err = wk_tls_own_load(context->ctx, &context->own, error);
    context->has_own = context->has_own || err == WK_OK;
    if (err != WK_OK) {
        context->own_changed = (struct timespec){0};
    }
    return err;
}

/* ---- contexts ---------------------------------------------------------------------------- */

static int remember(SSL *ssl, SSL_SESSION *session);

static bool set_up(SSL_CTX *ctx, bool server)
{
    const int verify = SSL_VERIFY_PEER | (server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    SSL_CTX_set_security_level(ctx, SECURITY);
    SSL_CTX_set_verify(ctx, verify, check_certificate);
    SSL_CTX_set_verify_depth(ctx, WK_TLS_OWN_CHAIN);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    (void)SSL_CTX_set_timeout(ctx, WK_TLS_LIFETIME_S);
    if (!server) {
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
                                                      SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(ctx, remember);
    } else {
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets only */
    }
    return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, CIPHERSUITES) == 1 &&
           SSL_CTX_set1_sigalgs_list(ctx, SIGNATURES) == 1 &&
           SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
           (!server || SSL_CTX_set_num_tickets(ctx, 1) == 1);
}

static bool keep(char *to, size_t room, const char *text)
{
    const int size = snprintf(to, room, "%s", text != NULL ? text : "");
    return size >= 0 && (size_t)size < room;
}

wk_err wk_tls_context_make(struct wk_tls_context **context, const struct wk_tls_config *config,
                           char error[WK_TLS_ERROR])
{
    if (config->certificate == NULL || config->key == NULL || config->ca == NULL) {
        return refuse(error, WK_E_FORMAT, "TLS",
                      "needs a certificate, its key and authorities");
    }
    struct wk_tls_context *made = calloc(1, sizeof *made);
    SSL_CTX *ctx = made != NULL ? SSL_CTX_new(TLS_method()) : NULL;
    if (ctx == NULL || pthread_mutex_init(&made->lock, NULL) != 0) {
        SSL_CTX_free(ctx);
        free(made);
        return refuse(error, WK_E_IO, "TLS", "no memory");
    }
    made->ctx = ctx;
    made->server = config->server;
    wk_err err =
        keep(made->ca, sizeof made->ca, config->ca) &&
                keep(made->crl, sizeof made->crl, config->crl) &&
                keep(made->name, sizeof made->name, config->name) &&
                keep(made->certificate, sizeof made->certificate, config->certificate) &&
                keep(made->key, sizeof made->key, config->key)
            ? WK_OK
            : refuse(error, WK_E_FORMAT, "TLS", "a path or a name is too long");
    if (err == WK_OK && !set_up(ctx, config->server)) {
        err = refuse(error, WK_E_IO, "TLS 1.3", reason());
    }
    (void)SSL_CTX_set_app_data(ctx, made);
    made->own = (struct wk_tls_own){.certificate = made->certificate,
                                    .key = made->key,
                                    .hsm = config->hsm,
                                    .later = config->later};
    (void)look_for_changes(made);
    err = err == WK_OK ? load_trust(made, error) : err;
    err = err == WK_OK ? load_own(made, error) : err;
    err = made->own.later && err != WK_OK && made->store != NULL ? WK_OK : err;
    if (err != WK_OK) {
        wk_tls_context_free(made);
        return err;
    }
    *context = made;
    return WK_OK;
}

static void forget_sessions(struct wk_tls_context *context)
{
    for (size_t i = 0; i < WK_TLS_SESSIONS; i++) {
        SSL_SESSION_free(context->session[i].session);
        context->session[i].session = NULL;
    }
}

void wk_tls_context_free(struct wk_tls_context *context)
{
    if (context == NULL) {
        return;
    }
    forget_sessions(context);
    X509_STORE_free(context->store);
    SSL_CTX_free(context->ctx);
    (void)pthread_mutex_destroy(&context->lock);
    free(context);
}

/* ---- sessions of clients ----------------------------------------------------------------- */

static struct remembered *find_session(struct wk_tls_context *context, const char *peer)
{
    for (size_t i = 0; i < WK_TLS_SESSIONS; i++) {
        struct remembered *place = &context->session[i];
        if (place->session != NULL && strcmp(place->peer, peer) == 0) {
            return place;
        }
    }
    return NULL;
}

/* Called by OpenSSL when the server sends a ticket; 1: the session is ours now. */
static int remember(SSL *ssl, SSL_SESSION *session)
{
    const struct wk_tls *tls = SSL_get_app_data(ssl);
    if (tls == NULL || tls->peer[0] == '\0') {
        return 0;
    }
    struct wk_tls_context *context = tls->context;
    (void)pthread_mutex_lock(&context->lock);
    struct remembered *place = find_session(context, tls->peer);
    if (place == NULL) {
        place = &context->session[context->next++ % WK_TLS_SESSIONS];
    }
    SSL_SESSION_free(place->session);
    place->session = session;
    memcpy(place->peer, tls->peer, sizeof place->peer);
    (void)pthread_mutex_unlock(&context->lock);
    return 1;
}

/* A ticket serves once (RFC 8446, C.4). */
static void resume(struct wk_tls *tls)
{
    struct wk_tls_context *context = tls->context;
    (void)pthread_mutex_lock(&context->lock);
    struct remembered *place = find_session(context, tls->peer);
    SSL_SESSION *session = place != NULL ? place->session : NULL;
    if (place != NULL) {
        place->session = NULL;
    }
    (void)pthread_mutex_unlock(&context->lock);
    if (session != NULL) {
        (void)SSL_set_session(tls->ssl, session); /* else a whole handshake */
        SSL_SESSION_free(session);
    }
}

/* ---- connections ------------------------------------------------------------------------- */

static bool expect_name(SSL *ssl, const char *name, bool server)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    ERR_clear_error();
    return is_address ||
           (X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
            (server || SSL_set_tlsext_host_name(ssl, (char *)(uintptr_t)name) == 1));
}

/* Reads again what has changed on disk: all of it, or that from before holds. A session that is resumed
 * shows no certificate: one from before another pair is not. */
static void look_again(struct wk_tls_context *context)
{
    char unused[WK_TLS_ERROR];
    if (look_for_changes(context) && load_trust(context, unused) == WK_OK) {
        forget_sessions(context);
    }
    if (is_changed(context->certificate, &context->own_changed) &&
        load_own(context, unused) == WK_OK) {
        forget_sessions(context);
    }
}

bool wk_tls_is_ready(struct wk_tls_context *context)
{
    (void)pthread_mutex_lock(&context->lock);
    look_again(context);
    const bool ready = context->has_own;
    (void)pthread_mutex_unlock(&context->lock);
    return ready;
}

/* A connection with the trust and the certificate of now; NULL: no memory, or no certificate. */
static SSL *new_connection(struct wk_tls_context *context)
{
    (void)pthread_mutex_lock(&context->lock);
    look_again(context);
    SSL *ssl = context->has_own ? SSL_new(context->ctx) : NULL;
    const bool is_ready = ssl != NULL && SSL_set1_verify_cert_store(ssl, context->store) == 1;
    (void)pthread_mutex_unlock(&context->lock);
    if (!is_ready) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

static bool begin(struct wk_tls *tls, const char *name, const char *peer)
{
    struct wk_tls_context *context = tls->context;
    const char *expected = context->server ? context->name : name;
    tls->ssl = new_connection(context);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (tls->ssl == NULL || tls->in == NULL || tls->out == NULL) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        return false;
    }
    (void)BIO_set_mem_eof_return(tls->in, -1);
    SSL_set_bio(tls->ssl, tls->in, tls->out); /* it owns them now */
    (void)SSL_set_app_data(tls->ssl, tls);
    if (expected != NULL && expected[0] != '\0' &&
        !expect_name(tls->ssl, expected, context->server)) {
        return false;
    }
    if (context->server) {
        SSL_set_accept_state(tls->ssl);
        return true;
    }
    SSL_set_connect_state(tls->ssl);
    if (peer != NULL && keep(tls->peer, sizeof tls->peer, peer)) {
        resume(tls);
    } else {
        tls->peer[0] = '\0';
    }
    return expected != NULL; /* a client without a name would trust anybody */
}

wk_err wk_tls_begin(struct wk_tls **tls, struct wk_tls_context *context, const char *name,
                    const char *peer)
{
    struct wk_tls *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return WK_E_FULL;
    }
    made->context = context;
    if (!begin(made, name, peer)) {
        wk_tls_free(made);
        return WK_E_FULL;
    }
    *tls = made;
    return WK_OK;
}

void wk_tls_free(struct wk_tls *tls)
{
    if (tls != NULL) {
        if (tls->ssl != NULL && !tls->is_failed) {
            SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        }
        SSL_free(tls->ssl);
        free(tls);
    }
}

wk_err wk_tls_take(struct wk_tls *tls, const uint8_t *octets, size_t size)
{
    size_t taken = 0;
    return BIO_write_ex(tls->in, octets, size, &taken) == 1 && taken == size ? WK_OK
                                                                             : WK_E_FULL;
}

/* OpenSSL does not hear of it: it would take the session for a bad one, and a path that was cut could not
 * resume it. */
void wk_tls_take_end(struct wk_tls *tls)
{
    tls->is_cut = true;
}

/* What went wrong: the peer's certificate, or what OpenSSL says. */
static void explain(struct wk_tls *tls)
{
    const long verified = SSL_get_verify_result(tls->ssl);
    const char *who = tls->context->server ? "client" : "server";
    if (verified != X509_V_OK && !wk_tls_is_open(tls)) {
        const char *why = verified == X509_V_ERR_EE_KEY_TOO_SMALL
                              ? "its key is not ECDSA on P-256 or P-384"
                              : X509_verify_cert_error_string(verified);
        (void)snprintf(tls->error, sizeof tls->error, "TLS: the certificate of the %s: %.120s",
                       who, why);
    } else {
        (void)snprintf(tls->error, sizeof tls->error, "TLS: %.160s", reason());
    }
}

/* What OpenSSL could not do, once it has said so. */
static wk_err outcome(struct wk_tls *tls, int why)
{
    if (why == SSL_ERROR_WANT_READ && !tls->is_cut) {
        return WK_E_SHORT;
    }
    tls->is_over = true;
    if (why == SSL_ERROR_ZERO_RETURN) {
        return WK_E_CLOSED;
    }
    tls->is_failed = why != SSL_ERROR_WANT_READ;
    if (tls->is_cut) {
        (void)snprintf(tls->error, sizeof tls->error,
                       wk_tls_is_open(tls)
                           ? "TLS: the connection was cut off without being closed"
                           : "TLS: the connection was cut off during the handshake");
    } else {
        explain(tls);
    }
    ERR_clear_error();
    return tls->is_cut ? WK_E_CLOSED : WK_E_AUTH;
}

wk_err wk_tls_handshake(struct wk_tls *tls)
{
    if (tls->is_over) {
        return WK_E_CLOSED;
    }
    ERR_clear_error();
    const int done = SSL_do_handshake(tls->ssl);
    return done == 1 ? WK_OK : outcome(tls, SSL_get_error(tls->ssl, done));
}

wk_err wk_tls_read(struct wk_tls *tls, uint8_t *to, size_t room, size_t *size)
{
    *size = 0;
    if (tls->is_over) {
        return WK_E_CLOSED;
    }
    ERR_clear_error();
    return SSL_read_ex(tls->ssl, to, room, size) == 1
               ? WK_OK
               : outcome(tls, SSL_get_error(tls->ssl, 0));
}

wk_err wk_tls_write(struct wk_tls *tls, const uint8_t *octets, size_t size)
{
    size_t written = 0;
    if (tls->is_over || !wk_tls_is_open(tls)) {
        return WK_E_STATE;
    }
    ERR_clear_error();
    return SSL_write_ex(tls->ssl, octets, size, &written) == 1 && written == size ? WK_OK
                                                                                  : WK_E_IO;
}

size_t wk_tls_output(struct wk_tls *tls, const uint8_t **octets)
{
    char *data = NULL;
    const long size = BIO_get_mem_data(tls->out, &data);
    *octets = (const uint8_t *)data;
    return size > 0 ? (size_t)size : 0;
}

void wk_tls_sent(struct wk_tls *tls, size_t size)
{
    uint8_t gone[4096];
    while (size > 0) {
        const size_t part = size < sizeof gone ? size : sizeof gone;
        size_t taken = 0;
        if (BIO_read_ex(tls->out, gone, part, &taken) != 1) {
            return;
        }
        size -= taken;
    }
}

void wk_tls_end(struct wk_tls *tls)
{
    if (!tls->is_over && wk_tls_is_open(tls)) {
        (void)SSL_shutdown(tls->ssl); /* the answer is not waited for */
        tls->is_over = true;
    }
    ERR_clear_error();
}

bool wk_tls_is_open(const struct wk_tls *tls)
{
    return SSL_is_init_finished(tls->ssl) == 1;
}

bool wk_tls_is_resumed(const struct wk_tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}

const char *wk_tls_error(const struct wk_tls *tls)
{
    return tls->error[0] != '\0' ? tls->error : "TLS: the peer closed the connection";
}
