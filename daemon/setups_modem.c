/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/setups_modem.h"

#include "cosem/axdr.h"

enum { OPERATOR = 2, STATUS = 3, PS_STATUS = 5, CELL_INFO = 6 };
enum { PS_INACTIVE = 0, PS_GPRS, PS_EDGE, PS_UMTS, PS_HSDPA, PS_LTE };
enum { STATUS_UNKNOWN = 4, STATUS_MOST = 6 };

#define CELL_MEMBERS 7
#define NO_BER       99
#define NO_SIGNAL    99
#define RSSI_LEAST   (-113)
#define RSSI_STEPS   31

/* <rssi> of TS 27.007, 8.5 */
static uint8_t quality_of(const struct wk_modem *modem)
{
    const int step = (modem->signal.rssi_dbm - RSSI_LEAST) / 2;
    return modem->signal.rssi_dbm == WK_MODEM_UNKNOWN ? NO_SIGNAL
           : step < 0                                 ? 0
           : step > RSSI_STEPS                        ? RSSI_STEPS
                                                      : (uint8_t)step;
}

/* cell id, location or tracking area, signal quality, bit errors, MCC, MNC, channel: what +CEREG and
 * +CSQ tell */
static void put_cell(const struct wk_modem *modem, struct wk_bytes_out *out)
{
    wk_bytes_out_u8(out, WK_AXDR_STRUCTURE);
    wk_bytes_out_u8(out, CELL_MEMBERS);
    wk_axdr_put_double_long_unsigned(out, modem->cell.id);
    wk_axdr_put_long_unsigned(out, (uint16_t)modem->cell.tac);
    wk_axdr_put_unsigned(out, quality_of(modem));
    wk_axdr_put_unsigned(out, NO_BER);
    wk_axdr_put_long_unsigned(out, 0);
    wk_axdr_put_long_unsigned(out, 0);
    wk_axdr_put_double_long_unsigned(out, 0);
}

static uint8_t packet_status(const struct wk_modem *modem)
{
    /* by <AcT> of TS 27.007, 7.3 */
    static const uint8_t k_status[] = {PS_GPRS,  PS_GPRS,  PS_UMTS, PS_EDGE, PS_HSDPA,
                                       PS_HSDPA, PS_HSDPA, PS_LTE,  PS_GPRS, PS_LTE};
    const int16_t technology = modem->cell.technology;
    const bool known = technology >= 0 && technology < (int16_t)sizeof k_status;
    return wk_modem_carries(modem) == WK_MODEM_CARRIES_NOT || !known ? PS_INACTIVE
                                                                     : k_status[technology];
}

bool wk_setups_tell_gsm(const struct wk_modem *modem, uint8_t attribute,
                        struct wk_bytes_out *out)
{
    const int16_t status = modem->cell.status;
    switch (attribute) {
    case OPERATOR:
        wk_axdr_put_visible_string(out, modem->cell.network);
        return true;
    case STATUS:
        wk_axdr_put_enum(out,
                         status < 0 || status > STATUS_MOST ? STATUS_UNKNOWN : (uint8_t)status);
        return true;
    case PS_STATUS:
        wk_axdr_put_enum(out, packet_status(modem));
        return true;
    case CELL_INFO:
        put_cell(modem, out);
        return true;
    default:
        return false;
    }
}
