/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/utf8 - whether octets are UTF-8 (RFC 3629). */
#ifndef WK_HEADEND_UTF8_H
#define WK_HEADEND_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool wk_utf8_is_valid(const char *text, size_t size);
/** Replaces each octet that belongs to no character by '?'. */
void wk_utf8_repair(char *text, size_t size);

#endif
