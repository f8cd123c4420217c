/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_security - counters, keys, key pairs and certificates as values of the
 * store. Private to the module. docs/on-flash.md lists the fields.
 *
 * Keys are in the store only once a client has changed them: until then those of the
 * configuration count, afterwards those of the store. */
#ifndef WK_MANAGEMENT_MODULE_SECURITY_H
#define WK_MANAGEMENT_MODULE_SECURITY_H

#include "management/module.h"

#define WK_MODULE_SECURITY_ROOM    128
#define WK_MODULE_KEYS_ROOM        (8 + WK_SESSION_SETUPS * 160 + WK_ROLE_COUNT * 34)
#define WK_MODULE_IDENTITY_ROOM    (8 + 2 * WK_SESSION_PAIRS * (2 + WK_HAL_EC + WK_HAL_POINT))
#define WK_MODULE_CERTIFICATE_ROOM WK_CERTIFICATE_DER

/** What the store's counters are raised to in the next commit. */
uint32_t wk_module_security_reserve(const struct wk_session_security *security);

void wk_module_security_pack(const struct wk_module *module, uint8_t key,
                             struct wk_bytes_out *out);
wk_err wk_module_security_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in);
void wk_module_keys_pack(const struct wk_module *module, uint8_t key, struct wk_bytes_out *out);
wk_err wk_module_keys_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in);
void wk_module_identity_pack(const struct wk_module *module, uint8_t key,
                             struct wk_bytes_out *out);
wk_err wk_module_identity_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in);
void wk_module_certificate_pack(const struct wk_module *module, uint8_t key,
                                struct wk_bytes_out *out);
wk_err wk_module_certificate_unpack(struct wk_module *module, uint8_t key,
                                    struct wk_bytes_in *in);

/** Marks the parts that changed since the last commit; and forgets that, once committed. */
void wk_module_security_mark(struct wk_module *module);
void wk_module_security_committed(struct wk_module *module, uint32_t reserved);

#endif
