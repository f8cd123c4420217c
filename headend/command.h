/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/command - connecting and disconnecting a supply, in two steps and once.
 *
 * A command is armed, then confirmed within WK_COMMAND_CONFIRM_S by a second call; only then
 * it goes to the meter. Its id is chosen by the client: the same id is the same command,
 * however often it is sent. It expires when the meter cannot be reached in time. The result is
 * what the meter reports afterwards, not what was asked. Every step leaves a row in the audit.
 */
#ifndef WK_HEADEND_COMMAND_H
#define WK_HEADEND_COMMAND_H

#include "headend/archive.h"
#include "headend/source.h"

#define WK_COMMAND_CONFIRM_S 60
#define WK_COMMAND_EXPIRE_S  900
#define WK_COMMAND_WAITING   64 /* commands of one meter carried out in one visit */

typedef enum wk_command_action {
    WK_COMMAND_DISCONNECT = 1,
    WK_COMMAND_CONNECT = 2,
} wk_command_action;

typedef enum wk_command_state {
    WK_COMMAND_ARMED = 0,
    WK_COMMAND_CONFIRMED,
    WK_COMMAND_RUNNING,
    WK_COMMAND_DONE,
    WK_COMMAND_FAILED,
    WK_COMMAND_EXPIRED,
    WK_COMMAND_CANCELLED,
    WK_COMMAND_STATES,
} wk_command_state;

typedef enum wk_command_event {
    WK_COMMAND_ON_CONFIRM = 0,
    WK_COMMAND_ON_CANCEL,
    WK_COMMAND_ON_EXPIRE,
    WK_COMMAND_ON_START,
    WK_COMMAND_ON_RETRY, /* the meter could not be reached */
    WK_COMMAND_ON_SUCCESS,
    WK_COMMAND_ON_FAILURE,
    WK_COMMAND_EVENTS,
} wk_command_event;

/** The state after an event; false: the event is not possible in this state. */
bool wk_command_next(wk_command_state state, wk_command_event event, wk_command_state *next);
const char *wk_command_state_name(int state);
const char *wk_command_action_name(int action);
WK_MUST_USE wk_err wk_command_action_of(const char *name, wk_command_action *action);
/** 1..63 characters out of A-Z a-z 0-9 - _ . */
bool wk_command_id_is_valid(const char *id);

/* What is asked, and by whom. */
struct wk_command_order {
    const char *id;
    int64_t meter;
    wk_command_action action;
    const char *who;
};

/** Arms a command; if the id is known already, gives that command. WK_E_STATE: the id belongs
 *  to a different command. WK_E_ARGUMENT: the id is not valid. */
WK_MUST_USE wk_err wk_command_arm(struct wk_archive *archive,
                                  const struct wk_command_order *order, int64_t now_s,
                                  struct wk_archive_command *row);
/** The second step. Right again for a command that was confirmed before. WK_E_STATE: too late,
 *  or cancelled; *row says. WK_E_NOT_FOUND. */
WK_MUST_USE wk_err wk_command_confirm(struct wk_archive *archive, const char *id,
                                      const char *who, int64_t now_s,
                                      struct wk_archive_command *row);
WK_MUST_USE wk_err wk_command_cancel(struct wk_archive *archive, const char *id,
                                     const char *who, int64_t now_s,
                                     struct wk_archive_command *row);
/** Ends what is overdue. */
WK_MUST_USE wk_err wk_command_sweep(struct wk_archive *archive, int64_t meter, int64_t now_s);
/** Whether a command waits for this meter. */
WK_MUST_USE wk_err wk_command_pending(struct wk_archive *archive, int64_t meter, bool *pending);
/** Carries out what is confirmed, through an open source; *done = commands that ended. An
 *  error of the source leaves the command waiting. */
WK_MUST_USE wk_err wk_command_run(struct wk_archive *archive, int64_t meter,
                                  const struct wk_source *source, int64_t now_s, int *done);

#endif
