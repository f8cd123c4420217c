/* SPDX-License-Identifier: Apache-2.0 */
#include "management/object.h"

#include <string.h>

const struct wk_object *wk_object_find(const struct wk_object_table *table, uint16_t class_id,
                                       const uint8_t obis[6])
{
    for (size_t i = 0; i < table->count; i++) {
        const struct wk_object *row = &table->rows[i];
        if ((class_id == 0 || row->class_id == class_id) && memcmp(row->obis, obis, 6) == 0) {
            return row;
        }
    }
    return NULL;
}
