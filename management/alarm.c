/* SPDX-License-Identifier: Apache-2.0 */
#include "management/alarm.h"

#include <string.h>

#include "management/event.h"

struct alarm_row {
    uint8_t reg;
    uint8_t bit;
    uint16_t code;
};

#define ALARM_ROW(reg, bit, name) {reg, bit, WK_EVENT_##name},
static const struct alarm_row k_rows[] = {WK_ALARM_LIST(ALARM_ROW)};
#undef ALARM_ROW

void wk_alarm_init(struct wk_alarm *alarm)
{
    *alarm = (struct wk_alarm){.filter = {UINT32_MAX, UINT32_MAX}};
}

/* ---- raising and clearing ---------------------------------------------------------------- */

static bool set_bit(struct wk_alarm *alarm, uint8_t reg, uint8_t bit)
{
    const uint32_t wanted = UINT32_C(1) << bit & alarm->filter[reg];
    const uint32_t fresh = wanted & ~alarm->raised[reg];
    alarm->raised[reg] |= wanted;
    alarm->descriptor[reg] |= fresh;
    for (int i = 0; i < WK_ALARM_DESTINATIONS; i++) {
        alarm->pending[i][reg] |= fresh & alarm->destination[i].mask[reg];
    }
    return fresh != 0;
}

bool wk_alarm_raise(struct wk_alarm *alarm, uint16_t code)
{
    bool changed = false;
    for (size_t i = 0; i < sizeof k_rows / sizeof k_rows[0]; i++) {
        if (k_rows[i].code == code) {
            changed = set_bit(alarm, k_rows[i].reg, k_rows[i].bit) || changed;
        }
    }
    if (wk_event_log_of(code) == WK_EVENT_LOG_FRAUD) {
        changed = set_bit(alarm, 0, WK_ALARM_FRAUD_BIT) || changed;
    }
    return changed;
}

wk_err wk_alarm_clear(struct wk_alarm *alarm, uint8_t reg, uint32_t keep)
{
    if (reg >= WK_ALARM_REGISTERS || (keep & ~alarm->raised[reg]) != 0) {
        return WK_E_RANGE;
    }
    alarm->raised[reg] = keep;
    return WK_OK;
}

wk_err wk_alarm_forget(struct wk_alarm *alarm, uint8_t reg, uint32_t keep)
{
    if (reg >= WK_ALARM_REGISTERS || (keep & ~alarm->descriptor[reg]) != 0) {
        return WK_E_RANGE;
    }
    alarm->descriptor[reg] = keep;
    return WK_OK;
}

/* ---- destinations ------------------------------------------------------------------------ */

static bool is_sound(const struct wk_alarm_destination *destination)
{
    const bool ends = memchr(destination->address, 0, WK_ALARM_ADDRESS) != NULL;
    const bool somewhere =
        destination->service == WK_ALARM_NOWHERE || destination->address[0] != 0;
    return destination->service < WK_ALARM_SERVICES && ends && somewhere;
}

wk_err wk_alarm_direct(struct wk_alarm *alarm, uint8_t number,
                       const struct wk_alarm_destination *destination)
{
    if (number >= WK_ALARM_DESTINATIONS || !is_sound(destination)) {
        return WK_E_RANGE;
    }
    alarm->destination[number] = *destination;
    memset(alarm->pending[number], 0, sizeof alarm->pending[number]);
    return WK_OK;
}

bool wk_alarm_pending(const struct wk_alarm *alarm, uint8_t number,
                      uint32_t bits[WK_ALARM_REGISTERS])
{
    bool any = false;
    for (int reg = 0; reg < WK_ALARM_REGISTERS; reg++) {
        bits[reg] = alarm->pending[number % WK_ALARM_DESTINATIONS][reg];
        any = any || bits[reg] != 0;
    }
    return any &&
           alarm->destination[number % WK_ALARM_DESTINATIONS].service != WK_ALARM_NOWHERE;
}

void wk_alarm_delivered(struct wk_alarm *alarm, uint8_t number,
                        const uint32_t bits[WK_ALARM_REGISTERS])
{
    for (int reg = 0; reg < WK_ALARM_REGISTERS; reg++) {
        alarm->pending[number % WK_ALARM_DESTINATIONS][reg] &= ~bits[reg];
    }
}

/* ---- octets for the store ---------------------------------------------------------------- */

void wk_alarm_pack(const struct wk_alarm *alarm, struct wk_bytes_out *out)
{
    for (int reg = 0; reg < WK_ALARM_REGISTERS; reg++) {
        wk_bytes_out_u32le(out, alarm->raised[reg]);
        wk_bytes_out_u32le(out, alarm->filter[reg]);
    }
    for (int i = 0; i < WK_ALARM_DESTINATIONS; i++) {
        const struct wk_alarm_destination *destination = &alarm->destination[i];
        wk_bytes_out_u8(out, destination->service);
        wk_bytes_out_put(out, destination->address, WK_ALARM_ADDRESS);
        for (int reg = 0; reg < WK_ALARM_REGISTERS; reg++) {
            wk_bytes_out_u32le(out, destination->mask[reg]);
            wk_bytes_out_u32le(out, alarm->pending[i][reg]);
        }
    }
    for (int reg = 0; reg < WK_ALARM_REGISTERS; reg++) {
        wk_bytes_out_u32le(out, alarm->descriptor[reg]);
    }
}

wk_err wk_alarm_unpack(struct wk_alarm *alarm, struct wk_bytes_in *in)
{
    struct wk_alarm read = {.raised = {0}};
    bool sound = true;
    for (int reg = 0; reg < WK_ALARM_REGISTERS; reg++) {
        read.raised[reg] = wk_bytes_in_u32le(in);
        read.filter[reg] = wk_bytes_in_u32le(in);
    }
    for (int i = 0; i < WK_ALARM_DESTINATIONS; i++) {
        struct wk_alarm_destination *destination = &read.destination[i];
        destination->service = wk_bytes_in_u8(in);
        wk_bytes_in_copy(in, destination->address, WK_ALARM_ADDRESS);
        for (int reg = 0; reg < WK_ALARM_REGISTERS; reg++) {
            destination->mask[reg] = wk_bytes_in_u32le(in);
            read.pending[i][reg] = wk_bytes_in_u32le(in);
        }
        sound = sound && is_sound(destination);
    }
    /* Stores of before there were descriptors end here. */
    for (int reg = 0; reg < WK_ALARM_REGISTERS && wk_bytes_in_left(in) > 0; reg++) {
        read.descriptor[reg] = wk_bytes_in_u32le(in);
    }
    WK_TRY(in->fault);
    if (!sound) {
        return WK_E_FORMAT;
    }
    *alarm = read;
    return WK_OK;
}
