/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_suite.h"

#include <stdio.h>
#include <string.h>

#include "cosem/kdf.h"
#include "port/linux/ini.h"
#include "port/linux/pem.h"

#define SAP_MOST 0x3FFF

static bool complain(const char *option, const char *value, const char *reason)
{
    fprintf(stderr, "wk: %s \"%s\": %s\n", option, value, reason);
    return false;
}

static bool take_mechanism(struct wk_suite *suite, const char *value)
{
    static const struct {
        const char *word;
        wk_association_mechanism mechanism;
    } k_words[] = {
        {"none", WK_ASSOCIATION_NONE},      {"lls", WK_ASSOCIATION_LLS},
        {"hls3", WK_ASSOCIATION_HLS_MD5},   {"hls4", WK_ASSOCIATION_HLS_SHA1},
        {"hls5", WK_ASSOCIATION_HLS_GMAC},  {"hls6", WK_ASSOCIATION_HLS_SHA256},
        {"hls7", WK_ASSOCIATION_HLS_ECDSA},
    };
    for (size_t i = 0; i < sizeof k_words / sizeof k_words[0]; i++) {
        if (strcmp(k_words[i].word, value) == 0) {
            suite->protection.mechanism = k_words[i].mechanism;
            suite->is_used = true;
            return true;
        }
    }
    return complain("--mechanism", value, "must be none, lls, hls3, hls4, hls5, hls6 or hls7");
}

static bool take_file(struct wk_suite *suite, int option, const char *path)
{
    char error[WK_PEM_ERROR];
    uint8_t point[WK_HAL_POINT];
    uint8_t size = 0;
    const wk_err err = option == WK_SUITE_SIGNING_KEY
                           ? wk_pem_private(path, &suite->signing, point, error)
                           : wk_pem_point(path, suite->meter_point, &size, error);
    suite->has_meter_point = suite->has_meter_point || size != 0;
    if (err != WK_OK) {
        fprintf(stderr, "wk: %s\n", error);
    }
    return err == WK_OK;
}

bool wk_suite_is_option(int option)
{
    return option >= WK_SUITE_CLIENT && option < WK_SUITE_END;
}

bool wk_suite_option(struct wk_suite *suite, int option, const char *value)
{
    int64_t number = 0;
    switch (option) {
    case WK_SUITE_CLIENT:
        suite->client_sap =
            wk_ini_integer(value, 1, SAP_MOST, &number) == WK_OK ? (uint16_t)number : 0;
        return number != 0 || complain("--client", value, "must be 1 to 16383");
    case WK_SUITE_SUITE:
        if (wk_ini_integer(value, 0, 2, &number) != WK_OK) {
            return complain("--suite", value, "must be 0, 1 or 2");
        }
        suite->protection.suite = (uint8_t)number;
        suite->protection.ciphered = true;
        suite->is_used = true;
        return true;
    case WK_SUITE_MECHANISM:
        return take_mechanism(suite, value);
    case WK_SUITE_SIGNED:
        suite->protection.is_signed = true;
        return true;
    default:
        return take_file(suite, option, value);
    }
}

bool wk_suite_end(struct wk_suite *suite)
{
    struct wk_client_config *to = &suite->protection;
    const bool signs = to->mechanism == WK_ASSOCIATION_HLS_ECDSA || to->is_signed;
    const uint8_t size = wk_kdf_curve_size(to->suite);
    if (signs && (suite->signing.size == 0 || !suite->has_meter_point)) {
        fprintf(stderr, "wk: hls7 and --signed need --signing-key and --meter-certificate\n");
        return false;
    }
    if (signs && (to->suite == 0 || suite->signing.size != size)) {
        fprintf(stderr, "wk: signatures need --suite 1 with keys on P-256, or --suite 2 with "
                        "keys on P-384\n");
        return false;
    }
    if (signs) {
        to->signing = &suite->signing;
        to->server_signing = suite->meter_point;
    }
    return true;
}
