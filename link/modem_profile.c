/* SPDX-License-Identifier: Apache-2.0 */
#include "link/modem_profile.h"

#include <string.h>

#define BAND_MOST 64
#define DIGITS    20
#define NO        WK_MODEM_NO_FIELD

static const struct wk_modem_profile k_profiles[WK_MODEM_PROFILES] = {
    {.maker = ""},
    /* BG95, BG77, BG96: +QCSQ: <mode>,<rssi>,<rsrp>,<sinr>,<rsrq>; +QNWINFO: <act>,<oper>,<band>,
     * <channel>, where the band is a text such as "LTE BAND 20" */
    {.maker = "Quectel",
     .query = {{"AT+QCSQ", "+QCSQ", 3, NO, 1}, {"AT+QNWINFO", "+QNWINFO", NO, 2, 0}},
     .slept = "PSM POWER DOWN",
     .bands = "AT+QCFG=\"band\",0,%x,%x,1"},
    /* SIM7000, SIM7080: +CPSI: <mode>,<operation>,<mcc-mnc>,<tac>,<cell>,<pcell>,<band>,<earfcn>,
     * <dl>,<ul>,<rsrq>,<rsrp>,<rssi>,<rssnr>, the band as "EUTRAN-BAND20" */
    {.maker = "SIMCOM",
     .query = {{"AT+CPSI?", "+CPSI", 13, 6, 0}},
     .slept = "+CPSMSTATUS: \"ENTER PSM\"",
     .bands = "AT+CBANDCFG=\"%n\",%b"},
    {.maker = "u-blox",
     .slept = "+UUPSMR: 1",
     .bands = "AT+UBANDMASK=%t,%d",
     .bands_reset = true},
};

const struct wk_modem_profile *wk_modem_profile(uint8_t number)
{
    return &k_profiles[number < WK_MODEM_PROFILES ? number : 0];
}

static char lower_of(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

uint8_t wk_modem_profile_find(const char *maker, size_t size)
{
    for (uint8_t n = 1; n < WK_MODEM_PROFILES; n++) {
        const char *name = k_profiles[n].maker;
        size_t same = 0;
        while (same < size && name[same] != '\0' &&
               lower_of(name[same]) == lower_of(maker[same])) {
            same++;
        }
        if (name[same] == '\0') {
            return n;
        }
    }
    return 0;
}

void wk_modem_put_text(struct wk_bytes_out *out, const char *text)
{
    wk_bytes_out_put(out, text, strlen(text));
}

static void put_digits(struct wk_bytes_out *out, uint64_t number, uint32_t base)
{
    char digits[DIGITS];
    size_t count = 0;
    do {
        digits[count++] = "0123456789ABCDEF"[number % base];
        number /= base;
    } while (number != 0 && count < sizeof digits);
    while (count > 0) {
        wk_bytes_out_u8(out, (uint8_t)digits[--count]);
    }
}

void wk_modem_put_number(struct wk_bytes_out *out, uint64_t number)
{
    put_digits(out, number, 10);
}

static void put_list(struct wk_bytes_out *out, const uint8_t *bands, size_t count)
{
    for (size_t i = 0; i < count && bands[i] != 0; i++) {
        if (i > 0) {
            wk_bytes_out_u8(out, ',');
        }
        wk_modem_put_number(out, bands[i]);
    }
}

wk_err wk_modem_profile_bands(uint8_t number, const uint8_t *bands, size_t count, bool nb_iot,
                              struct wk_bytes_out *out)
{
    const char *form = wk_modem_profile(number)->bands;
    uint64_t mask = 0;
    for (size_t i = 0; i < count && bands[i] != 0; i++) {
        mask |= bands[i] <= BAND_MOST ? UINT64_C(1) << (bands[i] - 1) : 0;
    }
    if (form == NULL || mask == 0) {
        return WK_E_UNSUPPORTED;
    }
    for (; *form != '\0'; form++) {
        if (*form != '%') {
            wk_bytes_out_u8(out, (uint8_t)*form);
            continue;
        }
        form++;
        if (*form == 'x') {
            put_digits(out, mask, 16);
        } else if (*form == 'd') {
            put_digits(out, mask, 10);
        } else if (*form == 'b') {
            put_list(out, bands, count);
        } else if (*form == 't') {
            wk_bytes_out_u8(out, nb_iot ? '1' : '0');
        } else {
            wk_modem_put_text(out, nb_iot ? "NB-IOT" : "CAT-M");
        }
    }
    return out->fault;
}
