/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/ini - the one format of configuration files, read strictly.
 *
 *   # a comment, on a line of its own
 *   [kind name]        a section; the name may be absent
 *   key = value        the value goes to the end of the line, without surrounding blanks
 *
 * Anything else is an error, and so is a key that the reader of the file does not know. The
 * error text names file, line and reason. */
#ifndef WK_PORT_LINUX_INI_H
#define WK_PORT_LINUX_INI_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_INI_LINE 512 /* longest line, octets */
#define WK_INI_WHY  512 /* room for an error text */

struct wk_ini_entry {
    const char *kind; /* of the section; "" before the first */
    const char *name; /* "" if it has none */
    const char *key;  /* NULL when the section begins */
    const char *value;
    unsigned line;
};

/* Takes one entry; on error writes the reason (no file, no line) to `reason`. */
typedef wk_err (*wk_ini_take)(void *context, const struct wk_ini_entry *entry, char *reason,
                              size_t size);

/** Reads a file. On error `why` holds "FILE:LINE: reason"; entries before it were taken.
 *  WK_E_IO: cannot be read; WK_E_FORMAT and what `take` returns. */
WK_MUST_USE wk_err wk_ini_read(const char *path, wk_ini_take take, void *context,
                               char why[WK_INI_WHY]);

/** Parsers of values: the whole text must be consumed. */
WK_MUST_USE wk_err wk_ini_integer(const char *value, int64_t min, int64_t max, int64_t *out);
/** An exact decimal such as "-0.3142", scaled by 10^digits; more decimals than `digits` are
 *  refused rather than rounded. */
WK_MUST_USE wk_err wk_ini_decimal(const char *value, unsigned digits, int64_t *scaled);
/** Pairs of hexadecimal digits; *size = octets read, 0..room. */
WK_MUST_USE wk_err wk_ini_hex(const char *value, uint8_t *out, size_t room, size_t *size);
/** Copies a text that must be shorter than `room` and not empty. */
WK_MUST_USE wk_err wk_ini_text(const char *value, char *out, size_t room);

#endif
