/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/test_source - a meter in memory whose readings are those of test_archive.h, with
 * faults on demand. For tests. */
#ifndef WK_HEADEND_TEST_SOURCE_H
#define WK_HEADEND_TEST_SOURCE_H

#include <string.h>

#include "headend/source.h"
#include "headend/test_archive.h"

struct test_meter {
    int64_t clock_s;
    int64_t hidden_from; /* slots the meter does not give out: first and last; none if */
    int64_t hidden_to;   /* hidden_to < hidden_from */
    int fail_in;         /* calls until the connection breaks; -1 = never */
    int opened;
    bool supply;
    bool refuses;    /* to switch the supply */
    int64_t hurry_s; /* its clock goes on by so much before it reads its registers */
    const char *serial;
    int shifts; /* corrections of its clock */
    int profile_calls;
    int64_t profile_rows;
};

static inline wk_err test_meter_call(struct test_meter *m)
{
    if (m->fail_in == 0) {
        return WK_E_CLOSED;
    }
    m->fail_in -= m->fail_in > 0 ? 1 : 0;
    return WK_OK;
}

static inline wk_err test_meter_open(void *self, const struct wk_registry_meter *meter,
                                     uint32_t counter, struct wk_source_layout *layout)
{
    struct test_meter *m = self;
    (void)meter;
    (void)counter;
    m->opened++;
    layout->known = true;
    layout->period_s = TEST_PERIOD;
    layout->present = test_reading(0).present;
    return test_meter_call(m);
}

static inline wk_err test_meter_serial(void *self, char *serial, size_t room)
{
    struct test_meter *m = self;
    snprintf(serial, room, "%s", m->serial);
    return test_meter_call(m);
}

static inline wk_err test_meter_clock(void *self, int64_t *utc_s)
{
    struct test_meter *m = self;
    *utc_s = m->clock_s;
    return test_meter_call(m);
}

static inline int64_t test_slots_at(int64_t clock_s)
{
    return (clock_s - TEST_DAY_S) / TEST_PERIOD;
}

static inline wk_err test_meter_registers(void *self, struct wk_source_registers *registers)
{
    struct test_meter *m = self;
    m->clock_s += m->hurry_s;
    const struct wk_reading reading = test_reading(test_slots_at(m->clock_s) - 1);
    registers->present = reading.present;
    memcpy(registers->reg, reading.reg, sizeof registers->reg);
    return test_meter_call(m);
}

static inline wk_err test_meter_profile(void *self, const struct wk_source_layout *layout,
                                        int64_t from_s, int64_t to_s,
                                        wk_source_reading_visit visit, void *context)
{
    struct test_meter *m = self;
    (void)layout;
    m->profile_calls++;
    for (int64_t slot = -1; slot < test_slots_at(m->clock_s); slot++) {
        const int64_t end_s = TEST_DAY_S + (slot + 1) * TEST_PERIOD;
        if (end_s < from_s || end_s > to_s ||
            (slot >= m->hidden_from && slot <= m->hidden_to)) {
            continue;
        }
        const struct wk_reading reading = test_reading(slot);
        m->profile_rows++;
        WK_TRY(visit(context, &reading));
    }
    return test_meter_call(m);
}

/* Two events at the same second, one a day later, one in the log of fraud; no other logs. */
static inline wk_err test_meter_events(void *self, uint8_t log, struct wk_source_span span,
                                       wk_source_event_visit visit, void *context)
{
    static const struct wk_source_event k_events[] = {
        {TEST_DAY_S + 10, 2}, {TEST_DAY_S + 10, 5}, {TEST_DAY_S + WK_DAY_S + 10, 1}};
    static const struct wk_source_event k_fraud = {TEST_DAY_S + 20, 40};
    struct test_meter *m = self;
    if (log == 1 && k_fraud.at_s >= span.from_s && k_fraud.at_s <= span.to_s) {
        WK_TRY(visit(context, &k_fraud));
    }
    if (log > 1) {
        return WK_E_REFUSED;
    }
    for (size_t i = 0; i < 3 && log == 0; i++) {
        if (k_events[i].at_s >= span.from_s && k_events[i].at_s <= span.to_s) {
            WK_TRY(visit(context, &k_events[i]));
        }
    }
    return test_meter_call(m);
}

static inline wk_err test_meter_supply(void *self, struct wk_source_supply *supply)
{
    struct test_meter *m = self;
    supply->output = m->supply;
    supply->control_state = m->supply ? 1 : 0;
    return test_meter_call(m);
}

static inline wk_err test_meter_switch(void *self, bool connect)
{
    struct test_meter *m = self;
    if (m->refuses) {
        return WK_E_REFUSED;
    }
    WK_TRY(test_meter_call(m));
    m->supply = connect;
    return WK_OK;
}

static inline wk_err test_meter_shift(void *self, int64_t shift_s)
{
    struct test_meter *m = self;
    WK_TRY(test_meter_call(m));
    m->clock_s += shift_s;
    m->shifts++;
    return WK_OK;
}

static inline uint32_t test_meter_counter(void *self)
{
    (void)self;
    return 0;
}

static inline void test_meter_close(void *self)
{
    (void)self;
}

static inline const char *test_meter_why(void *self)
{
    (void)self;
    return "the test broke the line";
}

static inline struct wk_source test_source_of(struct test_meter *m)
{
    return (struct wk_source){
        .self = m,
        .open = test_meter_open,
        .read_serial = test_meter_serial,
        .read_clock = test_meter_clock,
        .read_registers = test_meter_registers,
        .read_profile = test_meter_profile,
        .read_events = test_meter_events,
        .read_supply = test_meter_supply,
        .switch_supply = test_meter_switch,
        .shift_clock = test_meter_shift,
        .counter = test_meter_counter,
        .close = test_meter_close,
        .why = test_meter_why,
        .destroy = test_meter_close,
    };
}

static inline struct test_meter test_meter_at(int64_t clock_s)
{
    return (struct test_meter){.clock_s = clock_s,
                               .hidden_from = 0,
                               .hidden_to = -1,
                               .fail_in = -1,
                               .supply = true,
                               .serial = "WK-1"};
}

/* T1 from 06:00 to 22:00 UTC, T2 else: the tariffs of test_archive.h. */
static inline struct wk_plan test_plan(void)
{
    struct wk_plan plan = {.name = "Two rates",
                           .currency = "EUR",
                           .zone = wk_zone_utc,
                           .standing_e6_per_day = 250000,
                           .vat_e6 = 190000,
                           .seasons = 1};
    plan.rate[0] = (struct wk_plan_rate){true, "Day", 314200};
    plan.rate[1] = (struct wk_plan_rate){true, "Night", 231100};
    plan.season[0] = (struct wk_plan_season){.name = "all", .month = 1, .day = 1};
    for (int i = 0; i < 7; i++) {
        plan.season[0].week[i] =
            (struct wk_plan_day){.count = 3, .minute = {0, 360, 1320}, .rate = {1, 0, 1}};
    }
    return plan;
}

#endif
