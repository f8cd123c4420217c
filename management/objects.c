/* SPDX-License-Identifier: Apache-2.0 */
#include "management/objects.h"

/* What each role may do. Bit n-1 = attribute or method n. */
#define READ_ALL  0xFFFFFFFFU
#define READ_NONE 0U
/* attribute 1 and 2: the name and the value, for the public client */
#define PUBLIC_VALUE                                                                           \
    {                                                                                          \
        .get = 0x3U                                                                            \
    }
#define PUBLIC_NONE                                                                            \
    {                                                                                          \
        .get = READ_NONE                                                                       \
    }
#define READER_ALL                                                                             \
    {                                                                                          \
        .get = READ_ALL                                                                        \
    }
#define MANAGER_ALL                                                                            \
    {                                                                                          \
        .get = READ_ALL                                                                        \
    }

#define ROW_RIGHTS(public_rights, set_mask, action_mask)                                       \
    {                                                                                          \
        public_rights, READER_ALL,                                                             \
        {                                                                                      \
            .get = READ_ALL, .set = (set_mask), .action = (action_mask)                        \
        }                                                                                      \
    }

#define DATA(a, b, c, d, e, f, public_rights, what)                                            \
    {                                                                                          \
        1, 0, {a, b, c, d, e, f}, 2, 0, ROW_RIGHTS(public_rights, 0, 0), &wk_objects_data,     \
            what                                                                               \
    }
/* Of the maker's own range (C = 128): the supply, D = 1, and tamper, D = 2, its rules, D = 3. */
#define PARAMETERS(d, e, what)                                                                 \
    {                                                                                          \
        1, 0, {0, 0, 128, d, e, 255}, 2, 0, ROW_RIGHTS(PUBLIC_NONE, 0x2U, 0),                  \
            &wk_objects_setting, what                                                          \
    }
#define TAMPER(e, set_mask, what)                                                              \
    {                                                                                          \
        1, 0, {0, 0, 128, 2, e, 255}, 2, 0, ROW_RIGHTS(PUBLIC_NONE, set_mask, 0),              \
            &wk_objects_tamper, what                                                           \
    }
#define RULE(e, kind)                                                                          \
    {                                                                                          \
        1, 0, {0, 0, 128, 3, e, 255}, 2, 0, ROW_RIGHTS(PUBLIC_NONE, 0x2U, 0),                  \
            &wk_objects_tamper_rule, kind                                                      \
    }
#define ESTIMATED(c, what)                                                                     \
    {                                                                                          \
        3, 0, {1, 0, c, 8, 0, 255}, 3, 1, ROW_RIGHTS(PUBLIC_NONE, 0, 0),                       \
            &wk_objects_tamper_energy, what                                                    \
    }
#define CONTROL(d, e, set_mask, what)                                                          \
    {                                                                                          \
        1, 0, {0, 0, 128, d, e, 255}, 2, 0, ROW_RIGHTS(PUBLIC_NONE, set_mask, 0),              \
            &wk_objects_control, what                                                          \
    }
#define REGISTER(c, d, e, what)                                                                \
    {                                                                                          \
        3, 0, {1, 0, c, d, e, 255}, 3, 1, ROW_RIGHTS(PUBLIC_NONE, 0, 0), &wk_objects_register, \
            what                                                                               \
    }
#define PHASES(c1, c2, c3, d, e, what)                                                         \
    REGISTER(c1, d, e, WK_OBJECTS_OF(what, 0)), REGISTER(c2, d, e, WK_OBJECTS_OF(what, 1)),    \
        REGISTER(c3, d, e, WK_OBJECTS_OF(what, 2))
#define FOUR(c, e, what, from)                                                                 \
    REGISTER(c, 8, e, WK_OBJECTS_OF(what, from)),                                              \
        REGISTER(c, 8, (e) + 1, WK_OBJECTS_OF(what, (from) + 1)),                              \
        REGISTER(c, 8, (e) + 2, WK_OBJECTS_OF(what, (from) + 2)),                              \
        REGISTER(c, 8, (e) + 3, WK_OBJECTS_OF(what, (from) + 3))
#define TARIFFS(c, what) FOUR(c, 1, what, 0), FOUR(c, 5, what, 4)
#define QUADRANT_TARIFFS(c, q)                                                                 \
    FOUR(c, 1, WK_OBJECTS_QUADRANT_TARIFF, 8 * (q)),                                           \
        FOUR(c, 5, WK_OBJECTS_QUADRANT_TARIFF, 8 * (q) + 4)
