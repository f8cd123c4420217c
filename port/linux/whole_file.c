/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FRESH ".new"

/* A rename counts once its folder is on the disk. */
static wk_err sync_folder_of(const char *path)
{
    char folder[WK_WHOLE_FILE_PATH];
    const char *end = strrchr(path, '/');
    const int size = end == NULL ? 1 : (int)(end - path);
    (void)snprintf(folder, sizeof folder, "%.*s", size > 0 ? size : 1,
                   end != NULL ? path : ".");
    const int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool good = file >= 0 && fsync(file) == 0;
    if (file >= 0) {
        (void)close(file);
    }
    return good ? WK_OK : WK_E_IO;
}

static bool write_all(int file, const char *octets, size_t size)
{
    while (size > 0) {
        const ssize_t written = write(file, octets, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        octets += written;
        size -= (size_t)written;
    }
    return fsync(file) == 0;
}

wk_err wk_whole_file_put(const char *path, const void *octets, size_t size)
{
    char fresh[WK_WHOLE_FILE_PATH];
    const int length = snprintf(fresh, sizeof fresh, "%s%s", path, FRESH);
    if (length < 0 || (size_t)length >= sizeof fresh) {
        return WK_E_ARGUMENT;
    }
    (void)unlink(fresh); /* of a writer that was cut off; its mode would stay */
    const int file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        return WK_E_IO;
    }
    bool good = write_all(file, octets, size);
    good = close(file) == 0 && good;
    if (!good) {
        const int why = errno;
        (void)unlink(fresh);
        errno = why;
        return WK_E_IO;
    }
    return wk_whole_file_move(fresh, path);
}

wk_err wk_whole_file_read(const char *path, void *to, size_t room, size_t *size)
{
    FILE *file = fopen(path, "re");
    *size = 0;
    if (file == NULL) {
        return errno == ENOENT ? WK_E_NOT_FOUND : WK_E_IO;
    }
    *size = fread(to, 1, room, file);
    const bool failed = ferror(file) != 0;
    const bool more = !failed && *size == room && fgetc(file) != EOF;
    (void)fclose(file);
    return failed ? WK_E_IO : more ? WK_E_FULL : WK_OK;
}

wk_err wk_whole_file_move(const char *from, const char *to)
{
    return rename(from, to) == 0 ? sync_folder_of(to) : WK_E_IO;
}

wk_err wk_whole_file_remove(const char *path)
{
    if (unlink(path) != 0) {
        return errno == ENOENT ? WK_OK : WK_E_IO;
    }
    return sync_folder_of(path);
}
