/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/command.h"

#include <stdio.h>
#include <string.h>

#define NONE WK_COMMAND_STATES

/* state x event -> next state; NONE: not possible */
static const wk_command_state k_next[WK_COMMAND_STATES][WK_COMMAND_EVENTS] = {
    [WK_COMMAND_ARMED] = {WK_COMMAND_CONFIRMED, WK_COMMAND_CANCELLED, WK_COMMAND_EXPIRED, NONE,
                          NONE, NONE, NONE},
    [WK_COMMAND_CONFIRMED] = {NONE, WK_COMMAND_CANCELLED, WK_COMMAND_EXPIRED,
                              WK_COMMAND_RUNNING, NONE, NONE, NONE},
    [WK_COMMAND_RUNNING] = {NONE, NONE, WK_COMMAND_FAILED, NONE, WK_COMMAND_CONFIRMED,
                            WK_COMMAND_DONE, WK_COMMAND_FAILED},
    [WK_COMMAND_DONE] = {NONE, NONE, NONE, NONE, NONE, NONE, NONE},
    [WK_COMMAND_FAILED] = {NONE, NONE, NONE, NONE, NONE, NONE, NONE},
    [WK_COMMAND_EXPIRED] = {NONE, NONE, NONE, NONE, NONE, NONE, NONE},
    [WK_COMMAND_CANCELLED] = {NONE, NONE, NONE, NONE, NONE, NONE, NONE},
};

static const char *const k_state_names[WK_COMMAND_STATES] = {
    "armed", "confirmed", "running", "done", "failed", "expired", "cancelled"};

bool wk_command_next(wk_command_state state, wk_command_event event, wk_command_state *next)
{
    if (state >= WK_COMMAND_STATES || event >= WK_COMMAND_EVENTS ||
        k_next[state][event] == NONE) {
        return false;
    }
    *next = k_next[state][event];
    return true;
}

const char *wk_command_state_name(int state)
{
    return state >= 0 && state < WK_COMMAND_STATES ? k_state_names[state] : "unknown";
}

const char *wk_command_action_name(int action)
{
    return action == WK_COMMAND_CONNECT ? "connect" : "disconnect";
}

wk_err wk_command_action_of(const char *name, wk_command_action *action)
{
    if (strcmp(name, "connect") == 0) {
        *action = WK_COMMAND_CONNECT;
        return WK_OK;
    }
    if (strcmp(name, "disconnect") == 0) {
        *action = WK_COMMAND_DISCONNECT;
        return WK_OK;
    }
    return WK_E_NOT_FOUND;
}

bool wk_command_id_is_valid(const char *id)
{
    static const char k_allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    const size_t size = strlen(id);
    return size > 0 && size < WK_ARCHIVE_NAME && strspn(id, k_allowed) == size;
}

static wk_err audit(struct wk_archive *archive, const struct wk_archive_command *row,
                    const char *who, const char *what, int64_t now_s)
{
    struct wk_archive_audit note = {.at_s = now_s, .meter = row->meter};
    snprintf(note.who, sizeof note.who, "%s", who);
    snprintf(note.what, sizeof note.what, "%s %s %.60s%s%.120s",
             wk_command_action_name(row->action), what, row->id,
             row->result[0] != '\0' ? ": " : "", row->result);
    return archive->audit_put(archive->self, &note);
}

/* Moves a command on, with its audit row; inside a transaction. */
static wk_err move(struct wk_archive *archive, struct wk_archive_command *row,
                   wk_command_event event, const char *who, int64_t now_s)
{
    const int32_t was = row->state;
    wk_command_state next;
    if (!wk_command_next((wk_command_state)was, event, &next)) {
        return WK_E_STATE;
    }
    row->state = (int32_t)next;
    row->tries += event == WK_COMMAND_ON_START ? 1 : 0;
    row->done_s = next >= WK_COMMAND_DONE ? now_s : 0;
    WK_TRY(archive->command_update(archive->self, row, was));
    return audit(archive, row, who, wk_command_state_name((int)next), now_s);
}

