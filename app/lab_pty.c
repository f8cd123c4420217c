/* SPDX-License-Identifier: Apache-2.0 */
#include "app/lab_pty.h"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

bool wk_lab_pty_open(struct wk_lab_pty *pty)
{
    struct termios settings;
    pty->slave = -1;
    pty->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (pty->master < 0 || grantpt(pty->master) != 0 || unlockpt(pty->master) != 0 ||
        ptsname_r(pty->master, pty->name, sizeof pty->name) != 0) {
        return false;
    }
    pty->slave = open(pty->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (pty->slave < 0 || tcgetattr(pty->slave, &settings) != 0) {
        return false;
    }
    cfmakeraw(&settings);
    if (cfsetspeed(&settings, B9600) != 0 || tcsetattr(pty->slave, TCSANOW, &settings) != 0) {
        return false;
    }
    if (pty->link != NULL && symlink(pty->name, pty->link) != 0) {
        pty->link = NULL; /* what is there is not ours */
        return false;
    }
    return true;
}

void wk_lab_pty_close(struct wk_lab_pty *pty)
{
    if (pty->link != NULL && pty->slave >= 0) {
        unlink(pty->link);
    }
    if (pty->slave >= 0) {
        close(pty->slave);
    }
    if (pty->master >= 0) {
        close(pty->master);
    }
}
