/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_image.h"

#include "management/image.h"

struct news {
    uint8_t bit;
    uint16_t code;
};

/* The value of an event is the high half of the image's version, major and minor; of those that
 * refuse it the reason is the second value, of the others the low half. */
wk_err wk_module_image_settle(struct wk_module *module)
{
    static const struct news k_news[] = {
        {WK_IMAGE_NEWS_READY, WK_EVENT_FIRMWARE_READY},
        {WK_IMAGE_NEWS_FORGED, WK_EVENT_FIRMWARE_FORGED},
        {WK_IMAGE_NEWS_REFUSED, WK_EVENT_FIRMWARE_REFUSED},
        {WK_IMAGE_NEWS_ACTIVATED, WK_EVENT_FIRMWARE_ACTIVATED},
        {WK_IMAGE_NEWS_FELL_BACK, WK_EVENT_FIRMWARE_FELL_BACK},
    };
    struct wk_image *image = module->rooms.image;
    const uint8_t news = image != NULL ? wk_image_take_news(image) : 0;
    for (size_t i = 0; news != 0 && i < sizeof k_news / sizeof k_news[0]; i++) {
        const uint32_t refusal = image->refusal;
        const uint32_t more = refusal != 0 ? refusal : (uint32_t)image->header.version;
        if ((news & k_news[i].bit) != 0) {
            WK_TRY(wk_module_log(
                module, (struct wk_event){.code = k_news[i].code,
                                          .value = (int32_t)(image->header.version >> 32),
                                          .more = (int32_t)more}));
        }
    }
    return WK_OK;
}
