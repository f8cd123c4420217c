/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAMESPACES "/run/netns"
#define NO_FD      (-1)

static wk_err err_of(int code)
{
    switch (code) {
    case EPERM:
    case EACCES:
        return WK_E_DENIED;
    case EBUSY:
    case EEXIST:
        return WK_E_BUSY;
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return WK_E_NOT_FOUND;
    default:
        return WK_E_IO;
    }
}

static wk_err fail(char error[WK_TUN_ERROR], wk_err err, const char *what, const char *why)
{
    snprintf(error, WK_TUN_ERROR, "%s: %s%s", what, why,
             err == WK_E_DENIED ? "; needs CAP_NET_ADMIN: run it as root, or in a namespace of "
                                  "your own (unshare -rn)"
                                : "");
    return err;
}

static wk_err fail_errno(char error[WK_TUN_ERROR], const char *what)
{
    const int code = errno;
    return fail(error, err_of(code), what, strerror(code));
}

/* ---- namespaces -------------------------------------------------------------------------- */

/* Goes there; *home leads back. */
static wk_err enter(const char *namespace, int *home, char error[WK_TUN_ERROR])
{
    char path[sizeof NAMESPACES + 64];
    *home = NO_FD;
    if (namespace == NULL) {
        return WK_OK;
    }
    const int length = snprintf(path, sizeof path, NAMESPACES "/%s", namespace);
    if (strchr(namespace, '/') != NULL || length >= (int)sizeof path) {
        return fail(error, WK_E_ARGUMENT, namespace, "is no name of a namespace");
    }
    const int there = open(path, O_RDONLY | O_CLOEXEC);
    if (there < 0) {
        return errno == ENOENT ? fail(error, WK_E_ARGUMENT, namespace,
                                      "there is no such network namespace (ip netns add)")
                               : fail_errno(error, path);
    }
    *home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    wk_err err = WK_OK;
    if (*home < 0 || setns(there, CLONE_NEWNET) != 0) {
        err = fail_errno(error, namespace);
    }
    close(there);
    return err;
}

static wk_err leave(int home, wk_err err, char error[WK_TUN_ERROR])
{
    if (home < 0) {
        return err;
    }
    const bool back = setns(home, CLONE_NEWNET) == 0;
    if (!back && err == WK_OK) {
        err = fail_errno(error, "back to the own namespace");
    }
    close(home);
    return err;
}

/* ---- the device -------------------------------------------------------------------------- */

static bool set_address(int socket, struct ifreq *request, unsigned long what,
                        const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    errno = EINVAL;
    if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
        return false;
    }
    memcpy(&request->ifr_addr, &in, sizeof in);
    return ioctl(socket, what, request) == 0;
}

static wk_err bring_up(int socket, const struct wk_tun_config *config, struct ifreq *request,
                       char error[WK_TUN_ERROR])
{
    const char *address = config->address;
    if (address != NULL && (!set_address(socket, request, SIOCSIFADDR, address) ||
                            !set_address(socket, request, SIOCSIFDSTADDR, config->peer) ||
                            !set_address(socket, request, SIOCSIFNETMASK, "255.255.255.255"))) {
        return errno == EINVAL ? fail(error, WK_E_ARGUMENT, config->device,
                                      "its addresses must be IPv4, such as 10.64.0.1")
                               : fail_errno(error, address);
    }
    request->ifr_mtu = WK_TUN_MTU;
    if (ioctl(socket, SIOCSIFMTU, request) != 0 || ioctl(socket, SIOCGIFFLAGS, request) != 0) {
        return fail_errno(error, config->device);
    }
    request->ifr_flags = (short)(request->ifr_flags | IFF_UP | IFF_RUNNING);
    return ioctl(socket, SIOCSIFFLAGS, request) == 0 ? WK_OK
                                                     : fail_errno(error, config->device);
}

/* In the namespace where it shall be. */
static wk_err make(int *fd, const struct wk_tun_config *config, char error[WK_TUN_ERROR])
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    if (config->device[0] == '\0' || strlen(config->device) >= sizeof request.ifr_name) {
        return fail(error, WK_E_ARGUMENT, config->device,
                    "the name of a device has 1 to 15 characters");
    }
    memcpy(request.ifr_name, config->device, strlen(config->device) + 1);
    *fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0) {
        return fail_errno(error, "/dev/net/tun");
    }
    wk_err err = WK_OK;
    const int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0 || ioctl(*fd, TUNSETIFF, &request) != 0) {
        err = fail_errno(error, config->device);
    }
    if (err == WK_OK) {
        err = bring_up(control, config, &request, error);
    }
    if (control >= 0) {
        close(control);
    }
    if (err != WK_OK) {
        close(*fd);
    }
    return err;
}

wk_err wk_tun_open(int *fd, const struct wk_tun_config *config, char error[WK_TUN_ERROR])
{
    int home;
    *fd = NO_FD;
    error[0] = '\0';
    wk_err err = enter(config->namespace, &home, error);
    if (err == WK_OK) {
        err = make(fd, config, error);
    }
    const wk_err left = leave(home, err, error);
    if (err == WK_OK && left != WK_OK) {
        close(*fd);
    }
    return left;
}

/* ---- packets ----------------------------------------------------------------------------- */

wk_err wk_tun_read(int fd, void *packet, size_t room, size_t *length)
{
    const ssize_t count = read(fd, packet, room);
    if (count > 0) {
        *length = (size_t)count;
        return WK_OK;
    }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? WK_E_NOT_FOUND : WK_E_IO;
}

wk_err wk_tun_write(int fd, const void *packet, size_t length)
{
    return write(fd, packet, length) == (ssize_t)length ? WK_OK : WK_E_IO;
}
