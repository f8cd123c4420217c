/* SPDX-License-Identifier: Apache-2.0
 *
 * Class 15, version 3, of IEC 62056-6-2 (association LN): what a client may know about its own
 * association and the others, first of all the list of objects it has rights to. */
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/hls.h"
#include "cosem/initiate.h"
#include "management/session_part.h"

#define STATUS_NONE       0
#define STATUS_ASSOCIATED 2

enum { ACCESS_READ = 1, ACCESS_WRITE = 2 };

enum {
    OBJECT_LIST = 2,
    PARTNERS = 3,
    CONTEXT = 4,
    XDLMS_CONTEXT = 5,
    MECHANISM = 6,
    SECRET = 7,
    STATUS = 8,
    SECURITY_SETUP = 9,
    USER_LIST = 10,
    CURRENT_USER = 11,
};

enum { REPLY_TO_HLS = 1, CHANGE_SECRET = 2 };

bool wk_session_is_own(const struct wk_object *object)
{
    return object->class_id == WK_SESSION_CLASS_ASSOCIATION ||
           object->class_id == WK_SESSION_CLASS_SECURITY;
}

static wk_role role_shown(const struct wk_session *session, const struct wk_object *object)
{
    return object->selector == WK_SESSION_CURRENT ? session->role
                                                  : (wk_role)(object->selector - 1);
}

/* ---- object_list ------------------------------------------------------------------------- */

/* Bits 0 and 1: reading and writing; 2 to 7: the protection they need. */
static uint8_t access_mode(const struct wk_session *session, const struct wk_object *object,
                           bool read, bool write)
{
    return (
        uint8_t)((read ? ACCESS_READ | wk_session_guard_of(session, object, WK_SESSION_READ)
                       : 0) |
                 (write ? ACCESS_WRITE | wk_session_guard_of(session, object, WK_SESSION_WRITE)
                        : 0));
}

static void put_attribute_access(struct wk_bytes_out *out, const struct wk_session *session,
                                 const struct wk_object *object, wk_role role,
                                 uint8_t attribute)
{
    const struct wk_object_rights *rights = &object->access->rights[role];
    const uint32_t bit = attribute <= 32 ? UINT32_C(1) << (attribute - 1) : 0;
    const bool read = attribute == 1 || (rights->get & bit) != 0;
    const bool write = attribute != 1 && (rights->set & bit) != 0;
    const bool profile = object->class_id == WK_SESSION_CLASS_PROFILE;
    const bool association = object->class_id == WK_SESSION_CLASS_ASSOCIATION;
    const int8_t selectors = profile ? 2 : 4;
    wk_axdr_put_structure(out, 3);
    wk_axdr_put_integer(out, (int8_t)attribute);
    wk_axdr_put_enum(out, access_mode(session, object, read, write));
    if (attribute != 2 || !(profile || association)) {
        wk_axdr_put_null(out);
        return;
    }
    wk_axdr_put_array(out, (uint32_t)selectors);
    for (int8_t i = 1; i <= selectors; i++) {
        wk_axdr_put_integer(out, i);
    }
}

static void put_object(struct wk_bytes_out *out, const struct wk_session *session,
                       const struct wk_object *object, wk_role role, bool with_rights)
{
    const uint8_t guard = wk_session_guard_of(session, object, WK_SESSION_ACT);
    wk_axdr_put_structure(out, 4);
    wk_axdr_put_long_unsigned(out, object->class_id);
    wk_axdr_put_unsigned(out, object->version);
    wk_axdr_put_octet_string(out, object->obis, WK_OBIS_SIZE);
    wk_axdr_put_structure(out, 2);
    if (!with_rights) {
        wk_axdr_put_array(out, 0);
        wk_axdr_put_array(out, 0);
        return;
    }
    wk_axdr_put_array(out, object->attributes);
    for (uint8_t i = 1; i <= object->attributes; i++) {
        put_attribute_access(out, session, object, role, i);
    }
    wk_axdr_put_array(out, object->methods);
    for (uint8_t i = 1; i <= object->methods; i++) {
        const uint32_t bit = i <= 32 ? UINT32_C(1) << (i - 1) : 0;
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_integer(out, (int8_t)i);
        wk_axdr_put_enum(out, (object->access->rights[role].action & bit) != 0 ? 1 | guard : 0);
    }
}

