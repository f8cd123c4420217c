/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/initiate - what client and server agree on (xDLMS InitiateRequest and -Response,
 * IEC 62056-5-3, 7.3): services (the conformance block) and the longest APDU. */
#ifndef WK_COSEM_INITIATE_H
#define WK_COSEM_INITIATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define WK_INITIATE_DLMS_VERSION 6
#define WK_INITIATE_LN_VAA       0x0007 /* vaa-name of logical-name referencing */
#define WK_INITIATE_KEY_SIZE     32

/* Conformance block: bit 0 of the standard is the top bit of 24. */
#define WK_CONFORMANCE_BIT(n)             (UINT32_C(1) << (23 - (n)))
#define WK_CONFORMANCE_GENERAL_PROTECTION WK_CONFORMANCE_BIT(1)
#define WK_CONFORMANCE_GENERAL_BLOCKS     WK_CONFORMANCE_BIT(2)
#define WK_CONFORMANCE_ATTRIBUTE_0_GET    WK_CONFORMANCE_BIT(10)
#define WK_CONFORMANCE_BLOCK_GET          WK_CONFORMANCE_BIT(11)
#define WK_CONFORMANCE_BLOCK_SET          WK_CONFORMANCE_BIT(12)
#define WK_CONFORMANCE_BLOCK_ACTION       WK_CONFORMANCE_BIT(13)
#define WK_CONFORMANCE_LISTS              WK_CONFORMANCE_BIT(14)
#define WK_CONFORMANCE_DATA_NOTIFICATION  WK_CONFORMANCE_BIT(16)
#define WK_CONFORMANCE_ACCESS             WK_CONFORMANCE_BIT(17)
#define WK_CONFORMANCE_GET                WK_CONFORMANCE_BIT(19)
#define WK_CONFORMANCE_SET                WK_CONFORMANCE_BIT(20)
#define WK_CONFORMANCE_SELECTIVE_ACCESS   WK_CONFORMANCE_BIT(21)
#define WK_CONFORMANCE_EVENT_NOTIFICATION WK_CONFORMANCE_BIT(22)
#define WK_CONFORMANCE_ACTION             WK_CONFORMANCE_BIT(23)

struct wk_initiate_request {
    uint8_t dedicated_key[WK_INITIATE_KEY_SIZE];
    uint8_t dedicated_key_size; /* 0 = none */
    bool response_allowed;      /* default true */
    uint8_t dlms_version;
    uint32_t conformance;
    uint16_t max_pdu; /* longest APDU the client takes; 0 = no limit */
};

struct wk_initiate_response {
    uint8_t dlms_version;
    uint32_t conformance;
    uint16_t max_pdu; /* longest APDU the server takes */
    uint16_t vaa_name;
};

/* ServiceError "initiate" of a confirmed-service-error */
typedef enum wk_initiate_error {
    WK_INITIATE_OTHER = 0,
    WK_INITIATE_VERSION_TOO_LOW = 1,
    WK_INITIATE_INCOMPATIBLE_CONFORMANCE = 2,
    WK_INITIATE_PDU_TOO_SHORT = 3,
    WK_INITIATE_REFUSED = 4,
} wk_initiate_error;

/** Each writes or reads a whole APDU, tag included. Readers return WK_E_FORMAT or WK_E_SHORT
 *  on any deviation, left-over octets included; the response reader WK_E_REFUSED, with the
 *  error in `error`, for a confirmed-service-error. */
void wk_initiate_put_request(struct wk_bytes_out *out,
                             const struct wk_initiate_request *request);
WK_MUST_USE wk_err wk_initiate_read_request(struct wk_bytes_in *in,
                                            struct wk_initiate_request *request);
void wk_initiate_put_response(struct wk_bytes_out *out,
                              const struct wk_initiate_response *response);
void wk_initiate_put_error(struct wk_bytes_out *out, wk_initiate_error error);
WK_MUST_USE wk_err wk_initiate_read_response(struct wk_bytes_in *in,
                                             struct wk_initiate_response *response,
                                             uint8_t *error);

#endif
