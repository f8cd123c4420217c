/* SPDX-License-Identifier: Apache-2.0
 *
 * view/modbus_crc - the check sum of Modbus RTU frames and of P1 telegrams: polynomial 0x8005,
 * reflected. check("123456789") = 0x4B37 from 0xFFFF, 0xBB3D from 0. */
#ifndef WK_VIEW_MODBUS_CRC_H
#define WK_VIEW_MODBUS_CRC_H

#include <stddef.h>
#include <stdint.h>

#define WK_MODBUS_CRC_BEGIN 0xFFFF /* of RTU frames; P1 begins with 0 */

/** Goes on from `crc`. */
uint16_t wk_modbus_crc(uint16_t crc, const uint8_t *octets, size_t size);

#endif
