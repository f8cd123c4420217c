/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#define PTY_FIRST                                                                              \
    136 /* major numbers of pseudo terminals (Documentation/admin-guide/devices.txt) */
#define PTY_LAST 143

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

/* Character size, parity and stop bits of "8N1", "8E1", "8O1", "8N2" or "7E1". */
static bool framing_of(const char framing[4], tcflag_t *flags)
{
    static const struct {
        char framing[4];
        tcflag_t flags;
    } k_framings[] = {{"8N1", CS8},
                      {"8E1", CS8 | PARENB},
                      {"8O1", CS8 | PARENB | PARODD},
                      {"8N2", CS8 | CSTOPB},
                      {"7E1", CS7 | PARENB}};
    for (size_t i = 0; i < sizeof k_framings / sizeof k_framings[0]; i++) {
        if (memcmp(k_framings[i].framing, framing, sizeof k_framings[i].framing) == 0) {
            *flags = k_framings[i].flags;
            return true;
        }
    }
    return false;
}

static bool is_pseudo_terminal(int fd)
{
    struct stat device;
    return fstat(fd, &device) == 0 && major(device.st_rdev) >= PTY_FIRST &&
           major(device.st_rdev) <= PTY_LAST;
}

static wk_err set_up(int fd, uint32_t baud, const char framing[4], int when)
{
    struct termios settings;
    speed_t speed;
    tcflag_t flags;
    if (!speed_of(baud, &speed) || !framing_of(framing, &flags)) {
        return WK_E_ARGUMENT;
    }
    if (tcgetattr(fd, &settings) != 0) {
        return WK_E_IO;
    }
    cfmakeraw(&settings);
    settings.c_cflag &= ~(tcflag_t)(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
    settings.c_cflag |= CLOCAL | CREAD | flags;
    settings.c_cc[VMIN] = 0;
    settings.c_cc[VTIME] = 0;
    if (cfsetispeed(&settings, speed) != 0 || cfsetospeed(&settings, speed) != 0) {
        return WK_E_ARGUMENT;
    }
    /* All is set but what a pseudo terminal has not: parity, and fewer bits than eight. */
    const bool is_set =
        tcsetattr(fd, when, &settings) == 0 || (errno == EINVAL && is_pseudo_terminal(fd));
    return is_set ? WK_OK : WK_E_IO;
}

wk_err wk_serial_change(int fd, uint32_t baud, bool even)
{
    return set_up(fd, baud, even ? "7E1" : "8N1", TCSADRAIN);
}

wk_err wk_serial_frame(int fd, uint32_t baud, const char framing[4])
{
    return set_up(fd, baud, framing, TCSADRAIN);
}

wk_err wk_serial_rs485(int fd)
{
    struct serial_rs485 direction = {.flags = SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND};
    const bool is_done = ioctl(fd, TIOCSRS485, &direction) == 0 || errno == ENOTTY ||
                         errno == ENOSYS || errno == EINVAL;
    return is_done ? WK_OK : WK_E_IO;
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
    err = err == WK_OK ? set_up(opened, baud, even ? "7E1" : "8N1", TCSANOW) : err;
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
