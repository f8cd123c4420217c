/* SPDX-License-Identifier: Apache-2.0
 *
 * view/modbus - a Modbus server over the registers of view/modbus_map: request in, answer out
 * (Modbus application protocol V1.1b3). What carries them: view/modbus_rtu, view/modbus_tcp.
 *
 *   3, 4   read holding, input registers: any register of a map, any number up to 125, across maps
 *          that are adjacent; one request sees one moment
 *   6, 16  write: load relays, where the owner of the line allows it
 *   8      diagnostics: 0 echo, 10 clear, 11 to 18 counters of the line
 *   17     report server id
 *   43/14  device identification, basic and regular, as a stream and one by one
 *
 * Exceptions: 1 function or sub-function that is not there; 2 a register that is not there, or
 * cannot be written; 3 a number, length or value that cannot be; 4 the meter could not do it. A value
 * that the meter has not (yet) is no exception, but the mark of its type.
 *
 * Reading goes with the rights of a reader: who reaches the line reads what a reader may. */
#ifndef WK_VIEW_MODBUS_H
#define WK_VIEW_MODBUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "view/point.h"

#define WK_MODBUS_PDU 253 /* octets of a request or an answer, most */

enum {
    WK_MODBUS_SERVER_ILLEGAL_FUNCTION = 1,
    WK_MODBUS_SERVER_ILLEGAL_ADDRESS = 2,
    WK_MODBUS_SERVER_ILLEGAL_VALUE = 3,
    WK_MODBUS_SERVER_FAILURE = 4,
    WK_MODBUS_SERVER_NO_PATH = 10, /* on TCP: a unit that is not ours */
};

/* Counters of one line, of function 8; each goes round after 65,535. */
struct wk_modbus_counts {
    uint16_t bus_messages;    /* 11: frames whose check sum is right, to anybody */
    uint16_t bus_errors;      /* 12: frames whose check sum is wrong */
    uint16_t exceptions;      /* 13: answers that were exceptions */
    uint16_t server_messages; /* 14: requests to us, broadcasts included */
    uint16_t no_answers;      /* 15: of these, without an answer */
    uint16_t overruns;        /* 18: octets that found no room */
};

struct wk_modbus_server_config {
    const struct wk_object_table *table; /* borrowed */
    uint8_t phases;                      /* 1 or 3 */
    uint8_t unit;                        /* our address on the line, shown in maps; 1..247 */
    uint32_t baud;                       /* of the line, shown in maps; 0: it has none */
    int64_t maximum_w; /* largest power, decides on scale factors; 0 = 32 kW */
    wk_role writer;    /* whose rights writing has; WK_ROLE_COUNT: nothing can be written */
};

struct wk_modbus_server {
    struct wk_modbus_server_config config;
    struct wk_points points;
    int8_t power_exponent;
};

/** WK_E_ARGUMENT: phases or unit. `table` must outlive it. */
WK_MUST_USE wk_err wk_modbus_server_init(struct wk_modbus_server *server,
                                         const struct wk_modbus_server_config *config);

struct wk_modbus_call {
    int64_t now_us; /* UTC */
    struct wk_modbus_counts *counts;
    bool is_broadcast; /* it gets no answer: `out` stays empty */
};

/** Serves one request, from its function on. `out` needs room for WK_MODBUS_PDU octets. True if
 *  something was written, which its owner may want to commit before the answer goes out. */
bool wk_modbus_server_serve(struct wk_modbus_server *server, const struct wk_modbus_call *call,
                            struct wk_bytes_in request, struct wk_bytes_out *out);

/** The exception `code` as the answer to a request of `function`. */
void wk_modbus_server_except(struct wk_bytes_out *out, uint8_t function, uint8_t code);

#endif