/* Whether the row is in the list that is read. */
static bool is_listed(const struct wk_object_table *table, size_t row, wk_role role,
                      const struct wk_session_item *item)
{
    const bool by_class = item->choice == WK_SESSION_BY_CLASS;
    bool chosen = item->choice == 0 || item->choice == WK_SESSION_WITHOUT_RIGHTS;
    for (uint8_t i = 0; i < item->chosen_count && !chosen; i++) {
        chosen = item->chosen[i] == (by_class ? table->rows[row].class_id : row);
    }
    return chosen && wk_session_is_visible(&table->rows[row], role);
}

static uint32_t count_listed(const struct wk_object_table *table, wk_role role,
                             const struct wk_session_item *item)
{
    uint32_t count = 0;
    for (size_t i = 0; i < table->count; i++) {
        count += is_listed(table, i, role, item) ? 1 : 0;
    }
    return count;
}

/* cursor->next is the row to come. */
static wk_err get_object_list(const struct wk_session *session, wk_role role,
                              const struct wk_session_item *item,
                              struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    const struct wk_object_table *table = session->config.table;
    if (!cursor->started) {
        wk_axdr_put_array(out, count_listed(table, role, item));
        WK_TRY(out->fault);
        cursor->started = true;
    }
    for (; cursor->next < table->count; cursor->next++) {
        const struct wk_bytes_out before = *out;
        if (!is_listed(table, (size_t)cursor->next, role, item)) {
            continue;
        }
        put_object(out, session, &table->rows[cursor->next], role,
                   item->choice != WK_SESSION_WITHOUT_RIGHTS);
        if (out->fault != WK_OK) {
            *out = before;
            cursor->more = true;
            return out->size > 0 ? WK_OK : WK_E_FULL;
        }
    }
    return WK_OK;
}

/* ---- the other attributes ---------------------------------------------------------------- */

/* joint-iso-ccitt(2) country(16) country-name(756) identified-organisation(5) DLMS-UA(8),
 * then 1 and the context, or 2 and the mechanism: as a BER object identifier. */
static void put_name(struct wk_bytes_out *out, uint8_t arc, uint8_t number)
{
    const uint8_t name[] = {0x60, 0x85, 0x74, 0x05, 0x08, arc, number};
    wk_axdr_put_octet_string(out, name, sizeof name);
}

static void put_xdlms_context(struct wk_bytes_out *out, const struct wk_session *session)
{
    const uint32_t c = session->conformance;
    const uint8_t conformance[] = {(uint8_t)(c >> 16), (uint8_t)(c >> 8), (uint8_t)c};
    wk_axdr_put_structure(out, 6);
    wk_axdr_put_bit_string(out, conformance, 24);
    wk_axdr_put_long_unsigned(out, session->config.max_pdu);
    wk_axdr_put_long_unsigned(out, session->client_max_pdu);
    wk_axdr_put_unsigned(out, WK_INITIATE_DLMS_VERSION);
    wk_axdr_put_integer(out, 0);
    wk_axdr_put_octet_string(out, NULL, 0);
}

/* The association an object shows: that of the client itself, or the first of a role. */
static const struct wk_session_association *shown(const struct wk_session *session,
                                                  const struct wk_object *object)
{
    if (object->selector == WK_SESSION_CURRENT) {
        return session->association;
    }
    return wk_session_association_of_role(session, role_shown(session, object));
}

/* The mechanism in use; of another association, the strongest it accepts. */
static uint8_t mechanism_of(const struct wk_session *session,
                            const struct wk_session_association *row)
{
    uint8_t mechanism = WK_ASSOCIATION_HLS_ECDSA;
    if (row == session->association && session->state != WK_SESSION_IDLE) {
        return session->mechanism;
    }
    while (mechanism > 0 && (row->mechanisms & 1U << mechanism) == 0) {
        mechanism--;
    }
    return mechanism;
}

static bool is_ciphered(const struct wk_session *session,
                        const struct wk_session_association *row)
{
    return row == session->association && session->state != WK_SESSION_IDLE
               ? session->ciphered
               : (row->contexts & 1U << WK_ASSOCIATION_LN_CIPHERED) != 0;
}

static void put_setup(struct wk_bytes_out *out, const struct wk_session_association *row)
{
    const bool has_setup = (row->contexts & 1U << WK_ASSOCIATION_LN_CIPHERED) != 0;
    const uint8_t setup[WK_OBIS_SIZE] = {0, 0, 43, 0, row->setup, 255};
    static const uint8_t k_none[WK_OBIS_SIZE] = {0};
    wk_axdr_put_octet_string(out, has_setup ? setup : k_none, WK_OBIS_SIZE);
}

