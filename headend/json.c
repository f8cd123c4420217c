/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/json.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/money.h"
#include "headend/command.h"
#include "headend/stamp.h"

json_t *wk_json_instant(int64_t utc_s)
{
    char text[WK_STAMP_SIZE];
    if (utc_s <= 0) {
        return json_null();
    }
    wk_stamp_print(utc_s, text);
    return json_string(text);
}

static json_t *decimal(int64_t value, double unit)
{
    return json_real((double)value / unit);
}

static json_t *bill_line(const struct wk_bill_line *line)
{
    static const char *const k_units[] = {"kWh", "day", "net"};
    static const double k_divisor[] = {1e9, 1, WK_MONEY_MINOR_PER_UNIT};
    static const char *const k_exact[] = {"quantity_uwh", "quantity_days", "quantity_minor"};
    return json_pack("{s:s,s:s,s:o,s:I,s:o,s:I,s:o,s:I}", "name", line->name, "unit",
                     k_units[line->unit], "quantity",
                     decimal(line->quantity, k_divisor[line->unit]), k_exact[line->unit],
                     (json_int_t)line->quantity, "price", decimal(line->price_e6, 1e6),
                     "price_e6", (json_int_t)line->price_e6, "amount",
                     decimal(line->amount_minor, WK_MONEY_MINOR_PER_UNIT), "amount_minor",
                     (json_int_t)line->amount_minor);
}

static json_t *bill_check(const char *name, const struct wk_bill_check *check)
{
    return json_pack("{s:s,s:I,s:I,s:I,s:b}", "register", name, "register_uwh",
                     (json_int_t)check->register_uwh, "intervals_uwh",
                     (json_int_t)check->intervals_uwh, "billed_uwh",
                     (json_int_t)check->billed_uwh, "agree", (int)check->agree);
}

json_t *wk_json_bill(const struct wk_bill *bill, const char *serial, const char *plan)
{
    static const char *const k_names[WK_TARIFFS] = {"T1", "T2", "T3", "T4"};
    char digest[17];
    json_t *lines = json_array();
    json_t *checks = json_array();
    for (int32_t i = 0; i < bill->lines; i++) {
        json_array_append_new(lines, bill_line(&bill->line[i]));
    }
    for (int i = 0; i < WK_TARIFFS; i++) {
        if (bill->tariff[i].present) {
            json_array_append_new(checks, bill_check(k_names[i], &bill->tariff[i]));
        }
    }
    json_array_append_new(checks, bill_check("import", &bill->import));
    snprintf(digest, sizeof digest, "%016" PRIx64, bill->digest);
    return json_pack(
        "{s:s,s:s,s:s,s:o,s:o,s:I,s:o,s:o,s:I,s:o,s:{s:i,s:i,s:i},s:b,s:b,s:s}", "serial",
        serial, "plan", plan, "currency", bill->currency, "from", wk_json_instant(bill->from_s),
        "to", wk_json_instant(bill->to_s), "days", (json_int_t)bill->days, "lines", lines,
        "total", decimal(bill->total_minor, WK_MONEY_MINOR_PER_UNIT), "total_minor",
        (json_int_t)bill->total_minor, "checks", checks, "intervals", "expected",
        (int)bill->expected, "received", (int)bill->received, "estimated", (int)bill->estimated,
        "provisional", (int)bill->provisional, "agree", (int)bill->agree, "digest", digest);
}

json_t *wk_json_gap(const struct wk_archive_gap *row)
{
    return json_pack("{s:o,s:o,s:i,s:b,s:o}", "from", wk_json_instant(row->from_s), "to",
                     wk_json_instant(row->to_s), "tries", (int)row->tries, "given_up",
                     (int)row->given_up, "next_try", wk_json_instant(row->next_try_s));
}

json_t *wk_json_event(const struct wk_archive_event *row)
{
    return json_pack("{s:o,s:i,s:s,s:I,s:o}", "at", wk_json_instant(row->at_s), "code",
                     (int)row->code, "log", row->log, "seq", (json_int_t)row->seq, "received",
                     wk_json_instant(row->recv_s));
}

json_t *wk_json_register(const struct wk_archive_register *row)
{
    const struct wk_channel_info *info = wk_channel_info(row->channel);
    return json_pack("{s:o,s:s,s:s,s:I,s:s}", "at", wk_json_instant(row->at_s), "channel",
                     info->name, "unit", info->unit, "value_u", (json_int_t)row->reg, "source",
                     row->source);
}

json_t *wk_json_exception(const struct wk_archive_exception *row)
{
    return json_pack("{s:o,s:s,s:s,s:s,s:o}", "at", wk_json_instant(row->at_s), "kind",
                     row->kind, "channel",
                     row->channel < 0 ? "all" : wk_channel_info(row->channel)->name, "text",
                     row->text, "found", wk_json_instant(row->recv_s));
}

json_t *wk_json_command(const struct wk_archive_command *row)
{
    return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:i,s:s,s:s}", "id", row->id, "action",
                     wk_command_action_name(row->action), "state",
                     wk_command_state_name(row->state), "created",
                     wk_json_instant(row->created_s), "confirm_by",
                     wk_json_instant(row->confirm_by_s), "expires",
                     wk_json_instant(row->expires_s), "done", wk_json_instant(row->done_s),
                     "tries", (int)row->tries, "who", row->who, "result", row->result);
}

json_t *wk_json_audit(const struct wk_archive_audit *row)
{
    return json_pack("{s:I,s:o,s:s,s:s}", "seq", (json_int_t)row->seq, "at",
                     wk_json_instant(row->at_s), "who", row->who, "what", row->what);
}
