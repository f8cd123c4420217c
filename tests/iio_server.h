/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/iio_server - a network server of the IIO protocol with a synthetic converter, so that the
 * real client library runs against it: the text protocol of libiio 0.x over TCP on loopback.
 *
 * The device "ade9000" has voltage0..2 (be:s24/32>>8), voltage3 (be:u16/16, with offset),
 * current0..1 (le:s32/32) and current2 (le:s24/32); it samples in real time. Its inputs see
 * 0.23 V (peak 0.325) and 10 A of 50 Hz; the phases lag by 120 degrees, voltage3 sees half of L1
 * plus 0.5 V. A second device "rms" has no buffer. Its queue holds 8 blocks and then drops the
 * newest samples, as the kernel does. */
#ifndef WK_TESTS_IIO_SERVER_H
#define WK_TESTS_IIO_SERVER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define WK_IIO_SERVER_CLIENTS 16

struct wk_iio_server {
    uint16_t port;
    int listener;
    pthread_t thread;
    _Atomic double rate_hz;
    _Atomic uint64_t lose; /* frames to leave out before the next block */
    _Atomic uint64_t lost; /* frames left out or overrun so far: the truth */
    _Atomic bool down;     /* answers nobody and drops who is there */
    _Atomic bool broken;   /* attribute scale cannot be read */
    _Atomic bool stop;
    _Atomic int client[WK_IIO_SERVER_CLIENTS]; /* 0 = free, else the socket + 1 */
    _Atomic int running;                       /* threads of clients */
};

/** Listens on a free port of loopback. WK_E_IO: it cannot. */
WK_MUST_USE wk_err wk_iio_server_start(struct wk_iio_server *server, double rate_hz);
/** Drops everybody; nobody is answered until it is up again. */
void wk_iio_server_set_down(struct wk_iio_server *server, bool down);
void wk_iio_server_stop(struct wk_iio_server *server);

#endif
