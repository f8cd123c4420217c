/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/renewal - signs what meters ask for: during a visit the request for the certificate of a
 * key that waits is read, signed by the authority of the head-end, and brought back; so a meter is
 * renewed, and enrolled for the first time, without anybody. The association proves whose request it is
 * (management role only); its subject must be the system title of the meter, its names that by
 * which the registry reaches it. Every signature and refusal leaves a row in the audit. */
#ifndef WK_HEADEND_RENEWAL_H
#define WK_HEADEND_RENEWAL_H

#include "headend/archive.h"
#include "headend/registry.h"
#include "headend/source.h"

#define WK_RENEWAL_CUTS                                                                        \
    3 /* lines cut in a row, then it waits: each time another certificate is signed */

/* Kept by the caller between visits of a meter. */
struct wk_renewal_state {
    int64_t signed_s; /* host's clock when its last certificate was taken; 0: none */
    int64_t retry_s;  /* after a failure: not before */
    uint8_t cuts;     /* lines that were cut while the certificate was brought, in a row */
};

struct wk_renewal {
    const struct wk_registry *registry;
    const struct wk_registry_meter *meter;
    struct wk_archive *archive;
    const struct wk_source *source;
    int64_t host_s;
};

/** Whether the authority that is configured can be used; true if none is. `why` says. */
bool wk_renewal_can(const struct wk_registry *registry, char why[WK_INI_WHY]);
/** Does what is to be done for the meter of an open source. A certificate that is refused by either
 *  side is an entry of the audit, not an error. Errors of the source and of the archive; *of_archive
 *  says whose. */
WK_MUST_USE wk_err wk_renewal_visit(const struct wk_renewal *renewal,
                                    struct wk_renewal_state *state, bool *of_archive);

#endif
