/* SPDX-License-Identifier: Apache-2.0
 *
 * base/crc - check sums of the wires and of the store. */
#ifndef WK_BASE_CRC_H
#define WK_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/** CRC-32 (ISO-HDLC, as Ethernet): check("123456789") = 0xCBF43926. To go on over several
 *  pieces pass the previous result as `crc`; start with 0. */
uint32_t wk_crc_32(uint32_t crc, const void *data, size_t size);

/** CRC-16/X-25, the HDLC HCS and FCS: check("123456789") = 0x906E. Sent low octet first. */
uint16_t wk_crc_x25(const void *data, size_t size);

#endif
