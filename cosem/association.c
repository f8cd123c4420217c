/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/association.h"

#include <stdbool.h>
#include <string.h>

#include "cosem/apdu.h"
#include "cosem/axdr.h"

/* BER tags of the fields */
enum {
    BER_INTEGER = 0x02,
    BER_OCTETS = 0x04,
    BER_OID = 0x06,
    AARQ_CONTEXT = 0xA1,
    AARQ_TITLE = 0xA6,
    AARQ_REQUIREMENTS = 0x8A,
    AARQ_MECHANISM = 0x8B,
    AARQ_SECRET = 0xAC,
    AARE_CONTEXT = 0xA1,
    AARE_RESULT = 0xA2,
    AARE_DIAGNOSTIC = 0xA3,
    AARE_TITLE = 0xA4,
    AARE_REQUIREMENTS = 0x88,
    AARE_MECHANISM = 0x89,
    AARE_SECRET = 0xAA,
    USER_INFO = 0xBE,
    RELEASE_REASON = 0x80,
    SECRET_CHARSTRING = 0x80,
    SECRET_BITSTRING = 0x81,
    DIAGNOSTIC_USER = 0xA1,
    DIAGNOSTIC_PROVIDER = 0xA2,
};

/* joint-iso-ccitt(2) country(16) country-name(756) identified-organisation(5) DLMS-UA(8),
 * then 1 = application context or 2 = mechanism, then its number */
static const uint8_t k_oid[5] = {0x60, 0x85, 0x74, 0x05, 0x08};
#define OID_SIZE    7
#define OID_CONTEXT 1
#define OID_MECH    2

/* ---- writing ----------------------------------------------------------------------------- */

static void put_oid(struct wk_bytes_out *out, uint8_t arc, uint8_t number)
{
    wk_bytes_out_put(out, k_oid, sizeof k_oid);
    wk_bytes_out_u8(out, arc);
    wk_bytes_out_u8(out, number);
}

/* tag, length, inner tag, inner length, octets; nothing if absent. */
static void put_nested(struct wk_bytes_out *out, uint8_t tag, uint8_t inner,
                       struct wk_association_octets octets)
{
    if (octets.data == NULL) {
        return;
    }
    const uint32_t size = (uint32_t)octets.size;
    wk_bytes_out_u8(out, tag);
    wk_axdr_put_length(out, (uint32_t)(1 + wk_axdr_length_size(size) + size));
    wk_bytes_out_u8(out, inner);
    wk_axdr_put_length(out, size);
    wk_bytes_out_put(out, octets.data, octets.size);
}

static void put_context(struct wk_bytes_out *out, uint8_t context)
{
    wk_bytes_out_u8(out, AARQ_CONTEXT);
    wk_bytes_out_u8(out, OID_SIZE + 2);
    wk_bytes_out_u8(out, BER_OID);
    wk_bytes_out_u8(out, OID_SIZE);
    put_oid(out, OID_CONTEXT, context);
}

/* acse-requirements (bit 0: authentication) and the mechanism; nothing for "none" */
static void put_mechanism(struct wk_bytes_out *out, uint8_t requirements, uint8_t mechanism)
{
    if (mechanism == WK_ASSOCIATION_NONE) {
        return;
    }
    wk_bytes_out_u8(out, requirements);
    wk_bytes_out_u8(out, 2);
    wk_bytes_out_u16be(out, 0x0780);
    wk_bytes_out_u8(out, (uint8_t)(requirements + 1));
    wk_bytes_out_u8(out, OID_SIZE);
    put_oid(out, OID_MECH, mechanism);
}

/* Writes the finished fields behind their tag and length. */
static void put_whole(struct wk_bytes_out *out, uint8_t tag, const struct wk_bytes_out *fields)
{
    if (fields->fault != WK_OK) {
        out->fault = out->fault != WK_OK ? out->fault : fields->fault;
        return;
    }
    wk_bytes_out_u8(out, tag);
    wk_axdr_put_length(out, (uint32_t)fields->size);
    wk_bytes_out_put(out, fields->data, fields->size);
}

