/* SPDX-License-Identifier: Apache-2.0 */
#include "management/image_work.h"

#include <string.h>

#include "base/bytes.h"
#include "management/image_part.h"

#define PIECE 512 /* octets read at once */

enum { IDLE = 0, CHECK_HEAD, CHECK_PAYLOAD, STAGE };

/* ---- status ------------------------------------------------------------------------------ */

wk_err wk_image_set_status(struct wk_image *image, wk_image_status status,
                           wk_image_refusal refusal)
{
    const struct wk_hal_flash *area = image->config.area;
    image->status = (uint8_t)status;
    image->refusal = (uint8_t)refusal;
    WK_TRY(wk_image_journal_add(image, WK_IMAGE_ENTRY_STATUS, (uint8_t)status, refusal));
    return area->sync(area->self);
}

wk_err wk_image_keep(struct wk_image *image)
{
    if (image->config.version > image->floor) {
        image->floor = image->config.version;
    }
    image->status = WK_IMAGE_ACTIVATED;
    image->refusal = WK_IMAGE_REFUSED_NONE;
    image->news |= WK_IMAGE_NEWS_ACTIVATED;
    return wk_image_journal_begin(image);
}

bool wk_image_is_busy(const struct wk_image *image)
{
    return image->work != IDLE;
}

bool wk_image_know_header(struct wk_image *image)
{
    const struct wk_hal_flash *area = image->config.area;
    uint8_t octets[WK_IMAGE_HEADER];
    return area->read(area->self, wk_image_area_begin(&image->config), octets, sizeof octets) ==
               WK_OK &&
           wk_image_header_read(octets, &image->header) == WK_OK;
}

/* ---- verification ------------------------------------------------------------------------ */

void wk_image_begin_verification(struct wk_image *image)
{
    image->status = WK_IMAGE_VERIFYING; /* not kept: after a cut it begins anew */
    image->work = CHECK_HEAD;
    image->activate = false;
}

static wk_err refuse(struct wk_image *image, wk_image_refusal refusal)
{
    image->work = IDLE;
    image->news |= WK_IMAGE_NEWS_REFUSED;
    image->news |= refusal == WK_IMAGE_REFUSED_SIGNATURE ? WK_IMAGE_NEWS_FORGED : 0;
    return wk_image_set_status(image, WK_IMAGE_NOT_VERIFIED, refusal);
}

static bool is_newer(const struct wk_image *image)
{
    return image->header.version > image->config.version &&
           image->header.version > image->floor;
}

static wk_image_refusal judge(const struct wk_image *image, const uint8_t *octets)
{
    const struct wk_image_config *config = &image->config;
    const struct wk_image_header *header = &image->header;
    if (wk_image_header_verify(config->crypto, &config->maker, octets, header) != WK_OK) {
        return WK_IMAGE_REFUSED_SIGNATURE;
    }
    if (strcmp(header->hardware, config->hardware) != 0) {
        return WK_IMAGE_REFUSED_HARDWARE;
    }
    if (!is_newer(image)) {
        return WK_IMAGE_REFUSED_OLDER;
    }
    return header->size == image->size - WK_IMAGE_HEADER ? WK_IMAGE_REFUSED_NONE
                                                         : WK_IMAGE_REFUSED_SIZE;
}

static wk_err check_head(struct wk_image *image)
{
    const struct wk_image_config *config = &image->config;
    uint8_t octets[WK_IMAGE_HEADER];
    if (config->area->read(config->area->self, wk_image_area_begin(config), octets,
                           sizeof octets) != WK_OK ||
        config->crypto->digest_begin(config->crypto->self) != WK_OK) {
        return refuse(image, WK_IMAGE_REFUSED_AREA);
    }
    const wk_image_refusal refusal = wk_image_header_read(octets, &image->header) == WK_OK
                                         ? judge(image, octets)
                                         : WK_IMAGE_REFUSED_FORMAT;
    image->work = CHECK_PAYLOAD;
    image->done = 0;
    return refusal == WK_IMAGE_REFUSED_NONE ? WK_OK : refuse(image, refusal);
}

static wk_err digest_piece(struct wk_image *image)
{
    const struct wk_image_config *config = &image->config;
    const uint32_t at = wk_image_area_begin(config) + WK_IMAGE_HEADER + image->done;
    const uint32_t left = image->header.size - image->done;
    const uint32_t size = left < PIECE ? left : PIECE;
    uint8_t piece[PIECE];
    WK_TRY(config->area->read(config->area->self, at, piece, size));
    image->done += size;
    return config->crypto->digest_add(config->crypto->self, piece, size);
}

static wk_err verified(struct wk_image *image)
{
    const struct wk_hal_crypto *crypto = image->config.crypto;
    uint8_t digest[WK_IMAGE_DIGEST];
    if (crypto->digest_end(crypto->self, digest) != WK_OK ||
        !wk_bytes_equal_secret(digest, image->header.digest, sizeof digest)) {
        return refuse(image, WK_IMAGE_REFUSED_DIGEST);
    }
    image->work = IDLE;
    image->news |= WK_IMAGE_NEWS_READY;
    WK_TRY(wk_image_set_status(image, WK_IMAGE_VERIFIED, WK_IMAGE_REFUSED_NONE));
    if (!image->activate) {
        return WK_OK;
    }
    const wk_err err = wk_image_begin_staging(image);
    return err == WK_E_BUSY ? WK_OK : err;
}

static wk_err check_payload(struct wk_image *image)
{
    for (int i = 0; i < WK_IMAGE_STEP / PIECE && image->done < image->header.size; i++) {
        if (digest_piece(image) != WK_OK) {
            return refuse(image, WK_IMAGE_REFUSED_AREA);
        }
    }
    return image->done < image->header.size ? WK_OK : verified(image);
}

/* ---- activation -------------------------------------------------------------------------- */

wk_err wk_image_begin_staging(struct wk_image *image)
{
    if (!wk_image_know_header(image)) {
        WK_TRY(refuse(image, WK_IMAGE_REFUSED_AREA));
        return WK_E_REFUSED;
    }
    if (!is_newer(image)) {
        WK_TRY(refuse(image, WK_IMAGE_REFUSED_OLDER));
        return WK_E_REFUSED;
    }
    image->status = WK_IMAGE_ACTIVATING; /* kept when it is staged */
    image->work = STAGE;
    return WK_E_BUSY;
}

static wk_err stage(struct wk_image *image)
{
    const struct wk_image_config *config = &image->config;
    const struct wk_hal_firmware *firmware = config->firmware;
    const wk_err err = firmware->stage(firmware->self, config->area,
                                       wk_image_area_begin(config) + WK_IMAGE_HEADER,
                                       image->header.size, image->header.version);
    if (err == WK_E_BUSY) {
        return WK_OK;
    }
    image->work = IDLE;
    if (err != WK_OK) {
        image->news |= WK_IMAGE_NEWS_REFUSED;
        return wk_image_set_status(image, WK_IMAGE_NOT_ACTIVATED, WK_IMAGE_REFUSED_STAGING);
    }
    WK_TRY(wk_image_set_status(image, WK_IMAGE_ACTIVATING, WK_IMAGE_REFUSED_NONE));
    image->restart = true;
    return WK_OK;
}

wk_err wk_image_step(struct wk_image *image)
{
    wk_err err = WK_OK;
    switch (image->work) {
    case CHECK_HEAD:
        err = check_head(image);
        break;
    case CHECK_PAYLOAD:
        err = check_payload(image);
        break;
    case STAGE:
        err = stage(image);
        break;
    default:
        break;
    }
    image->work = err == WK_OK ? image->work : IDLE;
    return err;
}
