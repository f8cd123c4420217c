/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/object_name - the names of COSEM objects, classes, attributes and methods for
 * people: those of model/objects.txt. */
#ifndef WK_PORT_LINUX_OBJECT_NAME_H
#define WK_PORT_LINUX_OBJECT_NAME_H

#include <stddef.h>
#include <stdint.h>

/** What an object is, e.g. "active energy import T1"; NULL: not in the model. */
const char *wk_object_name(const uint8_t obis[6]);

/** The name of an interface class, e.g. "Register"; NULL: not in the model. */
const char *wk_object_name_class(uint16_t class_id);

/** The name of attribute or method `id` (from 1) of a class. Returns its length and sets *name,
 *  which is not terminated there; 0: not in the model. */
size_t wk_object_name_attribute(uint16_t class_id, uint8_t id, const char **name);
size_t wk_object_name_method(uint16_t class_id, uint8_t id, const char **name);

#endif
