/* SPDX-License-Identifier: Apache-2.0
 *
 * management/alarm - the alarm registers and who is to hear of them (IDIS package 2, 0.0.97.98.e).
 *
 * An event whose code has an alarm bit sets it, if the filter lets it: bits stay until a client
 * clears them. Each destination has a mask; a bit that is set anew is pending for it until it
 * was delivered. Registers, filters, destinations and what is pending outlive a power cut, so an
 * alarm is pushed after the outage in which it was raised. */
#ifndef WK_MANAGEMENT_ALARM_H
#define WK_MANAGEMENT_ALARM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define WK_ALARM_REGISTERS    2
#define WK_ALARM_DESTINATIONS 4
#define WK_ALARM_ADDRESS      48

/* register, bit, event code: the events that raise it, one row each */
#define WK_ALARM_LIST(X)                                                                       \
    X(0, 0, CLOCK_BEFORE)                                                                      \
    X(0, 8, STORE_RECOVERED)                                                                   \
    X(0, 11, RECORDS_MISSING)                                                                  \
    X(0, 11, REGISTER_REFUSED)                                                                 \
    X(0, 11, SATURATION)                                                                       \
    X(0, 11, IMPLAUSIBLE)                                                                      \
    X(0, 11, STUCK)                                                                            \
    X(0, 11, NO_VALUE)                                                                         \
    X(0, 12, FRONT_END_RESET)                                                                  \
    X(0, 14, LOGIN_FAILED)                                                                     \
    X(0, 14, LOCKED_OUT)                                                                       \
    X(0, 14, DECIPHER_FAILED)                                                                  \
    X(0, 14, REPLAY)                                                                           \
    X(1, 0, POWER_DOWN)                                                                        \
    X(1, 1, POWER_UP)                                                                          \
    X(1, 2, INTERRUPTION)                                                                      \
    X(1, 3, DIP)                                                                               \
    X(1, 4, SWELL)                                                                             \
    X(1, 8, CONTACTOR_DISAGREES)                                                               \
    X(1, 9, CURRENT_WHILE_OPEN)                                                                \
    X(1, 10, LIMITER_OVER)                                                                     \
    X(1, 11, OVER_VOLTAGE)                                                                     \
    X(1, 12, OVER_HEAT)                                                                        \
    X(1, 13, LOAD_LOCKED_OUT)                                                                  \
    X(1, 16, CREDIT_LOW)                                                                       \
    X(1, 17, CREDIT_USED_UP)                                                                   \
    X(1, 18, TOKENS_LOCKED_OUT)

#define WK_ALARM_FRAUD_BIT 13 /* of register 0: any event of the fraud log */

typedef enum wk_alarm_service {
    WK_ALARM_NOWHERE = 0,
    WK_ALARM_TCP,
    WK_ALARM_UDP,
    WK_ALARM_MQTT,
    WK_ALARM_HDLC,
    WK_ALARM_SERVICES,
} wk_alarm_service;

struct wk_alarm_destination {
    uint8_t service; /* wk_alarm_service */
    char address[WK_ALARM_ADDRESS];
    uint32_t mask[WK_ALARM_REGISTERS];
};

struct wk_alarm {
    uint32_t raised[WK_ALARM_REGISTERS];
    uint32_t filter[WK_ALARM_REGISTERS]; /* bits that may be raised */
    struct wk_alarm_destination destination[WK_ALARM_DESTINATIONS];
    uint32_t pending[WK_ALARM_DESTINATIONS][WK_ALARM_REGISTERS];
    uint32_t descriptor[WK_ALARM_REGISTERS]; /* raised since a client cleared it here */
};

/** Everything may be raised, nobody is told. */
void wk_alarm_init(struct wk_alarm *alarm);

/** An event happened. True if that changed a register or what is pending. */
bool wk_alarm_raise(struct wk_alarm *alarm, uint16_t code);

/** Leaves only bits that are in `keep`: a client clears what it has seen. WK_E_RANGE: no such
 *  register, or `keep` has a bit that is not raised: nobody raises an alarm by hand. */
WK_MUST_USE wk_err wk_alarm_clear(struct wk_alarm *alarm, uint8_t reg, uint32_t keep);

/** The same for a descriptor. */
WK_MUST_USE wk_err wk_alarm_forget(struct wk_alarm *alarm, uint8_t reg, uint32_t keep);

/** Sets a destination; what was pending for the former one is dropped. WK_E_RANGE: no such
 *  destination or service, or a service without an address that ends within its room. */
WK_MUST_USE wk_err wk_alarm_direct(struct wk_alarm *alarm, uint8_t number,
                                   const struct wk_alarm_destination *destination);

/** What a destination is still to hear; true if anything. */
bool wk_alarm_pending(const struct wk_alarm *alarm, uint8_t number,
                      uint32_t bits[WK_ALARM_REGISTERS]);
/** It heard these bits. */
void wk_alarm_delivered(struct wk_alarm *alarm, uint8_t number,
                        const uint32_t bits[WK_ALARM_REGISTERS]);

/** Octets for the store. WK_E_FORMAT: no such state; nothing is changed then. */
#define WK_ALARM_PACKED (24 + WK_ALARM_DESTINATIONS * (1 + WK_ALARM_ADDRESS + 16))
void wk_alarm_pack(const struct wk_alarm *alarm, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_alarm_unpack(struct wk_alarm *alarm, struct wk_bytes_in *in);

#endif