void wk_association_put_request(struct wk_bytes_out *out,
                                const struct wk_association_request *request)
{
    uint8_t room[WK_ASSOCIATION_MAX];
    struct wk_bytes_out fields = wk_bytes_out_of(room, sizeof room);
    put_context(&fields, request->context);
    put_nested(&fields, AARQ_TITLE, BER_OCTETS, request->title);
    put_mechanism(&fields, AARQ_REQUIREMENTS, request->mechanism);
    put_nested(&fields, AARQ_SECRET, SECRET_CHARSTRING, request->secret);
    put_nested(&fields, USER_INFO, BER_OCTETS, request->user_info);
    put_whole(out, WK_APDU_AARQ, &fields);
}

void wk_association_put_response(struct wk_bytes_out *out,
                                 const struct wk_association_response *response)
{
    uint8_t room[WK_ASSOCIATION_MAX];
    struct wk_bytes_out fields = wk_bytes_out_of(room, sizeof room);
    const uint8_t diagnostic[] = {BER_INTEGER, 1, response->diagnostic};
    put_context(&fields, response->context);
    put_nested(&fields, AARE_RESULT, BER_INTEGER,
               (struct wk_association_octets){&response->result, 1});
    put_nested(&fields, AARE_DIAGNOSTIC, DIAGNOSTIC_USER,
               (struct wk_association_octets){diagnostic, sizeof diagnostic});
    put_nested(&fields, AARE_TITLE, BER_OCTETS, response->title);
    put_mechanism(&fields, AARE_REQUIREMENTS, response->mechanism);
    put_nested(&fields, AARE_SECRET, SECRET_CHARSTRING, response->secret);
    put_nested(&fields, USER_INFO, BER_OCTETS, response->user_info);
    put_whole(out, WK_APDU_AARE, &fields);
}

void wk_association_put_release(struct wk_bytes_out *out, uint8_t tag,
                                struct wk_association_octets user_info)
{
    uint8_t room[WK_ASSOCIATION_MAX];
    struct wk_bytes_out fields = wk_bytes_out_of(room, sizeof room);
    wk_bytes_out_u8(&fields, RELEASE_REASON);
    wk_bytes_out_u8(&fields, 1);
    wk_bytes_out_u8(&fields, 0); /* normal */
    put_nested(&fields, USER_INFO, BER_OCTETS, user_info);
    put_whole(out, tag, &fields);
}

/* ---- reading ----------------------------------------------------------------------------- */

/* A BER field: tag octet, definite length of one to three octets, contents. */
static struct wk_bytes_in read_field(struct wk_bytes_in *in, uint8_t *tag)
{
    *tag = wk_bytes_in_u8(in);
    size_t size = wk_bytes_in_u8(in);
    if (size == 0x81) {
        size = wk_bytes_in_u8(in);
    } else if (size == 0x82) {
        size = wk_bytes_in_u16be(in);
    } else if (size >= 0x80) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    const uint8_t *octets = in->fault == WK_OK ? wk_bytes_in_take(in, size) : NULL;
    return wk_bytes_in_of(octets, octets != NULL ? size : 0);
}

/* The APDU's outer tag and its contents, which must fill the input. */
static wk_err read_whole(struct wk_bytes_in *in, uint8_t wanted, struct wk_bytes_in *fields)
{
    uint8_t tag;
    *fields = read_field(in, &tag);
    WK_TRY(wk_bytes_in_end(in));
    return tag == wanted ? WK_OK : WK_E_FORMAT;
}

static uint8_t read_oid(struct wk_bytes_in *oid, uint8_t arc)
{
    const uint8_t *prefix = wk_bytes_in_take(oid, sizeof k_oid);
    const bool ours = prefix != NULL && memcmp(prefix, k_oid, sizeof k_oid) == 0;
    if (wk_bytes_in_u8(oid) != arc || !ours) {
        wk_bytes_in_fail(oid, WK_E_FORMAT);
    }
    return wk_bytes_in_u8(oid);
}

