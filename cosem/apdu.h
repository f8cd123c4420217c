/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/apdu - requests and responses of the services GET, SET and ACTION, and exceptions
 * (IEC 62056-5-3, 7.3.7 to 7.3.13), with logical names.
 *
 * One struct holds any request, one any response; `service` says which members count. Data
 * are cursors over octets that stay with their owner. Readers accept exactly what the
 * standard's abstract syntax allows: a data value must be whole, and nothing may follow. */
#ifndef WK_COSEM_APDU_H
#define WK_COSEM_APDU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/obis.h"

typedef enum wk_apdu_tag {
    WK_APDU_INITIATE_REQUEST = 0x01,
    WK_APDU_INITIATE_RESPONSE = 0x08,
    WK_APDU_CONFIRMED_SERVICE_ERROR = 0x0E,
    WK_APDU_DATA_NOTIFICATION = 0x0F,
    WK_APDU_DATA_NOTIFICATION_CONFIRM = 0x10,
    WK_APDU_GLO_INITIATE_REQUEST = 0x21,
    WK_APDU_GLO_INITIATE_RESPONSE = 0x28,
    WK_APDU_GLO_CONFIRMED_SERVICE_ERROR = 0x2E,
    WK_APDU_AARQ = 0x60,
    WK_APDU_AARE = 0x61,
    WK_APDU_RLRQ = 0x62,
    WK_APDU_RLRE = 0x63,
    WK_APDU_GET_REQUEST = 0xC0,
    WK_APDU_SET_REQUEST = 0xC1,
    WK_APDU_EVENT_NOTIFICATION = 0xC2,
    WK_APDU_ACTION_REQUEST = 0xC3,
    WK_APDU_GET_RESPONSE = 0xC4,
    WK_APDU_SET_RESPONSE = 0xC5,
    WK_APDU_ACTION_RESPONSE = 0xC7,
    WK_APDU_GLO_GET_REQUEST = 0xC8,
    WK_APDU_GLO_SET_REQUEST = 0xC9,
    WK_APDU_GLO_EVENT_NOTIFICATION = 0xCA,
    WK_APDU_GLO_ACTION_REQUEST = 0xCB,
    WK_APDU_GLO_GET_RESPONSE = 0xCC,
    WK_APDU_GLO_SET_RESPONSE = 0xCD,
    WK_APDU_GLO_ACTION_RESPONSE = 0xCF,
    WK_APDU_DED_GET_REQUEST = 0xD0,
    WK_APDU_DED_SET_REQUEST = 0xD1,
    WK_APDU_DED_EVENT_NOTIFICATION = 0xD2,
    WK_APDU_DED_ACTION_REQUEST = 0xD3,
    WK_APDU_DED_GET_RESPONSE = 0xD4,
    WK_APDU_DED_SET_RESPONSE = 0xD5,
    WK_APDU_DED_ACTION_RESPONSE = 0xD7,
    WK_APDU_EXCEPTION = 0xD8,
    WK_APDU_ACCESS_REQUEST = 0xD9,
    WK_APDU_ACCESS_RESPONSE = 0xDA,
    WK_APDU_GENERAL_GLO = 0xDB,
    WK_APDU_GENERAL_DED = 0xDC,
    WK_APDU_GENERAL_CIPHERING = 0xDD,
    WK_APDU_GENERAL_SIGNING = 0xDF,
    WK_APDU_GENERAL_BLOCK = 0xE0,
} wk_apdu_tag;

/* High octet: tag of the APDU; low octet: choice of the service. */
typedef enum wk_apdu_service {
    WK_APDU_GET = 0xC001,
    WK_APDU_GET_NEXT = 0xC002,
    WK_APDU_GET_LIST = 0xC003,
    WK_APDU_SET = 0xC101,
    WK_APDU_SET_FIRST_BLOCK = 0xC102,
    WK_APDU_SET_BLOCK = 0xC103,
    WK_APDU_SET_LIST = 0xC104,
    WK_APDU_SET_LIST_FIRST_BLOCK = 0xC105,
    WK_APDU_ACTION = 0xC301,
    WK_APDU_ACTION_NEXT = 0xC302,
    WK_APDU_ACTION_LIST = 0xC303,
    WK_APDU_ACTION_FIRST_BLOCK = 0xC304,
    WK_APDU_ACTION_LIST_FIRST_BLOCK = 0xC305,
    WK_APDU_ACTION_BLOCK = 0xC306,
    WK_APDU_GET_REPLY = 0xC401,
    WK_APDU_GET_REPLY_BLOCK = 0xC402,
    WK_APDU_GET_REPLY_LIST = 0xC403,
    WK_APDU_SET_REPLY = 0xC501,
    WK_APDU_SET_REPLY_BLOCK = 0xC502,
    WK_APDU_SET_REPLY_LAST = 0xC503,
    WK_APDU_SET_REPLY_LAST_LIST = 0xC504,
    WK_APDU_SET_REPLY_LIST = 0xC505,
    WK_APDU_ACTION_REPLY = 0xC701,
    WK_APDU_ACTION_REPLY_BLOCK = 0xC702,
    WK_APDU_ACTION_REPLY_LIST = 0xC703,
    WK_APDU_ACTION_REPLY_NEXT = 0xC704, /* the server wants the next block of parameters */
} wk_apdu_service;

