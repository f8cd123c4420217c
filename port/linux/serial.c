/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static bool speed_of(uint32_t baud, speed_t *speed)
{
    static const struct {
        uint32_t baud;
        speed_t speed;
    } k_speeds[] = {{300, B300},     {600, B600},      {1200, B1200},   {2400, B2400},
                    {4800, B4800},   {9600, B9600},    {19200, B19200}, {38400, B38400},
                    {57600, B57600}, {115200, B115200}};
    for (size_t i = 0; i < sizeof k_speeds / sizeof k_speeds[0]; i++) {
        if (k_speeds[i].baud == baud) {
            *speed = k_speeds[i].speed;
            return true;
        }
    }
    return false;
}

static wk_err set_up(int fd, uint32_t baud, bool even, int when)
{
    struct termios settings;
    speed_t speed;
    if (!speed_of(baud, &speed)) {
        return WK_E_ARGUMENT;
    }
    if (tcgetattr(fd, &settings) != 0) {
        return WK_E_IO;
    }
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    settings.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
    if (even) {
        settings.c_cflag = (settings.c_cflag & ~(tcflag_t)CSIZE) | CS7 | PARENB;
        settings.c_cflag &= ~(tcflag_t)PARODD;
    }
    settings.c_cc[VMIN] = 0;
    settings.c_cc[VTIME] = 0;
    if (cfsetispeed(&settings, speed) != 0 || cfsetospeed(&settings, speed) != 0) {
        return WK_E_ARGUMENT;
    }
    return tcsetattr(fd, when, &settings) == 0 ? WK_OK : WK_E_IO;
}

wk_err wk_serial_change(int fd, uint32_t baud, bool even)
{
    return set_up(fd, baud, even, TCSADRAIN);
}

static wk_err err_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENXIO:
        return WK_E_NOT_FOUND;
    case EACCES:
    case EPERM:
        return WK_E_DENIED;
    case EBUSY:
        return WK_E_BUSY;
    default:
        return WK_E_IO;
    }
}

wk_err wk_serial_open(int *fd, const char *device, uint32_t baud, bool even,
                      char error[WK_SERIAL_ERROR])
{
    const int opened = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (opened < 0) {
        const int number = errno;
        (void)snprintf(error, WK_SERIAL_ERROR, "%.120s: %s%s", device, strerror(number),
                       number == EACCES ? "; add the user to the group dialout" : "");
        return err_of(number);
    }
    wk_err err = ioctl(opened, TIOCEXCL) == 0 ? WK_OK : WK_E_IO;
    err = err == WK_OK ? set_up(opened, baud, even, TCSANOW) : err;
    if (err != WK_OK) {
        close(opened);
        (void)snprintf(error, WK_SERIAL_ERROR,
                       err == WK_E_ARGUMENT
                           ? "%.120s: %u baud is no rate of serial lines: 300, "
                             "600, 1200 ... 115200"
                           : "%.120s is no serial device (%u baud)",
                       device, (unsigned)baud);
        return err;
    }
    *fd = opened;
    return WK_OK;
}
