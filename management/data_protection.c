/* SPDX-License-Identifier: Apache-2.0 */
#include "management/data_protection.h"

#include <string.h>

#include "cosem/axdr.h"
#include "cosem/datetime.h"
#include "cosem/obis.h"
#include "management/data_protection_layer.h"

#define CLASS_DATA  1
#define SECOND_US   INT64_C(1000000)
#define UNUSED_BITS 0x03 /* of required_protection */

enum { BUFFER = 2, LIST = 3, PARAMETERS_GET = 4, PARAMETERS_SET = 5, REQUIRED = 6 };
enum { GET_ATTRIBUTES = 1, SET_ATTRIBUTES = 2, INVOKE = 3 };
enum { RESTRICTED_NOT = 0, RESTRICTED_BY_DATE = 1, RESTRICTED_BY_ENTRY = 2 };

static const uint8_t k_counter[WK_OBIS_SIZE] = {0, 0, 43, 1, 5, 255};
static const uint8_t k_transaction[WK_OBIS_SIZE] = {0, 0, 128, 11, 0, 255};

/* An attribute or method of another object. */
struct target {
    const struct wk_object *object;
    uint8_t id;
    struct wk_object_selection selection;
};

struct targets {
    uint8_t count;
    struct target target[WK_DATA_PROTECTION_LIST];
};

/* ---- whose, and when --------------------------------------------------------------------- */

static struct wk_data_protection_desk desk_of(const struct wk_object_call *call)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_data_protection_desk desk = {.protection = rooms->data_protection,
                                           .security = rooms->security,
                                           .now = {call->now_us / SECOND_US}};
    int64_t counter = 0;
    (void)wk_objects_setup_number(rooms, CLASS_DATA, k_counter, 2, &counter);
    (void)wk_objects_setup_number(rooms, CLASS_DATA, k_transaction, 2, &desk.transaction);
    desk.counter = (uint32_t)counter;
    return desk;
}

static wk_err keep_number(const struct wk_object_call *call, const uint8_t obis[WK_OBIS_SIZE],
                          const struct wk_bytes_out *value)
{
    const struct wk_rooms *rooms = call->meter;
    struct wk_object_call other = *call;
    struct wk_bytes_in in = wk_bytes_in_of(value->data, value->size);
    other.object = wk_objects_find(rooms->identity.phases, CLASS_DATA, obis);
    return other.object != NULL ? wk_objects_setup.set(&other, 2, &in) : WK_E_UNSUPPORTED;
}

/* What was opened is not taken again, whatever comes of it. */
static wk_err keep_marks(const struct wk_object_call *call,
                         const struct wk_data_protection_desk *desk)
{
    const struct wk_data_protection_desk before = desk_of(call);
    uint8_t octets[1 + sizeof(int64_t)];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    if (desk->counter != before.counter) {
        wk_axdr_put_double_long_unsigned(&out, desk->counter);
        WK_TRY(keep_number(call, k_counter, &out));
    }
    out = wk_bytes_out_of(octets, sizeof octets);
    if (desk->transaction != before.transaction) {
        wk_axdr_put_long64_unsigned(&out, (uint64_t)desk->transaction);
        WK_TRY(keep_number(call, k_transaction, &out));
    }
    return WK_OK;
}

static uint8_t required_of(const struct wk_object_call *call)
{
    int64_t required = WK_SESSION_SEALED;
    (void)wk_objects_setup_number(call->meter, call->object->class_id, call->object->obis,
                                  REQUIRED, &required);
    return (uint8_t)required;
}

/* Whether layers of what comes, or of what goes, are as required_protection has it. */
static wk_err check_required(const struct wk_object_call *call,
                             const struct wk_data_protection_layers *layers, bool comes)
{
    const uint8_t given = wk_data_protection_given(layers);
    const uint8_t bits = (uint8_t)(comes ? given : given << 3);
    const uint8_t which = comes ? WK_SESSION_REQUEST_ANY : WK_SESSION_RESPONSE_ANY;
    return (required_of(call) & which & (uint8_t)~bits) == 0 ? WK_OK : WK_E_DENIED;
}

