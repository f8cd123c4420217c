/* SPDX-License-Identifier: Apache-2.0
 *
 * management/session_part - what the files of room session say to each other. */
#ifndef WK_MANAGEMENT_SESSION_PART_H
#define WK_MANAGEMENT_SESSION_PART_H

#include "cosem/hls.h"
#include "management/session.h"

#define WK_SESSION_CLASS_PROFILE     7
#define WK_SESSION_CLASS_ASSOCIATION 15
#define WK_SESSION_CLASS_SECURITY    64

/* One request with its reply. `out` takes the plain reply, `limit` octets at most (out has
 * that room). An exception replaces the reply: it is sent without protection. */
struct wk_session_turn {
    struct wk_session *session;
    int64_t now_us;
    struct wk_bytes_out *out;
    size_t limit;   /* octets of plain reply that one APDU to the client holds */
    bool clear;     /* the reply is sent as it is written */
    bool by_blocks; /* the request came by general block transfer: the reply does, too */
    struct wk_apdu_exception exception; /* service_error 0 = none */
    struct wk_shield_cover cover;       /* of the request */
    uint8_t given;                      /* by it and the blocks before it, _REQUEST_... */
    uint8_t demand;                     /* WK_SESSION_RESPONSE_...: of the reply */
    bool keys_changed;                  /* by this request: the reply still has the old ones */
    struct wk_cipher_keys old_keys;
};

/* ---- session_parts.c: what a meter may do without ---------------------------------------- */

/* The service ACCESS. */
struct wk_session_access_part {
    /** *confirm: whether a reply is wanted, left as it is if the request is refused. */
    void (*serve)(struct wk_session_turn *turn, struct wk_bytes_in *apdu, bool *confirm);
    /** Appends a piece of the response; see wk_session_fill. */
    wk_err (*stage)(struct wk_session_turn *turn, struct wk_bytes_out *stage);
};
extern const struct wk_session_access_part wk_session_with_access; /* session_access.c */

/* Key pairs and certificates: suites 1 and 2. */
struct wk_session_pairs_part {
    const struct wk_shield_pairs *shield;
    /** The public key of whoever has the title `peer` for one of WK_SESSION_SIGNING, _AGREEMENT, of
     *  a coordinate's `size`; NULL: no certificate that is valid now says so. */
    const uint8_t *(*peer_point)(const struct wk_session_security *security,
                                 const uint8_t peer[WK_CIPHER_TITLE], struct wk_utc now,
                                 int pair, uint8_t size);
    void (*pack)(const struct wk_session_identity *identity, struct wk_bytes_out *out);
    void (*unpack)(struct wk_session_identity *identity, struct wk_bytes_in *in);
    /** Attribute 6 of class 64. */
    wk_err (*get_certificates)(const struct wk_session *session, struct wk_bytes_out *out);
    /** Method 3 of class 64. */
    wk_err (*agree)(struct wk_session_turn *turn, struct wk_session_setup *setup,
                    struct wk_bytes_in *parameter, struct wk_bytes_out *reply);
    /** Methods 4 to 8 of class 64. */
    wk_err (*act)(struct wk_session_turn *turn, uint8_t suite, uint8_t method,
                  struct wk_bytes_in *parameter, struct wk_bytes_out *reply);
};
extern const struct wk_session_pairs_part wk_session_with_pairs; /* session_certificate.c */

/* Mechanisms 3, 4, 6 and 7. */
struct wk_session_hashed_part {
    const struct wk_hls_hashed *hls;
};
extern const struct wk_session_hashed_part wk_session_with_hashed; /* session_open.c */

/* general-ciphering. */
struct wk_session_names_part {
    const struct wk_shield_names *shield;
};
extern const struct wk_session_names_part wk_session_with_names; /* session_protect.c */

/* NULL: the meter does without. Made of model/objects.txt or an overlay, so what is not there is not
 * linked. */
struct wk_session_parts {
    const struct wk_session_access_part *access;
    const struct wk_session_pairs_part *pairs;
    const struct wk_session_hashed_part *hashed;
    const struct wk_session_names_part *names;
};
extern const struct wk_session_parts wk_session_parts;

/* ---- session.c --------------------------------------------------------------------------- */

void wk_session_drop_notice(struct wk_session *session, int64_t now_us, wk_session_notice code,
                            int32_t value);
/** The next server counter. WK_E_STATE, and a notice: none is reserved. */
WK_MUST_USE wk_err wk_session_take_counter(struct wk_session *session, int64_t now_us,
                                           uint32_t *counter);
void wk_session_refuse(struct wk_session_turn *turn, wk_apdu_state_error state,
                       wk_apdu_service_error error);
/** Ends whatever transfer is under way. */
void wk_session_end_transfers(struct wk_session *session);
/** Octets of reply the service may write as one APDU without blocks of its own. */
size_t wk_session_room(const struct wk_session_turn *turn);
/** The longest APDU that may be sent to the client at once. */
size_t wk_session_reply_limit(const struct wk_session *session);
bool wk_session_agreed(const struct wk_session *session, uint32_t conformance);

