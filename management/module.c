/* SPDX-License-Identifier: Apache-2.0 */
#include "management/module.h"

#include <string.h>

#include "management/event_record.h"
#include "management/module_counts.h"
#include "management/module_events.h"
#include "management/module_image.h"
#include "management/module_pack.h"
#include "management/module_payment.h"
#include "management/module_profile.h"
#include "management/module_schedule.h"
#include "management/module_supply.h"
#include "management/module_tamper.h"
#include "management/module_tariff.h"
#include "management/parameter_monitor.h"
#include "management/push.h"

#define US_PER_S        INT64_C(1000000)
#define COMMIT_EVERY_US (60 * US_PER_S)
#define SHORT_OUTAGE_US (2 * US_PER_S) /* a shorter pause is no power failure */

/* ---- events ------------------------------------------------------------------------------ */

int64_t wk_module_now_us(const struct wk_module *module)
{
    return wk_clock_now_us(&module->rooms.clock, module->rooms.t_us);
}

static wk_err log_metrology_event(struct wk_module *module, const struct wk_record *record)
{
    struct wk_event event;
    const int64_t now_us = wk_clock_now_us(&module->rooms.clock, record->t_us);
    return wk_event_of_record(&record->event, &event) ? wk_module_log_at(module, now_us, event)
                                                      : WK_OK;
}

/* ---- records ----------------------------------------------------------------------------- */

static bool is_repeated(const struct wk_module *module, const struct wk_record *record)
{
    return record->epoch < module->cursor.epoch ||
           (record->epoch == module->cursor.epoch && record->seq <= module->cursor.seq);
}

/* Time was left out: the interval in which that began and the one in which it ended are marked. */
static wk_err mark_both(struct wk_module *module, int64_t now_us, uint16_t status)
{
    wk_module_profile_mark(module, status);
    WK_TRY(wk_module_profile_capture(module, now_us));
    wk_module_profile_mark(module, status);
    return WK_OK;
}

static wk_err note_power_failure(struct wk_module *module, const struct wk_record *record)
{
    struct wk_rooms *rooms = &module->rooms;
    const int64_t begin_us = record->t_us - record->span_us;
    const int64_t away_us = begin_us - rooms->t_us;
    if (away_us < SHORT_OUTAGE_US) {
        return WK_OK;
    }
    rooms->power_failures++;
    const int32_t away_s = (int32_t)(away_us / US_PER_S);
    WK_TRY(wk_module_log(module, (struct wk_event){.code = WK_EVENT_POWER_DOWN}));
    const int64_t back_us = wk_clock_now_us(&rooms->clock, begin_us);
    wk_module_counts_away(module, back_us, away_us);
    WK_TRY(mark_both(module, back_us, WK_PROFILE_POWER_DOWN));
    WK_TRY(wk_module_log_at(module, back_us,
                            (struct wk_event){.code = WK_EVENT_POWER_UP, .value = away_s}));
    return wk_module_supply_outage(module, begin_us, away_us);
}

static wk_err note_missing(struct wk_module *module, uint64_t count)
{
    const int32_t missing = count < INT32_MAX ? (int32_t)count : INT32_MAX;
    wk_module_profile_mark(module, WK_PROFILE_CRITICAL);
    return wk_module_log(module,
                         (struct wk_event){.code = WK_EVENT_RECORDS_MISSING, .value = missing});
}

/* A new epoch, or numbers that do not follow. */
static wk_err note_discontinuity(struct wk_module *module, const struct wk_record *record)
{
    const bool first_ever = module->cursor.epoch == 0;
    const bool same_epoch = record->epoch == module->cursor.epoch;
    const uint64_t wanted = same_epoch ? module->cursor.seq + 1 : 1;
    if (first_ever) {
        const int64_t now_us = wk_clock_now_us(&module->rooms.clock, record->t_us);
        WK_TRY(wk_module_log_at(module, now_us, (struct wk_event){.code = WK_EVENT_POWER_UP}));
    } else if (!same_epoch) {
        WK_TRY(note_power_failure(module, record));
    }
    if (record->seq != wanted) {
        return note_missing(module, record->seq - wanted);
    }
    return WK_OK;
}