/* data-access-result */
typedef enum wk_apdu_access {
    WK_APDU_SUCCESS = 0,
    WK_APDU_HARDWARE_FAULT = 1,
    WK_APDU_TEMPORARY_FAILURE = 2,
    WK_APDU_READ_WRITE_DENIED = 3,
    WK_APDU_OBJECT_UNDEFINED = 4,
    WK_APDU_CLASS_INCONSISTENT = 9,
    WK_APDU_OBJECT_UNAVAILABLE = 11,
    WK_APDU_TYPE_UNMATCHED = 12,
    WK_APDU_SCOPE_VIOLATED = 13,
    WK_APDU_BLOCK_UNAVAILABLE = 14,
    WK_APDU_LONG_GET_ABORTED = 15, /* or action */
    WK_APDU_NO_LONG_GET = 16,      /* or action */
    WK_APDU_LONG_SET_ABORTED = 17,
    WK_APDU_NO_LONG_SET = 18,
    WK_APDU_BLOCK_NUMBER_INVALID = 19, /* not an action-result */
    WK_APDU_OTHER_REASON = 250,
} wk_apdu_access;
/* action-result uses the same numbers for what it has, 1..4, 9, 11..16 and 250. */

#define WK_APDU_INVOKE_ID       0x0F /* invoke-id-and-priority: the id */
#define WK_APDU_INVOKE_CONFIRM  0x40 /* a response is wanted */
#define WK_APDU_INVOKE_PRIORITY 0x80

/* What a request is about. `id`: attribute or method. */
struct wk_apdu_target {
    uint16_t class_id;
    uint8_t obis[WK_OBIS_SIZE];
    uint8_t id;
    bool selective;               /* attributes only */
    uint8_t selector;             /* of selective access */
    struct wk_bytes_in parameter; /* its A-XDR value */
};

struct wk_apdu_request {
    wk_apdu_service service;
    uint8_t invoke;
    struct wk_apdu_target target; /* what is neither a list nor a later block */
    uint32_t block;               /* *_NEXT, *_BLOCK */
    bool last_block;              /* *_BLOCK */
    uint32_t count;               /* lists: how many */
    struct wk_bytes_in list;      /* lists: the targets, see wk_apdu_read_target */
    struct wk_bytes_in data;      /* SET: the value; ACTION: the parameter, empty if none;
                                     *_BLOCK: raw octets; SET_LIST, ACTION_LIST: the values, one
                                     after another (null-data for no parameter) */
};

/* Raw octets of blocks, put together, are: of a GET and a SET the value, of an ACTION its
 * parameter; of a list in a request its values, of a list in a response its results, with
 * their count before them; of an ACTION's response what follows its invoke-id. */

struct wk_apdu_response {
    wk_apdu_service service;
    uint8_t invoke;
    uint8_t result;          /* wk_apdu_access; GET*: 0 = data follow */
    uint32_t block;          /* *_BLOCK, SET_REPLY_LAST*, ACTION_REPLY_NEXT */
    bool last_block;         /* GET_REPLY_BLOCK, ACTION_REPLY_BLOCK */
    uint32_t count;          /* lists */
    bool has_data;           /* ACTION_REPLY: return parameters are there */
    uint8_t data_result;     /* ACTION_REPLY with has_data: 0 = data follow */
    struct wk_bytes_in data; /* GET_REPLY, ACTION_REPLY: the value; *_BLOCK: raw octets; lists:
                                the results as encoded */
};

/* Most octets a response by blocks adds to its data. */
#define WK_APDU_GET_OVERHEAD 14

/** Octets of one result of an ACTION: result, and return parameters if `data` is not NULL. */
void wk_apdu_put_action_result(struct wk_bytes_out *out, uint8_t result, uint8_t data_result,
                               const struct wk_bytes_in *data);

void wk_apdu_put_request(struct wk_bytes_out *out, const struct wk_apdu_request *request);
/** WK_E_UNSUPPORTED: a service or choice that is not in wk_apdu_service; `request->invoke` is
 *  valid then. WK_E_FORMAT, WK_E_SHORT: malformed. */
WK_MUST_USE wk_err wk_apdu_read_request(struct wk_bytes_in *in,
                                        struct wk_apdu_request *request);
/** Reads one target of a list. `selectable`: attributes, which may carry selective access. */
void wk_apdu_read_target(struct wk_bytes_in *in, bool selectable,
                         struct wk_apdu_target *target);
void wk_apdu_put_target(struct wk_bytes_out *out, bool selectable,
                        const struct wk_apdu_target *target);

void wk_apdu_put_response(struct wk_bytes_out *out, const struct wk_apdu_response *response);
/** Errors as wk_apdu_read_request. */
WK_MUST_USE wk_err wk_apdu_read_response(struct wk_bytes_in *in,
                                         struct wk_apdu_response *response);

/* ---- exception-response ------------------------------------------------------------------ */

typedef enum wk_apdu_state_error {
    WK_APDU_SERVICE_NOT_ALLOWED = 1,
    WK_APDU_SERVICE_UNKNOWN = 2,
} wk_apdu_state_error;

typedef enum wk_apdu_service_error {
    WK_APDU_OPERATION_NOT_POSSIBLE = 1,
    WK_APDU_SERVICE_NOT_SUPPORTED = 2,
    WK_APDU_OTHER_ERROR = 3,
    WK_APDU_PDU_TOO_LONG = 4,
    WK_APDU_DECIPHERING_ERROR = 5,
    WK_APDU_INVOCATION_COUNTER_ERROR = 6, /* followed by the counter that is expected */
} wk_apdu_service_error;

struct wk_apdu_exception {
    uint8_t state_error;
    uint8_t service_error;
    uint32_t expected_counter;
};

void wk_apdu_put_exception(struct wk_bytes_out *out, const struct wk_apdu_exception *exception);
WK_MUST_USE wk_err wk_apdu_read_exception(struct wk_bytes_in *in,
                                          struct wk_apdu_exception *exception);

/** For people: "read-write-denied", "invocation counter too low" ... */
const char *wk_apdu_access_text(uint8_t result);
const char *wk_apdu_service_error_text(uint8_t service_error);

#endif