static wk_err move_alone(struct wk_archive *archive, struct wk_archive_command *row,
                         wk_command_event event, const char *who, int64_t now_s)
{
    WK_TRY(archive->begin(archive->self));
    wk_err err = move(archive, row, event, who, now_s);
    if (err == WK_OK) {
        err = archive->commit(archive->self);
    }
    archive->rollback(archive->self); /* nothing to do after a commit */
    return err;
}

static wk_err arm(struct wk_archive *archive, const struct wk_command_order *order,
                  int64_t now_s, struct wk_archive_command *row)
{
    const wk_err err = archive->command_get(archive->self, order->id, row);
    if (err == WK_OK) {
        return row->meter == order->meter && row->action == (int32_t)order->action ? WK_OK
                                                                                   : WK_E_STATE;
    }
    if (err != WK_E_NOT_FOUND) {
        return err;
    }
    *row = (struct wk_archive_command){.meter = order->meter,
                                       .action = (int32_t)order->action,
                                       .state = WK_COMMAND_ARMED,
                                       .created_s = now_s,
                                       .confirm_by_s = now_s + WK_COMMAND_CONFIRM_S,
                                       .expires_s = now_s + WK_COMMAND_EXPIRE_S};
    snprintf(row->id, sizeof row->id, "%s", order->id);
    snprintf(row->who, sizeof row->who, "%s", order->who);
    WK_TRY(archive->command_put(archive->self, row));
    WK_TRY(audit(archive, row, order->who, "armed", now_s));
    return archive->commit(archive->self);
}

wk_err wk_command_arm(struct wk_archive *archive, const struct wk_command_order *order,
                      int64_t now_s, struct wk_archive_command *row)
{
    if (!wk_command_id_is_valid(order->id)) {
        return WK_E_ARGUMENT;
    }
    WK_TRY(archive->begin(archive->self));
    const wk_err err = arm(archive, order, now_s, row);
    archive->rollback(archive->self); /* nothing to do after a commit */
    return err;
}

wk_err wk_command_confirm(struct wk_archive *archive, const char *id, const char *who,
                          int64_t now_s, struct wk_archive_command *row)
{
    WK_TRY(archive->command_get(archive->self, id, row));
    if (row->state == WK_COMMAND_CONFIRMED || row->state == WK_COMMAND_RUNNING ||
        row->state == WK_COMMAND_DONE) {
        return WK_OK;
    }
    if (row->state == WK_COMMAND_ARMED && now_s > row->confirm_by_s) {
        snprintf(row->result, sizeof row->result, "not confirmed in time");
        WK_TRY(move_alone(archive, row, WK_COMMAND_ON_EXPIRE, who, now_s));
        return WK_E_STATE;
    }
    return move_alone(archive, row, WK_COMMAND_ON_CONFIRM, who, now_s);
}

wk_err wk_command_cancel(struct wk_archive *archive, const char *id, const char *who,
                         int64_t now_s, struct wk_archive_command *row)
{
    WK_TRY(archive->command_get(archive->self, id, row));
    if (row->state == WK_COMMAND_CANCELLED) {
        return WK_OK;
    }
    return move_alone(archive, row, WK_COMMAND_ON_CANCEL, who, now_s);
}

/* ---- the commands of one meter ---------------------------------------------------------- */

struct waiting {
    int count;
    struct wk_archive_command row[WK_COMMAND_WAITING]; /* newest first */
};

static wk_err gather(void *context, const struct wk_archive_command *row)
{
    struct waiting *waiting = context;
    if (row->state <= WK_COMMAND_RUNNING && waiting->count < WK_COMMAND_WAITING) {
        waiting->row[waiting->count++] = *row;
    }
    return WK_OK;
}