static wk_err open_octets(const struct wk_object_call *call,
                          const struct wk_data_protection_layers *layers,
                          struct wk_bytes_in octets, uint8_t *at, struct wk_bytes_in *plain)
{
    struct wk_data_protection_desk desk = desk_of(call);
    WK_TRY(check_required(call, layers, true));
    const wk_err err = wk_data_protection_open(&desk, layers, octets, at, plain);
    if (err == WK_E_REPLAY) {
        desk.security->replays++;
        desk.security->dirty = true;
    } else if (err == WK_E_AUTH) {
        desk.security->not_deciphered++;
        desk.security->dirty = true;
    }
    return err == WK_OK ? keep_marks(call, &desk) : err;
}

/* ---- which attributes -------------------------------------------------------------------- */

static wk_err read_dates(struct wk_bytes_in *in, const struct wk_zone *zone,
                         struct wk_object_selection *selection)
{
    struct wk_datetime from;
    struct wk_datetime to;
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    wk_datetime_read_axdr(in, &from);
    wk_datetime_read_axdr(in, &to);
    WK_TRY(in->fault);
    if (members != 2) {
        return WK_E_FORMAT;
    }
    selection->kind = WK_OBJECT_SELECT_RANGE;
    WK_TRY(wk_datetime_to_utc(&from, zone, &selection->from));
    WK_TRY(wk_datetime_to_utc(&to, zone, &selection->to));
    return selection->from.s <= selection->to.s ? WK_OK : WK_E_RANGE;
}

static wk_err read_entries(struct wk_bytes_in *in, struct wk_object_selection *selection)
{
    const uint32_t members = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    const int64_t first = wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    const int64_t last = wk_axdr_read_integer(in, WK_AXDR_DOUBLE_LONG_UNSIGNED);
    WK_TRY(in->fault);
    if (members != 2) {
        return WK_E_FORMAT;
    }
    selection->kind = WK_OBJECT_SELECT_ENTRY;
    selection->entry_first = (uint32_t)first;
    selection->entry_last = (uint32_t)last;
    return first >= 1 && (last == 0 || last >= first) ? WK_OK : WK_E_RANGE;
}

static wk_err read_restriction(struct wk_bytes_in *in, const struct wk_zone *zone,
                               struct wk_object_selection *selection)
{
    selection->column_first = 1;
    if (wk_bytes_in_peek(in) == WK_AXDR_NULL) {
        wk_axdr_skip(in);
        return in->fault;
    }
    if (wk_axdr_read_count(in, WK_AXDR_STRUCTURE) != 2) {
        return WK_E_FORMAT;
    }
    switch (wk_axdr_read_integer(in, WK_AXDR_ENUM)) {
    case RESTRICTED_NOT:
        wk_axdr_skip(in);
        return in->fault;
    case RESTRICTED_BY_DATE:
        return read_dates(in, zone, selection);
    case RESTRICTED_BY_ENTRY:
        return read_entries(in, selection);
    default:
        return in->fault != WK_OK ? in->fault : WK_E_RANGE;
    }
}

/* Class, logical name and index, in a structure that has `members`. */
static wk_err read_name(const struct wk_object_call *call, struct wk_bytes_in *in,
                        uint32_t members, struct target *target)
{
    const struct wk_rooms *rooms = call->meter;
    uint8_t obis[WK_OBIS_SIZE];
    const uint32_t count = wk_axdr_read_count(in, WK_AXDR_STRUCTURE);
    const int64_t class_id = wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
    wk_axdr_read_exact(in, obis, sizeof obis);
    const int64_t id = wk_axdr_read_integer(in, WK_AXDR_INTEGER);
    WK_TRY(in->fault);
    if (count != members) {
        return WK_E_FORMAT;
    }
    *target = (struct target){.object = class_id > 0 ? wk_objects_find(rooms->identity.phases,
                                                                       (uint16_t)class_id, obis)
                                                     : NULL,
                              .id = (uint8_t)(id >= 1 && id <= 32 ? id : 0)};
    return target->object != NULL && target->id > 0 ? WK_OK : WK_E_NOT_FOUND;
}

