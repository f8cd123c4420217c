/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/renewal.h"

#include <stdio.h>
#include <string.h>

#include "port/linux/authority.h"
#include "port/linux/dlms_carrier.h"

static wk_err note(const struct wk_renewal *renewal, const char *what, const char *why,
                   bool *of_archive)
{
    struct wk_archive *archive = renewal->archive;
    struct wk_archive_audit row = {.at_s = renewal->host_s, .meter = renewal->meter->id};
    snprintf(row.who, sizeof row.who, "head-end");
    snprintf(row.what, sizeof row.what, "certificate %s%s%.120s", what,
             why[0] != '\0' ? ": " : "", why);
    wk_err err = archive->begin(archive->self);
    err = err == WK_OK ? archive->audit_put(archive->self, &row) : err;
    err = err == WK_OK ? archive->commit(archive->self) : err;
    archive->rollback(archive->self); /* nothing to do after a commit */
    *of_archive = err != WK_OK;
    return err;
}

/* What the certificate may name beside the system title; NULL: nothing, it is reached by its link
 * or on a line. */
static const char *name_of(const struct wk_registry_meter *meter,
                           struct wk_dlms_carrier_address *address)
{
    char unused[WK_DLMS_CARRIER_ERROR];
    if (meter->tls_name[0] != '\0') {
        return meter->tls_name;
    }
    const bool known =
        strcmp(meter->host, WK_REGISTRY_LINK) != 0 &&
        wk_dlms_carrier_parse(meter->host, meter->port, address, unused) == WK_OK;
    return known && !address->serial ? address->host : NULL;
}

/* Meters with the same keys could take each other's titles: what the registry says goes before. */
static void name_title(const struct wk_registry_meter *meter,
                       const struct wk_source_request *request,
                       char title[sizeof request->title])
{
    memcpy(title, request->title, sizeof request->title);
    for (size_t i = 0; meter->has_meter_title && i < sizeof meter->meter_title; i++) {
        (void)snprintf(title + 2 * i, 3, "%02X", meter->meter_title[i]);
    }
}

static wk_err sign(const struct wk_renewal *renewal, const struct wk_source_request *request,
                   uint8_t der[WK_AUTHORITY_DER], size_t *size, char why[WK_AUTHORITY_ERROR])
{
    struct wk_authority authority;
    struct wk_dlms_carrier_address address;
    char title[sizeof request->title];
    const struct wk_registry *registry = renewal->registry;
    name_title(renewal->meter, request, title);
    const struct wk_authority_order order = {
        .subject = title,
        .name = name_of(renewal->meter, &address),
        .life_s = registry->certificate_life_s,
        .now_s = renewal->host_s,
    };
    WK_TRY(wk_authority_open(&authority, registry->authority, why));
    const wk_err err = wk_authority_sign(
        &authority, wk_bytes_in_of(request->der, request->size), &order, der, size, why);
    wk_authority_close(&authority);
    return err;
}

static wk_err answer(const struct wk_renewal *renewal, const struct wk_source_request *request,
                     struct wk_renewal_state *state, bool *of_archive)
{
    uint8_t der[WK_AUTHORITY_DER];
    size_t size = 0;
    char why[WK_AUTHORITY_ERROR];
    const struct wk_source *source = renewal->source;
    state->retry_s = renewal->host_s + renewal->registry->retry_max_s;
    if (sign(renewal, request, der, &size, why) != WK_OK) {
        return note(renewal, "not signed", why, of_archive);
    }
    const wk_err err = source->give_certificate(source->self, wk_bytes_in_of(der, size));
    if (err == WK_E_REFUSED) {
        return note(renewal, "signed, and refused by the meter", source->why(source->self),
                    of_archive);
    }
    if (err != WK_OK) { /* the line was cut: it waits still, or has it */
        state->cuts = (uint8_t)((state->cuts + 1) % WK_RENEWAL_CUTS);
        state->retry_s = state->cuts == 0 ? state->retry_s : 0;
        return err;
    }
    *state = (struct wk_renewal_state){.signed_s = renewal->host_s};
    return note(renewal, "signed, and taken by the meter", "", of_archive);
}

/* A list that is out of date would shut out everybody. */
static wk_err keep_list(const struct wk_renewal *renewal, bool *of_archive)
{
    struct wk_authority authority;
    char why[WK_AUTHORITY_ERROR];
    const char *folder = renewal->registry->authority;
    if (!wk_authority_list_is_old(folder, renewal->host_s)) {
        return WK_OK;
    }
    wk_err err = wk_authority_open(&authority, folder, why);
    if (err == WK_OK) {
        err = wk_authority_list(&authority, renewal->host_s, WK_AUTHORITY_LIST_S, why);
        wk_authority_close(&authority);
    }
    return err == WK_OK ? WK_OK : note(renewal, "revocation list not renewed", why, of_archive);
}

bool wk_renewal_can(const struct wk_registry *registry, char why[WK_INI_WHY])
{
    struct wk_authority authority;
    char error[WK_AUTHORITY_ERROR];
    if (registry->authority[0] == '\0') {
        return true;
    }
    if (wk_authority_open(&authority, registry->authority, error) != WK_OK) {
        snprintf(why, WK_INI_WHY, "authority: %s", error);
        return false;
    }
    wk_authority_close(&authority);
    return true;
}

wk_err wk_renewal_visit(const struct wk_renewal *renewal, struct wk_renewal_state *state,
                        bool *of_archive)
{
    struct wk_source_request request;
    const struct wk_source *source = renewal->source;
    *of_archive = false;
    if (renewal->registry->authority[0] == '\0') {
        return WK_OK;
    }
    WK_TRY(keep_list(renewal, of_archive));
    if (renewal->meter->role != WK_REGISTRY_MANAGEMENT || source->read_request == NULL ||
        renewal->host_s < state->retry_s) {
        return WK_OK;
    }
    const wk_err err = source->read_request(source->self, &request);
    return err == WK_OK          ? answer(renewal, &request, state, of_archive)
           : err == WK_E_REFUSED ? WK_OK /* no key waits, or it has none */
                                 : err;
}