#define BLOCKS(rate) FOUR(1, 128 + 4 * (rate), WK_OBJECTS_BLOCK, 4 * (rate))
#define EVENTS(e)                                                                              \
    {                                                                                          \
        7, 1, {0, 0, 99, 98, e, 255}, 8, 2, ROW_RIGHTS(PUBLIC_NONE, 0, 0), &wk_objects_events, \
            e                                                                                  \
    }
/* Capture objects and period may be set; reset clears. */
#define PROFILE(d, number)                                                                     \
    {                                                                                          \
        7, 1, {1, 0, 99, d, 0, 255}, 8, 2, ROW_RIGHTS(PUBLIC_NONE, 0xCU, 0x1U),                \
            &wk_objects_profile, number                                                        \
    }
#define DISPLAY(e, list)                                                                       \
    {                                                                                          \
        1, 0, {0, 0, 21, 0, e, 255}, 2, 0, ROW_RIGHTS(PUBLIC_NONE, 0x2U, 0),                   \
            &wk_objects_display, list                                                          \
    }
#define PRICE(e, set, what)                                                                    \
    {                                                                                          \
        1, 0, {0, 0, 128, 4, e, 255}, 2, 0, ROW_RIGHTS(PUBLIC_NONE, set, 0),                   \
            &wk_objects_price, what                                                            \
    }
#define ALARM(e, what)                                                                         \
    {                                                                                          \
        1, 0, {0, 0, 97, 98, e, 255}, 2, 0, ROW_RIGHTS(PUBLIC_NONE, 0x2U, 0),                  \
            &wk_objects_alarm, what                                                            \
    }
/* The maximum of a tariff (0: of all), and the sum of those of former periods. */
#define MAXIMUM(rate)                                                                          \
    {                                                                                          \
        4,                                                                                     \
        0,                                                                                     \
        {1, 0, 1, 6, rate, 255},                                                               \
        5,                                                                                     \
        1,                                                                                     \
        ROW_RIGHTS(PUBLIC_NONE, 0, 0),                                                         \
        &wk_objects_maximum,                                                                   \
        rate},                                                                                 \
        REGISTER(1, 2, rate, WK_OBJECTS_OF(WK_OBJECTS_CUMULATIVE, rate))
#define ASSOCIATION(e)                                                                         \
    {                                                                                          \
        15, 3, {0, 0, 40, 0, e, 255}, 11, 6,                                                   \
            {{.get = READ_ALL, .action = 1},                                                   \
             {.get = READ_ALL, .action = 1},                                                   \
             {.get = READ_ALL, .set = 0x40, .action = 3}},                                     \
            NULL, e                                                                            \
    }
/* Only who may do everything may see and change security. */
#define SECURITY(e)                                                                            \
    {                                                                                          \
        64, 1, {0, 0, 43, 0, e, 255}, 6, 8,                                                    \
            {PUBLIC_NONE, PUBLIC_NONE, {.get = READ_ALL, .action = 0xFF}}, NULL, e             \
    }
#define COUNTER(e, which)                                                                      \
    {                                                                                          \
        1, 0, {0, 0, 43, 1, e, 255}, 2, 0, ROW_RIGHTS(PUBLIC_VALUE, 0, 0),                     \
            &wk_objects_counter, which                                                         \
    }

/* The rows from the first one of THREE_PHASE on exist in three-phase meters only. */
/* Attribute 13 is of the meter alone. */
#define PUSH(e)                                                                                \
    {                                                                                          \
        40, 2, {0, 0, 25, 9, e, 255}, 13, 2, ROW_RIGHTS(PUBLIC_NONE, 0xFFEU, 3),               \
            &wk_objects_push, e                                                                \
    }

