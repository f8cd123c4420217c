/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config_dlms - the section [dlms] of the configuration: ports, keys, and where keys lie. */
#ifndef WK_DAEMON_CONFIG_DLMS_H
#define WK_DAEMON_CONFIG_DLMS_H

#include <stddef.h>

#include "daemon/config.h"
#include "port/linux/ini.h"

/* Where an entry stands, and where to say what is wrong with it. */
struct wk_config_place {
    const char *folder; /* of the file, with the slash; empty: the present one */
    char *reason;
    size_t room;
};

/** A file beside the configuration, or as it is if it begins with '/' or lies in a token. WK_E_FORMAT:
 *  place->reason says what it must be. */
WK_MUST_USE wk_err wk_config_path(const struct wk_config_place *place, const char *value,
                                  char *to, size_t size);

/** Takes one key of the section. WK_E_FORMAT: place->reason says why not. */
WK_MUST_USE wk_err wk_config_dlms_take(struct wk_config *config,
                                       const struct wk_ini_entry *entry,
                                       const struct wk_config_place *place);

/** The two slots of the token that tls_key names for tls_enrol; both 0 and false if it does not. */
bool wk_config_dlms_slots(const struct wk_config *config, uint8_t slot[2]);

/** NULL, or what is missing or contradicts itself. */
const char *wk_config_dlms_check(const struct wk_config *config);

#endif
