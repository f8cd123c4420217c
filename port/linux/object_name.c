/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/object_name.h"

#include <stdlib.h>
#include <string.h>

struct object_name {
    uint8_t obis[6];
    const char *text;
};

struct class_name {
    uint16_t class_id;
    const char *name;
    const char *attributes; /* names with a space between */
    const char *methods;
};

#include "generated/objects_names.h" /* from model/objects.txt, in the order of OBIS */

static int compare(const void *obis, const void *row)
{
    const struct object_name *name = row;
    return memcmp(obis, name->obis, sizeof name->obis);
}

const char *wk_object_name(const uint8_t obis[6])
{
    const struct object_name *name =
        bsearch(obis, k_names, sizeof k_names / sizeof k_names[0], sizeof k_names[0], compare);
    return name != NULL ? name->text : NULL;
}

static const struct class_name *class_of(uint16_t class_id)
{
    for (size_t i = 0; i < sizeof k_classes / sizeof k_classes[0]; i++) {
        if (k_classes[i].class_id == class_id) {
            return &k_classes[i];
        }
    }
    return NULL;
}

const char *wk_object_name_class(uint16_t class_id)
{
    const struct class_name *one = class_of(class_id);
    return one != NULL ? one->name : NULL;
}

/* The word number `id` of `words`, from 1. */
static size_t word(const char *words, uint8_t id, const char **name)
{
    for (uint8_t n = 1; n < id && words != NULL; n++) {
        words = strchr(words, ' ');
        words = words != NULL ? words + 1 : NULL;
    }
    *name = words;
    return words != NULL && id > 0 ? strcspn(words, " ") : 0;
}

size_t wk_object_name_attribute(uint16_t class_id, uint8_t id, const char **name)
{
    const struct class_name *one = class_of(class_id);
    return one != NULL ? word(one->attributes, id, name) : 0;
}

size_t wk_object_name_method(uint16_t class_id, uint8_t id, const char **name)
{
    const struct class_name *one = class_of(class_id);
    return one != NULL ? word(one->methods, id, name) : 0;
}
