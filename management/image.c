/* SPDX-License-Identifier: Apache-2.0 */
#include "management/image.h"

#include <string.h>

#include "management/image_part.h"
#include "management/image_work.h"

#define NO_FLOOR 0

/* ---- blocks ------------------------------------------------------------------------------ */

uint32_t wk_image_blocks(const struct wk_image *image)
{
    const uint32_t block = image->config.block_size;
    return image->size / block + (image->size % block != 0 ? 1 : 0);
}

bool wk_image_has(const struct wk_image *image, uint32_t number)
{
    return number < wk_image_blocks(image) &&
           (image->config.received[number / 8] >> number % 8 & 1) != 0;
}

uint32_t wk_image_first_missing(const struct wk_image *image)
{
    const uint32_t blocks = wk_image_blocks(image);
    uint32_t number = 0;
    while (number < blocks && wk_image_has(image, number)) {
        number++;
    }
    return number;
}

void wk_image_mark(struct wk_image *image, uint32_t number, bool received)
{
    if (number >= wk_image_blocks(image) || wk_image_has(image, number) == received) {
        return;
    }
    image->config.received[number / 8] ^= (uint8_t)(1U << number % 8);
    image->count += received ? 1 : UINT32_MAX;
}

static bool is_whole(const struct wk_image *image)
{
    return image->size > 0 && image->count == wk_image_blocks(image);
}

/* ---- start ------------------------------------------------------------------------------- */

static bool is_possible(const struct wk_image_config *config)
{
    const struct wk_hal_flash *area = config->area;
    const struct wk_hal_crypto *crypto = config->crypto;
    const bool functions = crypto->hash != NULL && crypto->verify != NULL &&
                           crypto->digest_begin != NULL && crypto->digest_add != NULL &&
                           crypto->digest_end != NULL;
    const bool units = area->program_unit > 0 && WK_IMAGE_CHUNK % area->program_unit == 0;
    return functions && units && area->sector_count > WK_IMAGE_SECTORS &&
           config->block_size > 0 && config->block_size % WK_IMAGE_CHUNK == 0 &&
           area->sector_size % config->block_size == 0 && config->received_size > 0 &&
           config->received_size <= UINT16_MAX &&
           wk_image_journal_head(config, config->received_size) <= area->sector_size;
}

static void forget(struct wk_image *image)
{
    memset(image->config.received, 0, image->config.received_size);
    memset(image->identifier, 0, sizeof image->identifier);
    image->identifier_size = 0;
    image->size = 0;
    image->count = 0;
    image->begun = WK_IMAGE_NO_BLOCK;
    image->moved = false;
    image->status = WK_IMAGE_NOT_INITIATED;
    image->refusal = WK_IMAGE_REFUSED_NONE;
}

static void count_received(struct wk_image *image)
{
    image->count = 0;
    for (uint32_t i = 0; i < wk_image_blocks(image); i++) {
        image->count += wk_image_has(image, i) ? 1 : 0;
    }
}

/* Of an image that was to take over: whether it did. */
static wk_err settle_activation(struct wk_image *image)
{
    const struct wk_hal_firmware *firmware = image->config.firmware;
    const bool runs =
        wk_image_know_header(image) && image->header.version == image->config.version;
    if (runs && firmware->on_trial(firmware->self)) {
        return WK_OK;
    }
    if (runs) {
        return wk_image_keep(image);
    }
    image->news |= WK_IMAGE_NEWS_FELL_BACK;
    return wk_image_set_status(image, WK_IMAGE_NOT_ACTIVATED, WK_IMAGE_REFUSED_FELL_BACK);
}

wk_err wk_image_init(struct wk_image *image, const struct wk_image_config *config)
{
    *image = (struct wk_image){.config = *config, .floor = NO_FLOOR};
    if (!is_possible(config)) {
        return WK_E_ARGUMENT;
    }
    forget(image);
    image->enabled = true;
    image->journal.sector = 1;
    const wk_err err = wk_image_journal_read(image);
    if (err == WK_E_NOT_FOUND) {
        return wk_image_journal_begin(image);
    }
    WK_TRY(err);
    count_received(image);
    WK_TRY(wk_image_area_mend(image));
    if (image->status == WK_IMAGE_ACTIVATING) {
        return settle_activation(image);
    }
    (void)wk_image_know_header(image); /* who asks for it is told of the area when it is used */
    return WK_OK;
}

/* ---- class 18 ---------------------------------------------------------------------------- */