static uint8_t status_of(const struct wk_session *session, wk_role role)
{
    return session->config.security->open[role] > 0 ? STATUS_ASSOCIATED : STATUS_NONE;
}

wk_err wk_session_association_get(struct wk_session *session,
                                  const struct wk_session_item *item,
                                  struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    if (item->object->class_id == WK_SESSION_CLASS_SECURITY) {
        return wk_session_security_get(session, item->object, item->attribute, out);
    }
    const wk_role role = role_shown(session, item->object);
    const struct wk_session_association *row = shown(session, item->object);
    if (row == NULL) {
        return WK_E_UNSUPPORTED;
    }
    switch (item->attribute) {
    case OBJECT_LIST:
        return get_object_list(session, role, item, cursor, out);
    case PARTNERS:
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_integer(out, (int8_t)row->client_sap);
        wk_axdr_put_long_unsigned(out, WK_SESSION_SERVER_SAP);
        break;
    case CONTEXT:
        put_name(out, 1,
                 is_ciphered(session, row) ? WK_ASSOCIATION_LN_CIPHERED : WK_ASSOCIATION_LN);
        break;
    case XDLMS_CONTEXT:
        put_xdlms_context(out, session);
        break;
    case MECHANISM:
        put_name(out, 2, mechanism_of(session, row));
        break;
    case STATUS:
        wk_axdr_put_enum(out, status_of(session, role));
        break;
    case SECURITY_SETUP:
        put_setup(out, row);
        break;
    case USER_LIST:
        wk_axdr_put_array(out, 0);
        break;
    case CURRENT_USER:
        wk_axdr_put_structure(out, 2);
        wk_axdr_put_unsigned(out, 0);
        wk_axdr_put_visible_string(out, "");
        break;
    default:
        return WK_E_UNSUPPORTED;
    }
    return out->fault;
}

/* ---- writing and acting ------------------------------------------------------------------ */

/* Mechanisms whose secret is that of the role; the others rest on keys (class 64). */
static bool has_secret(const struct wk_session_association *row)
{
    const unsigned with_secret = 1U << WK_ASSOCIATION_LLS | 1U << WK_ASSOCIATION_HLS_MD5 |
                                 1U << WK_ASSOCIATION_HLS_SHA1 |
                                 1U << WK_ASSOCIATION_HLS_SHA256;
    return row != NULL && (row->mechanisms & with_secret) != 0;
}

static wk_err change_secret(struct wk_session_turn *turn, wk_role role,
                            struct wk_bytes_in *value)
{
    struct wk_session_security *security = turn->session->config.security;
    size_t size;
    const uint8_t *octets = wk_axdr_read_octets(value, &size);
    WK_TRY(wk_bytes_in_end(value));
    if (size == 0 || size > WK_SESSION_PASSWORD) {
        return WK_E_RANGE;
    }
    struct wk_session_secret secret = {.size = (uint8_t)size};
    memcpy(secret.octets, octets, size);
    security->password[role] = secret;
    security->dirty = true;
    security->keys_dirty = true;
    wk_session_drop_notice(turn->session, turn->now_us, WK_SESSION_PASSWORD_CHANGED, 0);
    return WK_OK;
}

wk_err wk_session_association_set(struct wk_session_turn *turn, const struct wk_object *object,
                                  uint8_t attribute, struct wk_bytes_in *value)
{
    if (object->class_id != WK_SESSION_CLASS_ASSOCIATION || attribute != SECRET ||
        !has_secret(shown(turn->session, object))) {
        return WK_E_UNSUPPORTED;
    }
    return change_secret(turn, role_shown(turn->session, object), value);
}

wk_err wk_session_association_action(struct wk_session_turn *turn,
                                     const struct wk_object *object, uint8_t method,
                                     struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    const struct wk_session *session = turn->session;
    if (object->class_id == WK_SESSION_CLASS_SECURITY) {
        return wk_session_security_action(turn, object, method, parameter, reply);
    }
    if (object->selector != WK_SESSION_CURRENT) {
        return WK_E_UNSUPPORTED;
    }
    if (method == REPLY_TO_HLS) {
        return wk_session_prove(turn, parameter, reply);
    }
    /* A secret that comes in clear is none. */
    if (method != CHANGE_SECRET || !wk_hls_is(session->mechanism) ||
        !has_secret(session->association)) {
        return WK_E_UNSUPPORTED;
    }
    return (turn->cover.control & WK_CIPHER_ENCRYPTED) != 0
               ? change_secret(turn, session->role, parameter)
               : WK_E_DENIED;
}