wk_err wk_command_sweep(struct wk_archive *archive, int64_t meter, int64_t now_s)
{
    struct waiting waiting = {0};
    WK_TRY(archive->command_each(archive->self, meter, gather, &waiting));
    for (int i = 0; i < waiting.count; i++) {
        struct wk_archive_command *row = &waiting.row[i];
        const bool armed = row->state == WK_COMMAND_ARMED;
        if (now_s > (armed ? row->confirm_by_s : row->expires_s)) {
            snprintf(row->result, sizeof row->result, "%s",
                     armed                              ? "not confirmed in time"
                     : row->state == WK_COMMAND_RUNNING ? "expired while under way"
                                                        : "the meter was not reached in time");
            WK_TRY(move_alone(archive, row, WK_COMMAND_ON_EXPIRE, "headend", now_s));
        }
    }
    return WK_OK;
}

wk_err wk_command_pending(struct wk_archive *archive, int64_t meter, bool *pending)
{
    struct waiting waiting = {0};
    WK_TRY(archive->command_each(archive->self, meter, gather, &waiting));
    *pending = false;
    for (int i = 0; i < waiting.count; i++) {
        *pending = *pending || waiting.row[i].state != WK_COMMAND_ARMED;
    }
    return WK_OK;
}

static wk_err carry_out(const struct wk_source *source, struct wk_archive_command *row,
                        bool *success)
{
    struct wk_source_supply supply;
    const bool connect = row->action == WK_COMMAND_CONNECT;
    const wk_err err = source->switch_supply(source->self, connect);
    if (err == WK_E_REFUSED || err == WK_E_DENIED) {
        snprintf(row->result, sizeof row->result, "refused by the meter: %.200s",
                 source->why(source->self));
        *success = false;
        return WK_OK;
    }
    WK_TRY(err);
    WK_TRY(source->read_supply(source->self, &supply));
    static const char *const k_control[] = {"disconnected", "connected",
                                            "ready for reconnection"};
    snprintf(row->result, sizeof row->result, "output %s, control state %s",
             supply.output ? "closed" : "open",
             supply.control_state < 3 ? k_control[supply.control_state] : "unknown");
    /* after a reconnection some modes wait for a person at the meter */
    *success = connect ? supply.output || supply.control_state == 2 : !supply.output;
    return WK_OK;
}

static wk_err run_one(struct wk_archive *archive, struct wk_archive_command *row,
                      const struct wk_source *source, int64_t now_s, int *done)
{
    bool success = false;
    if (row->state == WK_COMMAND_RUNNING) { /* cut off before: both actions may be repeated */
        WK_TRY(move_alone(archive, row, WK_COMMAND_ON_RETRY, "headend", now_s));
    }
    WK_TRY(move_alone(archive, row, WK_COMMAND_ON_START, "headend", now_s));
    const wk_err err = carry_out(source, row, &success);
    if (err != WK_OK) {
        snprintf(row->result, sizeof row->result, "not reached: %.200s",
                 source->why(source->self));
        WK_TRY(move_alone(archive, row, WK_COMMAND_ON_RETRY, "headend", now_s));
        return err;
    }
    *done += 1;
    return move_alone(archive, row, success ? WK_COMMAND_ON_SUCCESS : WK_COMMAND_ON_FAILURE,
                      "headend", now_s);
}

wk_err wk_command_run(struct wk_archive *archive, int64_t meter, const struct wk_source *source,
                      int64_t now_s, int *done)
{
    struct waiting waiting = {0};
    *done = 0;
    WK_TRY(wk_command_sweep(archive, meter, now_s));
    WK_TRY(archive->command_each(archive->self, meter, gather, &waiting));
    for (int i = waiting.count - 1; i >= 0; i--) { /* oldest first */
        if (waiting.row[i].state != WK_COMMAND_ARMED) {
            WK_TRY(run_one(archive, &waiting.row[i], source, now_s, done));
        }
    }
    return WK_OK;
}
