/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/whole_file - small files that are there whole, whatever cuts the writer off: as they
 * were, or as they are to be. Nobody but the owner may read what is made. */
#ifndef WK_PORT_LINUX_WHOLE_FILE_H
#define WK_PORT_LINUX_WHOLE_FILE_H

#include <stddef.h>

#include "base/err.h"

#define WK_WHOLE_FILE_PATH 600 /* longest path, with its end */

/** Puts `size` octets in the place of what is there; on the disk when it returns. WK_E_ARGUMENT:
 *  the path is too long; WK_E_IO: errno says why, and what was there is still there. */
WK_MUST_USE wk_err wk_whole_file_put(const char *path, const void *octets, size_t size);
/** WK_E_NOT_FOUND: there is none; WK_E_FULL: it is longer than `room`; WK_E_IO. */
WK_MUST_USE wk_err wk_whole_file_read(const char *path, void *to, size_t room, size_t *size);
/** Moves a file within its folder, in the place of what is there. WK_E_IO as above. */
WK_MUST_USE wk_err wk_whole_file_move(const char *from, const char *to);
/** Also right if there is none. WK_E_IO as above. */
WK_MUST_USE wk_err wk_whole_file_remove(const char *path);

#endif
