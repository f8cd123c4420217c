/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 18 (image transfer, version 0), and what there is to read about firmware beside it. */
#include <string.h>

#include "cosem/axdr.h"
#include "management/image.h"
#include "management/objects.h"

enum { BLOCK_SIZE = 2, RECEIVED, FIRST_MISSING, ENABLED, STATUS, TO_ACTIVATE };
enum { INITIATE = 1, BLOCK, VERIFY, ACTIVATE };

/* ---- class 18 ---------------------------------------------------------------------------- */

static uint8_t turned(uint8_t octet)
{
    uint8_t result = 0;
    for (int bit = 0; bit < 8; bit++) {
        result = (uint8_t)(result << 1 | (octet >> bit & 1));
    }
    return result;
}

/* A bit string of a bit per block, the first one in the top; it may be longer than an APDU. */
static wk_err put_received(const struct wk_image *image, struct wk_object_cursor *cursor,
                           struct wk_bytes_out *out)
{
    const uint32_t blocks = wk_image_blocks(image);
    if (!cursor->started) {
        cursor->started = true;
        cursor->end = (blocks + 7) / 8;
        wk_bytes_out_u8(out, WK_AXDR_BIT_STRING);
        wk_axdr_put_length(out, blocks);
    }
    for (; cursor->next < cursor->end && wk_bytes_out_left(out) > 0; cursor->next++) {
        wk_bytes_out_u8(out, turned(image->config.received[cursor->next]));
    }
    cursor->more = cursor->next < cursor->end;
    return out->fault;
}

/* One element once an image is verified, none before. */
static void put_to_activate(const struct wk_image *image, struct wk_bytes_out *out)
{
    const bool ready =
        image->status == WK_IMAGE_VERIFIED || image->status >= WK_IMAGE_ACTIVATING;
    wk_axdr_put_array(out, ready ? 1 : 0);
    if (ready) {
        wk_axdr_put_structure(out, 3);
        wk_axdr_put_double_long_unsigned(out, image->size);
        wk_axdr_put_octet_string(out, image->identifier, image->identifier_size);
        wk_axdr_put_octet_string(out, image->header.signature, 2U * image->config.maker.size);
    }
}

static wk_err image_get(const struct wk_object_call *call, uint8_t attribute,
                        const struct wk_object_selection *selection,
                        struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_image *image = rooms->image;
    (void)selection;
    if (image == NULL) {
        return WK_E_UNSUPPORTED;
    }
    switch (attribute) {
    case BLOCK_SIZE:
        wk_axdr_put_double_long_unsigned(out, image->config.block_size);
        return WK_OK;
    case RECEIVED:
        return put_received(image, cursor, out);
    case FIRST_MISSING:
        wk_axdr_put_double_long_unsigned(out, wk_image_first_missing(image));
        return WK_OK;
    case ENABLED:
        wk_axdr_put_boolean(out, image->enabled);
        return WK_OK;
    case STATUS:
        wk_axdr_put_enum(out, image->status);
        return WK_OK;
    case TO_ACTIVATE:
        put_to_activate(image, out);
        return WK_OK;
    default:
        return WK_E_NOT_FOUND;
    }
}

static wk_err image_set(const struct wk_object_call *call, uint8_t attribute,
                        struct wk_bytes_in *value)
{
    const struct wk_rooms *rooms = call->meter;
    const bool enabled = wk_axdr_read_integer(value, WK_AXDR_BOOLEAN) != 0;
    WK_TRY(wk_bytes_in_end(value));
    if (rooms->image == NULL || attribute != ENABLED) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(wk_image_enable(rooms->image, enabled));
    wk_objects_tell(call, WK_ROOMS_IMAGE_ENABLED, enabled ? 1 : 0);
    return WK_OK;
}

static wk_err initiate(struct wk_image *image, struct wk_bytes_in *parameter)
{
    size_t size = 0;
    const uint32_t members = wk_axdr_read_count(parameter, WK_AXDR_STRUCTURE);
    const uint8_t *identifier = wk_axdr_read_octets(parameter, &size);
    const int64_t octets = wk_axdr_read_integer(parameter, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    WK_TRY(wk_bytes_in_end(parameter));
    return members == 2 ? wk_image_initiate(image, identifier, size, (uint32_t)octets)
                        : WK_E_FORMAT;
}

static wk_err take_block(struct wk_image *image, struct wk_bytes_in *parameter)
{
    size_t size = 0;
    const uint32_t members = wk_axdr_read_count(parameter, WK_AXDR_STRUCTURE);
    const int64_t number = wk_axdr_read_integer(parameter, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    const uint8_t *octets = wk_axdr_read_octets(parameter, &size);
    WK_TRY(wk_bytes_in_end(parameter));
    return members == 2 ? wk_image_block(image, (uint32_t)number, octets, size) : WK_E_FORMAT;
}

static wk_err image_action(const struct wk_object_call *call, uint8_t method,
                           struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_image *image = rooms->image;
    (void)reply;
    if (image == NULL) {
        return WK_E_UNSUPPORTED;
    }
    switch (method) {
    case INITIATE:
        return initiate(image, parameter);
    case BLOCK:
        return take_block(image, parameter);
    case VERIFY:
        WK_TRY(wk_objects_take_zero(parameter));
        return wk_image_verify(image);
    case ACTIVATE:
        WK_TRY(wk_objects_take_zero(parameter));
        return wk_image_activate(image);
    default:
        return WK_E_NOT_FOUND;
    }
}

const struct wk_object_class wk_objects_image = {
    .get = image_get, .set = image_set, .action = image_action};

/* ---- class 1 ----------------------------------------------------------------------------- */

/* Of a meter without image transfer nothing is known, and no digest. */
static wk_err firmware_get(const struct wk_object_call *call, uint8_t attribute,
                           const struct wk_object_selection *selection,
                           struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_image *image = rooms->image;
    (void)attribute;
    (void)selection;
    (void)cursor;
    if (image == NULL) {
        return WK_E_UNSUPPORTED;
    }
    if (call->object->selector == WK_OBJECTS_FIRMWARE_DIGEST) {
        wk_axdr_put_octet_string(out, image->config.digest, WK_IMAGE_DIGEST);
        return WK_OK;
    }
    const char *hardware = image->config.hardware;
    wk_axdr_put_structure(out, 6);
    wk_axdr_put_octet_string(out, hardware, strlen(hardware));
    wk_axdr_put_long64_unsigned(out, image->config.version);
    wk_axdr_put_long64_unsigned(out, image->floor);
    wk_axdr_put_enum(out, image->refusal);
    wk_axdr_put_double_long_unsigned(out, image->size);
    wk_axdr_put_octet_string(out, image->identifier, image->identifier_size);
    return WK_OK;
}

const struct wk_object_class wk_objects_firmware = {.get = firmware_get};
