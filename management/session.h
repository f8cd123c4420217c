/* SPDX-License-Identifier: Apache-2.0
 *
 * management/session - the DLMS server of one connection, over the meter's object table
 * (IEC 62056-5-3, logical names, client/server).
 *
 * APDUs go in, replies come out; what carries them is not its concern. A session serves one
 * association at a time. Which clients are known is data: a table of associations, each with
 * its role, what it may use and what is demanded of it. Unless told otherwise they are
 *   16 public      no authentication
 *    2 reader      LLS, a password
 *    1 management  HLS5-GMAC; every APDU authenticated and encrypted (AES-GCM)
 * A client that asks for less protection than is demanded is refused; replies are protected at
 * least as the request was. Nothing that is not authenticated changes anything but the counts
 * of failures. A policy that is content with encryption alone lets replays through: such an
 * APDU proves nothing, so its counter is not taken as used.
 *
 * The table must have the row of class 15, 0.0.40.0.0.255, with WK_SESSION_CURRENT: there HLS
 * is completed (method 1, which needs no right then).
 *
 * Buffers are `plain` and `stage`; all else is state, about 1.9 kB on a 32-bit processor.
 * Memory: requests and replies of one APDU are bounded by WK_SESSION_PDU, also when they come
 * by blocks, in whatever way. Replies in clear are longer without a bound: a GET by its blocks
 * or by general block transfer, an ACCESS by the latter, are made piece by piece from a cursor,
 * and only the window under way is kept. A protected reply is sealed as a whole before general
 * block transfer cuts it; the blocks of a GET are sealed each for itself, and have no bound.
 *
 * What must be known about keys and counters is shared by all sessions of a meter, in struct
 * wk_session_security; the owner persists it (see there). */
#ifndef WK_MANAGEMENT_SESSION_H
#define WK_MANAGEMENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/civil.h"
#include "base/notice.h"
#include "cosem/apdu.h"
#include "cosem/association.h"
#include "cosem/cipher.h"
#include "cosem/gbt.h"
#include "cosem/select.h"
#include "cosem/shield.h"
#include "management/object.h"
#include "management/session_security.h"
#include "port/hal.h"

#define WK_SESSION_PDU         2048 /* longest APDU taken or sent */
#define WK_SESSION_PDU_LEAST   64
#define WK_SESSION_LIST        16 /* most attributes or methods in one request */
#define WK_SESSION_CHOSEN      8  /* most classes or objects that select of object_list */
#define WK_SESSION_WINDOW      8  /* blocks of general block transfer taken at once */
#define WK_SESSION_CHALLENGE   32 /* octets of the server's challenge; 16 before HLS 7 */
#define WK_SESSION_SERVER_SAP  1  /* the management logical device */
#define WK_SESSION_FREE_TRIES  5  /* failed logins before a role is locked out */
#define WK_SESSION_LOCK_S      1  /* the first lock-out; every further failure doubles it ... */
#define WK_SESSION_LOCK_MOST_S 900 /* ... up to this */

/* Room that a reply needs: an APDU, and what sealing works with. */
#define WK_SESSION_REPLY                                                                       \
    (WK_SESSION_PDU + WK_CIPHER_RESERVE + WK_CIPHER_TAG + WK_ENVELOPE_CIPHERING +              \
     WK_ENVELOPE_SIGNING)

/* Rows of class 15 say in `selector` which association they show. */
#define WK_SESSION_CURRENT    0 /* 0.0.40.0.0.255: the one that asks */
#define WK_SESSION_OF_ROLE(r) (1 + (uint32_t)(r))

/* Codes of the notices that sessions drop; `detail` is the role. */
typedef enum wk_session_notice {
    WK_SESSION_LOGIN_FAILED = 1, /* value: failures since the last success */
    WK_SESSION_LOCKED_OUT,       /* value: seconds; dropped when a lock-out begins, once */
    WK_SESSION_REPLAY,           /* value: low 31 bits of the counter that came */
    WK_SESSION_NOT_DECIPHERED,   /* within an association */
    WK_SESSION_COUNTER_SPENT,    /* no server counter is reserved: nothing can be sealed */
    WK_SESSION_OPENED,           /* an association above public was opened */
    WK_SESSION_PASSWORD_CHANGED,
    WK_SESSION_KEY_CHANGED,         /* value: key_id of class 64 */
    WK_SESSION_POLICY_CHANGED,      /* value: the policy */
    WK_SESSION_CERTIFICATE_CHANGED, /* one came or went; value: its entity */
} wk_session_notice;

struct wk_session_config {
    const struct wk_object_table *table;
    struct wk_session_security *security;
    const struct wk_hal_crypto *crypto;
    const struct wk_session_association *associations; /* NULL: the usual three */
    uint8_t association_count;
    struct wk_notice_ring *notices; /* NULL: none wanted */
    const struct wk_zone *zone;     /* for date-times without deviation */
    uint8_t notice_source;          /* goes into every notice */
    uint16_t max_pdu;               /* WK_SESSION_PDU_LEAST..WK_SESSION_PDU */
};

/* ---- the inside of a session ------------------------------------------------------------- */

/* One attribute or method that a request is about. */
struct wk_session_item {
    const struct wk_object *object;
    uint8_t attribute;
    wk_apdu_access refusal; /* found when the request was read */
    uint8_t choice;         /* of object_list: its access selector, 0 = all */
    uint8_t chosen_count;   /* classes, or rows of the table, that it names */
    uint16_t chosen[WK_SESSION_CHOSEN];
    struct wk_select_span columns; /* that are selected by name; none: those of selection */
    struct wk_object_selection selection;
};

