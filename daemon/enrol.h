/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/enrol - the certificate of TLS of a meter: made and renewed by itself where the configuration
 * says so ([dlms] tls_enrol), else only watched. Looks once a second; tells the security log what is
 * left of its life; is what class 64 does with the key pair of TLS (management/session_security). */
#ifndef WK_DAEMON_ENROL_H
#define WK_DAEMON_ENROL_H

#include <uv.h>

#include "daemon/config.h"
#include "management/module.h"
#include "port/linux/enrol.h"

#define WK_METER_ENROL_WORDS 384

struct wk_meter_enrol {
    struct wk_enrol enrol;
    bool is_on;      /* the meter enrols by itself */
    bool is_watched; /* there is a certificate of TLS to tell of */
    const struct wk_config *config;
    char folder[WK_CONFIG_PATH + 8];
    char title[2 * sizeof((struct wk_config *)0)->system_title + 1];
    char name[WK_CONFIG_TEXT];
    struct wk_session_tls port; /* give its address to the identity of the sessions */
    struct wk_module *module;
    void *self; /* of the functions */
    wk_err (*ready)(void *self, char error[WK_ENROL_ERROR]);
    void (*served)(void *self);
    uv_timer_t timer;
    struct wk_enrol_life life; /* of what is in use */
    bool has_life;
    wk_enrol_level told;        /* of that life, to the log ... */
    int64_t told_s;             /* ... which ends then */
    char error[WK_ENROL_ERROR]; /* why the last look failed; "": it did not */
};

/* What it works with once the meter is there. */
struct wk_meter_enrol_config {
    uv_loop_t *loop;
    struct wk_module *module;
    void *self;
    /* a certificate is there: TLS can be served; told in `error` if not */
    wk_err (*ready)(void *self, char error[WK_ENROL_ERROR]);
    void (*served)(void *self); /* an event was logged */
};

/** Reads what is there, and fills in where the certificate and the keys are, also for [link] and [mqtt]
 *  with the identity of the meter. Errors of
 *  wk_enrol_open, told in enrol->error. */
WK_MUST_USE wk_err wk_meter_enrol_open(struct wk_meter_enrol *enrol, struct wk_config *config,
                                       struct wk_hsm *hsm);
/** Begins to look. WK_E_IO: no timer. */
WK_MUST_USE wk_err wk_meter_enrol_start(struct wk_meter_enrol *enrol,
                                        const struct wk_meter_enrol_config *config);
/** Whether TLS has a certificate to show. */
bool wk_meter_enrol_is_ready(const struct wk_meter_enrol *enrol);
/** How the certificate is, and what to do next, for people. */
void wk_meter_enrol_words(const struct wk_meter_enrol *enrol, char words[WK_METER_ENROL_WORDS]);
/** Whether somebody has to do something. */
bool wk_meter_enrol_needs_somebody(const struct wk_meter_enrol *enrol);

#endif
