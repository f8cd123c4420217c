/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_trust - the options of wk about TLS: whom to trust, what to show, where keys lie. */
#ifndef WK_APP_WK_TRUST_H
#define WK_APP_WK_TRUST_H

#include <getopt.h>
#include <stdbool.h>

#include "port/linux/hsm.h"
#include "port/linux/tls.h"

#define WK_TRUST_TEXT 512
#define WK_TRUST_PIN  64

/* getopt values; wk_meter has those from 1000, commands their own below. */
enum {
    WK_TRUST_CA = 1100,
    WK_TRUST_CERTIFICATE,
    WK_TRUST_KEY,
    WK_TRUST_CRL,
    WK_TRUST_NAME,
    WK_TRUST_MODULE,
    WK_TRUST_LABEL,
    WK_TRUST_PIN_FILE,
    WK_TRUST_END,
};

struct wk_trust {
    char text[WK_TRUST_END - WK_TRUST_CA][WK_TRUST_TEXT]; /* by option; empty: not given */
    struct wk_hsm hsm;
    bool has_token;
    struct wk_tls_context *context;
};

#define WK_TRUST_OPTIONS                                                                       \
    "  --tls-ca FILE, --tls-certificate FILE, --tls-key FILE|pkcs11:LABEL\n"                   \
    "                     for tls://HOST:PORT: authorities, the own certificate, its key\n"    \
    "  --tls-crl FILE     revocation lists\n"                                                  \
    "  --tls-name NAME    what the meter's certificate must name (HOST)\n"                     \
    "  --token-module FILE, --token-label TEXT, --token-pin-file FILE   the token of a key\n"

#define WK_TRUST_LONG_OPTIONS                                                                  \
    {"tls-ca", required_argument, NULL, WK_TRUST_CA},                                          \
        {"tls-certificate", required_argument, NULL, WK_TRUST_CERTIFICATE},                    \
        {"tls-key", required_argument, NULL, WK_TRUST_KEY},                                    \
        {"tls-crl", required_argument, NULL, WK_TRUST_CRL},                                    \
        {"tls-name", required_argument, NULL, WK_TRUST_NAME},                                  \
        {"token-module", required_argument, NULL, WK_TRUST_MODULE},                            \
        {"token-label", required_argument, NULL, WK_TRUST_LABEL},                              \
    {                                                                                          \
        "token-pin-file", required_argument, NULL, WK_TRUST_PIN_FILE                           \
    }

bool wk_trust_is_option(int option);
/** Takes one of them. False, and a text on standard error: its value is too long. */
bool wk_trust_option(struct wk_trust *trust, int option, const char *value);
/** What was given; NULL: it was not. */
const char *wk_trust_text(const struct wk_trust *trust, int option);
/** Opens the token that the options name. False, and a text on standard error: it cannot be. */
bool wk_trust_token(struct wk_trust *trust);
/** Makes the context of a client. False, and a text on standard error: something is missing. */
bool wk_trust_open(struct wk_trust *trust);

#endif
