/* SPDX-License-Identifier: Apache-2.0
 *
 * management/setup - parameters that the meter keeps for whoever works by them: ports, networks,
 * modems, names. model/objects.txt lists them, with type, range and first value; so a new one
 * is a line there.
 *
 * A value is its A-XDR encoding. What differs from its first value is kept, one behind the other,
 * in WK_SETUP_ROOM octets, each under class, OBIS and attribute: so values survive a firmware
 * that has other parameters. One whose type has changed counts as not set. ROM: 2.0 kB of code
 * and what the text says. */
#ifndef WK_MANAGEMENT_SETUP_H
#define WK_MANAGEMENT_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

#define WK_SETUP_ROOM      768 /* octets of all values that were set */
#define WK_SETUP_VALUE     256 /* octets of one value, most */
#define WK_SETUP_MONITORS  2   /* objects of class 21 */
#define WK_SETUP_SCHEDULES 5   /* objects of class 22 */
#define WK_SETUP_TRIES     5   /* of a script that could not be executed at its time */
#define WK_SETUP_PACKED    (WK_SETUP_ROOM + 9 + 2 * WK_SETUP_MONITORS + WK_SETUP_SCHEDULES)

/* One attribute of one object. `field` is its place in the table of the text. */
struct wk_setup_key {
    uint16_t class_id;
    uint8_t obis[6];
    uint8_t attribute;
    uint16_t field;
};

/* What works by parameters of management/setup: ports, networks. Its owner reads them when it starts. */
struct wk_setup_world {
    void *self;
    /** Appends the value that is in force, or what the system says, of a parameter that no client
     *  has set. False: nobody knows better than the first value of model/objects.txt. */
    bool (*tell)(void *self, const struct wk_setup_key *key, struct wk_bytes_out *out);
    /** Whether a client may set it to that value, or change it by a method (`value` is its parameter then,
     *  `key` that of attribute 2). NULL: it may. WK_E_DENIED: the system alone decides; WK_E_RANGE: with that
     *  value the meter could not be reached. */
    wk_err (*allow)(void *self, const struct wk_setup_key *key, struct wk_bytes_in value);
};

struct wk_setup {
    const struct wk_setup_world *world; /* borrowed, not stored; NULL: nobody tells */
    uint8_t above[WK_SETUP_MONITORS];   /* register monitors: a bit for each threshold ... */
    uint8_t known[WK_SETUP_MONITORS];   /* ... and whether it has been compared at all */
    uint8_t
        tries[WK_SETUP_SCHEDULES]; /* that are left for what a schedule wanted; 0: nothing */
    int64_t retry_s;               /* UTC of the next of them; not stored */
    int64_t until_s; /* UTC: what schedules wanted up to here was done; 0: not known */
    uint16_t size;
    uint8_t octets[WK_SETUP_ROOM];
};

/** Appends the value. `setup` NULL: the first one. WK_E_NOT_FOUND: no such field; WK_E_FULL. */
WK_MUST_USE wk_err wk_setup_get(const struct wk_setup *setup, const struct wk_setup_key *key,
                                struct wk_bytes_out *out);

/** Takes one whole value. WK_E_FORMAT: wrong type; WK_E_RANGE: wrong value, or too long;
 *  WK_E_STATE: no room is left for values that were set. On error nothing changed. */
WK_MUST_USE wk_err wk_setup_set(struct wk_setup *setup, const struct wk_setup_key *key,
                                struct wk_bytes_in *value);

/** Calls method `method` of the object whose first field is key->field: adds the parameter to
 *  an array, removes it, or returns the number of elements. *changed: whether the value is
 *  another now. WK_E_UNSUPPORTED: no such method; WK_E_FORMAT, WK_E_RANGE: the parameter is no
 *  such element, is there already, is not there, or no more fit. key->attribute is not used. */
WK_MUST_USE wk_err wk_setup_act(struct wk_setup *setup, const struct wk_setup_key *key,
                                uint8_t method, struct wk_bytes_in *parameter,
                                struct wk_bytes_out *reply, bool *changed);

/** Whether a client has set it to other than its first value. */
bool wk_setup_is_set(const struct wk_setup *setup, const struct wk_setup_key *key);

void wk_setup_pack(const struct wk_setup *setup, struct wk_bytes_out *out);
/** WK_E_FORMAT: not what wk_setup_pack makes. */
WK_MUST_USE wk_err wk_setup_unpack(struct wk_setup *setup, struct wk_bytes_in *in);

/** Whether octets are one whole value of a type as model/objects.txt describes it:
 *    integers     tag, least, most, each in the integer's width; of 64 bits the tag alone
 *    strings      tag, least, most octets        bits     tag, number
 *    any integer  0xFD
 *    array        1, most, octets of what follows, type of the elements
 *    structure    2, members, their types        boolean, null     tag
 *  WK_E_FORMAT: another type; WK_E_RANGE; WK_E_SHORT: it goes on. */
WK_MUST_USE wk_err wk_setup_conforms(const uint8_t *type, struct wk_bytes_in *value);

#endif
