/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cosem/apdu.h"
#include "cosem/axdr.h"
#include "cosem/explain_part.h"

#define OID       7 /* octets of 2.16.756.5.8.x.y */
#define USER_INFO 0xBE

/* How a field of ACSE is written. */
typedef enum form {
    RAW = 0,   /* octets as they are */
    WRAPPED,   /* a value with tag and length of its own */
    CONTEXT,   /* OID of an application context, with tag and length */
    MECHANISM, /* OID of a mechanism */
    RESULT,    /* INTEGER */
    DIAGNOSTIC /* a choice around an INTEGER */
} form;

static const struct field {
    uint8_t tag;
    bool of_request;
    bool of_response;
    form form;
    const char *name;
} k_fields[] = {
    {0x80, true, true, RAW, "protocol-version"},
    {0xA1, true, true, CONTEXT, "application-context-name"},
    {0xA2, true, false, WRAPPED, "called-AP-title"},
    {0xA3, true, false, WRAPPED, "called-AE-qualifier"},
    {0xA4, true, false, WRAPPED, "called-AP-invocation-id"},
    {0xA5, true, false, WRAPPED, "called-AE-invocation-id"},
    {0xA6, true, false, WRAPPED, "calling-AP-title"},
    {0xA7, true, false, WRAPPED, "calling-AE-qualifier"},
    {0xA8, true, false, WRAPPED, "calling-AP-invocation-id"},
    {0xA9, true, false, WRAPPED, "calling-AE-invocation-id"},
    {0x8A, true, false, RAW, "sender-acse-requirements"},
    {0x8B, true, false, MECHANISM, "mechanism-name"},
    {0xAC, true, false, WRAPPED, "calling-authentication-value"},
    {0xA2, false, true, RESULT, "result"},
    {0xA3, false, true, DIAGNOSTIC, "result-source-diagnostic"},
    {0xA4, false, true, WRAPPED, "responding-AP-title"},
    {0xA5, false, true, WRAPPED, "responding-AE-qualifier"},
    {0xA6, false, true, WRAPPED, "responding-AP-invocation-id"},
    {0xA7, false, true, WRAPPED, "responding-AE-invocation-id"},
    {0x88, false, true, RAW, "responder-acse-requirements"},
    {0x89, false, true, MECHANISM, "mechanism-name"},
    {0xAA, false, true, WRAPPED, "responding-authentication-value"},
    {0xBD, true, true, WRAPPED, "implementation-information"},
    {USER_INFO, true, true, WRAPPED, "user-information"},
};

static const struct field *find(uint8_t tag, bool response)
{
    for (size_t i = 0; i < sizeof k_fields / sizeof k_fields[0]; i++) {
        if (k_fields[i].tag == tag &&
            (response ? k_fields[i].of_response : k_fields[i].of_request)) {
            return &k_fields[i];
        }
    }
    return NULL;
}

static void put_oid(struct wk_explain *explain, struct wk_bytes_in *in,
                    const struct field *field)
{
    static const uint8_t k_dlms[] = {0x60, 0x85, 0x74, 0x05, 0x08};
    const size_t at = in->at;
    if (field->form == CONTEXT && wk_bytes_in_u8(in) != 0x06) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    const size_t size = field->form == CONTEXT ? wk_axdr_read_length(in) : wk_bytes_in_left(in);
    const uint8_t *oid = wk_bytes_in_take(in, size);
    if (in->fault != WK_OK) {
        return;
    }
    const bool ours = size == OID && memcmp(oid, k_dlms, sizeof k_dlms) == 0;
    wk_explain_put(explain, &(struct wk_explain_item){
                                .kind = WK_EXPLAIN_OCTETS,
                                .name = field->name,
                                .meaning = !ours ? NULL
                                           : field->form == CONTEXT
                                               ? wk_explain_context_name(oid[OID - 1])
                                               : wk_explain_mechanism_name(oid[OID - 1]),
                                .octets = oid,
                                .size = size,
                                .offset = at});
}

/* Tag and length of a value, which must then take all that is left. */
static void enter(struct wk_bytes_in *in)
{
    (void)wk_bytes_in_u8(in);
    if (wk_axdr_read_length(in) != wk_bytes_in_left(in)) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
}

static void put_wrapped(struct wk_explain *explain, struct wk_bytes_in *in,
                        const struct field *field, bool response)
{
    enter(in);
    const size_t size = wk_bytes_in_left(in);
    if (field->tag == USER_INFO && in->fault == WK_OK) {
        explain->next = wk_bytes_in_of(wk_bytes_in_take(in, size), size);
        return;
    }
    const struct wk_bytes_in octets = wk_explain_octets(explain, in, field->name, size);
    if (field->tag == (response ? 0xA4 : 0xA6) && octets.size == WK_CIPHER_TITLE) {
        memcpy(explain->titles[response ? 1 : 0], octets.data, WK_CIPHER_TITLE);
        explain->has_titles[response ? 1 : 0] = true;
    }
}

static void put_diagnostic(struct wk_explain *explain, struct wk_bytes_in *in)
{
    const bool provider = wk_bytes_in_peek(in) == 0xA2;
    enter(in);
    enter(in);
    (void)wk_explain_u8(explain, in, provider ? "acse-service-provider" : "acse-service-user",
                        provider ? NULL : wk_explain_diagnostic_name);
}

static void put_field(struct wk_explain *explain, struct wk_bytes_in *in,
                      const struct field *field, bool response)
{
    switch (field->form) {
    case WRAPPED:
        put_wrapped(explain, in, field, response);
        return;
    case CONTEXT:
    case MECHANISM:
        put_oid(explain, in, field);
        return;
    case RESULT:
        enter(in);
        (void)wk_explain_u8(explain, in, field->name, wk_explain_association_name);
        return;
    case DIAGNOSTIC:
        put_diagnostic(explain, in);
        return;
    case RAW:
        (void)wk_explain_octets(explain, in, field->name, wk_bytes_in_left(in));
        return;
    }
}

/* The reason of a release is the only field with another meaning there. */
static void put_release(struct wk_explain *explain, struct wk_bytes_in *in)
{
    (void)wk_explain_u8(explain, in, "reason", wk_explain_release_name);
}

bool wk_explain_acse(struct wk_explain *explain, struct wk_bytes_in *in, uint8_t tag)
{
    if (tag < WK_APDU_AARQ || tag > WK_APDU_RLRE) {
        return false;
    }
    const bool release = tag >= WK_APDU_RLRQ;
    const bool response = tag == WK_APDU_AARE || tag == WK_APDU_RLRE;
    if (wk_axdr_read_length(in) != wk_bytes_in_left(in)) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    while (wk_bytes_in_left(in) > 0 && in->fault == WK_OK) {
        const size_t at = in->at;
        const uint8_t which = wk_bytes_in_u8(in);
        const struct field *field = find(which, response);
        const size_t size = wk_axdr_read_length(in);
        const size_t begin = in->at;
        const uint8_t *octets = wk_bytes_in_take(in, size);
        if (in->fault != WK_OK) {
            break;
        }
        struct wk_bytes_in part = wk_bytes_in_of(in->data, begin + size);
        part.at = begin;
        if (release && which == 0x80) {
            put_release(explain, &part);
        } else if (field != NULL) {
            put_field(explain, &part, field, response);
        } else {
            wk_explain_fault(explain, at, "a field that is not known here",
                             wk_bytes_in_of(octets, size));
            continue;
        }
        wk_explain_finish(explain, &part);
    }
    return true;
}
