/* SPDX-License-Identifier: Apache-2.0
 *
 * management/event - what happened: codes, the eight event logs (0.0.99.98.e.255), their entries.
 *
 * Codes follow the common companion profiles (IDIS package 2 numbering); texts say what
 * happened and, where there is something to do, what. The group of a code decides in which log
 * it is kept. Every entry holds a snapshot of the quantities.
 *
 * The entries of the security log are chained: each holds the SHA-256 of the one before it, its
 * own number and content. Whoever has the newest hash can prove offline that no entry was
 * changed, removed or put in (wk_event_verify; `wk audit`). */
#ifndef WK_MANAGEMENT_EVENT_H
#define WK_MANAGEMENT_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/civil.h"
#include "base/err.h"
#include "management/store.h"
#include "port/hal.h"

/* code, name, group (one word, for filters), text */
#define WK_EVENT_LIST(X)                                                                       \
    X(1, POWER_DOWN, power, "Power was lost")                                                  \
    X(2, POWER_UP, power, "Power is back")                                                     \
    X(4, CLOCK_BEFORE, clock, "Clock adjusted, old time")                                      \
    X(5, CLOCK_AFTER, clock, "Clock adjusted, new time")                                       \
    X(11, CALENDAR_ACTIVATED, tariff, "Time-of-use calendar activated")                        \
    X(14, RECORDS_MISSING, fault, "Measurement records are missing")                           \
    X(15, STORE_RECOVERED, fault, "Store recovered after an interrupted write")                \
    X(17, FIRMWARE_READY, firmware, "A new firmware is ready for activation")                  \
    X(18, REGISTER_REFUSED, fault, "An implausible energy was refused by the registers")       \
    X(46, LOGIN_FAILED, security, "Association authentication failed")                         \
    X(47, PARAMETER_CHANGED, security, "A parameter was changed")                              \
    X(49, DECIPHER_FAILED, security, "Decryption or message authentication failed")            \
    X(50, REPLAY, security, "Repeated message refused")                                        \
    X(51, LOCKED_OUT, security, "Too many failed logins, the role is locked for a while")      \
    X(59, SUPPLY_READY, supply, "Ready for reconnection by hand")                              \
    X(62, SUPPLY_DISCONNECTED, supply, "Supply disconnected remotely")                         \
    X(63, SUPPLY_CONNECTED, supply, "Supply connected remotely")                               \
    X(61, SUPPLY_CONNECTED_MANUALLY, supply, "Supply connected by hand")                       \
    X(60, SUPPLY_DISCONNECTED_MANUALLY, supply, "Supply disconnected by hand")                 \
    X(64, SUPPLY_DISCONNECTED_LOCALLY, supply, "Supply disconnected by the meter")             \
    X(65, LIMITER_OVER, supply, "Limiter threshold exceeded")                                  \
    X(66, LIMITER_NORMAL, supply, "Back below the limiter threshold")                          \
    X(68, CONTACTOR_DISAGREES, supply, "The contactor does not follow: inspect it")            \
    X(69, SUPPLY_CONNECTED_LOCALLY, supply, "Supply connected by the meter")                   \
    X(76, DIP, quality, "Voltage dip")                                                         \
    X(79, SWELL, quality, "Voltage swell")                                                     \
    X(82, INTERRUPTION, quality, "Voltage interruption")                                       \
    X(85, VOLTAGE_NORMAL, quality, "Voltage back to normal")                                   \
    X(231, RAPID_CHANGE, quality, "Rapid voltage change")                                      \
    X(232, TRANSIENT, quality, "Voltage transient")                                            \
    X(233, SATURATION, fault, "A converter is saturated: its energy is withheld")              \
    X(234, IMPLAUSIBLE, fault, "Implausible samples: their energy is withheld")                \
    X(235, STUCK, fault, "A channel is stuck: inspect the front end")                          \
    X(236, NO_VALUE, fault, "Samples without a value: their energy is withheld")               \
    X(237, SAMPLES_NORMAL, fault, "Samples are credible again")                                \
    X(238, SAMPLES_LOST, fault, "Samples were lost")                                           \
    X(239, FRONT_END_RESET, fault, "The front end started anew")                               \
    X(240, RATE_CHANGED, fault, "The sample rate changed")                                     \
    X(241, BILLING_PERIOD_ENDED, tariff, "A billing period ended")                             \
    X(242, CLOCK_SLEWED, clock, "The clock is being corrected slowly")                         \
    X(243, REPEATED, fault, "An event came too often: the rest was only counted")              \
    X(244, SCRIPT_FAILED, fault, "A scheduled script could not be executed")                   \
    X(245, TRANSFORMERS_CHANGED, security, "The ratios of the transformers were changed")      \
    X(246, CERTIFICATE_ENDS, security, "The TLS certificate ends soon, or has ended")          \
    X(254, PROFILE_CLEARED, tariff, "A load profile was cleared")                              \
    X(300, OVER_VOLTAGE, supply, "Over-voltage protection: the supply is to be off")           \
    X(301, OVER_VOLTAGE_GONE, supply, "Over-voltage is over")                                  \
    X(302, OVER_HEAT, supply, "The terminals are too hot: inspect them")                       \
    X(303, OVER_HEAT_GONE, supply, "The terminals have cooled down")                           \
    X(304, LOAD_TRIPPED, supply, "Load limitation: the supply is to be off")                   \
    X(305, LOAD_ATTEMPT, supply, "Load limitation: reconnection attempt")                      \
    X(306, LOAD_LOCKED_OUT, supply, "Load limitation: locked out until released")              \
    X(307, LOAD_RELEASED, supply, "Load limitation: released")                                 \
    X(308, OPENING_HELD, supply, "Opening waits: more current than the contactor may break")   \
    X(309, CLOSING_HELD, supply, "Closing waits: the voltage is too high")                     \
    X(310, CURRENT_WHILE_OPEN, supply, "Current flows while the contactor is open")            \
    X(311, NO_CURRENT_WHILE_OPEN, supply, "No more current while the contactor is open")       \
    X(312, CONTACTOR_FOLLOWS, supply, "The contactor follows again")                           \
    X(313, ARM_EXPIRED, supply, "Not reconnected by hand in time: disconnected again")         \
    X(314, RECONNECTION_DELAYED, supply, "Reconnection waits a random time after the outage")  \
    X(315, RECONNECTION_REFUSED, supply, "Reconnection by hand refused: a reason stands")      \
    X(316, RESPONSE_LEVEL, supply, "Demand response level changed")                            \
    X(317, RELAY_ON, supply, "Auxiliary relay switched on")                                    \
    X(318, RELAY_OFF, supply, "Auxiliary relay switched off")                                  \
    X(319, EMERGENCY_LIMIT, supply, "Emergency limit in force")                                \
    X(320, EMERGENCY_LIMIT_OVER, supply, "Emergency limit over")                               \
    X(330, FIRMWARE_ACTIVATED, firmware, "A new firmware was activated")                       \
    X(331, FIRMWARE_REFUSED, firmware, "A new firmware was refused")                           \
    X(332, FIRMWARE_FELL_BACK, firmware, "A new firmware failed: the one before is back")      \
    X(333, FIRMWARE_FORGED, security, "A firmware was not signed by the maker")                \
    X(40, TERMINAL_COVER, fraud, "The terminal cover was opened")                              \
    X(41, TERMINAL_COVER_END, fraud, "The terminal cover is closed")                           \
    X(42, MAGNET, fraud, "A strong magnetic field was detected")                               \
    X(43, MAGNET_END, fraud, "No more magnetic field")                                         \
    X(44, MAIN_COVER, fraud, "The meter cover was opened")                                     \
    X(45, MAIN_COVER_END, fraud, "The meter cover is closed")                                  \
    X(88, UNBALANCE, fraud, "The voltages are unbalanced: look at the neutral")                \
    X(89, CURRENT_REVERSED, fraud, "Current runs backwards")                                   \
    X(90, PHASE_SEQUENCE, fraud, "Wrong phase sequence")                                       \
    X(91, LOAD_WHILE_OPEN, fraud, "Consumption while disconnected")                            \
    X(350, BYPASS, fraud, "Line and neutral currents differ: look for a bypass")               \
    X(351, BYPASS_END, fraud, "Line and neutral currents agree")                               \
    X(352, WIRE_MISSING, fraud, "Current without voltage: a wire is missing")                  \
    X(353, WIRE_MISSING_END, fraud, "The missing wire is back")                                \
    X(354, CURRENT_REVERSED_END, fraud, "Current runs forwards again")                         \
    X(355, VOLTAGE_MISSING, fraud, "Voltage of a loaded phase is missing")                     \
    X(356, VOLTAGE_MISSING_END, fraud, "Voltage of the phase is back")                         \
    X(357, CT_MISSING, fraud, "A current transformer is open or shorted")                      \
    X(358, CT_MISSING_END, fraud, "The current transformer measures again")                    \
    X(359, PHASE_SEQUENCE_END, fraud, "Phase sequence is right again")                         \
    X(360, UNBALANCE_END, fraud, "The voltages are balanced again")                            \
    X(361, MODULE_OUT, fraud, "The communication module was removed")                          \
    X(362, MODULE_OUT_END, fraud, "The communication module is back")                          \
    X(363, REFUSED_OFTEN, fraud, "Access was refused too often")                               \
    X(364, REFUSED_OFTEN_END, fraud, "No more refused access")                                 \
    X(365, CLOCK_OFTEN, fraud, "The clock was set too often")                                  \
    X(366, CLOCK_OFTEN_END, fraud, "The clock is left alone")                                  \
    X(367, CHANGED_OFTEN, fraud, "Parameters were changed too often")                          \
    X(368, CHANGED_OFTEN_END, fraud, "Parameters are left alone")                              \
    X(369, NO_CONSUMPTION, fraud, "No consumption for a long time")                            \
    X(370, NO_CONSUMPTION_END, fraud, "Consumption is back")                                   \
    X(371, LOAD_WHILE_OPEN_END, fraud, "No more consumption while disconnected")               \
    X(372, SERVICE_ORDERED, fraud, "A service order allows covers to be open")                 \
    X(373, SERVICE_END, fraud, "The service order is over")                                    \
    X(374, SERVICE_OPENED, fraud, "A cover was opened under a service order")                  \
    X(380, CREDIT_ADDED, credit, "A token was accepted")                                       \
    X(381, TOKEN_REFUSED, credit, "A token was refused")                                       \
    X(382, TOKENS_LOCKED_OUT, credit, "Too many wrong tokens: none is taken for a while")      \
    X(383, CREDIT_LOW, credit, "Credit is low")                                                \
    X(384, CREDIT_WARNING, credit, "A credit fell to its warning threshold")                   \
    X(385, CREDIT_USED_UP, credit, "Credit is used up: the supply is to be off")               \
    X(386, CREDIT_RESTORED, credit, "There is credit again")                                   \
    X(387, CREDIT_SELECTED, credit, "Emergency or reserved credit was taken into use")         \
    X(388, CREDIT_ADJUSTED, credit, "A credit was set by a client")                            \
    X(389, ACCOUNT_ACTIVATED, credit, "The account is active")                                 \
    X(390, ACCOUNT_CLOSED, credit, "The account is closed")                                    \
    X(391, CHARGE_ACTIVATED, credit, "New prices of a charge are in force")

