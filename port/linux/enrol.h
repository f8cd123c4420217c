/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/enrol - how a meter comes to its certificate of TLS, and to the next one in time.
 *
 * There are two places for key pairs: two slots of a token, or two files. The key in use is that which
 * belongs to certificate.pem (port/linux/tls chooses in the same way). When no certificate is there,
 * or so many percent of its life are over, a new key pair is made in the other place, with a request
 * for its certificate. What comes is used only after it was proved: it is about that key, names this
 * meter, and a handshake of TLS with ourselves, each end checked by the authorities, the revocation
 * lists and the purposes of now, succeeds with it. The switch is the renaming of one file; the old
 * key is destroyed a moment later, when handshakes under way are over.
 *
 *   certificate.pem   in use, then what is between it and the authority
 *   request.pem       for the key that waits; a key in a place is waiting only if this is about it
 *   incoming.pem      put there by hand: is taken, and becomes refused.pem if it is not right
 *   a.key b.key       the places, if there is no token
 *
 * All state is in these files and keys, so whoever is cut off at any step goes on from there. The time
 * is that of the computer, by which TLS checks certificates too. One thread per instance. */
#ifndef WK_PORT_LINUX_ENROL_H
#define WK_PORT_LINUX_ENROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "port/linux/csr.h"
#include "port/linux/hsm.h"
#include "port/linux/whole_file.h"

#define WK_ENROL_ERROR   256
#define WK_ENROL_PLACES  2
#define WK_ENROL_NONE    (-1)
#define WK_ENROL_CHAIN   8192 /* octets of what comes, in PEM, most */
#define WK_ENROL_GRACE_S 3    /* an old key is kept so long after the switch */
#define WK_ENROL_LOW     20   /* percent of its life left: soon, ... */
#define WK_ENROL_URGENT  5    /* ... now */

/* What the pointers point at must stay. */
struct wk_enrol_config {
    const char *folder;            /* is made if it is not there */
    uint8_t slot[WK_ENROL_PLACES]; /* of the token, two different ones; 0: files */
    struct wk_hsm *hsm;            /* NULL: files */
    struct wk_csr_subject subject;
    const char *ca;  /* authorities, PEM */
    const char *crl; /* revocation lists, PEM; NULL: none is asked */
    bool p384;
    uint8_t renew_percent; /* of the life that is over: 1..99 */
};

typedef enum wk_enrol_level {
    WK_ENROL_FINE = 0,
    WK_ENROL_ENDS,      /* less than WK_ENROL_LOW percent are left */
    WK_ENROL_ENDS_SOON, /* less than WK_ENROL_URGENT */
    WK_ENROL_EXPIRED,
} wk_enrol_level;

/* When a certificate is valid, UTC seconds. */
struct wk_enrol_life {
    int64_t from_s;
    int64_t until_s;
};

struct wk_enrol {
    struct wk_enrol_config config;
    bool has_certificate; /* one with its key */
    struct wk_enrol_life life;
    int own;     /* place of the key in use; WK_ENROL_NONE */
    int waiting; /* place of the key that waits for its certificate; WK_ENROL_NONE */
    uint8_t request[WK_CSR_DER];
    size_t request_size;
    char request_text[WK_CSR_TEXT]; /* the same in PEM */
    int64_t clean_s;                /* when the old key is destroyed; 0: there is none */
    uint32_t renewed;               /* certificates taken into use since the start */
    char refused[WK_ENROL_ERROR];   /* why the last one was not; "": it was */
};

/** Goes on from what is there. WK_E_ARGUMENT: renew_percent, or a path is too long; WK_E_FORMAT,
 *  WK_E_IO: the folder or its certificate cannot be read; told in `error`. */
WK_MUST_USE wk_err wk_enrol_open(struct wk_enrol *enrol, const struct wk_enrol_config *config,
                                 char error[WK_ENROL_ERROR]);
/** What is due: a new key pair, what came by hand, the end of an old key. *error as above. */
WK_MUST_USE wk_err wk_enrol_look(struct wk_enrol *enrol, int64_t now_s,
                                 char error[WK_ENROL_ERROR]);
/** Makes a new key pair beside that in use, and its request, in place of one that waits. WK_E_IO: the
 *  file or the token refused; nothing is waiting then. */
WK_MUST_USE wk_err wk_enrol_begin(struct wk_enrol *enrol, char error[WK_ENROL_ERROR]);
/** Takes a certificate into use: DER, or PEM with what is between it and the authority. Also right for
 *  the one in use. WK_E_FORMAT: it is none; WK_E_NOT_FOUND: it is not about the key that waits;
 *  WK_E_DENIED: it names another meter; WK_E_AUTH: it did not prove itself; WK_E_IO. Whatever the
 *  error, enrol->refused says why and what was in use is in use. */
WK_MUST_USE wk_err wk_enrol_take(struct wk_enrol *enrol, struct wk_bytes_in octets,
                                 int64_t now_s);

/** How much of a life is left, 0..100. */
int wk_enrol_left_percent(const struct wk_enrol_life *life, int64_t now_s);
wk_enrol_level wk_enrol_level_of(const struct wk_enrol_life *life, int64_t now_s);
/** Reads when the first certificate of a PEM file is valid. WK_E_NOT_FOUND, WK_E_FORMAT. */
WK_MUST_USE wk_err wk_enrol_life_of(const char *path, struct wk_enrol_life *life);
/** The paths of a folder as port/linux/tls wants them: certificate, and keys of both places.
 *  WK_E_ARGUMENT: they do not fit. */
WK_MUST_USE wk_err wk_enrol_names(const struct wk_enrol_config *config, char *certificate,
                                  char *keys, size_t room);

#endif
