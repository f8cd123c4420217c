/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc.h"

/* Tables of 16 entries: half-octet steps cost 64 + 32 octets of ROM instead of 1,536. */
static const uint32_t k_crc_32[16] = {
    0x00000000U, 0x1DB71064U, 0x3B6E20C8U, 0x26D930ACU, 0x76DC4190U, 0x6B6B51F4U,
    0x4DB26158U, 0x5005713CU, 0xEDB88320U, 0xF00F9344U, 0xD6D6A3E8U, 0xCB61B38CU,
    0x9B64C2B0U, 0x86D3D2D4U, 0xA00AE278U, 0xBDBDF21CU,
};

static const uint16_t k_crc_x25[16] = {
    0x0000U, 0x1081U, 0x2102U, 0x3183U, 0x4204U, 0x5285U, 0x6306U, 0x7387U,
    0x8408U, 0x9489U, 0xA50AU, 0xB58BU, 0xC60CU, 0xD68DU, 0xE70EU, 0xF78FU,
};

uint32_t wk_crc_32(uint32_t crc, const void *data, size_t size)
{
    const uint8_t *octets = data;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= octets[i];
        crc = (crc >> 4) ^ k_crc_32[crc & 15U];
        crc = (crc >> 4) ^ k_crc_32[crc & 15U];
    }
    return ~crc;
}

uint16_t wk_crc_x25(const void *data, size_t size)
{
    const uint8_t *octets = data;
    uint32_t crc = 0xFFFFU;
    for (size_t i = 0; i < size; i++) {
        crc ^= octets[i];
        crc = (crc >> 4) ^ k_crc_x25[crc & 15U];
        crc = (crc >> 4) ^ k_crc_x25[crc & 15U];
    }
    return (uint16_t)(crc ^ 0xFFFFU);
}