#define WK_EVENT_ENUM(code, name, group, text) WK_EVENT_##name = (code),
typedef enum wk_event_code { WK_EVENT_LIST(WK_EVENT_ENUM) } wk_event_code;
#undef WK_EVENT_ENUM

/* The logs; the value is group E of the OBIS code 0.0.99.98.e.255. */
typedef enum wk_event_log {
    WK_EVENT_LOG_STANDARD = 0,
    WK_EVENT_LOG_FRAUD = 1,
    WK_EVENT_LOG_DISCONNECT = 2,
    WK_EVENT_LOG_QUALITY = 4,
    WK_EVENT_LOG_COMMUNICATION = 5,
    WK_EVENT_LOG_FIRMWARE = 6,
    WK_EVENT_LOG_SECURITY = 7,
    WK_EVENT_LOG_CREDIT = 8,
    WK_EVENT_LOGS = 9, /* 3 is that of the M-Bus, which this meter does not have */
} wk_event_log;

#define WK_EVENT_CHAIN 32 /* octets of a hash */
#define WK_EVENT_KEPT  256

/* The newest window when it happened; all 0: there was none yet. */
struct wk_event_snapshot {
    int64_t import_uwh;
    int32_t u_mv[3];
    int32_t i_ma[3];
    int16_t pf_e3[3];
    uint8_t tariff;
};

