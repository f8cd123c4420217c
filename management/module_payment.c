/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module_payment.h"

#include "base/crc.h"
#include "management/module_pack.h"
#include "management/payment.h"

static wk_payment_part part_of(uint8_t key)
{
    return (wk_payment_part)(key - WK_MODULE_KEY_PAYMENT);
}

void wk_module_payment_use(struct wk_module *module, int64_t energy_uwh, int32_t price_e6,
                           struct wk_utc at)
{
    struct wk_rooms *rooms = &module->rooms;
    if (rooms->payment != NULL) {
        rooms->payment->functions->use(rooms, energy_uwh, price_e6, at);
    }
}

static wk_err log_told(struct wk_module *module)
{
    struct wk_notice notice;
    while (wk_notice_take(&module->rooms.payment->notices, &notice)) {
        WK_TRY(wk_module_log(module, (struct wk_event){.code = notice.code,
                                                       .detail = notice.detail,
                                                       .value = notice.value}));
    }
    return WK_OK;
}

wk_err wk_module_payment_step(struct wk_module *module)
{
    struct wk_rooms *rooms = &module->rooms;
    if (rooms->payment == NULL) {
        return WK_OK;
    }
    rooms->payment->functions->step(rooms, wk_module_now_us(module));
    return log_told(module);
}

bool wk_module_payment_cuts(const struct wk_rooms *rooms)
{
    return rooms->payment != NULL && rooms->payment->account.cut;
}

bool wk_module_payment_arms(const struct wk_rooms *rooms)
{
    return rooms->payment != NULL && rooms->payment->account.rules.by_hand;
}

wk_err wk_module_payment_press(struct wk_module *module)
{
    struct wk_rooms *rooms = &module->rooms;
    if (rooms->payment == NULL ||
        !rooms->payment->functions->press(rooms, wk_module_now_us(module))) {
        return WK_OK;
    }
    return log_told(module);
}

/* ---- the store --------------------------------------------------------------------------- */

static uint32_t crc_of(const struct wk_payment *payment, wk_payment_part part)
{
    uint8_t raw[WK_MODULE_PAYMENT_ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    payment->functions->pack(payment, part, &out);
    return wk_crc_32(0, raw, out.size);
}

void wk_module_payment_mark(struct wk_module *module)
{
    struct wk_payment *payment = module->rooms.payment;
    if (payment == NULL) {
        return;
    }
    for (int part = 0; part < WK_PAYMENT_PARTS; part++) {
        const uint32_t crc = crc_of(payment, (wk_payment_part)part);
        if (crc != payment->crc[part]) {
            payment->crc[part] = crc;
            wk_module_changed(module, (uint8_t)(WK_MODULE_KEY_PAYMENT + part));
        }
    }
}

void wk_module_payment_pack(const struct wk_module *module, uint8_t key,
                            struct wk_bytes_out *out)
{
    const struct wk_payment *payment = module->rooms.payment;
    payment->functions->pack(payment, part_of(key), out);
}

wk_err wk_module_payment_unpack(struct wk_module *module, uint8_t key, struct wk_bytes_in *in)
{
    struct wk_payment *payment = module->rooms.payment;
    return payment->functions->unpack(payment, part_of(key), in);
}