static wk_err read_targets(const struct wk_object_call *call, struct wk_bytes_in *in,
                           struct targets *targets)
{
    const struct wk_rooms *rooms = call->meter;
    const uint32_t count = wk_axdr_read_count(in, WK_AXDR_ARRAY);
    WK_TRY(in->fault);
    if (count > WK_DATA_PROTECTION_LIST) {
        return WK_E_RANGE;
    }
    targets->count = (uint8_t)count;
    for (uint32_t i = 0; i < count; i++) {
        struct target *target = &targets->target[i];
        WK_TRY(read_name(call, in, 5, target));
        const int64_t data_index = wk_axdr_read_integer(in, WK_AXDR_LONG_UNSIGNED);
        WK_TRY(read_restriction(in, &rooms->clock.zone, &target->selection));
        WK_TRY(in->fault);
        if (data_index != 0) {
            return WK_E_RANGE;
        }
    }
    return WK_OK;
}

/* ---- what may be done -------------------------------------------------------------------- */

static uint8_t guard_of(const struct wk_object_call *call, const struct wk_object *object,
                        uint8_t method)
{
    const struct wk_object_table table = wk_objects_table(call->meter);
    for (size_t i = 0; i < table.guard_count; i++) {
        const struct wk_object_guard *guard = &table.guards[i];
        if (guard->class_id == object->class_id && wk_obis_equal(guard->obis, object->obis)) {
            return method == GET_ATTRIBUTES   ? guard->read
                   : method == SET_ATTRIBUTES ? guard->write
                                              : guard->act;
        }
    }
    return 0;
}

/* Whether the role may, and what comes and goes is protected as the object wants it. `method` says how:
 * one of the three of this object. Layers around values that are read protect no request. */
static wk_err check_right(const struct wk_object_call *call, const struct target *target,
                          uint8_t method, uint8_t given)
{
    const struct wk_object_rights *rights = &target->object->access->rights[call->role];
    const uint32_t mask = method == GET_ATTRIBUTES   ? rights->get | 1U
                          : method == SET_ATTRIBUTES ? rights->set
                                                     : rights->action;
    const uint8_t guard = guard_of(call, target->object, method);
    const uint8_t covered = (uint8_t)(given << 3 | (method == GET_ATTRIBUTES ? 0 : given));
    const bool visible = (rights->get | rights->set | rights->action) != 0;
    if (!visible) {
        return WK_E_NOT_FOUND;
    }
    if ((mask >> (target->id - 1U) & 1U) == 0 || target->object == call->object ||
        (guard & (uint8_t)~covered) != 0) {
        return WK_E_DENIED;
    }
    return target->object->access->functions != NULL ? WK_OK : WK_E_UNSUPPORTED;
}

static wk_err check_rights(const struct wk_object_call *call, const struct targets *targets,
                           uint8_t method, uint8_t given)
{
    for (uint8_t i = 0; i < targets->count; i++) {
        WK_TRY(check_right(call, &targets->target[i], method, given));
    }
    return WK_OK;
}

/* ---- values ------------------------------------------------------------------------------ */

