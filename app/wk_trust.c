/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_trust.h"

#include <stdio.h>
#include <string.h>

static const char *const k_names[] = {
    [WK_TRUST_CA - WK_TRUST_CA] = "--tls-ca",
    [WK_TRUST_CERTIFICATE - WK_TRUST_CA] = "--tls-certificate",
    [WK_TRUST_KEY - WK_TRUST_CA] = "--tls-key",
    [WK_TRUST_CRL - WK_TRUST_CA] = "--tls-crl",
    [WK_TRUST_NAME - WK_TRUST_CA] = "--tls-name",
    [WK_TRUST_MODULE - WK_TRUST_CA] = "--token-module",
    [WK_TRUST_LABEL - WK_TRUST_CA] = "--token-label",
    [WK_TRUST_PIN_FILE - WK_TRUST_CA] = "--token-pin-file",
};

bool wk_trust_is_option(int option)
{
    return option >= WK_TRUST_CA && option < WK_TRUST_END;
}

bool wk_trust_option(struct wk_trust *trust, int option, const char *value)
{
    const int which = option - WK_TRUST_CA;
    const int size = snprintf(trust->text[which], WK_TRUST_TEXT, "%s", value);
    if (size <= 0 || size >= WK_TRUST_TEXT) {
        fprintf(stderr, "wk: %s needs 1 to %d characters\n", k_names[which], WK_TRUST_TEXT - 1);
        return false;
    }
    return true;
}

const char *wk_trust_text(const struct wk_trust *trust, int option)
{
    const char *text = trust->text[option - WK_TRUST_CA];
    return text[0] != '\0' ? text : NULL;
}

static bool read_pin(const char *path, char pin[WK_TRUST_PIN])
{
    FILE *file = fopen(path, "re");
    const bool good = file != NULL && fgets(pin, WK_TRUST_PIN, file) != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!good) {
        fprintf(stderr, "wk: %s: the PIN of the token cannot be read\n", path);
        return false;
    }
    pin[strcspn(pin, "\r\n")] = '\0';
    return true;
}

bool wk_trust_token(struct wk_trust *trust)
{
    char pin[WK_TRUST_PIN];
    const char *file = wk_trust_text(trust, WK_TRUST_PIN_FILE);
    const struct wk_hsm_config config = {
        .module = wk_trust_text(trust, WK_TRUST_MODULE),
        .label = wk_trust_text(trust, WK_TRUST_LABEL),
        .pin = pin,
    };
    if (config.module == NULL || file == NULL) {
        fprintf(stderr, "wk: a key in a token needs --token-module and --token-pin-file\n");
        return false;
    }
    if (!read_pin(file, pin)) {
        return false;
    }
    trust->has_token = wk_hsm_open(&trust->hsm, &config) == WK_OK;
    memset(pin, 0, sizeof pin);
    if (!trust->has_token) {
        fprintf(stderr, "wk: %s\n", wk_hsm_error(&trust->hsm));
    }
    return trust->has_token;
}

bool wk_trust_open(struct wk_trust *trust)
{
    char error[WK_TLS_ERROR];
    struct wk_tls_config config = {
        .certificate = wk_trust_text(trust, WK_TRUST_CERTIFICATE),
        .key = wk_trust_text(trust, WK_TRUST_KEY),
        .ca = wk_trust_text(trust, WK_TRUST_CA),
        .crl = wk_trust_text(trust, WK_TRUST_CRL),
    };
    if (config.certificate == NULL || config.key == NULL || config.ca == NULL) {
        fprintf(stderr, "wk: tls:// needs --tls-ca, --tls-certificate and --tls-key\n");
        return false;
    }
    if (strncmp(config.key, WK_TLS_TOKEN, strlen(WK_TLS_TOKEN)) == 0) {
        if (!wk_trust_token(trust)) {
            return false;
        }
        config.hsm = &trust->hsm;
    }
    if (wk_tls_context_make(&trust->context, &config, error) != WK_OK) {
        fprintf(stderr, "wk: %s\n", error);
        return false;
    }
    return true;
}
