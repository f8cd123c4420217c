/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "headend/api_request.h"
#include "headend/command.h"
#include "headend/json.h"

/* ---- bills ------------------------------------------------------------------------------ */

static int compute(struct wk_api_request *r, int64_t from_s, int64_t to_s, struct wk_bill *bill)
{
    const struct wk_registry *registry = r->config->registry;
    const wk_err err = wk_bill_compute(r->config->archive, r->meter->id,
                                       &registry->plan[r->meter->plan], from_s, to_s, bill);
    if (err == WK_E_NOT_FOUND) {
        return wk_api_fail(r, 404, "from", "there are no readings for this period");
    }
    if (err == WK_E_ARGUMENT) {
        return wk_api_fail(r, 400, "to",
                           "a period begins and ends with an interval and has at most %d days",
                           WK_BILL_DAYS_MAX);
    }
    return err == WK_OK ? 0 : wk_api_fail_archive(r, err);
}

static json_t *bill_json(struct wk_api_request *r, const struct wk_bill *bill)
{
    return wk_json_bill(bill, r->meter->serial, r->config->registry->plan[r->meter->plan].name);
}

int wk_api_get_bill(struct wk_api_request *r)
{
    struct wk_bill bill;
    int64_t from_s;
    int64_t to_s;
    int status = wk_api_span(r, &from_s, &to_s);
    status = status != 0 ? status : compute(r, from_s, to_s, &bill);
    if (status != 0) {
        return status;
    }
    r->json = bill_json(r, &bill);
    return 200;
}

static int text_of(struct wk_api_request *r, const char *field, const char **text)
{
    *text = json_string_value(json_object_get(r->body, field));
    return *text != NULL ? 0 : wk_api_fail(r, 400, field, "is missing, or no text");
}

static int known_fields(struct wk_api_request *r, const char *const *fields)
{
    const char *key;
    json_t *value;
    json_object_foreach(r->body, key, value)
    {
        bool known = false;
        for (int i = 0; fields[i] != NULL; i++) {
            known = known || strcmp(fields[i], key) == 0;
        }
        if (!known) {
            return wk_api_fail(r, 400, key, "is not known here");
        }
    }
    return 0;
}

int wk_api_post_bill(struct wk_api_request *r)
{
    static const char *const k_fields[] = {"from", "to", NULL};
    const char *from = NULL;
    const char *to = NULL;
    int64_t from_s = 0;
    int64_t to_s = 0;
    int32_t rev = 0;
    struct wk_bill bill;
    int status = known_fields(r, k_fields);
    status = status != 0 ? status : text_of(r, "from", &from);
    status = status != 0 ? status : text_of(r, "to", &to);
    status = status != 0 ? status : wk_api_instant(r, "from", from, &from_s);
    status = status != 0 ? status : wk_api_instant(r, "to", to, &to_s);
    status = status != 0 ? status : compute(r, from_s, to_s, &bill);
    if (status != 0) {
        return status;
    }
    json_t *json = bill_json(r, &bill);
    char *document = json_dumps(json, WK_JSON_DUMP);
    const wk_err err = document == NULL
                           ? WK_E_FULL
                           : wk_bill_issue(r->config->archive, &bill, document, r->now_s, &rev);
    free(document);
    if (err != WK_OK) {
        json_decref(json);
        return err == WK_E_STATE
                   ? wk_api_fail(
                         r, 409, "",
                         "this bill is provisional or does not agree with the registers")
                   : wk_api_fail_archive(r, err);
    }
    json_object_set_new(json, "revision", json_integer(rev));
    r->json = json;
    return 201;
}

/* ---- commands --------------------------------------------------------------------------- */

static int who_of(struct wk_api_request *r, const char **who)
{
    json_t *value = json_object_get(r->body, "who");
    *who = value == NULL ? "api" : json_string_value(value);
    if (*who == NULL || !wk_command_id_is_valid(*who)) {
        return wk_api_fail(r, 400, "who", "1..63 characters of A-Z a-z 0-9 - _ .");
    }
    return 0;
}

int wk_api_post_read(struct wk_api_request *r)
{
    static const char *const k_fields[] = {NULL};
    const int status = known_fields(r, k_fields);
    if (status != 0) {
        return status;
    }
    wk_collector_kick(r->config->collector, r->meter_index);
    r->json = json_pack("{s:s,s:b}", "serial", r->meter->serial, "queued", 1);
    return 202;
}

int wk_api_post_command(struct wk_api_request *r)
{
    static const char *const k_fields[] = {"id", "action", "who", NULL};
    struct wk_command_order order = {.meter = r->meter->id};
    struct wk_archive_command row;
    const char *action = NULL;
    int status = known_fields(r, k_fields);
    status = status != 0 ? status : text_of(r, "id", &order.id);
    status = status != 0 ? status : text_of(r, "action", &action);
    status = status != 0 ? status : who_of(r, &order.who);
    if (status != 0) {
        return status;
    }
    if (wk_command_action_of(action, &order.action) != WK_OK) {
        return wk_api_fail(r, 400, "action", "must be connect or disconnect");
    }
    const wk_err err = wk_command_arm(r->config->archive, &order, r->now_s, &row);
    if (err == WK_E_ARGUMENT) {
        return wk_api_fail(r, 400, "id", "1..63 characters of A-Z a-z 0-9 - _ .");
    }
    if (err == WK_E_STATE) {
        return wk_api_fail(r, 409, "id", "this id belongs to another command");
    }
    if (err != WK_OK) {
        return wk_api_fail_archive(r, err);
    }
    r->json = wk_json_command(&row);
    return row.created_s == r->now_s ? 201 : 200;
}

typedef wk_err (*command_step)(struct wk_archive *archive, const char *id, const char *who,
                               int64_t now_s, struct wk_archive_command *row);

static int take_step(struct wk_api_request *r, command_step step)
{
    static const char *const k_fields[] = {"who", NULL};
    struct wk_archive_command row;
    struct wk_archive *a = r->config->archive;
    const char *who = NULL;
    int status = known_fields(r, k_fields);
    status = status != 0 ? status : who_of(r, &who);
    if (status != 0) {
        return status;
    }
    wk_err err = a->command_get(a->self, r->parameter[1], &row);
    if (err == WK_E_NOT_FOUND || (err == WK_OK && row.meter != r->meter->id)) {
        return wk_api_fail(r, 404, "id", "this meter has no such command");
    }
    if (err == WK_OK) {
        err = step(a, r->parameter[1], who, r->now_s, &row);
    }
    if (err == WK_E_STATE) {
        return wk_api_fail(r, 409, "id", "the command is %s", wk_command_state_name(row.state));
    }
    if (err != WK_OK) {
        return wk_api_fail_archive(r, err);
    }
    r->json = wk_json_command(&row);
    wk_stream_publish(r->config->stream, "command", "{\"serial\":\"%s\",\"id\":\"%s\"}",
                      r->meter->serial, row.id);
    wk_collector_kick(r->config->collector, r->meter_index);
    return 200;
}

int wk_api_post_confirm(struct wk_api_request *r)
{
    return take_step(r, wk_command_confirm);
}

int wk_api_post_cancel(struct wk_api_request *r)
{
    return take_step(r, wk_command_cancel);
}
