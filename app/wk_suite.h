/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_suite - the options of wk about associations other than the usual three: client SAP,
 * mechanism, suite, signatures. */
#ifndef WK_APP_WK_SUITE_H
#define WK_APP_WK_SUITE_H

#include <getopt.h>
#include <stdbool.h>

#include "cosem/client.h"

/* getopt values; see app/wk_trust for the others. */
enum {
    WK_SUITE_CLIENT = 1200,
    WK_SUITE_SUITE,
    WK_SUITE_MECHANISM,
    WK_SUITE_SIGNING_KEY,
    WK_SUITE_METER_CERTIFICATE,
    WK_SUITE_SIGNED,
    WK_SUITE_END,
};

struct wk_suite {
    uint16_t client_sap; /* 0: that of the role */
    bool is_used;        /* `protection` counts */
    struct wk_client_config protection;
    struct wk_hal_private signing;
    uint8_t meter_point[WK_HAL_POINT];
    bool has_meter_point;
};

#define WK_SUITE_OPTIONS                                                                       \
    "  --client N         client SAP, where the meter has other clients than the usual\n"      \
    "  --suite 0|1|2      security suite, and --mechanism none|lls|hls3|...|hls7\n"            \
    "  --signing-key FILE, --meter-certificate FILE   PEM, for hls7 and --signed\n"            \
    "  --signed           requests are signed, too\n"

#define WK_SUITE_LONG_OPTIONS                                                                  \
    {"client", required_argument, NULL, WK_SUITE_CLIENT},                                      \
        {"suite", required_argument, NULL, WK_SUITE_SUITE},                                    \
        {"mechanism", required_argument, NULL, WK_SUITE_MECHANISM},                            \
        {"signing-key", required_argument, NULL, WK_SUITE_SIGNING_KEY},                        \
        {"meter-certificate", required_argument, NULL, WK_SUITE_METER_CERTIFICATE},            \
    {                                                                                          \
        "signed", no_argument, NULL, WK_SUITE_SIGNED                                           \
    }

bool wk_suite_is_option(int option);
/** Takes one of them. False, and a text on standard error: its value is wrong. */
bool wk_suite_option(struct wk_suite *suite, int option, const char *value);
/** Whether all that was given fits together. False, and a text on standard error: it does not. */
bool wk_suite_end(struct wk_suite *suite);

#endif
