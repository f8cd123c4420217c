/* SPDX-License-Identifier: Apache-2.0 */
#include "management/image_header.h"

#include <string.h>

#include "base/bytes.h"

#define MAGIC_SIZE 8
#define ZEROS_SIZE 56
#define PARTS      3

static const uint8_t k_magic[MAGIC_SIZE] = {'W', 'K', 'I', 'M', 'A', 'G', 'E', '1'};

/* ---- the head ---------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *octets, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= octets[i];
    }
    return any == 0;
}

/* Text of at least one character that zeros fill up. */
static bool read_text(struct wk_bytes_in *in, char *text, size_t size)
{
    size_t length = 0;
    wk_bytes_in_copy(in, text, size);
    text[size] = '\0';
    while (length < size && text[length] >= ' ' && text[length] <= '~') {
        length++;
    }
    return length > 0 && is_zero((const uint8_t *)text + length, size - length);
}

wk_err wk_image_header_read(const uint8_t octets[WK_IMAGE_HEADER],
                            struct wk_image_header *header)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, WK_IMAGE_HEADER);
    const uint8_t *magic = wk_bytes_in_take(&in, MAGIC_SIZE);
    const uint16_t size = wk_bytes_in_u16le(&in);
    header->curve = wk_bytes_in_u8(&in);
    const uint8_t zero = wk_bytes_in_u8(&in);
    header->size = wk_bytes_in_u32le(&in);
    header->version = wk_bytes_in_u64le(&in);
    const bool hardware = read_text(&in, header->hardware, WK_IMAGE_HARDWARE);
    const bool name = read_text(&in, header->name, WK_IMAGE_NAME);
    wk_bytes_in_copy(&in, header->digest, WK_IMAGE_DIGEST);
    const uint8_t *zeros = wk_bytes_in_take(&in, ZEROS_SIZE);
    wk_bytes_in_copy(&in, header->signature, WK_HAL_POINT);
    const bool curve = header->curve == 32 || header->curve == 48;
    if (wk_bytes_in_end(&in) != WK_OK || memcmp(magic, k_magic, MAGIC_SIZE) != 0 ||
        size != WK_IMAGE_HEADER || !curve || zero != 0 || header->size == 0 || !hardware ||
        !name || !is_zero(zeros, ZEROS_SIZE)) {
        return WK_E_FORMAT;
    }
    const size_t used = 2U * header->curve;
    return is_zero(header->signature + used, WK_HAL_POINT - used) ? WK_OK : WK_E_FORMAT;
}

static void put_text(struct wk_bytes_out *out, const char *text, size_t room)
{
    const size_t size = strlen(text);
    wk_bytes_out_put(out, text, size);
    for (size_t i = size; i < room; i++) {
        wk_bytes_out_u8(out, 0);
    }
}

wk_err wk_image_header_write(const struct wk_image_header *header,
                             uint8_t octets[WK_IMAGE_HEADER])
{
    struct wk_image_header back;
    struct wk_bytes_out out = wk_bytes_out_of(octets, WK_IMAGE_HEADER);
    wk_bytes_out_put(&out, k_magic, MAGIC_SIZE);
    wk_bytes_out_u16le(&out, WK_IMAGE_HEADER);
    wk_bytes_out_u8(&out, header->curve);
    wk_bytes_out_u8(&out, 0);
    wk_bytes_out_u32le(&out, header->size);
    wk_bytes_out_u64le(&out, header->version);
    put_text(&out, header->hardware, WK_IMAGE_HARDWARE);
    put_text(&out, header->name, WK_IMAGE_NAME);
    wk_bytes_out_put(&out, header->digest, WK_IMAGE_DIGEST);
    put_text(&out, "", ZEROS_SIZE);
    wk_bytes_out_put(&out, header->signature, WK_HAL_POINT);
    const bool whole = out.fault == WK_OK && out.size == WK_IMAGE_HEADER;
    return whole && wk_image_header_read(octets, &back) == WK_OK ? WK_OK : WK_E_ARGUMENT;
}

wk_err wk_image_header_hash(const struct wk_hal_crypto *crypto, uint8_t curve,
                            const uint8_t octets[WK_IMAGE_HEADER], uint8_t hash[WK_HAL_HASH])
{
    return crypto->hash == NULL
               ? WK_E_UNSUPPORTED
               : crypto->hash(crypto->self, curve == 32 ? WK_HAL_SHA256 : WK_HAL_SHA384, octets,
                              WK_IMAGE_SIGNED, hash);
}

wk_err wk_image_header_verify(const struct wk_hal_crypto *crypto,
                              const struct wk_image_maker *maker,
                              const uint8_t octets[WK_IMAGE_HEADER],
                              const struct wk_image_header *header)
{
    uint8_t hash[WK_HAL_HASH];
    if (maker->size == 0 || header->curve != maker->size) {
        return WK_E_AUTH;
    }
    if (crypto->verify == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(wk_image_header_hash(crypto, maker->size, octets, hash));
    return crypto->verify(crypto->self, maker->size, maker->point, hash, header->signature);
}

/* ---- versions ---------------------------------------------------------------------------- */

wk_err wk_image_version_read(const char *text, uint64_t *version)
{
    static const uint64_t k_most[PARTS] = {UINT16_MAX, UINT16_MAX, UINT32_MAX};
    uint64_t part[PARTS] = {0};
    for (int i = 0; i < PARTS; i++) {
        if (*text < '0' || *text > '9') {
            return WK_E_FORMAT;
        }
        for (; *text >= '0' && *text <= '9'; text++) {
            part[i] = part[i] * 10 + (uint64_t)(*text - '0');
            if (part[i] > k_most[i]) {
                return WK_E_FORMAT;
            }
        }
        if (*text != (i < PARTS - 1 ? '.' : '\0')) {
            return WK_E_FORMAT;
        }
        text++;
    }
    *version = part[0] << 48 | part[1] << 32 | part[2];
    return WK_OK;
}

static char *print_number(char *to, uint32_t number)
{
    char digits[10];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    return to;
}

void wk_image_version_print(uint64_t version, char text[WK_IMAGE_VERSION_TEXT])
{
    text = print_number(text, (uint32_t)(version >> 48));
    *text++ = '.';
    text = print_number(text, (uint32_t)(version >> 32) & UINT16_MAX);
    *text++ = '.';
    *print_number(text, (uint32_t)version) = '\0';
}