static wk_err take_window(struct wk_module *module, const struct wk_record *record)
{
    struct wk_rooms *rooms = &module->rooms;
    const int64_t now_us = wk_clock_now_us(&rooms->clock, record->t_us);
    wk_module_tariff_demand(module, record, now_us);
    WK_TRY(wk_module_profile_capture(module, now_us));
    WK_TRY(wk_module_tariff_before(module, now_us));
    rooms->t_us = record->t_us;
    rooms->live = *record;
    wk_module_counts_begin(module);
    wk_shown_take(&rooms->shown, record);
    wk_module_profile_add(module, record, now_us);
    WK_TRY(wk_module_tariff_add(module, record, now_us));
    WK_TRY(wk_module_payment_step(module));
    WK_TRY(wk_module_tamper_step(module, record));
    WK_TRY(wk_module_supply_step(module, record));
    return wk_module_profile_capture(module, now_us + WK_PROFILE_TOLERANCE_US + 1);
}

static void take_quality(struct wk_rooms_quality *newest,
                         const struct wk_record_quality *quality)
{
    if (quality->level == WK_RECORD_LEVEL_3_S) {
        newest->three_s = *quality;
    } else if (quality->level == WK_RECORD_LEVEL_10_MIN) {
        newest->ten_min = *quality;
    }
}

static wk_err take_record(struct wk_module *module, const struct wk_record *record)
{
    switch (record->kind) {
    case WK_RECORD_WINDOW:
        return take_window(module, record);
    case WK_RECORD_EVENT:
        wk_module_counts_record(module, record);
        return log_metrology_event(module, record);
    case WK_RECORD_QUALITY:
        take_quality(&module->rooms.quality, &record->quality);
        return WK_OK;
    case WK_RECORD_SPECTRUM:
        wk_objects_harmonics_take(&module->rooms, &record->spectrum);
        return WK_OK;
    default:
        return WK_OK;
    }
}

static bool commit_is_due(const struct wk_module *module)
{
    const struct wk_registers *registers = &module->rooms.registers;
    const struct wk_push *push = module->rooms.push;
    const bool pushed = push != NULL && (push->moved || push->changed != 0);
    return module->due || pushed || module->security.keys_dirty ||
           wk_module_counters_run_low(module) ||
           module->rooms.t_us - module->committed_t_us >= COMMIT_EVERY_US ||
           registers->import_uwh + registers->export_uwh - module->committed_uwh >=
               module->commit_uwh;
}

wk_err wk_module_consume(struct wk_module *module, const struct wk_record *record)
{
    module->records_repeated += is_repeated(module, record) ? 1 : 0;
    if (is_repeated(module, record)) {
        return WK_OK;
    }
    if (record->epoch != module->cursor.epoch || record->seq != module->cursor.seq + 1) {
        WK_TRY(note_discontinuity(module, record));
    }
    WK_TRY(take_record(module, record));
    WK_TRY(wk_module_end_storms(module));
    module->cursor = (struct wk_module_cursor){record->epoch, record->seq};
    module->records_consumed++;
    WK_TRY(wk_module_schedule(module));
    if (record->kind == WK_RECORD_WINDOW) {
        WK_TRY(wk_module_monitor(module));
    }
    return commit_is_due(module) ? wk_module_commit(module) : WK_OK;
}

/* ---- notices ----------------------------------------------------------------------------- */

