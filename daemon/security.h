/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/security - from the configuration to what sessions know: associations, Security setups,
 * key pairs and certificates. */
#ifndef WK_DAEMON_SECURITY_H
#define WK_DAEMON_SECURITY_H

#include "daemon/config.h"
#include "management/module.h"
#include "port/linux/hsm.h"

#define WK_METER_SECURITY_ERROR 256

/* What is made of [association] and [dlms]; it must outlive the sessions. */
struct wk_meter_security {
    struct wk_session_association association[WK_CONFIG_ASSOCIATIONS];
    uint8_t association_count; /* 0: the usual three */
    struct wk_session_setup setup[WK_SESSION_SETUPS];
    uint8_t setup_count;
    struct wk_session_identity identity;
};

/** Opens the cryptography of the meter and, if the configuration names one, its token. Errors of
 *  wk_hsm_open; WK_E_NOT_FOUND: no PIN; told in `error`. */
WK_MUST_USE wk_err wk_meter_keys_open(const struct wk_config *config, struct wk_crypto *crypto,
                                      struct wk_hsm *hsm, char error[WK_METER_SECURITY_ERROR]);
/** Fills them and what `module` says of keys. `hsm`: NULL if there is no token; keys of the file
 *  that belong into an empty slot go there. On error *error says what and why: WK_E_FULL more
 *  Security setups than WK_SESSION_SETUPS; those of port/linux/pem and port/linux/hsm. */
WK_MUST_USE wk_err wk_meter_security_make(struct wk_meter_security *security,
                                          const struct wk_config *config, struct wk_hsm *hsm,
                                          struct wk_module_config *module,
                                          char error[WK_METER_SECURITY_ERROR]);

#endif