/* A field that holds exactly one inner field. */
static wk_err read_inner(struct wk_bytes_in *field, uint8_t *tag, struct wk_bytes_in *inner)
{
    *inner = read_field(field, tag);
    return wk_bytes_in_end(field);
}

static wk_err read_context(struct wk_bytes_in *field, uint8_t *context)
{
    uint8_t tag;
    struct wk_bytes_in oid;
    WK_TRY(read_inner(field, &tag, &oid));
    *context = read_oid(&oid, OID_CONTEXT);
    WK_TRY(wk_bytes_in_end(&oid));
    return tag == BER_OID ? WK_OK : WK_E_FORMAT;
}

static wk_err read_mechanism(struct wk_bytes_in *field, uint8_t *mechanism)
{
    *mechanism = read_oid(field, OID_MECH);
    return wk_bytes_in_end(field);
}

static wk_err read_small(struct wk_bytes_in *field, uint8_t *value)
{
    uint8_t tag;
    struct wk_bytes_in inner;
    WK_TRY(read_inner(field, &tag, &inner));
    *value = wk_bytes_in_u8(&inner);
    WK_TRY(wk_bytes_in_end(&inner));
    return tag == BER_INTEGER ? WK_OK : WK_E_FORMAT;
}

static wk_err read_diagnostic(struct wk_bytes_in *field, uint8_t *diagnostic)
{
    uint8_t tag;
    struct wk_bytes_in inner;
    WK_TRY(read_inner(field, &tag, &inner));
    if (tag != DIAGNOSTIC_USER && tag != DIAGNOSTIC_PROVIDER) {
        return WK_E_FORMAT;
    }
    return read_small(&inner, diagnostic);
}

/* `least`..`most` octets behind an inner tag */
static wk_err read_octets(struct wk_bytes_in *field, uint8_t inner_tag, size_t least,
                          size_t most, struct wk_association_octets *octets)
{
    uint8_t tag;
    struct wk_bytes_in inner;
    WK_TRY(read_inner(field, &tag, &inner));
    if (tag != inner_tag || inner.size < least || inner.size > most) {
        return WK_E_FORMAT;
    }
    *octets = (struct wk_association_octets){inner.data, inner.size};
    return WK_OK;
}

static wk_err read_secret(struct wk_bytes_in *field, struct wk_association_octets *secret)
{
    const uint8_t tag =
        wk_bytes_in_peek(field) == SECRET_BITSTRING ? SECRET_BITSTRING : SECRET_CHARSTRING;
    return read_octets(field, tag, 0, WK_ASSOCIATION_SECRET, secret);
}

static wk_err read_request_field(uint8_t tag, struct wk_bytes_in *field,
                                 struct wk_association_request *request)
{
    switch (tag) {
    case AARQ_CONTEXT:
        return read_context(field, &request->context);
    case AARQ_TITLE:
        return read_octets(field, BER_OCTETS, WK_ASSOCIATION_TITLE, WK_ASSOCIATION_TITLE,
                           &request->title);
    case AARQ_MECHANISM:
        return read_mechanism(field, &request->mechanism);
    case AARQ_SECRET:
        return read_secret(field, &request->secret);
    case USER_INFO:
        return read_octets(field, BER_OCTETS, 1, WK_ASSOCIATION_USER_INFO, &request->user_info);
    default:
        return WK_OK;
    }
}

static wk_err read_response_field(uint8_t tag, struct wk_bytes_in *field,
                                  struct wk_association_response *response)
{
    switch (tag) {
    case AARE_CONTEXT:
        return read_context(field, &response->context);
    case AARE_RESULT:
        return read_small(field, &response->result);
    case AARE_DIAGNOSTIC:
        return read_diagnostic(field, &response->diagnostic);
    case AARE_TITLE:
        return read_octets(field, BER_OCTETS, WK_ASSOCIATION_TITLE, WK_ASSOCIATION_TITLE,
                           &response->title);
    case AARE_MECHANISM:
        return read_mechanism(field, &response->mechanism);
    case AARE_SECRET:
        return read_secret(field, &response->secret);
    case USER_INFO:
        return read_octets(field, BER_OCTETS, 1, WK_ASSOCIATION_USER_INFO,
                           &response->user_info);
    default:
        return WK_OK;
    }
}

