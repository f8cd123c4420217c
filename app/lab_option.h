/* SPDX-License-Identifier: Apache-2.0
 *
 * app/lab_option - options of `wk lab` that all of its emulators take in the same way. What is wrong is said on
 * standard error, with the option's name. */
#ifndef WK_APP_LAB_OPTION_H
#define WK_APP_LAB_OPTION_H

#include <stdbool.h>
#include <stdint.h>

/** `name` is without its dashes. False: it is no whole number within the bounds, and *to is as it was. */
bool wk_lab_take_integer(const char *name, const char *value, int64_t least, int64_t most,
                         int64_t *to);
/** A time with its unit, such as 500ms. False: it is none, and *to_us is as it was. */
bool wk_lab_take_time(const char *name, const char *value, int64_t *to_us);

#endif
