/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_named - what the commands that name objects share: the list of an association, names on
 * the command line, and values as people write them. */
#ifndef WK_APP_WK_NAMED_H
#define WK_APP_WK_NAMED_H

#include <stdbool.h>
#include <stdint.h>

#include "app/wk_meter.h"

#define WK_NAMED_MOST 1024 /* objects of an association that are looked through */

/* How values are written, for the help of commands. */
#define WK_NAMED_VALUES                                                                        \
    "VALUE is TYPE:TEXT with the standard's names of types: boolean, integer, long,\n"         \
    "double-long, long64, unsigned, long-unsigned, double-long-unsigned, long64-unsigned,\n"   \
    "enum, visible-string, utf8-string, octet-string:HEX, date-time:2026-11-21T05:00:00Z,\n"   \
    "null:, or data:HEX, a whole value in A-XDR.\n"

struct wk_named {
    uint16_t class_id;
    uint8_t version;
    uint8_t obis[WK_OBIS_SIZE];
    struct wk_bytes_in rights; /* access_rights; holds during the call of `take` only */
};

/** All objects that the association shows. On failure tells why on standard error. */
bool wk_named_list(struct wk_meter *meter, void *self,
                   wk_err (*take)(void *self, const struct wk_named *object));

/** "OBIS", "OBIS:ID" into name and id (`usual` if there is none); the last colon counts, as
 *  "1-0:1.8.0" has one, too. */
bool wk_named_parse(const char *text, uint8_t usual, struct wk_apdu_target *target);
/** The same, and the class from the meter's list. Tells on standard error what is wrong. */
bool wk_named_find(struct wk_meter *meter, const char *text, uint8_t usual,
                   struct wk_apdu_target *target);

/** Appends the value as A-XDR. Tells on standard error what is wrong. */
bool wk_named_value(const char *text, struct wk_bytes_out *out);

/** Says what an error of SET or ACTION means, and what to do next: after one that leaves open
 *  whether it was done, that it is so. */
void wk_named_complain(const struct wk_meter *meter, const char *what, wk_err err);

#endif
