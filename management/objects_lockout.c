/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 124 (communication port protection): the lock-out of management/session after failed
 * logins, one object per role. Its parameters are those of the session and fixed; the counts are
 * its own. */
#include "cosem/axdr.h"
#include "management/objects.h"
#include "management/session.h"

#define STEEPNESS 2 /* each failure doubles the lock-out */

enum {
    MODE = 2,
    ALLOWED,
    INITIAL,
    STEEP,
    LONGEST,
    PORT,
    STATUS,
    FAILED,
    CUMULATIVE,
};
enum { LOCKED_ON_FAILED_ATTEMPTS = 1 };        /* protection_mode */
enum { UNLOCKED = 0, TEMPORARILY_LOCKED = 1 }; /* protection_status */
static const uint8_t k_port[6] = {0, 0, 25, 0, 0, 255};

static wk_err put_state(const struct wk_session_security *security, uint32_t role,
                        uint8_t attribute, int64_t now_us, struct wk_bytes_out *out)
{
    const struct wk_session_lock *lock = &security->lock[role];
    const bool locked = lock->failures >= WK_SESSION_FREE_TRIES && now_us < lock->until_us;
    switch (attribute) {
    case STATUS:
        wk_axdr_put_enum(out, locked ? TEMPORARILY_LOCKED : UNLOCKED);
        return WK_OK;
    case FAILED:
        wk_axdr_put_double_long_unsigned(out, lock->failures);
        return WK_OK;
    case CUMULATIVE:
        wk_axdr_put_double_long_unsigned(out, security->failed_logins[role]);
        return WK_OK;
    default:
        return WK_E_NOT_FOUND;
    }
}

static wk_err lockout_get(const struct wk_object_call *call, uint8_t attribute,
                          const struct wk_object_selection *selection,
                          struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_rooms *rooms = call->meter;
    (void)selection;
    (void)cursor;
    switch (attribute) {
    case MODE:
        wk_axdr_put_enum(out, LOCKED_ON_FAILED_ATTEMPTS);
        return WK_OK;
    case ALLOWED:
        wk_axdr_put_long_unsigned(out, WK_SESSION_FREE_TRIES);
        return WK_OK;
    case INITIAL:
        wk_axdr_put_double_long_unsigned(out, WK_SESSION_LOCK_S);
        return WK_OK;
    case STEEP:
        wk_axdr_put_unsigned(out, STEEPNESS);
        return WK_OK;
    case LONGEST:
        wk_axdr_put_double_long_unsigned(out, WK_SESSION_LOCK_MOST_S);
        return WK_OK;
    case PORT:
        wk_axdr_put_octet_string(out, k_port, sizeof k_port);
        return WK_OK;
    default:
        return rooms->security == NULL
                   ? WK_E_UNSUPPORTED
                   : put_state(rooms->security, call->object->selector % WK_ROLE_COUNT,
                               attribute, call->now_us, out);
    }
}

/* Unlocks, and counts from 0 again; what was counted ever stays. */
static wk_err lockout_action(const struct wk_object_call *call, uint8_t method,
                             struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_rooms *rooms = call->meter;
    (void)method;
    (void)reply;
    WK_TRY(wk_objects_take_zero(parameter));
    if (rooms->security == NULL) {
        return WK_E_UNSUPPORTED;
    }
    rooms->security->lock[call->object->selector % WK_ROLE_COUNT] = (struct wk_session_lock){0};
    rooms->security->dirty = true;
    wk_objects_tell(call, WK_ROOMS_LOCK_RESET, (int32_t)call->object->selector);
    return WK_OK;
}

const struct wk_object_class wk_objects_lockout = {.get = lockout_get,
                                                   .action = lockout_action};