struct wk_event {
    struct wk_utc at; /* by the meter's clock */
    uint16_t code;    /* wk_event_code */
    uint8_t detail;   /* phases (bit 0..2), role, state: by code */
    int32_t value;    /* residual voltage in mV, duration in ms, count ...: by code */
    int32_t more;     /* second value: duration of a quality event in ms */
    struct wk_event_snapshot snapshot;
};

/** The text and the group of a code; "Event" and "other" for one not in the list. */
const char *wk_event_text(uint16_t code);
const char *wk_event_group(uint16_t code);
/** The log a code belongs to; the standard one for a code not in the list. */
wk_event_log wk_event_log_of(uint16_t code);
/** "standard", "fraud" ...; NULL: no such log. */
const char *wk_event_log_name(wk_event_log log);

/** Appends to log `log` of the store; counts from the store's next commit on. */
WK_MUST_USE wk_err wk_event_append(struct wk_store *store, uint8_t log,
                                   const struct wk_event *event);
/** Reads where the reader stands; WK_E_NOT_FOUND at the end. */
WK_MUST_USE wk_err wk_event_read(const struct wk_store *store, uint8_t log,
                                 struct wk_store_reader *reader, struct wk_event *event);

/** The same for a chained log: `chain` is the newest hash, all zero before the first entry, and
 *  becomes the next one. WK_E_UNSUPPORTED: the port has no hash. On error it stays as it is. */
WK_MUST_USE wk_err wk_event_append_chained(struct wk_store *store, uint8_t log,
                                           const struct wk_event *event,
                                           const struct wk_hal_crypto *crypto,
                                           uint8_t chain[WK_EVENT_CHAIN]);

/* What verifying a chained log found. */
struct wk_event_proof {
    uint64_t oldest; /* number of the first entry that is kept */
    uint64_t next;
    uint64_t broken; /* number of the first entry that does not fit; next = all fit */
    bool head_fits;  /* the newest entry leads to `chain` */
};

/** Follows the chain through all committed entries. Errors: those of reading the store. */
WK_MUST_USE wk_err wk_event_verify(const struct wk_store *store, uint8_t log,
                                   const struct wk_hal_crypto *crypto,
                                   const uint8_t chain[WK_EVENT_CHAIN],
                                   struct wk_event_proof *proof);

#endif