static wk_err get_one(const struct wk_object_call *call, const struct target *target,
                      struct wk_bytes_out *out)
{
    const struct wk_object_class *functions = target->object->access->functions;
    struct wk_object_call other = *call;
    struct wk_object_cursor cursor = {0};
    other.object = target->object;
    if (target->id == 1) {
        wk_axdr_put_octet_string(out, target->object->obis, WK_OBIS_SIZE);
        return out->fault;
    }
    if (functions->get == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(functions->get(&other, target->id, &target->selection, &cursor, out));
    WK_TRY(out->fault);
    return cursor.more ? WK_E_FULL : WK_OK;
}

static wk_err get_values(const struct wk_object_call *call, const struct targets *targets,
                         uint8_t given, struct wk_bytes_out *out)
{
    WK_TRY(check_rights(call, targets, GET_ATTRIBUTES, given));
    wk_axdr_put_structure(out, targets->count);
    for (uint8_t i = 0; i < targets->count; i++) {
        struct wk_bytes_out value =
            wk_bytes_out_of(out->data + out->size, wk_bytes_out_left(out));
        WK_TRY(get_one(call, &targets->target[i], &value));
        (void)wk_bytes_out_reserve(out, value.size);
    }
    return out->fault;
}

static wk_err set_values(const struct wk_object_call *call, const struct targets *targets,
                         struct wk_bytes_in values)
{
    struct wk_bytes_in check = values;
    if (wk_axdr_read_count(&values, WK_AXDR_STRUCTURE) != targets->count) {
        return WK_E_FORMAT;
    }
    wk_axdr_skip(&check);
    WK_TRY(wk_bytes_in_end(&check));
    for (uint8_t i = 0; i < targets->count; i++) {
        const struct target *target = &targets->target[i];
        struct wk_object_call other = *call;
        struct wk_bytes_in value = wk_axdr_take(&values);
        other.object = target->object;
        if (target->object->access->functions->set == NULL) {
            return WK_E_UNSUPPORTED;
        }
        WK_TRY(target->object->access->functions->set(&other, target->id, &value));
    }
    return WK_OK;
}

/* ---- what the attributes keep ------------------------------------------------------------ */

/* A list or parameters, as they were set; an empty array before. */
static wk_err get_kept(const struct wk_object_call *call, uint8_t attribute,
                       struct wk_bytes_out *out)
{
    uint8_t octets[WK_SETUP_VALUE];
    struct wk_bytes_out room = wk_bytes_out_of(octets, sizeof octets);
    struct wk_object_cursor cursor = {0};
    size_t size = 0;
    WK_TRY(wk_objects_setup.get(call, attribute, NULL, &cursor, &room));
    struct wk_bytes_in in = wk_bytes_in_of(octets, room.size);
    const uint8_t *kept = wk_axdr_read_octets(&in, &size);
    WK_TRY(in.fault);
    if (size == 0) {
        wk_axdr_put_array(out, 0);
    } else {
        wk_bytes_out_put(out, kept, size);
    }
    return out->fault;
}

static wk_err set_kept(const struct wk_object_call *call, uint8_t attribute,
                       const struct wk_bytes_in *value)
{
    uint8_t octets[WK_SETUP_VALUE + 4];
    struct wk_bytes_out room = wk_bytes_out_of(octets, sizeof octets);
    wk_axdr_put_octet_string(&room, value->data, value->size);
    if (room.fault != WK_OK) {
        return WK_E_RANGE;
    }
    struct wk_bytes_in in = wk_bytes_in_of(octets, room.size);
    return wk_objects_setup.set(call, attribute, &in);
}

static wk_err kept_targets(const struct wk_object_call *call, struct targets *targets)
{
    uint8_t octets[WK_SETUP_VALUE];
    struct wk_bytes_out room = wk_bytes_out_of(octets, sizeof octets);
    WK_TRY(get_kept(call, LIST, &room));
    struct wk_bytes_in in = wk_bytes_in_of(octets, room.size);
    return read_targets(call, &in, targets);
}

/* `octets` is what the layers point at. */
static wk_err kept_layers(const struct wk_object_call *call, uint8_t attribute,
                          uint8_t octets[WK_SETUP_VALUE],
                          struct wk_data_protection_layers *layers)
{
    struct wk_bytes_out room = wk_bytes_out_of(octets, WK_SETUP_VALUE);
    WK_TRY(get_kept(call, attribute, &room));
    struct wk_bytes_in in = wk_bytes_in_of(octets, room.size);
    return wk_data_protection_read_layers(&in, layers);
}

/* ---- attributes -------------------------------------------------------------------------- */

/* Values into the first room, and layers around them. */
static wk_err protect_values(const struct wk_object_call *call, const struct targets *targets,
                             struct wk_data_protection_layers *layers,
                             struct wk_bytes_in *octets)
{
    struct wk_data_protection_desk desk = desk_of(call);
    struct wk_bytes_out room =
        wk_bytes_out_of(desk.protection->room[0], WK_DATA_PROTECTION_VALUES);
    WK_TRY(check_required(call, layers, false));
    WK_TRY(get_values(call, targets, wk_data_protection_given(layers), &room));
    *octets = wk_bytes_in_of(room.data, room.size);
    return wk_data_protection_seal(&desk, layers, 0, octets);
}

static wk_err get_buffer(const struct wk_object_call *call, struct wk_bytes_out *out)
{
    struct targets targets;
    struct wk_data_protection_layers layers;
    uint8_t kept[WK_SETUP_VALUE];
    struct wk_bytes_in octets = wk_bytes_in_of(NULL, 0);
    WK_TRY(kept_targets(call, &targets));
    WK_TRY(kept_layers(call, PARAMETERS_GET, kept, &layers));
    if (targets.count > 0) {
        WK_TRY(protect_values(call, &targets, &layers, &octets));
    }
    wk_axdr_put_octet_string(out, octets.data, octets.size);
    return out->fault;
}

static wk_err set_buffer(const struct wk_object_call *call, struct wk_bytes_in *value)
{
    struct targets targets;
    struct wk_data_protection_layers layers;
    struct wk_bytes_in plain;
    uint8_t kept[WK_SETUP_VALUE];
    uint8_t at;
    size_t size = 0;
    const uint8_t *octets = wk_axdr_read_octets(value, &size);
    WK_TRY(wk_bytes_in_end(value));
    WK_TRY(kept_targets(call, &targets));
    WK_TRY(kept_layers(call, PARAMETERS_SET, kept, &layers));
    WK_TRY(check_rights(call, &targets, SET_ATTRIBUTES, wk_data_protection_given(&layers)));
    WK_TRY(open_octets(call, &layers, wk_bytes_in_of(octets, size), &at, &plain));
    return set_values(call, &targets, plain);
}

static wk_err set_parameters(const struct wk_object_call *call, uint8_t attribute,
                             struct wk_bytes_in *value)
{
    const struct wk_rooms *rooms = call->meter;
    const struct wk_bytes_in whole = *value;
    struct wk_data_protection_layers layers;
    WK_TRY(wk_data_protection_read_layers(value, &layers));
    WK_TRY(wk_bytes_in_end(value));
    if (attribute == PARAMETERS_GET && !wk_data_protection_is_whole(&layers, rooms->security)) {
        return WK_E_RANGE;
    }
    return set_kept(call, attribute, &whole);
}

static wk_err set_list(const struct wk_object_call *call, struct wk_bytes_in *value)
{
    const struct wk_bytes_in whole = *value;
    struct targets targets;
    WK_TRY(read_targets(call, value, &targets));
    WK_TRY(wk_bytes_in_end(value));
    return set_kept(call, LIST, &whole);
}

static wk_err protection_get(const struct wk_object_call *call, uint8_t attribute,
                             const struct wk_object_selection *selection,
                             struct wk_object_cursor *cursor, struct wk_bytes_out *out)
{
    switch (attribute) {
    case BUFFER:
        return get_buffer(call, out);
    case LIST:
    case PARAMETERS_GET:
    case PARAMETERS_SET:
        return get_kept(call, attribute, out);
    default:
        return wk_objects_setup.get(call, attribute, selection, cursor, out);
    }
}

static wk_err protection_set(const struct wk_object_call *call, uint8_t attribute,
                             struct wk_bytes_in *value)
{
    switch (attribute) {
    case BUFFER:
        return set_buffer(call, value);
    case LIST:
        return set_list(call, value);
    case PARAMETERS_GET:
    case PARAMETERS_SET:
        return set_parameters(call, attribute, value);
    default:
        return value->size == 2 && (value->data[1] & UNUSED_BITS) != 0
                   ? WK_E_RANGE
                   : wk_objects_setup.set(call, attribute, value);
    }
}

/* ---- methods ----------------------------------------------------------------------------- */

static wk_err expect_structure(struct wk_bytes_in *in, uint32_t members)
{
    return wk_axdr_read_count(in, WK_AXDR_STRUCTURE) == members ? in->fault : WK_E_FORMAT;
}

static void put_reply(struct wk_bytes_out *reply,
                      const struct wk_data_protection_layers *layers,
                      const struct wk_bytes_in *octets)
{
    wk_axdr_put_structure(reply, 2);
    wk_data_protection_put_layers(reply, layers);
    wk_axdr_put_octet_string(reply, octets->data, octets->size);
}

static wk_err get_attributes(const struct wk_object_call *call, struct wk_bytes_in *in,
                             struct wk_bytes_out *reply)
{
    struct targets targets;
    struct wk_data_protection_layers layers;
    struct wk_bytes_in octets;
    WK_TRY(expect_structure(in, 2));
    WK_TRY(read_targets(call, in, &targets));
    WK_TRY(wk_data_protection_read_layers(in, &layers));
    WK_TRY(wk_bytes_in_end(in));
    WK_TRY(protect_values(call, &targets, &layers, &octets));
    put_reply(reply, &layers, &octets);
    return WK_OK;
}

/* Layers, and the octets that are in them. */
static wk_err read_protected(struct wk_bytes_in *in, struct wk_data_protection_layers *layers,
                             struct wk_bytes_in *octets)
{
    size_t size = 0;
    WK_TRY(wk_data_protection_read_layers(in, layers));
    const uint8_t *data = wk_axdr_read_octets(in, &size);
    WK_TRY(wk_bytes_in_end(in));
    *octets = wk_bytes_in_of(data, size);
    return WK_OK;
}

static wk_err set_attributes(const struct wk_object_call *call, struct wk_bytes_in *in)
{
    struct targets targets;
    struct wk_data_protection_layers layers;
    struct wk_bytes_in octets;
    struct wk_bytes_in plain;
    uint8_t at;
    WK_TRY(expect_structure(in, 3));
    WK_TRY(read_targets(call, in, &targets));
    WK_TRY(read_protected(in, &layers, &octets));
    WK_TRY(check_rights(call, &targets, SET_ATTRIBUTES, wk_data_protection_given(&layers)));
    WK_TRY(open_octets(call, &layers, octets, &at, &plain));
    return set_values(call, &targets, plain);
}

static wk_err invoke_target(const struct wk_object_call *call, const struct target *target,
                            struct wk_bytes_in parameter, struct wk_bytes_out *reply)
{
    const struct wk_object_class *functions = target->object->access->functions;
    struct wk_object_call other = *call;
    const bool none = parameter.size == 1 && parameter.data[0] == WK_AXDR_NULL;
    other.object = target->object;
    parameter = none ? wk_bytes_in_of(NULL, 0) : parameter;
    if (functions->action == NULL) {
        return WK_E_UNSUPPORTED;
    }
    WK_TRY(functions->action(&other, target->id, &parameter, reply));
    if (reply->size == 0) {
        wk_axdr_put_null(reply);
    }
    return reply->fault;
}

static wk_err invoke_method(const struct wk_object_call *call, struct wk_bytes_in *in,
                            struct wk_bytes_out *reply)
{
    struct target target;
    struct wk_data_protection_layers layers;
    struct wk_bytes_in octets;
    struct wk_bytes_in plain;
    uint8_t at;
    WK_TRY(expect_structure(in, 3));
    WK_TRY(read_name(call, in, 3, &target));
    WK_TRY(read_protected(in, &layers, &octets));
    WK_TRY(check_right(call, &target, INVOKE, wk_data_protection_given(&layers)));
    WK_TRY(check_required(call, &layers, false));
    WK_TRY(open_octets(call, &layers, octets, &at, &plain));
    struct wk_data_protection_desk desk = desk_of(call);
    at ^= 1U; /* what comes back stands beside the parameter */
    struct wk_bytes_out room =
        wk_bytes_out_of(desk.protection->room[at], WK_DATA_PROTECTION_VALUES);
    WK_TRY(invoke_target(call, &target, plain, &room));
    octets = wk_bytes_in_of(room.data, room.size);
    WK_TRY(wk_data_protection_seal(&desk, &layers, at, &octets));
    put_reply(reply, &layers, &octets);
    return WK_OK;
}

static wk_err protection_action(const struct wk_object_call *call, uint8_t method,
                                struct wk_bytes_in *parameter, struct wk_bytes_out *reply)
{
    switch (method) {
    case GET_ATTRIBUTES:
        return get_attributes(call, parameter, reply);
    case SET_ATTRIBUTES:
        return set_attributes(call, parameter);
    case INVOKE:
        return invoke_method(call, parameter, reply);
    default:
        return WK_E_UNSUPPORTED;
    }
}

static const struct wk_object_class k_class = {
    .get = protection_get, .set = protection_set, .action = protection_action};

void wk_data_protection_init(struct wk_data_protection *protection,
                             const struct wk_hal_crypto *crypto)
{
    *protection = (struct wk_data_protection){.objects = &k_class, .crypto = crypto};
}