/* ---- session_open.c ---------------------------------------------------------------------- */

/** Answers an AARQ with an AARE. */
void wk_session_open(struct wk_session_turn *turn, uint16_t client_sap,
                     struct wk_bytes_in *apdu);
/** Answers a RLRQ with a RLRE. */
void wk_session_release(struct wk_session_turn *turn, struct wk_bytes_in *apdu);
/** HLS pass 3: checks the client's answer, writes the server's. WK_E_AUTH: wrong, counted. */
WK_MUST_USE wk_err wk_session_prove(struct wk_session_turn *turn, struct wk_bytes_in *parameter,
                                    struct wk_bytes_out *reply);
/** The association of a client, NULL if there is none; and the first one of a role. */
const struct wk_session_association *wk_session_association_of(const struct wk_session *session,
                                                               uint16_t client_sap);
const struct wk_session_association *
wk_session_association_of_role(const struct wk_session *session, wk_role role);

/* ---- session_protect.c ------------------------------------------------------------------- */

/** The meter's end of the association with the client that is there. */
struct wk_shield wk_session_shield(struct wk_session *session);
/** Protection that is demanded of this association: its policy and its Security setup's. */
uint8_t wk_session_policy(const struct wk_session *session);
/** What a cover gives, as WK_SESSION_REQUEST_... */
uint8_t wk_session_given(const struct wk_shield_cover *cover);
/** Opens what a client protected; counts and tells replays. Errors of wk_shield_open. */
WK_MUST_USE wk_err wk_session_unprotect(struct wk_session_turn *turn, struct wk_bytes_in apdu,
                                        struct wk_bytes_in *plain);
/** Serves any APDU but those that open and release. */
void wk_session_serve_protected(struct wk_session_turn *turn, struct wk_bytes_in *apdu,
                                struct wk_bytes_out *reply);
/** Serves a plain request of an association that is open, or being proven (session.c). */
void wk_session_serve(struct wk_session_turn *turn, struct wk_bytes_in *apdu);

typedef enum wk_session_way {
    WK_SESSION_READ,
    WK_SESSION_WRITE,
    WK_SESSION_ACT
} wk_session_way;

/** Access modes: whether the request is protected as the object demands; notes what it demands
 *  of the reply. WK_APDU_SCOPE_VIOLATED: not enough. */
wk_apdu_access wk_session_guard(struct wk_session_turn *turn, const struct wk_object *object,
                                wk_session_way way);
/** The access mode's bits 2..7 of an object. */
uint8_t wk_session_guard_of(const struct wk_session *session, const struct wk_object *object,
                            wk_session_way way);

/* ---- session_get.c ----------------------------------------------------------------------- */

void wk_session_serve_get(struct wk_session_turn *turn, const struct wk_apdu_request *request);
/** The next block of a long GET or of what an ACTION returned. */
void wk_session_serve_next(struct wk_session_turn *turn, const struct wk_apdu_request *request);
/** Sends the first block of what an ACTION returned: stage[at..size). */
void wk_session_begin_action_blocks(struct wk_session_turn *turn, uint8_t invoke, size_t at,
                                    size_t size);
/** Reads what a target names, selection included; item->refusal says why it may not be read. */
void wk_session_read_item(struct wk_session_turn *turn, const struct wk_apdu_target *target,
                          struct wk_session_item *item);
/** Appends elements of the item's value to the stage, from the cursor of session->get on.
 *  WK_E_FULL: not one fits, nothing is appended. */
WK_MUST_USE wk_err wk_session_stage_value(struct wk_session_turn *turn,
                                          const struct wk_session_item *item,
                                          struct wk_bytes_out *stage);
/** Fills the stage behind what is left in it, until `wanted` octets are there or all is. */
WK_MUST_USE wk_err wk_session_fill(struct wk_session_turn *turn, size_t wanted);
/** Whether `role` may see the object at all. */
bool wk_session_is_visible(const struct wk_object *object, wk_role role);
/** The object a request is about, as far as the role may know: WK_APDU_SUCCESS and *object,
 *  or a refusal. */
wk_apdu_access wk_session_find(const struct wk_session *session,
                               const struct wk_apdu_target *target,
                               const struct wk_object **object);

/* ---- session_select.c -------------------------------------------------------------------- */

/** Decodes selective access into item->selection and item->columns. Uses the stage. */
WK_MUST_USE wk_err wk_session_select(struct wk_session_turn *turn, struct wk_session_item *item,
                                     const struct wk_apdu_target *target);

/* ---- session_gather.c -------------------------------------------------------------------- */

/** Reads the targets of a request into session->items with `check`, which returns a refusal.
 *  False, and an exception: none, or too many. */
bool wk_session_read_items(struct wk_session_turn *turn, const struct wk_apdu_request *request,
                           wk_apdu_access (*check)(const struct wk_session *session,
                                                   const struct wk_apdu_target *target,
                                                   const struct wk_object **object));