static wk_err check_open(const struct wk_image *image)
{
    if (!image->enabled) {
        return WK_E_DENIED;
    }
    return image->status == WK_IMAGE_VERIFYING || image->status == WK_IMAGE_ACTIVATING
               ? WK_E_BUSY
               : WK_OK;
}

static bool is_same(const struct wk_image *image, const uint8_t *identifier,
                    size_t identifier_size, uint32_t size)
{
    return image->status == WK_IMAGE_INITIATED && image->size == size &&
           image->identifier_size == identifier_size &&
           memcmp(image->identifier, identifier, identifier_size) == 0;
}

wk_err wk_image_initiate(struct wk_image *image, const uint8_t *identifier,
                         size_t identifier_size, uint32_t size)
{
    WK_TRY(check_open(image));
    if (identifier_size == 0 || identifier_size > WK_IMAGE_IDENTIFIER ||
        size <= WK_IMAGE_HEADER || size > wk_image_area_room(&image->config)) {
        return WK_E_RANGE;
    }
    if (is_same(image, identifier, identifier_size, size)) {
        return WK_OK;
    }
    forget(image);
    memcpy(image->identifier, identifier, identifier_size);
    image->identifier_size = (uint8_t)identifier_size;
    image->size = size;
    image->status = WK_IMAGE_INITIATED;
    const wk_err err = wk_image_journal_begin(image);
    if (err != WK_OK) {
        forget(image); /* what was there may be gone, and what comes is not known to be kept */
    }
    return err;
}

wk_err wk_image_block(struct wk_image *image, uint32_t number, const uint8_t *octets,
                      size_t size)
{
    WK_TRY(check_open(image));
    if (image->status != WK_IMAGE_INITIATED) {
        return WK_E_REFUSED;
    }
    const uint32_t block = image->config.block_size;
    if (number >= wk_image_blocks(image)) {
        return WK_E_RANGE;
    }
    const uint32_t left = image->size - number * block;
    if (size != (left < block ? left : block)) {
        return WK_E_RANGE;
    }
    return wk_image_has(image, number) ? WK_OK
                                       : wk_image_area_write(image, number, octets, size);
}

wk_err wk_image_verify(struct wk_image *image)
{
    WK_TRY(check_open(image));
    if (image->status == WK_IMAGE_VERIFIED || image->status == WK_IMAGE_ACTIVATED) {
        return WK_OK;
    }
    if (image->status == WK_IMAGE_NOT_VERIFIED || !is_whole(image)) {
        return WK_E_REFUSED;
    }
    wk_image_begin_verification(image);
    return WK_E_BUSY;
}

wk_err wk_image_activate(struct wk_image *image)
{
    if (image->enabled && image->status == WK_IMAGE_VERIFYING) {
        image->activate = true;
        return WK_E_BUSY;
    }
    WK_TRY(check_open(image));
    if (image->status == WK_IMAGE_ACTIVATED) {
        return WK_OK;
    }
    if (image->status == WK_IMAGE_NOT_VERIFIED || !is_whole(image)) {
        return WK_E_REFUSED;
    }
    if (image->status == WK_IMAGE_VERIFIED) {
        return wk_image_begin_staging(image);
    }
    wk_image_begin_verification(image);
    image->activate = true;
    return WK_E_BUSY;
}

wk_err wk_image_enable(struct wk_image *image, bool enabled)
{
    const bool before = image->enabled;
    const struct wk_hal_flash *area = image->config.area;
    image->enabled = enabled;
    wk_err err = wk_image_journal_add(image, WK_IMAGE_ENTRY_ENABLED, 0, enabled ? 1 : 0);
    err = err == WK_OK ? area->sync(area->self) : err;
    image->enabled = err == WK_OK ? enabled : before;
    return err;
}

/* ---- the owner --------------------------------------------------------------------------- */

wk_err wk_image_confirm(struct wk_image *image)
{
    const struct wk_hal_firmware *firmware = image->config.firmware;
    if (!firmware->on_trial(firmware->self)) {
        return WK_OK;
    }
    WK_TRY(firmware->confirm(firmware->self));
    return image->status == WK_IMAGE_ACTIVATING ? wk_image_keep(image) : WK_OK;
}

uint8_t wk_image_take_news(struct wk_image *image)
{
    const uint8_t news = image->news;
    image->news = 0;
    return news;
}

const char *wk_image_refusal_text(uint8_t refusal)
{
#define TEXT(value, name, text) [WK_IMAGE_REFUSED_##name] = (text),
    static const char *const k_texts[] = {WK_IMAGE_REFUSAL_LIST(TEXT)};
#undef TEXT
    return refusal < sizeof k_texts / sizeof k_texts[0] ? k_texts[refusal] : "refused";
}
