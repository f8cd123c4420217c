/* SPDX-License-Identifier: Apache-2.0 */
#include "app/lab_option.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/lab_script.h"
#include "port/linux/ini.h"

bool wk_lab_take_integer(const char *name, const char *value, int64_t least, int64_t most,
                         int64_t *to)
{
    if (wk_ini_integer(value, least, most, to) == WK_OK) {
        return true;
    }
    fprintf(stderr, "wk lab: --%s must be a whole number from %" PRId64 " to %" PRId64 "\n",
            name, least, most);
    return false;
}

bool wk_lab_take_time(const char *name, const char *value, int64_t *to_us)
{
    if (wk_lab_script_time((struct wk_text_span){value, strlen(value)}, to_us) == WK_OK) {
        return true;
    }
    fprintf(stderr, "wk lab: --%s must be a time such as 500ms or 60s\n", name);
    return false;
}