/* ACSE fields have tags 0x80..0xBF: context-specific class. Each may come once. */
static wk_err note_tag(uint8_t tag, uint64_t *seen)
{
    const uint64_t bit = UINT64_C(1) << (tag & 0x3F);
    if ((tag & 0xC0) != 0x80 || (*seen & bit) != 0) {
        return WK_E_FORMAT;
    }
    *seen |= bit;
    return WK_OK;
}

static bool has_field(uint64_t seen, uint8_t tag)
{
    return (seen & UINT64_C(1) << (tag & 0x3F)) != 0;
}

wk_err wk_association_read_request(struct wk_bytes_in *in,
                                   struct wk_association_request *request)
{
    *request = (struct wk_association_request){0};
    struct wk_bytes_in fields;
    WK_TRY(read_whole(in, WK_APDU_AARQ, &fields));
    uint64_t seen = 0;
    while (wk_bytes_in_left(&fields) > 0) {
        uint8_t tag;
        struct wk_bytes_in field = read_field(&fields, &tag);
        WK_TRY(fields.fault);
        WK_TRY(note_tag(tag, &seen));
        WK_TRY(read_request_field(tag, &field, request));
    }
    WK_TRY(fields.fault);
    const bool complete = has_field(seen, AARQ_CONTEXT) && has_field(seen, USER_INFO);
    return complete ? WK_OK : WK_E_FORMAT;
}

wk_err wk_association_read_response(struct wk_bytes_in *in,
                                    struct wk_association_response *response)
{
    *response = (struct wk_association_response){0};
    struct wk_bytes_in fields;
    WK_TRY(read_whole(in, WK_APDU_AARE, &fields));
    uint64_t seen = 0;
    while (wk_bytes_in_left(&fields) > 0) {
        uint8_t tag;
        struct wk_bytes_in field = read_field(&fields, &tag);
        WK_TRY(fields.fault);
        WK_TRY(note_tag(tag, &seen));
        WK_TRY(read_response_field(tag, &field, response));
    }
    WK_TRY(fields.fault);
    const bool complete = has_field(seen, AARE_CONTEXT) && has_field(seen, AARE_RESULT) &&
                          has_field(seen, AARE_DIAGNOSTIC);
    return complete ? WK_OK : WK_E_FORMAT;
}

wk_err wk_association_read_release(struct wk_bytes_in *in, uint8_t tag,
                                   struct wk_association_octets *user_info)
{
    *user_info = (struct wk_association_octets){0};
    struct wk_bytes_in fields;
    WK_TRY(read_whole(in, tag, &fields));
    uint64_t seen = 0;
    while (wk_bytes_in_left(&fields) > 0) {
        uint8_t field_tag;
        struct wk_bytes_in field = read_field(&fields, &field_tag);
        WK_TRY(fields.fault);
        WK_TRY(note_tag(field_tag, &seen));
        if (field_tag == USER_INFO) {
            WK_TRY(read_octets(&field, BER_OCTETS, 1, WK_ASSOCIATION_USER_INFO, user_info));
        }
    }
    return fields.fault;
}

const char *wk_association_diagnostic_text(uint8_t diagnostic)
{
    switch (diagnostic) {
    case WK_ASSOCIATION_NO_DIAGNOSTIC:
        return "no diagnostic";
    case WK_ASSOCIATION_CONTEXT_NOT_SUPPORTED:
        return "application context not supported";
    case WK_ASSOCIATION_TITLE_NOT_RECOGNIZED:
        return "system title not recognised";
    case WK_ASSOCIATION_MECHANISM_NOT_RECOGNISED:
        return "authentication mechanism not recognised";
    case WK_ASSOCIATION_MECHANISM_REQUIRED:
        return "authentication mechanism required";
    case WK_ASSOCIATION_AUTHENTICATION_FAILURE:
        return "authentication failed (wrong password or key)";
    case WK_ASSOCIATION_AUTHENTICATION_REQUIRED:
        return "authentication goes on";
    default:
        return "no reason given";
    }
}
