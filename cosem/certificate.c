/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/certificate.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/kdf.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BITS = 0x03,
    DER_OCTETS = 0x04,
    DER_OID = 0x06,
    DER_UTF8 = 0x0C,
    DER_PRINTABLE = 0x13,
    DER_UTC_TIME = 0x17,
    DER_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_VERSION = 0xA0,
    DER_EXTENSIONS = 0xA3,
    DER_ATTRIBUTES = 0xA0,
};
#define UNCOMPRESSED    0x04
#define MOST_EXTENSIONS 16
#define MOST_NAMES      8

static const uint8_t k_ec[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
static const uint8_t k_p256[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
static const uint8_t k_p384[] = {0x2B, 0x81, 0x04, 0x00, 0x22};
static const uint8_t k_sha256[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
static const uint8_t k_sha384[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03};
static const uint8_t k_common_name[] = {0x55, 0x04, 0x03};
static const uint8_t k_extension[] = {0x55, 0x1D}; /* id-ce, and then: */
enum {
    CE_SUBJECT_KEY = 14,
    CE_KEY_USAGE = 15,
    CE_SUBJECT_NAME = 17,
    CE_ISSUER_NAME = 18,
    CE_CONSTRAINTS = 19,
    CE_REVOCATION = 31,
    CE_POLICIES = 32,
    CE_ISSUER_KEY = 35,
    CE_EXTENDED_USAGE = 37,
};

/* ---- DER --------------------------------------------------------------------------------- */

/* A length in the shortest form (X.690, 10.1), of at most three octets. */
static size_t read_length(struct wk_bytes_in *in)
{
    const uint8_t first = wk_bytes_in_u8(in);
    if (first < 0x80) {
        return first;
    }
    const size_t size = first == 0x81 ? wk_bytes_in_u8(in) : wk_bytes_in_u16be(in);
    if ((first != 0x81 && first != 0x82) || size < (first == 0x81 ? 0x80U : 0x100U)) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    return size;
}

/* The contents of the field of `tag` that must come next. */
static struct wk_bytes_in read_field(struct wk_bytes_in *in, uint8_t tag)
{
    if (wk_bytes_in_u8(in) != tag) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
    }
    const size_t size = read_length(in);
    const uint8_t *octets = in->fault == WK_OK ? wk_bytes_in_take(in, size) : NULL;
    struct wk_bytes_in field = wk_bytes_in_of(octets, octets != NULL ? size : 0);
    if (in->fault != WK_OK) {
        wk_bytes_in_fail(&field, in->fault);
    }
    return field;
}

/* The same with tag and length. */
static struct wk_bytes_in read_whole(struct wk_bytes_in *in, uint8_t tag)
{
    const size_t at = in->at;
    (void)read_field(in, tag);
    return in->fault == WK_OK ? wk_bytes_in_of(in->data + at, in->at - at)
                              : wk_bytes_in_of(NULL, 0);
}

static bool is_oid(const struct wk_bytes_in *field, const uint8_t *oid, size_t size)
{
    return field->size == size && memcmp(field->data, oid, size) == 0;
}

/* A non-negative INTEGER into `size` octets, right-aligned. */
static void read_number(struct wk_bytes_in *in, uint8_t *to, size_t size)
{
    struct wk_bytes_in number = read_field(in, DER_INTEGER);
    const bool is_padded = number.size > 1 && number.data[0] == 0;
    const size_t skip = is_padded ? 1 : 0;
    if (number.size == 0 || (number.data[0] & 0x80) != 0 || number.size - skip > size ||
        (is_padded && (number.data[1] & 0x80) == 0)) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return;
    }
    memset(to, 0, size);
    memcpy(to + size - (number.size - skip), number.data + skip, number.size - skip);
}

/* A BIT STRING of whole octets. */
static struct wk_bytes_in read_bits(struct wk_bytes_in *in)
{
    struct wk_bytes_in bits = read_field(in, DER_BITS);
    if (wk_bytes_in_u8(&bits) != 0 || bits.fault != WK_OK) {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return wk_bytes_in_of(NULL, 0);
    }
    return wk_bytes_in_of(bits.data + 1, bits.size - 1);
}

/* ---- the parts of a certificate ---------------------------------------------------------- */

static wk_err read_algorithm(struct wk_bytes_in *in, uint8_t *size)
{
    struct wk_bytes_in algorithm = read_field(in, DER_SEQUENCE);
    const struct wk_bytes_in oid = read_field(&algorithm, DER_OID);
    WK_TRY(wk_bytes_in_end(&algorithm));
    *size = is_oid(&oid, k_sha256, sizeof k_sha256)   ? 32
            : is_oid(&oid, k_sha384, sizeof k_sha384) ? 48
                                                      : 0;
    return *size != 0 ? WK_OK : WK_E_UNSUPPORTED;
}

static int two_digits(struct wk_bytes_in *in)
{
    const uint8_t tens = wk_bytes_in_u8(in);
    const uint8_t ones = wk_bytes_in_u8(in);
    if (tens < '0' || tens > '9' || ones < '0' || ones > '9') {
        wk_bytes_in_fail(in, WK_E_FORMAT);
        return 0;
    }
    return 10 * (tens - '0') + ones - '0';
}

/* After 2105 is never. */
static wk_err read_time(struct wk_bytes_in *in, struct wk_utc *utc)
{
    const bool is_short = wk_bytes_in_peek(in) == DER_UTC_TIME;
    struct wk_bytes_in text = read_field(in, is_short ? DER_UTC_TIME : DER_TIME);
    const int first = two_digits(&text);
    const int year =
        is_short ? first + (first < 50 ? 2000 : 1900) : 100 * first + two_digits(&text);
    struct wk_civil civil = {.year = (uint16_t)year};
    civil.month = (uint8_t)two_digits(&text);
    civil.day = (uint8_t)two_digits(&text);
    civil.hour = (uint8_t)two_digits(&text);
    civil.minute = (uint8_t)two_digits(&text);
    civil.second = (uint8_t)two_digits(&text);
    if (wk_bytes_in_u8(&text) != 'Z') {
        wk_bytes_in_fail(&text, WK_E_FORMAT);
    }
    WK_TRY(wk_bytes_in_end(&text));
    if (year > 2105) {
        utc->s = INT64_MAX;
        return WK_OK;
    }
    return wk_civil_to_utc(&wk_zone_utc, &civil, utc) == WK_OK ? WK_OK : WK_E_FORMAT;
}

static int digit_of(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static bool title_of(const struct wk_bytes_in *text, uint8_t title[WK_CIPHER_TITLE])
{
    if (text->size != 2 * (size_t)WK_CIPHER_TITLE) {
        return false;
    }
    for (size_t i = 0; i < WK_CIPHER_TITLE; i++) {
        const int high = digit_of(text->data[2 * i]);
        const int low = digit_of(text->data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        title[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* The common name of the subject, if it is a system title. */
static wk_err read_title(struct wk_bytes_in subject, struct wk_certificate *certificate)
{
    struct wk_bytes_in name = read_field(&subject, DER_SEQUENCE);
    for (int i = 0; i < MOST_NAMES && wk_bytes_in_left(&name) > 0; i++) {
        struct wk_bytes_in set = read_field(&name, DER_SET);
        struct wk_bytes_in pair = read_field(&set, DER_SEQUENCE);
        const struct wk_bytes_in kind = read_field(&pair, DER_OID);
        const uint8_t tag = wk_bytes_in_peek(&pair);
        const struct wk_bytes_in value = read_field(&pair, tag);
        WK_TRY(wk_bytes_in_end(&pair));
        WK_TRY(wk_bytes_in_end(&set));
        if (is_oid(&kind, k_common_name, sizeof k_common_name) &&
            (tag == DER_PRINTABLE || tag == DER_UTF8)) {
            certificate->has_title = title_of(&value, certificate->title);
        }
    }
    return wk_bytes_in_end(&name);
}

static wk_err read_key(struct wk_bytes_in *in, struct wk_certificate *certificate)
{
    struct wk_bytes_in info = read_field(in, DER_SEQUENCE);
    struct wk_bytes_in algorithm = read_field(&info, DER_SEQUENCE);
    const struct wk_bytes_in kind = read_field(&algorithm, DER_OID);
    const struct wk_bytes_in curve = read_field(&algorithm, DER_OID);
    const struct wk_bytes_in point = read_bits(&info);
    WK_TRY(wk_bytes_in_end(&algorithm));
    WK_TRY(wk_bytes_in_end(&info));
    if (!is_oid(&kind, k_ec, sizeof k_ec)) {
        return WK_E_UNSUPPORTED;
    }
    certificate->size = is_oid(&curve, k_p256, sizeof k_p256)   ? 32
                        : is_oid(&curve, k_p384, sizeof k_p384) ? 48
                                                                : 0;
    if (certificate->size == 0 || point.size != 1 + 2 * (size_t)certificate->size ||
        point.data[0] != UNCOMPRESSED) {
        return WK_E_UNSUPPORTED;
    }
    certificate->point = point.data + 1;
    return WK_OK;
}

static wk_err read_usage(struct wk_bytes_in *value, struct wk_certificate *certificate)
{
    struct wk_bytes_in bits = read_field(value, DER_BITS);
    const uint8_t unused = wk_bytes_in_u8(&bits);
    certificate->usage = wk_bytes_in_u8(&bits);
    WK_TRY(bits.fault);
    return unused < 8 ? wk_bytes_in_end(value) : WK_E_FORMAT;
}

static wk_err read_constraints(struct wk_bytes_in *value, struct wk_certificate *certificate)
{
    struct wk_bytes_in constraints = read_field(value, DER_SEQUENCE);
    if (wk_bytes_in_peek(&constraints) == DER_BOOLEAN) {
        const struct wk_bytes_in ca = read_field(&constraints, DER_BOOLEAN);
        certificate->is_issuer = ca.size == 1 && ca.data[0] == 0xFF;
    }
    WK_TRY(constraints.fault);
    return wk_bytes_in_end(value);
}

static wk_err read_extension(struct wk_bytes_in *in, struct wk_certificate *certificate)
{
    struct wk_bytes_in extension = read_field(in, DER_SEQUENCE);
    const struct wk_bytes_in oid = read_field(&extension, DER_OID);
    bool critical = false;
    if (wk_bytes_in_peek(&extension) == DER_BOOLEAN) {
        const struct wk_bytes_in flag = read_field(&extension, DER_BOOLEAN);
        critical = flag.size != 1 || flag.data[0] != 0;
    }
    struct wk_bytes_in value = read_field(&extension, DER_OCTETS);
    WK_TRY(wk_bytes_in_end(&extension));
    const bool is_ce = oid.size == 3 && memcmp(oid.data, k_extension, 2) == 0;
    switch (is_ce ? oid.data[2] : 0) {
    case CE_KEY_USAGE:
        return read_usage(&value, certificate);
    case CE_CONSTRAINTS:
        return read_constraints(&value, certificate);
    case CE_SUBJECT_NAME:
        certificate->alternative = value;
        return WK_OK;
    case CE_SUBJECT_KEY:
    case CE_ISSUER_NAME:
    case CE_REVOCATION:
    case CE_POLICIES:
    case CE_ISSUER_KEY:
    case CE_EXTENDED_USAGE:
        return WK_OK;
    default:
        return critical ? WK_E_UNSUPPORTED : WK_OK;
    }
}

static wk_err read_extensions(struct wk_bytes_in *in, struct wk_certificate *certificate)
{
    struct wk_bytes_in outer = read_field(in, DER_EXTENSIONS);
    struct wk_bytes_in list = read_field(&outer, DER_SEQUENCE);
    WK_TRY(wk_bytes_in_end(&outer));
    for (int i = 0; i < MOST_EXTENSIONS && wk_bytes_in_left(&list) > 0; i++) {
        WK_TRY(read_extension(&list, certificate));
    }
    return wk_bytes_in_end(&list);
}

/* ---- a certificate ----------------------------------------------------------------------- */

static wk_err read_signed(struct wk_bytes_in part, struct wk_certificate *certificate)
{
    uint8_t signed_with = 0;
    struct wk_bytes_in in = read_field(&part, DER_SEQUENCE);
    struct wk_bytes_in version = read_field(&in, DER_VERSION);
    const struct wk_bytes_in number = read_field(&version, DER_INTEGER);
    WK_TRY(wk_bytes_in_end(&version));
    if (number.size != 1 || number.data[0] != 2) {
        return WK_E_UNSUPPORTED;
    }
    certificate->serial = read_field(&in, DER_INTEGER);
    WK_TRY(read_algorithm(&in, &signed_with));
    certificate->issuer = read_whole(&in, DER_SEQUENCE);
    struct wk_bytes_in validity = read_field(&in, DER_SEQUENCE);
    WK_TRY(read_time(&validity, &certificate->not_before));
    WK_TRY(read_time(&validity, &certificate->not_after));
    WK_TRY(wk_bytes_in_end(&validity));
    certificate->subject = read_whole(&in, DER_SEQUENCE);
    WK_TRY(read_title(certificate->subject, certificate));
    WK_TRY(read_key(&in, certificate));
    if (wk_bytes_in_peek(&in) == DER_EXTENSIONS) {
        WK_TRY(read_extensions(&in, certificate));
    }
    WK_TRY(wk_bytes_in_end(&in));
    const bool serial_fits =
        certificate->serial.size > 0 && certificate->serial.size <= WK_CERTIFICATE_SERIAL + 1;
    return signed_with == certificate->signed_with && serial_fits ? WK_OK : WK_E_FORMAT;
}

wk_err wk_certificate_read(struct wk_bytes_in in, struct wk_certificate *certificate)
{
    *certificate = (struct wk_certificate){0};
    if (in.size > WK_CERTIFICATE_DER) {
        return WK_E_FULL;
    }
    struct wk_bytes_in whole = read_field(&in, DER_SEQUENCE);
    WK_TRY(wk_bytes_in_end(&in));
    certificate->signed_part = read_whole(&whole, DER_SEQUENCE);
    WK_TRY(read_algorithm(&whole, &certificate->signed_with));
    struct wk_bytes_in bits = read_bits(&whole);
    struct wk_bytes_in pair = read_field(&bits, DER_SEQUENCE);
    read_number(&pair, certificate->signature, certificate->signed_with);
    read_number(&pair, certificate->signature + certificate->signed_with,
                certificate->signed_with);
    WK_TRY(wk_bytes_in_end(&pair));
    WK_TRY(wk_bytes_in_end(&bits));
    WK_TRY(wk_bytes_in_end(&whole));
    return read_signed(certificate->signed_part, certificate);
}

wk_err wk_certificate_verify(const struct wk_hal_crypto *crypto,
                             const struct wk_certificate *certificate,
                             const struct wk_certificate *issuer)
{
    uint8_t hash[WK_HAL_HASH];
    if (crypto->verify == NULL) {
        return WK_E_UNSUPPORTED;
    }
    const bool named =
        certificate->issuer.size == issuer->subject.size &&
        memcmp(certificate->issuer.data, issuer->subject.data, issuer->subject.size) == 0;
    if (!named || !issuer->is_issuer || (issuer->usage & WK_CERTIFICATE_ISSUES) == 0 ||
        issuer->size != certificate->signed_with) {
        return WK_E_AUTH;
    }
    WK_TRY(wk_kdf_hash(crypto, issuer->size, certificate->signed_part.data,
                       certificate->signed_part.size, hash));
    return crypto->verify(crypto->self, issuer->size, issuer->point, hash,
                          certificate->signature);
}

bool wk_certificate_is_valid_at(const struct wk_certificate *certificate, struct wk_utc now)
{
    return certificate->not_before.s <= now.s && now.s <= certificate->not_after.s;
}

/* ---- a request --------------------------------------------------------------------------- */

static void put_oid(struct wk_bytes_out *out, const uint8_t *oid, size_t size)
{
    wk_bytes_out_u8(out, DER_OID);
    wk_bytes_out_u8(out, (uint8_t)size);
    wk_bytes_out_put(out, oid, size);
}

/* Puts tag and length in front of what was written from `at` on. */
static void wrap(struct wk_bytes_out *out, size_t at, uint8_t tag)
{
    uint8_t room[4];
    struct wk_bytes_out head = wk_bytes_out_of(room, sizeof room);
    if (out->fault != WK_OK) {
        return;
    }
    const size_t size = out->size - at;
    wk_bytes_out_u8(&head, tag);
    wk_axdr_put_length(&head, (uint32_t)size);
    if (wk_bytes_out_reserve(out, head.size) != NULL) {
        memmove(out->data + at + head.size, out->data + at, size);
        memcpy(out->data + at, room, head.size);
    }
}

static void put_subject(struct wk_bytes_out *out, const uint8_t title[WK_CIPHER_TITLE])
{
    static const char k_digits[] = "0123456789ABCDEF";
    const size_t at = out->size;
    put_oid(out, k_common_name, sizeof k_common_name);
    wk_bytes_out_u8(out, DER_UTF8);
    wk_bytes_out_u8(out, 2 * WK_CIPHER_TITLE);
    for (size_t i = 0; i < WK_CIPHER_TITLE; i++) {
        wk_bytes_out_u8(out, (uint8_t)k_digits[title[i] >> 4]);
        wk_bytes_out_u8(out, (uint8_t)k_digits[title[i] & 0xF]);
    }
    wrap(out, at, DER_SEQUENCE);
    wrap(out, at, DER_SET);
    wrap(out, at, DER_SEQUENCE);
}

static void put_key(struct wk_bytes_out *out, const uint8_t *point, uint8_t size)
{
    const size_t begin = out->size;
    put_oid(out, k_ec, sizeof k_ec);
    if (size == 48) {
        put_oid(out, k_p384, sizeof k_p384);
    } else {
        put_oid(out, k_p256, sizeof k_p256);
    }
    wrap(out, begin, DER_SEQUENCE);
    const size_t bits = out->size;
    wk_bytes_out_u8(out, 0);
    wk_bytes_out_u8(out, UNCOMPRESSED);
    wk_bytes_out_put(out, point, 2 * (size_t)size);
    wrap(out, bits, DER_BITS);
    wrap(out, begin, DER_SEQUENCE);
}

static void put_number(struct wk_bytes_out *out, const uint8_t *number, size_t size)
{
    size_t skip = 0;
    while (skip + 1 < size && number[skip] == 0) {
        skip++;
    }
    const size_t at = out->size;
    if ((number[skip] & 0x80) != 0) {
        wk_bytes_out_u8(out, 0);
    }
    wk_bytes_out_put(out, number + skip, size - skip);
    wrap(out, at, DER_INTEGER);
}

static void put_signature(struct wk_bytes_out *out, const uint8_t *signature, size_t size)
{
    const size_t begin = out->size;
    if (size == 48) {
        put_oid(out, k_sha384, sizeof k_sha384);
    } else {
        put_oid(out, k_sha256, sizeof k_sha256);
    }
    wrap(out, begin, DER_SEQUENCE);
    const size_t bits = out->size;
    wk_bytes_out_u8(out, 0);
    const size_t pair = out->size;
    put_number(out, signature, size);
    put_number(out, signature + size, size);
    wrap(out, pair, DER_SEQUENCE);
    wrap(out, bits, DER_BITS);
}

wk_err wk_certificate_put_request(const struct wk_hal_crypto *crypto,
                                  const struct wk_hal_private *key, const uint8_t *point,
                                  const uint8_t title[WK_CIPHER_TITLE],
                                  struct wk_bytes_out *out)
{
    uint8_t room[WK_CERTIFICATE_REQUEST];
    uint8_t hash[WK_HAL_HASH];
    uint8_t signature[WK_HAL_POINT];
    struct wk_bytes_out request = wk_bytes_out_of(room, sizeof room);
    if (crypto->sign == NULL) {
        return WK_E_UNSUPPORTED;
    }
    put_number(&request, (const uint8_t[]){0}, 1); /* version 1 */
    put_subject(&request, title);
    put_key(&request, point, key->size);
    wk_bytes_out_u8(&request, DER_ATTRIBUTES);
    wk_bytes_out_u8(&request, 0);
    wrap(&request, 0, DER_SEQUENCE);
    WK_TRY(request.fault);
    WK_TRY(wk_kdf_hash(crypto, key->size, room, request.size, hash));
    WK_TRY(crypto->sign(crypto->self, key, hash, signature));
    put_signature(&request, signature, key->size);
    wrap(&request, 0, DER_SEQUENCE);
    WK_TRY(request.fault);
    wk_bytes_out_put(out, room, request.size);
    return out->fault;
}