static wk_err carry_clock_set(struct wk_module *module, const struct wk_notice *notice)
{
    struct wk_rooms *rooms = &module->rooms;
    const struct wk_event before = {.code = WK_EVENT_CLOCK_BEFORE, .detail = notice->detail};
    const struct wk_event after = {
        .code = WK_EVENT_CLOCK_AFTER, .detail = notice->detail, .value = notice->value};
    WK_TRY(wk_module_log_at(module, notice->t_us, before));
    WK_TRY(wk_module_log_at(module, notice->t_us + rooms->clock.adjusted_us, after));
    /* The instant itself is the begin of an interval, not the end of an empty one. */
    WK_TRY(mark_both(module, wk_module_now_us(module) + 1, WK_PROFILE_CLOCK_ADJUSTED));
    wk_module_changed(module, WK_MODULE_KEY_CLOCK);
    wk_module_tariff_clock_set(module);
    return WK_OK;
}

static uint16_t supply_event(const struct wk_rooms *rooms, int32_t command)
{
    switch ((wk_supply_command)command) {
    case WK_SUPPLY_REMOTE_DISCONNECT:
        return WK_EVENT_SUPPLY_DISCONNECTED;
    case WK_SUPPLY_REMOTE_RECONNECT:
        return rooms->supply.state == WK_SUPPLY_READY ? WK_EVENT_SUPPLY_READY
                                                      : WK_EVENT_SUPPLY_CONNECTED;
    case WK_SUPPLY_MANUAL_DISCONNECT:
        return WK_EVENT_SUPPLY_DISCONNECTED_MANUALLY;
    case WK_SUPPLY_MANUAL_RECONNECT:
        return WK_EVENT_SUPPLY_CONNECTED_MANUALLY;
    case WK_SUPPLY_LOCAL_DISCONNECT:
        return WK_EVENT_SUPPLY_DISCONNECTED_LOCALLY;
    case WK_SUPPLY_LOCAL_RECONNECT:
    case WK_SUPPLY_COMMAND_COUNT:
    default:
        return WK_EVENT_SUPPLY_CONNECTED_LOCALLY;
    }
}

/* Parameters of which nothing is to be told but that they changed. Those of payment find out by
 * themselves. */
static void mark_parameter(struct wk_module *module, uint16_t code)
{
    static const struct {
        uint8_t code;
        uint8_t key;
    } k_kept[] = {
        {WK_ROOMS_MODE_SET, WK_MODULE_KEY_SUPPLY},
        {WK_ROOMS_DISPLAY_SET, WK_MODULE_KEY_DISPLAY},
        {WK_ROOMS_SETUP_SET, WK_MODULE_KEY_SETUP},
        {WK_ROOMS_COUNTS_SET, WK_MODULE_KEY_COUNTS},
        {WK_ROOMS_PRICE_SET, WK_MODULE_KEY_PRICE},
        {WK_ROOMS_ALARM_SET, WK_MODULE_KEY_ALARM},
        {WK_ROOMS_TARIFF_SET, WK_MODULE_KEY_TARIFF},
    };
    for (size_t i = 0; i < sizeof k_kept / sizeof k_kept[0]; i++) {
        if (k_kept[i].code == code) {
            wk_module_changed(module, k_kept[i].key);
        }
    }
}

static wk_err carry_object_notice(struct wk_module *module, const struct wk_notice *notice)
{
    struct wk_event event = {
        .code = WK_EVENT_PARAMETER_CHANGED, .detail = notice->detail, .value = notice->value};
    switch (notice->code) {
    case WK_ROOMS_CLOCK_SET:
        return carry_clock_set(module, notice);
    case WK_ROOMS_CLOCK_SLEWED:
        wk_module_changed(module, WK_MODULE_KEY_CLOCK);
        if (notice->value == 0) {
            module->due = true; /* nothing moved, but the clock is known to be right */
            return WK_OK;
        }
        event.code = WK_EVENT_CLOCK_SLEWED;
        wk_module_profile_mark(module, WK_PROFILE_CLOCK_ADJUSTED);
        break;
    case WK_ROOMS_SUPPLY_COMMANDED:
        event.code = supply_event(&module->rooms, notice->value);
        wk_module_changed(module, WK_MODULE_KEY_SUPPLY);
        break;
    case WK_ROOMS_SERVICE_ORDERED:
        event.code = WK_EVENT_SERVICE_ORDERED;
        break;
    case WK_ROOMS_LOAD_RELEASED:
        event.code = WK_EVENT_LOAD_RELEASED;
        break;
    case WK_ROOMS_PERIOD_ENDED:
        return wk_module_tariff_end_period(module, WK_BILLING_COMMANDED);
    case WK_ROOMS_PROFILE_SET:
    case WK_ROOMS_PROFILE_CLEARED:
        return wk_module_profile_changed(module, notice);
    case WK_ROOMS_ALARM_TOLD:
        wk_module_changed(module, WK_MODULE_KEY_ALARM);
        module->due = true;
        return WK_OK;
    default:
        mark_parameter(module, notice->code);
        break;
    }
    return wk_module_log(module, event);
}

