/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/link_carrier - what a path of the link goes over: packets out, packets in, in the libuv
 * loop of its owner.
 *
 *   udp://HOST:PORT    one datagram each (port/linux/link_udp)
 *   coap://HOST:PORT   a confirmable POST each (port/linux/link_coap)
 *   serial:///dev/X?baud=N, rs485://, plc://, rf://  a question each (port/linux/link_serial)
 *   tls://HOST:PORT    TLS 1.3 on TCP, the length before each (port/linux/link_tls)
 *   mqtts://HOST:PORT/PREFIX   a message each to a broker, over TLS 1.3; mqtt://: without TLS
 *                      (port/linux/link_mqtt)
 *
 * A carrier begins to reach the head-end when it is started, and again after it failed, until it is
 * stopped; it says when it takes packets and when it does no more. It holds no queue: what cannot
 * leave now is refused with WK_E_BUSY, and the owner, who decides what is most urgent, tries again. A
 * packet may be lost; it never comes cut or changed. */
#ifndef WK_PORT_LINUX_LINK_CARRIER_H
#define WK_PORT_LINUX_LINK_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WK_LINK_CARRIER_HOST  64
#define WK_LINK_CARRIER_REST  96
#define WK_LINK_CARRIER_ERROR 192
#define WK_LINK_CARRIER_TITLE 8

struct uv_loop_s;
struct wk_line_modem;
struct wk_line_modem_rules;
struct wk_tls_context;
struct wk_tls_config;

/* What the packets of a carrier are like. */
struct wk_link_carrier_kind {
    const char *scheme;
    const char *must;  /* what an address looks like, for people: "must be ..." */
    int64_t begin_us;  /* of a device: an answer begins so soon after the question, at most */
    uint32_t overhead; /* octets a packet takes on the wire beside its own, about */
    uint32_t most;     /* octets of a packet */
    uint32_t least;    /* ... of a full one, where each costs a round trip; 0: by the rate */
    bool has_rest;     /* something follows HOST:PORT */
    bool is_device;    /* a serial line: DEVICE?baud=N stands for HOST:PORT */
    bool is_shared;    /* ... with other meters */
    bool has_modem;    /* ... behind a modem, which may tell how it is (link/line_modem) */
};

/* An address, taken apart. */
struct wk_link_carrier_url {
    const struct wk_link_carrier_kind *kind;
    char host[WK_LINK_CARRIER_HOST]; /* name or address, without brackets */
    uint16_t port;
    char rest
        [WK_LINK_CARRIER_REST]; /* from the first slash behind the port on; "": none; or the device */
    uint32_t baud;              /* of a device */
};

struct wk_link_carrier_config {
    struct uv_loop_s *loop;
    const struct wk_link_carrier_url *to; /* borrowed, as all that follow */
    const char *interface;                /* NULL or "": whichever the routes say */
    const uint8_t *title;                 /* of the meter */
    const char *name;                     /* of the path */
    struct wk_tls_context *trust;         /* of a client; NULL: none is configured */
    const struct wk_tls_config *files;    /* what it was made of */
    const char *user;                     /* at a broker; "": none */
    const char *password;
    const char *tls_name; /* what the head-end's certificate names; "": the host */
    const struct wk_line_modem_rules *line_modem; /* of a modem; NULL: there is none */
    void *self;                                   /* of the functions below */
    void (*carries)(void *self, bool carries);
    /** What was refused as busy may be taken now. */
    void (*ready)(void *self);
    /** True while the head-end owes something: a carrier that brings only what it asks for asks. */
    bool (*awaits)(const void *self);
    /** A packet came; it may be changed in place. */
    void (*take)(void *self, uint8_t *packet, size_t length);
};

/* A carrier that was started; the functions get `self`. None of them calls back, but send, which may say that
 * the carrier does not carry any more. */
struct wk_link_carrier {
    void *self; /* NULL: none */
    /** WK_E_BUSY: it would have to wait; WK_E_CLOSED: it does not carry. */
    wk_err (*send)(void *self, const uint8_t *packet, size_t length);
    /** The same for what may pass others that are on their way. NULL: there is no difference. */
    wk_err (*send_urgent)(void *self, const uint8_t *packet, size_t length);
    /** Why it does not carry, for people; "": it does. */
    const char *(*why)(const void *self);
    /** How it does, for people; "": nothing is to be told. NULL: never. */
    const char *(*how)(const void *self);
    /** The modem that it goes through; NULL: it does not tell. NULL: there is none. */
    const struct wk_line_modem *(*line_modem)(const void *self);
    /** Closes it; the loop frees it. */
    void (*stop)(void *self);
};

/** Begins. WK_E_IO: no memory, or the loop refuses; WK_E_FORMAT: it cannot be done with what is
 *  configured, `error` says why. */
typedef wk_err (*wk_link_carrier_start)(struct wk_link_carrier *carrier,
                                        const struct wk_link_carrier_config *config,
                                        char error[WK_LINK_CARRIER_ERROR]);

/** Takes an address apart; NULL: it is right, else what it must be, for people. */
const char *wk_link_carrier_parse(const char *text, struct wk_link_carrier_url *url);

#endif