typedef enum wk_session_source {
    WK_SESSION_OF_GET = 0,
    WK_SESSION_OF_ACTION, /* all is staged */
    WK_SESSION_OF_ACCESS,
    WK_SESSION_OF_ANY, /* a whole APDU, protected or not: all is staged */
} wk_session_source;

/* A reply longer than one APDU. Values are staged in whole elements and sent from there; what
 * is behind them is made when there is room again. */
struct wk_session_get {
    bool active;
    bool list;
    bool finished; /* all is staged */
    wk_session_source source;
    uint8_t invoke;
    uint8_t count;
    uint8_t index;
    uint32_t block; /* the last one sent */
    size_t at;      /* stage: what is not sent yet */
    size_t size;
    struct wk_object_cursor cursor;
};

/* General block transfer, both ways; cosem/gbt says how. What has come and what is not yet
 * acknowledged is in the stage. */
struct wk_session_blocks {
    bool receiving;
    bool sending;
    uint8_t window; /* of the client */
    uint16_t peer;  /* the client's last block that was taken */
    uint16_t own;   /* blocks without data that were sent */
    size_t gathered;
    struct wk_gbt_sender sender;
};

/* An ACCESS under way. Its request stays in `plain`: offsets are there. */
struct wk_session_access {
    uint32_t invoke;
    uint8_t phase; /* private to session_access.c */
    bool broken;   /* the rest is not carried out */
    size_t list_at;
    size_t list_end;
    size_t value_at;
    size_t value_end;
    uint8_t kind[WK_SESSION_LIST];
    uint8_t result[WK_SESSION_LIST];
};

/* A SET or ACTION by blocks under way: what has come is gathered in the stage. */
struct wk_session_gather {
    bool active;
    bool list;
    bool action;
    uint8_t invoke;
    uint8_t count;
    uint32_t block; /* the last one taken */
    size_t size;
};

typedef enum wk_session_state {
    WK_SESSION_IDLE = 0,
    WK_SESSION_PROVING, /* HLS: the client's answer is awaited */
    WK_SESSION_ASSOCIATED,
} wk_session_state;

struct wk_session {
    struct wk_session_config config;
    int64_t now_us; /* of the APDU being served */
    const struct wk_session_association *association;
    uint64_t transaction;                  /* last accepted with a signature alone */
    const uint8_t *peer[WK_SESSION_PAIRS]; /* the client's public keys, NULL: unknown */
    struct wk_session_get get;
    struct wk_session_gather gather;
    struct wk_session_blocks blocks;
    struct wk_session_access access;
    struct wk_session_item items[WK_SESSION_LIST]; /* of the transfer under way */
    wk_session_state state;
    wk_role role;
    uint32_t peer_generation; /* of the identity when `peer` was looked up */
    uint32_t conformance;
    uint32_t dedicated_counter; /* last accepted */
    uint16_t client_sap;
    uint16_t client_max_pdu; /* 0 = no limit */
    uint8_t mechanism;
    bool ciphered;        /* the application context has ciphering */
    uint8_t blocks_given; /* protection that all blocks so far had */
    uint8_t challenge_size;
    uint8_t client_challenge_size;
    struct wk_hal_key dedicated; /* size 0: none */
    uint8_t client_title[WK_CIPHER_TITLE];
    uint8_t client_challenge[WK_ASSOCIATION_SECRET];
    uint8_t challenge[WK_SESSION_CHALLENGE];
    uint8_t plain[WK_SESSION_PDU + WK_CIPHER_RESERVE]; /* a request, deciphered */
    uint8_t stage[WK_SESSION_PDU];
};

/* ---- what a connection does -------------------------------------------------------------- */

/* Who sent an APDU to whom: the ports of the wrapper. */
struct wk_session_link {
    uint16_t client_sap;
    uint16_t server_sap;
};

/** WK_E_ARGUMENT: a member of `config` is missing, max_pdu out of range, or an
 *  association of a Security setup that is not there. What it points at
 *  must outlive the session. */
WK_MUST_USE wk_err wk_session_init(struct wk_session *session,
                                   const struct wk_session_config *config);

/** Serves one APDU and appends its reply, if it has one, to `reply`; see also
 *  wk_session_continues. `now_us`: UTC, microseconds since 1970. WK_E_ARGUMENT: less than
 *  WK_SESSION_REPLY octets of room; WK_E_NOT_FOUND: addressed to a server that is not here; nothing has changed then. */
WK_MUST_USE wk_err wk_session_receive(struct wk_session *session, int64_t now_us,
                                      struct wk_session_link link, struct wk_bytes_in apdu,
                                      struct wk_bytes_out *reply);

/** True if the last reply was a block of general block transfer and more are to be sent at
 *  once: call wk_session_continue until it is false. */
bool wk_session_continues(const struct wk_session *session);
/** Appends the next block to `reply`. WK_E_STATE: there is none; WK_E_ARGUMENT as above. */
WK_MUST_USE wk_err wk_session_continue(struct wk_session *session, struct wk_bytes_out *reply);

/** The connection is gone: the association and all that was under way end. The session can
 *  serve a new connection at once. */
void wk_session_close(struct wk_session *session);

/** The role whose association is open; WK_ROLE_COUNT if none is. */
wk_role wk_session_role(const struct wk_session *session);

/** From now on no reply of the open association is longer than `octets` (at least
 *  WK_SESSION_PDU_LEAST) without blocks, as if its client had asked for that. */
void wk_session_limit(struct wk_session *session, uint16_t octets);

/** How the errors of class functions look on the wire. */
wk_apdu_access wk_session_access_of(wk_err err);

#endif