static wk_err carry_session_notice(struct wk_module *module, const struct wk_notice *notice)
{
    static const struct {
        uint16_t notice;
        uint16_t event;
    } k_carried[] = {
        {WK_SESSION_LOGIN_FAILED, WK_EVENT_LOGIN_FAILED},
        {WK_SESSION_LOCKED_OUT, WK_EVENT_LOCKED_OUT},
        {WK_SESSION_NOT_DECIPHERED, WK_EVENT_DECIPHER_FAILED},
        {WK_SESSION_REPLAY, WK_EVENT_REPLAY},
        {WK_SESSION_PASSWORD_CHANGED, WK_EVENT_PARAMETER_CHANGED},
        {WK_SESSION_KEY_CHANGED, WK_EVENT_PARAMETER_CHANGED},
        {WK_SESSION_POLICY_CHANGED, WK_EVENT_PARAMETER_CHANGED},
        {WK_SESSION_CERTIFICATE_CHANGED, WK_EVENT_PARAMETER_CHANGED},
    };
    for (size_t i = 0; i < sizeof k_carried / sizeof k_carried[0]; i++) {
        if (k_carried[i].notice == notice->code) {
            return wk_module_log(module, (struct wk_event){.code = k_carried[i].event,
                                                           .detail = notice->detail,
                                                           .value = notice->value});
        }
    }
    return WK_OK;
}

static void look_at_parameters(struct wk_module *module)
{
    const struct wk_parameter_monitor *monitor = module->rooms.parameter_monitor;
    if (monitor != NULL) {
        monitor->functions->look(&module->rooms, wk_module_now_us(module));
    }
}

wk_err wk_module_settle(struct wk_module *module)
{
    struct wk_notice notice;
    bool changed = false;
    while (wk_notice_take(&module->rooms.notices, &notice)) {
        WK_TRY(carry_object_notice(module, &notice));
        changed = true;
    }
    if (changed) {
        look_at_parameters(module);
    }
    while (wk_notice_take(&module->session_notices, &notice)) {
        WK_TRY(carry_session_notice(module, &notice));
    }
    WK_TRY(wk_module_payment_step(module));
    WK_TRY(wk_module_image_settle(module));
    WK_TRY(wk_module_supply_settle(module));
    return commit_is_due(module) ? wk_module_commit(module) : WK_OK;
}

/* ---- start and commit -------------------------------------------------------------------- */

wk_err wk_module_commit(struct wk_module *module)
{
    if (module->watch != NULL) {
        module->watch->commits(module->watch->self);
    }
    WK_TRY(wk_module_store(module));
    module->committed = module->cursor;
    module->committed_t_us = module->rooms.t_us;
    module->committed_uwh =
        module->rooms.registers.import_uwh + module->rooms.registers.export_uwh;
    module->due = false;
    return WK_OK;
}

static void start_security(struct wk_module *module, const struct wk_module_config *config)
{
    struct wk_session_security *security = &module->security;
    memcpy(security->title, config->system_title, sizeof security->title);
    security->setup[0].keys = config->keys;
    security->setup[0].kek = config->kek;
    security->identity = config->pairs;
    security->setup[0].suite = config->suite;
    memcpy(security->password, config->password, sizeof security->password);
    module->rooms.security = security;
    security->more = config->setups;
    security->more_count = config->setups != NULL ? config->setup_count : 0;
}

