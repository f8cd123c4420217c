/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/config - the configuration file of one meter, shared by wk-metrologyd and wk-meterd.
 *
 * docs/configuration.md describes every key. Reading is strict: an unknown key or a bad value
 * is refused with file, line and reason. Relative paths are relative to the file. */
#ifndef WK_DAEMON_CONFIG_H
#define WK_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/civil.h"
#include "base/err.h"
#include "daemon/config_modem.h"
#include "link/line_modem.h"
#include "link/sender.h"
#include "management/billing.h"
#include "management/demand.h"
#include "management/image_header.h"
#include "management/payment.h"
#include "management/price.h"
#include "management/push.h"
#include "management/registers.h"
#include "management/rooms.h"
#include "management/session_security.h"
#include "management/tariff.h"
#include "port/linux/ini.h"
#include "port/linux/link_carrier.h"
#include "port/linux/submeter.h"

#define WK_CONFIG_PATH         512
#define WK_CONFIG_TEXT         64
#define WK_CONFIG_PATH_TO      160
#define WK_CONFIG_LIST         128
#define WK_CONFIG_SECRET       64
#define WK_CONFIG_SUBMETERS    8
#define WK_CONFIG_GATEWAYS     8
#define WK_CONFIG_ASSOCIATIONS 8

typedef enum wk_config_frontend {
    WK_CONFIG_RECORDING = 1, /* a file, once */
    WK_CONFIG_REPLAY,        /* a file, looped without end */
    WK_CONFIG_HOUSEHOLD,     /* synthesised from 1-minute values */
    WK_CONFIG_IIO,           /* a converter of the Linux IIO subsystem, live */
} wk_config_frontend;

typedef enum wk_config_pace {
    WK_CONFIG_REALTIME = 1, /* one second a second, from `start` */
    WK_CONFIG_CATCHUP,      /* as fast as possible until now, then in real time */
    WK_CONFIG_FULL_SPEED,   /* as fast as possible */
} wk_config_pace;

