/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/mqtt_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>

#define CHAIN_MOST 4 /* certificates between a broker and its authority */
#define SECURITY   2 /* OpenSSL's level: nothing below 112 bits, no SHA-1 */

static wk_err refuse(char error[WK_MQTT_TLS_ERROR], const char *what, const char *why)
{
    (void)snprintf(error, WK_MQTT_TLS_ERROR, "%.110s: %.70s", what, why);
    ERR_clear_error();
    return WK_E_FORMAT;
}

static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text != NULL ? text : "no reason is known";
}

/* Notes why; the library tells only that the handshake failed. */
static int look_at(int is_good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    char *why = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (is_good == 0) {
        (void)snprintf(why, WK_MQTT_TLS_ERROR, "the certificate of the broker: %.120s",
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    }
    return is_good;
}

/* The library knows the address only, which it connects to; what the certificate must name is
 * what the broker is asked for. */
static void name_server(const SSL *ssl, int where, int value)
{
    (void)value;
    if ((where & SSL_CB_HANDSHAKE_START) != 0) {
        const char *name =
            X509_VERIFY_PARAM_get0_host(SSL_get0_param((SSL *)(uintptr_t)ssl), 0);
        if (name != NULL) {
            (void)SSL_set_tlsext_host_name((SSL *)(uintptr_t)ssl, (char *)(uintptr_t)name);
        }
    }
}

static bool expect(SSL_CTX *ctx, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const bool is_address = X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1;
    ERR_clear_error();
    return is_address || X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
}

static wk_err set_up(SSL_CTX *ctx, const struct wk_mqtt_tls *tls, char error[WK_MQTT_TLS_ERROR])
{
    SSL_CTX_set_security_level(ctx, SECURITY);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, look_at);
    SSL_CTX_set_verify_depth(ctx, CHAIN_MOST);
    SSL_CTX_set_info_callback(ctx, name_server);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 || !expect(ctx, tls->name)) {
        return refuse(error, "TLS 1.3", reason());
    }
    if (tls->ca == NULL && SSL_CTX_set_default_verify_paths(ctx) != 1) {
        return refuse(error, "authorities of the system", reason());
    }
    if (tls->ca != NULL && SSL_CTX_load_verify_file(ctx, tls->ca) != 1) {
        return refuse(error, tls->ca, "holds no certificates of authorities");
    }
    _Static_assert(WK_TLS_OWN_ERROR == WK_MQTT_TLS_ERROR, "one text serves both");
    return tls->own.certificate == NULL || wk_tls_own_load(ctx, &tls->own, error) == WK_OK
               ? WK_OK
               : WK_E_FORMAT;
}

wk_err wk_mqtt_tls_make(SSL_CTX **context, const struct wk_mqtt_tls *tls, char *why,
                        char error[WK_MQTT_TLS_ERROR])
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL) {
        (void)refuse(error, "TLS", "no memory");
        return WK_E_IO;
    }
    (void)SSL_CTX_set_app_data(ctx, why);
    const wk_err err = set_up(ctx, tls, error);
    if (err != WK_OK) {
        SSL_CTX_free(ctx);
        return err;
    }
    *context = ctx;
    return WK_OK;
}
