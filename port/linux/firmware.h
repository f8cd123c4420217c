/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/firmware - wk_hal_firmware for a process: executables in a folder, and who takes over.
 *
 *   FOLDER/A.B.C         an executable that was confirmed; the newest one runs
 *   FOLDER/A.B.C.trial   one that is staged or on trial; there is one at most
 *   FOLDER/A.B.C.new     being written; dropped at the next start
 *
 * The executable that was installed needs no place there. When it starts it hands over to the newest
 * confirmed one that is newer than itself (wk_firmware_hand_over). An activated one is tried by the
 * process that staged it: as a child, until it is confirmed or the limit is over; then that process
 * becomes the one that is to run, under its own id. So a supervisor sees one process all the time. */
#ifndef WK_PORT_LINUX_FIRMWARE_H
#define WK_PORT_LINUX_FIRMWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "port/hal.h"

#define WK_FIRMWARE_PATH 576
#define WK_FIRMWARE_WHY  768

struct wk_firmware {
    struct wk_hal_firmware port;
    char folder[WK_FIRMWARE_PATH];
    bool trial;       /* this process is on trial */
    uint64_t version; /* of this process */
    int file;         /* being staged; -1: none */
    uint32_t staged;  /* octets of it */
    char why[WK_FIRMWARE_WHY];
};

/** Makes the folder if there is none. Not on trial, it drops what was on trial before: it was not
 *  confirmed. WK_E_IO, WK_E_FULL: see `why`. */
WK_MUST_USE wk_err wk_firmware_open(struct wk_firmware *firmware, const char *folder,
                                    uint64_t version, bool trial);
void wk_firmware_close(struct wk_firmware *firmware);

/** SHA-256 of the executable of this process. WK_E_IO. */
WK_MUST_USE wk_err wk_firmware_digest(uint8_t digest[32]);

/** Becomes the newest confirmed executable if it is newer than `version`, with `argv`; then it does
 *  not return. False: there is none, or it cannot be executed, which is told on standard error. */
bool wk_firmware_hand_over(const char *folder, uint64_t version, char **argv);

/** Runs the staged executable as a child, with `argv` and `option` behind it, until it is confirmed or
 *  `limit_s` have passed; then becomes the one that is to run, with `argv`. Returns only if nothing
 *  can be executed, or on SIGINT and SIGTERM (true), after the child has ended. */
bool wk_firmware_try(const char *folder, char **argv, const char *option, uint32_t limit_s);

#endif