struct wk_config {
    /* [meter] */
    char serial[17];
    char state[WK_CONFIG_PATH]; /* folder of the store and the ring */
    struct wk_zone zone;
    uint8_t phases; /* 1 or 3 */
    uint16_t period_s;
    uint8_t control_mode;
    int64_t commit_uwh; /* energy after which state is committed */
    /* [frontend] */
    wk_config_frontend frontend;
    char file[WK_CONFIG_PATH];       /* of a recording; of IIO the URI */
    char device[WK_CONFIG_TEXT];     /* IIO: name, label or id; empty = the only one */
    int64_t rate_uhz;                /* IIO: set at the start; 0 = as it is */
    int64_t range;                   /* IIO: largest sample of the converter; 0 = by its bits */
    char u_channels[WK_CONFIG_LIST]; /* as `wk measure --u`, empty = by the file */
    char i_channels[WK_CONFIG_LIST];
    char calibration[WK_CONFIG_PATH]; /* a sealed calibration file, empty = none */
    int32_t nominal_mv;
    int32_t nominal_uhz;
    int64_t start_us; /* UTC of the first sample; 0 = now */
    int64_t stop_us;  /* UTC at which the feed ends; 0 = never */
    wk_config_pace pace;
    bool dc_keep;
    bool arithmetic;                /* summation per phase instead of vectorial */
    int64_t start_ua;               /* registers stand still below it; 0 = never */
    int64_t i_max_ua;               /* a fifth more is implausible; 0 = not watched */
    int32_t u_max_mv;               /* likewise */
    int32_t pulses_per_kwh;         /* meter constant; 0 = none */
    char pulse_led[WK_CONFIG_PATH]; /* where its pulses are shown; empty = nowhere */
    /* [transformers] */
    struct wk_rooms_transformers transformers;
    /* [quality] */
    struct wk_config_quality {
        bool analyse;          /* harmonics, flicker, aggregation ...: IEC 61000-4-30 */
        bool only_live;        /* ... but not while catching up with the time */
        uint8_t lamp;          /* 1 = 230 V, 2 = 120 V */
        int32_t signal_mhz;    /* mains signalling; 0 = none */
        int32_t change_ppm;    /* rapid voltage changes; 0 = not watched */
        int32_t transient_ppm; /* of the nominal peak; 0 = not watched */
        int32_t before_cycles; /* of a waveform capture; 0 and 0: none are kept */
        int32_t after_cycles;
        int32_t captures; /* files kept; older ones are deleted */
    } quality;
    /* [calendar] */
    struct wk_tariff_calendar calendar;
    struct wk_tariff_special_day special[WK_TARIFF_SPECIAL_DAYS];
    uint8_t special_count;
    bool has_credit; /* [credit] is there */
    /* [billing] */
    struct wk_billing_rules billing;
    struct wk_demand_rules demand; /* part_s 0: blocks of 15 min */
    struct wk_registers_blocks blocks;
    struct wk_price_plan price;
    const struct wk_power_factor_table *power_factor; /* NULL: none */
    /* [credit] */
    struct wk_config_credit {
        struct wk_payment payment; /* rules of a new store */
        int64_t opening_e6;        /* what its token credit begins with */
        bool has_key;              /* tokens by GMAC ... */
        uint8_t key[16];
        bool has_point; /* ... and by ECDSA */
        uint8_t point[64];
    } credit;
    /* [profile 1], [profile 2], [profile quality]: as in wk_module_config */
    struct wk_profile_rules profile[WK_ROOMS_PROFILES];
    /* [dlms] */
    char dlms_host[WK_CONFIG_TEXT];
    uint16_t dlms_port;
    uint8_t system_title[8];
    char reader_password[WK_CONFIG_SECRET];
    uint8_t encryption_key[16]; /* all 0: it is in the token */
    uint8_t authentication_key[16];
    uint16_t encryption_key_slot;         /* of the token; 0: the key is here */
    char token_module[WK_CONFIG_PATH];    /* PKCS#11; empty: there is no token */
    char token_label[WK_CONFIG_TEXT];     /* empty: the first one */
    char token_pin_file[WK_CONFIG_PATH];  /* its first line is the PIN */
    char tls_certificate[WK_CONFIG_PATH]; /* PEM files, as in port/linux/tls */
    char tls_key[WK_CONFIG_PATH];
    char tls_ca[WK_CONFIG_PATH];
    char tls_crl[WK_CONFIG_PATH];        /* empty: none is asked */
    char tls_client[WK_CONFIG_TEXT];     /* name that clients must have; empty: any */
    bool tls_enrol;                      /* the meter makes and renews its pair itself */
    char tls_enrol_name[WK_CONFIG_TEXT]; /* what its certificate names; empty: dlms_host */
    char tls_curve[8];                   /* of its keys: "P-256" or "P-384" */
    uint16_t tls_renew_percent;          /* of a life, after which it is renewed */
    uint16_t udp_port;                   /* wrapper over UDP; 0: none */
    uint16_t tls_port;                   /* wrapper over TLS; 0: none */
    uint16_t hdlc_port;                  /* HDLC over TCP; 0: none */
    uint16_t hdlc_address;               /* physical device on a line */
    char serial_device[WK_CONFIG_PATH];  /* HDLC on a serial line; empty: none */
    uint32_t serial_baud;
    char signing_key[WK_CONFIG_PATH]; /* of suites 1 and 2: PEM files, or in the token */
    char agreement_key[WK_CONFIG_PATH];
    char certificates[WK_CONFIG_PATH]; /* PEM: the root, then those of clients */
    /* [association NAME]; association_count 0: public, reader and management of [dlms] */
    struct wk_config_association {
        char name[32];
        unsigned line;
        uint16_t client_sap;
        uint8_t role;       /* wk_role */
        uint8_t mechanisms; /* these two as in struct wk_session_association */
        uint8_t policy;
        uint8_t suite;
        bool has_role;
        bool has_suite;
        bool has_policy;
        char password[WK_SESSION_PASSWORD + 1];
        struct wk_hal_key encryption_key; /* slot 0: the octets */
        struct wk_hal_key authentication_key;
        struct wk_hal_key master_key;
    } association[WK_CONFIG_ASSOCIATIONS];
    /* [link], [path NAME] */
    struct wk_config_path {
        char name[32];
        char to_text[WK_CONFIG_PATH_TO]; /* "": not yet said */
        struct wk_link_carrier_url to;
        char user[WK_CONFIG_TEXT]; /* at a broker; "": none */
        char password[WK_CONFIG_TEXT];
        char tls_name[WK_CONFIG_TEXT]; /* what the certificate there names; "": the host */
        char interface[16];            /* "": whichever the routes say */
        uint8_t cost;
        uint32_t probe_s;
        uint64_t budget; /* octets a month; 0 = without limit */
        bool alarms_only;
        struct wk_config_modem modem;
        struct wk_line_modem_rules line_modem; /* of one for power lines or radio */
    } path[WK_LINK_PATHS];
    struct wk_hal_key link_key; /* size 0: none */
    struct wk_config_trust {
        char ca[WK_CONFIG_PATH]; /* PEM files, as in port/linux/tls; "": none */
        char certificate[WK_CONFIG_PATH];
        char key[WK_CONFIG_PATH];
        char crl[WK_CONFIG_PATH];
        bool is_meter; /* identity: certificate and key are those of [dlms] tls_enrol */
    } link_tls;
    bool link_talk; /* clients behind the head-end are served */
    /* [push] */
    char push_destination[WK_PUSH_DESTINATION]; /* "": nothing is pushed unless set over DLMS */
    uint32_t push_every_s;                      /* 0: only on alarms and commands */
    bool serial_mode_e; /* the line begins with the sign-on of IEC 62056-21 */
    uint8_t association_count;
    wk_push_service push_service;
    bool push_protect;
    bool push_confirm;
    bool push_compact;
    /* [firmware] */
    uint32_t trial_s;            /* that a new one runs before it is confirmed */
    struct wk_image_maker maker; /* size 0: no image transfer */
    char hardware[WK_IMAGE_HARDWARE + 1];
    /* [web] */
    char web_host[WK_CONFIG_TEXT];
    uint16_t web_port; /* 0 = no page */
    /* [modbus tcp], [modbus rtu], [dlt645], [p1], [optical],
     * [shelly]; which keys a section has: daemon/config_view */
    struct wk_config_view {
        bool is_there;
        char host[WK_CONFIG_TEXT];
        uint16_t port; /* 0: none */
        char device[WK_CONFIG_PATH];
        uint32_t baud;
        char framing[4];
        bool rs485;
        uint8_t unit;
        char address[13];                  /* DL/T 645: 12 digits; "": of the serial number */
        bool takes_time;                   /* ... and broadcasts set the clock */
        bool can_switch;                   /* load relays */
        uint8_t version;                   /* of DSMR */
        bool wants_request;                /* P1: the data request must be set */
        char password[WK_CONFIG_TEXT / 2]; /* of programming mode */
    } modbus_tcp, modbus_rtu, dlt645, p1, optical, shelly;
    /* [mqtt] */
    struct wk_config_mqtt {
        bool is_there;
        bool plain;    /* without TLS */
        uint16_t port; /* 0: as is usual */
        char host[WK_CONFIG_TEXT];
        char name[WK_CONFIG_TEXT]; /* of the broker's certificate; empty: the host */
        char ca[WK_CONFIG_PATH];   /* empty: the authorities of the system */
        char certificate[WK_CONFIG_PATH];
        char key[WK_CONFIG_PATH];
        bool is_meter; /* identity: both are those of [dlms] tls_enrol */
        char user[WK_CONFIG_TEXT];
        char password[WK_CONFIG_SECRET];
        char discovery[WK_CONFIG_TEXT]; /* prefix of topics */
    } mqtt;
    /* [submeter NAME] */
    struct wk_config_submeter {
        char name[32];
        char uri[128];       /* as `wk submeter` */
        wk_submeter_map map; /* 0 = none was given */
        uint8_t unit;
        uint32_t period_s;
    } submeter[WK_CONFIG_SUBMETERS];
    /* [gateway NAME] */
    struct wk_config_gateway {
        char name[32];
        char uri[128];     /* as `wk submeter` */
        uint8_t units[32]; /* bit u % 8 of octet u / 8 is unit u */
        bool
            from_rtu; /* asked by the master of [modbus rtu]; else by clients of [modbus tcp] */
        uint32_t timeout_ms;
        uint32_t retries;
        bool writes; /* functions that may change something, too */
        bool broadcast;
    } gateway[WK_CONFIG_GATEWAYS];
    uint8_t submeter_count;
    uint8_t gateway_count;
    uint8_t path_count; /* 0: no link */
};

/** Reads and checks the file; on error `why` says where and why. */
WK_MUST_USE wk_err wk_config_read(struct wk_config *config, const char *path,
                                  char why[WK_INI_WHY]);

#endif
