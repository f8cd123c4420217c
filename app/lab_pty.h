/* SPDX-License-Identifier: Apache-2.0
 *
 * app/lab_pty - a pseudo terminal of an emulator: a serial device for the program under test, which may
 * come and go. */
#ifndef WK_APP_LAB_PTY_H
#define WK_APP_LAB_PTY_H

#include <stdbool.h>

#define WK_LAB_PTY_NAME 64

struct wk_lab_pty {
    const char *link; /* a symbolic link to it; NULL: none is wanted */
    char name[WK_LAB_PTY_NAME];
    int master; /* -1: not open */
    int slave;  /* kept open, so that a program may come and go */
};

/** Raw, 9600 bit/s. False: errno says why, and wk_lab_pty_close tidies up. */
bool wk_lab_pty_open(struct wk_lab_pty *pty);
void wk_lab_pty_close(struct wk_lab_pty *pty);

#endif
