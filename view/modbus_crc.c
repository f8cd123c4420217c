/* SPDX-License-Identifier: Apache-2.0 */
#include "view/modbus_crc.h"

uint16_t wk_modbus_crc(uint16_t crc, const uint8_t *octets, size_t size)
{
    /* what four bits do to the register */
    static const uint16_t k_nibble[16] = {0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00,
                                          0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401,
                                          0x5000, 0x9C01, 0x8801, 0x4400};
    for (size_t n = 0; n < size; n++) {
        crc ^= octets[n];
        crc = (uint16_t)(crc >> 4 ^ k_nibble[crc & 0xF]);
        crc = (uint16_t)(crc >> 4 ^ k_nibble[crc & 0xF]);
    }
    return crc;
}