/** Takes a block of a SET or ACTION; the items of the first one have been read. Success, or
 *  why the transfer is over. */
wk_apdu_access wk_session_gather(struct wk_session *session,
                                 const struct wk_apdu_request *request);
/** All blocks are there: moves them out of the stage. WK_E_FORMAT, WK_E_SHORT: they are not
 *  the one value of a single target, or not the values of a list. */
WK_MUST_USE wk_err wk_session_gathered(struct wk_session *session, struct wk_bytes_in *values);

/* ---- session_block.c: general block transfer --------------------------------------------- */

/** Takes a block of the client: true if it completes an APDU, which is then in the stage;
 *  otherwise the answer, if there is one, is written. */
bool wk_session_take_block(struct wk_session_turn *turn, struct wk_bytes_in *in,
                           struct wk_bytes_out *reply, struct wk_bytes_in *apdu);
/** Begins to send session->get by general block transfer; wk_session_cut writes the blocks. */
void wk_session_begin_blocks(struct wk_session_turn *turn);
/** Cuts the reply, which begins at `begin` in `reply`, into blocks if it must be. */
void wk_session_cut(struct wk_session_turn *turn, size_t begin, struct wk_bytes_out *reply);

/* ---- session_set.c ----------------------------------------------------------------------- */

void wk_session_serve_set(struct wk_session_turn *turn, const struct wk_apdu_request *request);
void wk_session_serve_set_list(struct wk_session_turn *turn,
                               const struct wk_apdu_request *request);
void wk_session_serve_set_block(struct wk_session_turn *turn,
                                const struct wk_apdu_request *request);
/** Rights to write: success and *object, or a refusal. */
wk_apdu_access wk_session_check_set(const struct wk_session *session,
                                    const struct wk_apdu_target *target,
                                    const struct wk_object **object);
/** Writes one item that was not refused. */
wk_apdu_access wk_session_set_item(struct wk_session_turn *turn,
                                   const struct wk_session_item *item,
                                   struct wk_bytes_in value);

/* ---- session_action.c -------------------------------------------------------------------- */

void wk_session_serve_action(struct wk_session_turn *turn,
                             const struct wk_apdu_request *request);
void wk_session_serve_action_list(struct wk_session_turn *turn,
                                  const struct wk_apdu_request *request);
void wk_session_serve_action_block(struct wk_session_turn *turn,
                                   const struct wk_apdu_request *request);
wk_apdu_access wk_session_check_action(const struct wk_session *session,
                                       const struct wk_apdu_target *target,
                                       const struct wk_object **object);
/** Invokes one item that was not refused. `reply` may be left faulty on success: the method
 *  was carried out, but what it returned is too long. */
wk_apdu_access wk_session_invoke_item(struct wk_session_turn *turn,
                                      const struct wk_session_item *item,
                                      struct wk_bytes_in *parameter,
                                      struct wk_bytes_out *reply);

/** Whether the session itself answers for the object: classes 15 and 64. */
bool wk_session_is_own(const struct wk_object *object);

/* ---- session_association.c: class 15, and what goes on to class 64 ----------------------- */

/* Access selectors of object_list. */
typedef enum wk_session_choice {
    WK_SESSION_WITHOUT_RIGHTS = 1, /* all objects, their lists of rights empty */
    WK_SESSION_BY_CLASS = 2,
    WK_SESSION_BY_OBJECTS = 3,
    WK_SESSION_BY_OBJECT = 4,
} wk_session_choice;

WK_MUST_USE wk_err wk_session_association_get(struct wk_session *session,
                                              const struct wk_session_item *item,
                                              struct wk_object_cursor *cursor,
                                              struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_session_association_set(struct wk_session_turn *turn,
                                              const struct wk_object *object, uint8_t attribute,
                                              struct wk_bytes_in *value);
WK_MUST_USE wk_err wk_session_association_action(struct wk_session_turn *turn,
                                                 const struct wk_object *object, uint8_t method,
                                                 struct wk_bytes_in *parameter,
                                                 struct wk_bytes_out *reply);

/* ---- session_security.c: class 64 -------------------------------------------------------- */

WK_MUST_USE wk_err wk_session_security_get(struct wk_session *session,
                                           const struct wk_object *object, uint8_t attribute,
                                           struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_session_security_set(struct wk_session_turn *turn,
                                           const struct wk_object *object, uint8_t attribute,
                                           struct wk_bytes_in *value);
WK_MUST_USE wk_err wk_session_security_action(struct wk_session_turn *turn,
                                              const struct wk_object *object, uint8_t method,
                                              struct wk_bytes_in *parameter,
                                              struct wk_bytes_out *reply);
/** Key agreement: method 3 of a meter with key pairs. */
WK_MUST_USE wk_err wk_session_security_agree(struct wk_session_turn *turn,
                                             struct wk_session_setup *setup,
                                             struct wk_bytes_in *parameter,
                                             struct wk_bytes_out *reply);

#endif