static const struct wk_object k_rows[] = {
    ASSOCIATION(0),
    ASSOCIATION(1),
    ASSOCIATION(2),
    ASSOCIATION(3),
    {17, 0, {0, 0, 41, 0, 0, 255}, 2, 0, ROW_RIGHTS(PUBLIC_VALUE, 0, 0), &wk_objects_sap, 0},
    DATA(0, 0, 42, 0, 0, 255, PUBLIC_VALUE, WK_OBJECTS_LOGICAL_NAME),
    SECURITY(0),
    SECURITY(1),
    COUNTER(0, WK_ROOMS_COUNTER_UNICAST),
    COUNTER(1, WK_ROOMS_COUNTER_UNICAST_2),
    COUNTER(2, WK_ROOMS_COUNTER_BROADCAST),
    COUNTER(3, WK_ROOMS_COUNTER_AGREED),
    DATA(0, 0, 96, 1, 0, 255, PUBLIC_VALUE, WK_OBJECTS_SERIAL),
    DATA(1, 0, 0, 2, 0, 255, PUBLIC_VALUE, WK_OBJECTS_FIRMWARE),
    DATA(1, 1, 0, 2, 0, 255, PUBLIC_VALUE, WK_OBJECTS_METROLOGY),
    DATA(0, 0, 96, 14, 0, 255, PUBLIC_NONE, WK_OBJECTS_ACTIVE_TARIFF),
    DATA(0, 0, 96, 10, 1, 255, PUBLIC_NONE, WK_OBJECTS_PROFILE_STATUS),
    DATA(0, 0, 96, 10, 2, 255, PUBLIC_NONE, WK_OBJECTS_PROFILE_STATUS_2),
    DATA(1, 0, 0, 1, 0, 255, PUBLIC_NONE, WK_OBJECTS_PERIODS),
    DATA(0, 0, 128, 4, 0, 255, PUBLIC_NONE, WK_OBJECTS_PERIOD_REASON),
    DATA(0, 0, 96, 11, 0, 255, PUBLIC_NONE, WK_OBJECTS_EVENT_CODE),
    DATA(0, 0, 96, 11, 10, 255, PUBLIC_NONE, WK_OBJECTS_EVENT_DETAIL),
    DATA(0, 0, 96, 11, 11, 255, PUBLIC_NONE, WK_OBJECTS_EVENT_VALUE),
    DATA(0, 0, 96, 11, 12, 255, PUBLIC_NONE, WK_OBJECTS_EVENT_MORE),
    DATA(0, 0, 96, 7, 21, 255, PUBLIC_NONE, WK_OBJECTS_POWER_FAILURES),
    {8,
     0,
     {0, 0, 1, 0, 0, 255},
     9,
     6,
     ROW_RIGHTS({.get = READ_ALL}, 0x2U, 0x20U),
     &wk_objects_clock,
     0},
    {20,
     0,
     {0, 0, 13, 0, 0, 255},
     10,
     1,
     ROW_RIGHTS(PUBLIC_NONE, 0x3E0U, 0x1U),
     &wk_objects_calendar,
     0},
    {11,
     0,
     {0, 0, 11, 0, 0, 255},
     2,
     2,
     ROW_RIGHTS(PUBLIC_NONE, 0x2U, 0x3U),
     &wk_objects_special_days,
     0},
    {70,
     0,
     {0, 0, 96, 3, 10, 255},
     4,
     2,
     ROW_RIGHTS(PUBLIC_NONE, 0x8U, 0x3U),
     &wk_objects_disconnect,
     0},
    {70,
     0,
     {0, 1, 96, 3, 10, 255},
     4,
     2,
     ROW_RIGHTS(PUBLIC_NONE, 0, 0x3U),
     &wk_objects_relay,
     0},
    {70,
     0,
     {0, 2, 96, 3, 10, 255},
     4,
     2,
     ROW_RIGHTS(PUBLIC_NONE, 0, 0x3U),
     &wk_objects_relay,
     1},
    {71,
     0,
     {0, 0, 17, 0, 0, 255},
     11,
     0,
     ROW_RIGHTS(PUBLIC_NONE, 0x5FAU, 0),
     &wk_objects_limiter,
     WK_ROOMS_LIMITER},
    {71,
     0,
     {0, 0, 17, 0, 1, 255},
     11,
     0,
     ROW_RIGHTS(PUBLIC_NONE, 0x5FAU, 0),
     &wk_objects_limiter,
     WK_ROOMS_LIMITER_RESPONSE},
    CONTROL(1, 0, 0, WK_OBJECTS_SUPPLY_STATE),
    CONTROL(1, 1, 0x2U, WK_OBJECTS_RESPONSE_ORDER),
    PARAMETERS(1, 2, WK_OBJECTS_SET_SUPPLY),
    PARAMETERS(1, 3, WK_OBJECTS_SET_CONTACT),
    PARAMETERS(1, 4, WK_OBJECTS_SET_PROTECTION),
    PARAMETERS(1, 5, WK_OBJECTS_SET_RECLOSE),
    PARAMETERS(1, 6, WK_OBJECTS_SET_RESPONSE),
    PARAMETERS(1, 7, WK_OBJECTS_SET_RELAY_1),
    PARAMETERS(1, 8, WK_OBJECTS_SET_RELAY_2),
    TAMPER(0, 0, WK_OBJECTS_TAMPER_ACTIVE),
    TAMPER(1, 0, WK_OBJECTS_TAMPER_SNAPSHOTS),
    TAMPER(2, 0x2U, WK_OBJECTS_TAMPER_SITE),
    TAMPER(3, 0x2U, WK_OBJECTS_TAMPER_SERVICE),
    RULE(0, WK_TAMPER_BYPASS),
    RULE(1, WK_TAMPER_WIRE_MISSING),
    RULE(2, WK_TAMPER_REVERSED),
    RULE(3, WK_TAMPER_VOLTAGE_MISSING),
    RULE(4, WK_TAMPER_CT),
    RULE(5, WK_TAMPER_SEQUENCE),
    RULE(6, WK_TAMPER_UNBALANCE),
    RULE(7, WK_TAMPER_MAGNET),
    RULE(8, WK_TAMPER_TERMINAL_COVER),
    RULE(9, WK_TAMPER_MAIN_COVER),
    RULE(10, WK_TAMPER_MODULE),
    RULE(11, WK_TAMPER_AUTHENTICATION),
    RULE(12, WK_TAMPER_CLOCK),
    RULE(13, WK_TAMPER_CONFIGURATION),
    RULE(14, WK_TAMPER_NO_CONSUMPTION),
    RULE(15, WK_TAMPER_LOAD_WHILE_OPEN),
    ESTIMATED(134, 0),
    ESTIMATED(135, 1),
    ESTIMATED(136, 2),
    PROFILE(1, WK_ROOMS_PROFILE_1),
    PROFILE(2, WK_ROOMS_PROFILE_2),
    PROFILE(14, WK_ROOMS_PROFILE_3),
    {7, 1, {0, 0, 98, 1, 0, 255}, 8, 2, ROW_RIGHTS(PUBLIC_NONE, 0, 0), &wk_objects_periods, 0},
    PRICE(1, 0, WK_OBJECTS_PRICE_NOW),
    PRICE(2, 0x2U, WK_OBJECTS_PRICE_DAY),
    DISPLAY(1, WK_DISPLAY_AUTO),
    DISPLAY(2, WK_DISPLAY_MANUAL),
    DISPLAY(3, WK_DISPLAY_TEST),
    EVENTS(WK_EVENT_LOG_STANDARD),
    EVENTS(WK_EVENT_LOG_FRAUD),
    EVENTS(WK_EVENT_LOG_DISCONNECT),
    EVENTS(WK_EVENT_LOG_QUALITY),
    EVENTS(WK_EVENT_LOG_COMMUNICATION),
    EVENTS(WK_EVENT_LOG_FIRMWARE),
    EVENTS(WK_EVENT_LOG_SECURITY),
    EVENTS(WK_EVENT_LOG_CREDIT),
    ALARM(0, WK_OBJECTS_OF(WK_OBJECTS_ALARM_REGISTER, 0)),
    ALARM(1, WK_OBJECTS_OF(WK_OBJECTS_ALARM_REGISTER, 1)),
    ALARM(10, WK_OBJECTS_OF(WK_OBJECTS_ALARM_FILTER, 0)),
    ALARM(11, WK_OBJECTS_OF(WK_OBJECTS_ALARM_FILTER, 1)),
    ALARM(30, WK_OBJECTS_OF(WK_OBJECTS_ALARM_DESTINATION, 0)),
    ALARM(31, WK_OBJECTS_OF(WK_OBJECTS_ALARM_DESTINATION, 1)),
    ALARM(32, WK_OBJECTS_OF(WK_OBJECTS_ALARM_DESTINATION, 2)),
    ALARM(33, WK_OBJECTS_OF(WK_OBJECTS_ALARM_DESTINATION, 3)),
    REGISTER(1, 8, 0, WK_OBJECTS_IMPORT),
    REGISTER(2, 8, 0, WK_OBJECTS_EXPORT),
    REGISTER(3, 8, 0, WK_OBJECTS_REACTIVE_IMPORT),
    REGISTER(4, 8, 0, WK_OBJECTS_REACTIVE_EXPORT),
    REGISTER(5, 8, 0, WK_OBJECTS_OF(WK_OBJECTS_QUADRANT, 0)),
    REGISTER(6, 8, 0, WK_OBJECTS_OF(WK_OBJECTS_QUADRANT, 1)),
    REGISTER(7, 8, 0, WK_OBJECTS_OF(WK_OBJECTS_QUADRANT, 2)),
    REGISTER(8, 8, 0, WK_OBJECTS_OF(WK_OBJECTS_QUADRANT, 3)),
    REGISTER(9, 8, 0, WK_OBJECTS_APPARENT_IMPORT),
    REGISTER(10, 8, 0, WK_OBJECTS_APPARENT_EXPORT),
    REGISTER(128, 8, 0, WK_OBJECTS_IMPORT1),
    REGISTER(129, 8, 0, WK_OBJECTS_EXPORT1),
    REGISTER(130, 8, 0, WK_OBJECTS_WITHHELD_IMPORT),
    REGISTER(131, 8, 0, WK_OBJECTS_WITHHELD_EXPORT),
    TARIFFS(1, WK_OBJECTS_IMPORT_TARIFF),
    TARIFFS(2, WK_OBJECTS_EXPORT_TARIFF),
    QUADRANT_TARIFFS(5, 0),
    QUADRANT_TARIFFS(6, 1),
    QUADRANT_TARIFFS(7, 2),
    QUADRANT_TARIFFS(8, 3),
    BLOCKS(0),
    BLOCKS(1),
    BLOCKS(2),
    BLOCKS(3),
    BLOCKS(4),
    BLOCKS(5),
    BLOCKS(6),
    BLOCKS(7),
    MAXIMUM(0),
    MAXIMUM(1),
    MAXIMUM(2),
    MAXIMUM(3),
    MAXIMUM(4),
    MAXIMUM(5),
    MAXIMUM(6),
    MAXIMUM(7),
    MAXIMUM(8),
    {5, 0, {1, 0, 1, 4, 0, 255}, 9, 2, ROW_RIGHTS(PUBLIC_NONE, 0, 0), &wk_objects_demand, 0},
    {9, 0, {0, 0, 10, 0, 1, 255}, 2, 1, ROW_RIGHTS(PUBLIC_NONE, 0, 1), &wk_objects_script, 0},
    PUSH(0),
    PUSH(1),
    PUSH(2),
    PUSH(3),
    REGISTER(1, 7, 0, WK_OBJECTS_P_IMPORT),
    REGISTER(2, 7, 0, WK_OBJECTS_P_EXPORT),
    REGISTER(3, 7, 0, WK_OBJECTS_Q_IMPORT),
    REGISTER(4, 7, 0, WK_OBJECTS_Q_EXPORT),
    REGISTER(9, 7, 0, WK_OBJECTS_S),
    REGISTER(11, 7, 0, WK_OBJECTS_I_MOST),
    REGISTER(16, 7, 0, WK_OBJECTS_P_NET),
    REGISTER(13, 7, 0, WK_OBJECTS_PF),
    REGISTER(14, 7, 0, WK_OBJECTS_FREQUENCY),
    REGISTER(32, 7, 0, WK_OBJECTS_OF(WK_OBJECTS_U, 0)),
    REGISTER(31, 7, 0, WK_OBJECTS_OF(WK_OBJECTS_I, 0)),
    REGISTER(32, 27, 0, WK_OBJECTS_OF(WK_OBJECTS_U_MEAN, 0)),
    REGISTER(31, 27, 0, WK_OBJECTS_OF(WK_OBJECTS_I_MEAN, 0)),
    REGISTER(81, 7, 40, WK_OBJECTS_OF(WK_OBJECTS_I_ANGLE, 0)),
    REGISTER(32, 7, 124, WK_OBJECTS_OF(WK_OBJECTS_U_THD, 0)),
    REGISTER(31, 7, 124, WK_OBJECTS_OF(WK_OBJECTS_I_THD, 0)),
    REGISTER(132, 7, 0, WK_OBJECTS_OF(WK_OBJECTS_PST, 0)),
#define THREE_PHASE_ROWS 35 /* from here to the end */
    REGISTER(52, 7, 124, WK_OBJECTS_OF(WK_OBJECTS_U_THD, 1)),
    REGISTER(72, 7, 124, WK_OBJECTS_OF(WK_OBJECTS_U_THD, 2)),
    REGISTER(51, 7, 124, WK_OBJECTS_OF(WK_OBJECTS_I_THD, 1)),
    REGISTER(71, 7, 124, WK_OBJECTS_OF(WK_OBJECTS_I_THD, 2)),
    REGISTER(152, 7, 0, WK_OBJECTS_OF(WK_OBJECTS_PST, 1)),
    REGISTER(172, 7, 0, WK_OBJECTS_OF(WK_OBJECTS_PST, 2)),
    REGISTER(133, 7, 0, WK_OBJECTS_UNBALANCE),
    REGISTER(52, 7, 0, WK_OBJECTS_OF(WK_OBJECTS_U, 1)),
    REGISTER(72, 7, 0, WK_OBJECTS_OF(WK_OBJECTS_U, 2)),
    REGISTER(51, 7, 0, WK_OBJECTS_OF(WK_OBJECTS_I, 1)),
    REGISTER(71, 7, 0, WK_OBJECTS_OF(WK_OBJECTS_I, 2)),
    REGISTER(91, 7, 0, WK_OBJECTS_I_NEUTRAL),
    REGISTER(52, 27, 0, WK_OBJECTS_OF(WK_OBJECTS_U_MEAN, 1)),
    REGISTER(72, 27, 0, WK_OBJECTS_OF(WK_OBJECTS_U_MEAN, 2)),
    REGISTER(51, 27, 0, WK_OBJECTS_OF(WK_OBJECTS_I_MEAN, 1)),
    REGISTER(71, 27, 0, WK_OBJECTS_OF(WK_OBJECTS_I_MEAN, 2)),
    PHASES(21, 41, 61, 8, 0, WK_OBJECTS_IMPORT_PHASE),
    PHASES(22, 42, 62, 8, 0, WK_OBJECTS_EXPORT_PHASE),
    PHASES(36, 56, 76, 7, 0, WK_OBJECTS_P_PHASE),
    PHASES(33, 53, 73, 7, 0, WK_OBJECTS_PF_PHASE),
    PHASES(23, 43, 63, 7, 0, WK_OBJECTS_Q_PHASE),
    REGISTER(81, 7, 10, WK_OBJECTS_OF(WK_OBJECTS_U_ANGLE, 1)),
    REGISTER(81, 7, 20, WK_OBJECTS_OF(WK_OBJECTS_U_ANGLE, 2)),
    REGISTER(81, 7, 51, WK_OBJECTS_OF(WK_OBJECTS_I_ANGLE, 1)),
    REGISTER(81, 7, 62, WK_OBJECTS_OF(WK_OBJECTS_I_ANGLE, 2)),
};

#define ROWS (sizeof k_rows / sizeof k_rows[0])

static struct wk_object_table table_of(uint8_t phases, struct wk_rooms *rooms)
{
    return (struct wk_object_table){
        .rows = k_rows,
        .count = phases == 3 ? ROWS : ROWS - THREE_PHASE_ROWS,
        .meter = rooms,
        .guards = wk_objects_guards,
        .guard_count = WK_OBJECTS_GUARDS,
    };
}

struct wk_object_table wk_objects_table(struct wk_rooms *rooms)
{
    return table_of(rooms->identity.phases, rooms);
}

const struct wk_object *wk_objects_find(uint8_t phases, uint16_t class_id,
                                        const uint8_t obis[6])
{
    const struct wk_object_table table = table_of(phases, NULL);
    return wk_object_find(&table, class_id, obis);
}

void wk_objects_tell(const struct wk_object_call *call, uint16_t code, int32_t value)
{
    struct wk_rooms *rooms = call->meter;
    (void)wk_notice_drop(&rooms->notices, (struct wk_notice){.t_us = call->now_us,
                                                             .code = code,
                                                             .source = WK_ROOMS_SOURCE,
                                                             .detail = (uint8_t)call->role,
                                                             .value = value});
}
