/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/registry - the configuration: how the head-end runs, which meters and plans it has.
 *
 *   [headend]                      all keys may be absent except archive
 *   archive = archive.db           SQLite file, relative to the configuration file; or a database of
 *                                  PostgreSQL: postgresql:///NAME?host=/run/postgresql (archive_open)
 *   listen = 127.0.0.1             port = 8480
 *   link_line = /dev/ttyUSB0 9600   the same on a serial line; up to four lines
 *   link_coap_port = 5683          the same by CoAP
 *   link_port = 8484               UDP: meters send here what they have; absent: they are only read
 *   link_tls_port = 8485           likewise over TLS 1.3, with the files tls_... below
 *   link_mqtt = mqtts://HOST:PORT/PREFIX   a broker where meters send to PREFIX/TITLE/up; mqtt://: without TLS;
 *                                  trust as below, without tls_ca that of the system
 *   link_mqtt_user = NAME, link_mqtt_password = SECRET
 *   link_mqtt_name = NAME          what its certificate must name; absent: the host
 *   token = SECRET                 bearer token for commands; absent: no commands by HTTP
 *   workers = 4                    meters read at the same time, 1..64
 *   poll_s = 60                    pause between two visits of a meter
 *   retry_s = 5, retry_max_s = 900 first and longest pause after a failure
 *   open_days = 2                  days to wait for missing readings before a day is closed
 *   gap_tries = 5                  requests for a gap before it is given up
 *   history_days = 40              how far back to read a meter without `installed`
 *   clock_limit_s = 0              clocks further off are corrected (management role only),
 *                                  by 900 s at most; 0: never
 *   seed = 1                       of the jitter of retries
 *   tls_ca = FILE, tls_certificate = FILE, tls_key = FILE, tls_crl = FILE
 *                                  for meters at tls://, and for those that come to
 *                                  link_tls_port (port/linux/tls); the last may be absent
 *   authority = DIR                an authority of `wk authority`: signs what meters that are managed
 *                                  ask for (headend/renewal)
 *   certificate_life_s = 31536000  of what it signs, 2 s to 20 years
 *   [plan NAME]
 *   file = plan.ini                see headend/plan
 *   [meter SERIAL]
 *   host = 127.0.0.1               port = 4059; or an address of port/linux/dlms_carrier:
 *                                  tls://HOST:PORT, udp://HOST:PORT, hdlc+tcp://HOST:PORT/17, hdlc:/dev/ttyUSB0?baud=9600
 *   plan = NAME                    phases = 1
 *   name = House 7                 tenant = city
 *   tls_name = NAME                what its certificate must name; absent: the host
 *   installed = 2007-02-01T00:00:00Z   registers were 0 then; intervals begin here
 *   role = management              or reader, public
 *   password = TEXT                of the reader
 *   ek = HEX, ak = HEX             keys of the management client, 16 octets
 *   title = HEX                    its system title, 8 octets; differs from the meter's
 *   meter_title = HEX              the meter's, with
 *   link_key = HEX                 16 or 32 octets: it sends by itself (docs/on-wire.md) */
#ifndef WK_HEADEND_REGISTRY_H
#define WK_HEADEND_REGISTRY_H

#include <stdatomic.h>

#include "headend/plan.h"
#include "port/linux/link_carrier.h"

#define WK_REGISTRY_PLANS    16
#define WK_REGISTRY_LINES    4
#define WK_REGISTRY_METERS   100000
#define WK_REGISTRY_KEY      16
#define WK_REGISTRY_TITLE    8
#define WK_REGISTRY_LINK_KEY 32

struct wk_tls_context;

typedef enum wk_registry_role {
    WK_REGISTRY_PUBLIC = 0,
    WK_REGISTRY_READER,
    WK_REGISTRY_MANAGEMENT,
} wk_registry_role;

#define WK_REGISTRY_LINK "link" /* host of a meter that is reached by its own link only */

struct wk_registry_meter {
    int64_t id; /* in the archive; 0 until the collector has asked for it */
    char serial[32];
    char name[48];
    char tenant[32];
    char host[64];
    uint16_t port;
    char tls_name[64];          /* empty: the host */
    struct wk_tls_context *tls; /* set by who runs the head-end; NULL: none */
    uint8_t phases;
    int plan;            /* index */
    int64_t installed_s; /* -1 = not known */
    wk_registry_role role;
    char password[48];
    uint8_t ek[WK_REGISTRY_KEY];
    uint8_t ak[WK_REGISTRY_KEY];
    uint8_t title[WK_REGISTRY_TITLE];
    uint8_t meter_title[WK_REGISTRY_TITLE];
    uint8_t link_key[WK_REGISTRY_LINK_KEY];
    uint8_t link_key_size; /* 0: it does not send by itself */
    atomic_ushort
        talk_port; /* of host WK_REGISTRY_LINK: where headend/uplink carries its DLMS over UDP,
                                on 127.0.0.1; 0: nowhere yet */
    bool has_ek;
    bool has_ak;
    bool has_title;
    bool has_meter_title;
};

struct wk_registry {
    char archive[512];
    char listen[64];
    uint16_t port;
    char token[128];         /* empty: none */
    uint16_t link_coap_port; /* likewise by CoAP */
    uint8_t link_lines;
    struct wk_registry_line {
        char device[64];
        uint32_t baud;
    } link_line[WK_REGISTRY_LINES]; /* likewise on serial lines */
    uint16_t link_port;             /* where meters send to, on the same address; 0: nowhere */
    struct wk_link_carrier_url link_mqtt; /* kind NULL: none */
    char link_mqtt_user[64];              /* empty: none */
    char link_mqtt_password[64];
    char link_mqtt_name[64]; /* empty: the host */
    uint16_t link_tls_port;  /* likewise over TLS */
    char tls_ca[512];        /* empty: no meter is reached by TLS */
    char tls_certificate[512];
    char tls_key[512];
    char tls_crl[512];   /* empty: none */
    char authority[512]; /* empty: none */
    int64_t certificate_life_s;
    int workers;
    int64_t poll_s;
    int64_t retry_s;
    int64_t retry_max_s;
    int64_t open_days;
    int64_t gap_tries;
    int64_t history_days;
    int64_t clock_limit_s;
    int64_t seed;
    int plans;
    char plan_name[WK_REGISTRY_PLANS][WK_PLAN_NAME];
    struct wk_plan *plan; /* owned: `plans` of them */
    size_t meters;
    struct wk_registry_meter *meter; /* owned */
};

/** Reads and checks a configuration and the plans it names. On error `why` says file, line and
 *  reason, and nothing is left to free. */
WK_MUST_USE wk_err wk_registry_read(const char *path, struct wk_registry *registry,
                                    char why[WK_INI_WHY]);
void wk_registry_free(struct wk_registry *registry);
/** NULL: no such meter. */
struct wk_registry_meter *wk_registry_find(const struct wk_registry *registry,
                                           const char *serial);

#endif