static wk_err start_rooms(struct wk_module *module, const struct wk_module_config *config,
                          const struct wk_module_ports *ports)
{
    struct wk_rooms *rooms = &module->rooms;
    rooms->identity = config->identity;
    rooms->setup = config->setup;
    rooms->payment = config->payment;
    rooms->push = config->push;
    rooms->counts = config->counts;
    rooms->quantities = config->quantities;
    rooms->more_profiles = config->more_profiles;
    rooms->harmonics = config->harmonics;
    rooms->parameter_monitor = config->parameter_monitor;
    if (rooms->setup != NULL) {
        *rooms->setup = (struct wk_setup){0};
    }
    rooms->contactor = ports->contactor;
    module->crypto = ports->crypto;
    wk_alarm_init(&rooms->alarm);
    wk_display_init(&rooms->display, rooms->identity.phases);
    const struct wk_clock_rules usual = wk_clock_usual();
    WK_TRY(wk_clock_init(&rooms->clock, &config->zone,
                         config->clock.step_us != 0 ? &config->clock : &usual));
    wk_module_supply_start(module, config, ports);
    wk_module_tamper_start(module, config);
    module->commit_uwh = config->commit_uwh > 0 ? config->commit_uwh : WK_MODULE_COMMIT_UWH;
    WK_TRY(wk_module_tariff_start(module, config));
    start_security(module, config);
    module->table = wk_objects_table(rooms);
    return wk_module_profile_start(module, config);
}

/* Other transformers than at the last start: whoever compares readings must know. */
static wk_err take_transformers(struct wk_module *module,
                                const struct wk_rooms_transformers *configured)
{
    struct wk_rooms_transformers *of = &module->rooms.transformers;
    const struct wk_rooms_transformers before = *of;
    *of = *configured;
    if (before.ct_primary == of->ct_primary && before.ct_secondary == of->ct_secondary &&
        before.vt_primary == of->vt_primary && before.vt_secondary == of->vt_secondary &&
        before.applied == of->applied) {
        return WK_OK;
    }
    wk_module_changed(module, WK_MODULE_KEY_TRANSFORMERS);
    return wk_module_log(
        module, (struct wk_event){
                    .code = WK_EVENT_TRANSFORMERS_CHANGED,
                    .detail = of->applied ? 1 : 0,
                    .value = (int32_t)((uint32_t)of->ct_primary << 16 | of->ct_secondary),
                    .more = (int32_t)((uint32_t)of->vt_primary << 16 | of->vt_secondary)});
}

wk_err wk_module_init(struct wk_module *module, const struct wk_module_config *config,
                      const struct wk_module_ports *ports)
{
    struct wk_store_mount_report report;
    memset(module, 0, sizeof *module);
    WK_TRY(start_rooms(module, config, ports));
    WK_TRY(wk_store_mount(&module->rooms.store, ports->flash, &config->layout, &report));
    WK_TRY(wk_module_restore(module));
    if (config->setup != NULL) {
        config->setup->world = config->world;
    }
    WK_TRY(take_transformers(module, &config->transformers));
    WK_TRY(wk_module_profile_tell(module));
    look_at_parameters(module);
    if (report.torn_records > 0 || report.dropped_entries > 0) {
        WK_TRY(
            wk_module_log(module, (struct wk_event){.code = WK_EVENT_STORE_RECOVERED,
                                                    .value = (int32_t)report.torn_records,
                                                    .more = (int32_t)report.dropped_entries}));
    }
    return wk_module_commit(module);
}

struct wk_session_config wk_module_session(struct wk_module *module,
                                           const struct wk_hal_crypto *crypto)
{
    return (struct wk_session_config){
        .table = &module->table,
        .security = &module->security,
        .crypto = crypto,
        .notices = &module->session_notices,
        .zone = &module->rooms.clock.zone,
        .notice_source = WK_MODULE_SOURCE_SESSION,
        .max_pdu = WK_SESSION_PDU,
    };
}
