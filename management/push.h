/* SPDX-License-Identifier: Apache-2.0
 *
 * management/push - what the meter sends without being asked: push setups (class 40 of
 * IEC 62056-6-2) and the delivery of their notifications.
 *
 * A setup says which attributes go where, when and how often it is tried. A trigger (a script,
 * a schedule, an alarm) makes it due, after a random delay and within its windows. The room
 * does no input or output: its owner asks what is due, sends what wk_push_output gives, hands
 * over what comes back, and says when the carrier failed. One delivery is under way at a time;
 * a setup that is triggered while it waits is sent once.
 *
 * Nothing of a profile is lost while pushes fail: its buffer is sent from behind the last entry
 * that was delivered - confirmed, where confirmation is asked for - and as much of it as one
 * notification holds; the rest follows at once. What identifies an entry is its clock: entries
 * of a clock that was set back behind what was delivered are not sent again.
 *
 * Memory: WK_PUSH_BODY octets of a notification, twice (`body`, `apdu`: the buffers); what is
 * longer is left out as null-data. Notifications longer than max_pdu go by general block transfer. The values of all
 * setups share WK_PUSH_ROOM octets: each is kept as it goes on the wire. */
#ifndef WK_MANAGEMENT_PUSH_H
#define WK_MANAGEMENT_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/datetime.h"
#include "cosem/gbt.h"
#include "cosem/select.h"
#include "management/object.h"

#define WK_PUSH_SETUPS       5
#define WK_PUSH_OBJECTS      8    /* attributes of a setup */
#define WK_PUSH_COLUMNS      8    /* of an attribute that is a profile's buffer */
#define WK_PUSH_WINDOWS      4    /* of a setup */
#define WK_PUSH_DESTINATION  64   /* octets of an address */
#define WK_PUSH_ROOM         1024 /* octets of all values that were set */
#define WK_PUSH_BODY         1536
#define WK_PUSH_PROTECTION   160 /* octets around it, and what sealing works with */
#define WK_PUSH_CONFIRMATION 160 /* room in which a confirmation is opened */
#define WK_PUSH_PDU_LEAST    64
#define WK_PUSH_CONFIRM_US   INT64_C(10000000) /* for a confirmation or acknowledgement */
#define WK_PUSH_WINDOW_US    INT64_C(60000000) /* how often a closed window is looked at */
#define WK_PUSH_NEVER        INT64_MAX

/* transport_service_type */
typedef enum wk_push_service {
    WK_PUSH_TCP = 0,
    WK_PUSH_UDP = 1,
    WK_PUSH_COAP = 9, /* reliable: confirmable messages */
} wk_push_service;

/* message_type */
#define WK_PUSH_MESSAGE_AXDR    0
#define WK_PUSH_MESSAGE_COMPACT 128 /* arrays of one type go as compact arrays */

/* push_operation_method */
typedef enum wk_push_method {
    WK_PUSH_UNCONFIRMED = 0, /* tried again if the carrier fails */
    WK_PUSH_CARRIED = 1,     /* likewise: the carrier confirms */
    WK_PUSH_CONFIRMED = 2,   /* tried again until DataNotification is confirmed */
} wk_push_method;

/* restriction_type */
typedef enum wk_push_restriction {
    WK_PUSH_ALL = 0, /* of a profile: what was not yet delivered */
    WK_PUSH_BY_DATE = 1,
    WK_PUSH_BY_ENTRY = 2,
} wk_push_restriction;

struct wk_push_object {
    struct wk_select_column what; /* data_index 0 = all of the attribute */
    uint8_t restriction;          /* wk_push_restriction */
    struct wk_datetime from;      /* WK_PUSH_BY_DATE */
    struct wk_datetime to;
    uint32_t entry_first; /* WK_PUSH_BY_ENTRY, 1 = oldest */
    uint32_t entry_last;  /* 0 = newest */
    uint8_t column_count; /* 0 = all */
    struct wk_select_column columns[WK_PUSH_COLUMNS];
};

struct wk_push_window {
    struct wk_datetime begin; /* what is not specified fits always */
    struct wk_datetime end;
};

/* What of a setup says where, when and how; what it sends is an array of objects. */
struct wk_push_setup {
    uint8_t service; /* wk_push_service */
    uint8_t message;
    uint8_t destination_size;
    uint8_t destination[WK_PUSH_DESTINATION]; /* text: "host:port" */
    uint8_t window_count;                     /* 0 = always */
    struct wk_push_window windows[WK_PUSH_WINDOWS];
    uint16_t random_s; /* most delay before the first try */
    uint8_t retries;
    uint16_t delay_least_s;  /* before the second try */
    uint16_t delay_exponent; /* hundredths by which each further delay grows; 100 = not */
    uint16_t delay_most_s;
    int8_t client_sap;
    uint8_t method; /* wk_push_method */
    bool protect;   /* sealed; push_protection_parameters is not empty */
};

struct wk_push_config {
    const struct wk_object_table *table;
    const struct wk_zone *zone;
    wk_role role;     /* what it may read is sent */
    uint16_t max_pdu; /* longest APDU that is sent, WK_PUSH_PDU_LEAST or more */
    void *self;       /* of the functions below */
    /** A random number. */
    uint32_t (*draw)(void *self);
    /** Makes a compact array of an array: wk_compact_put. NULL: there is no message type of compact
     *  arrays. */
    wk_err (*compact)(struct wk_bytes_in array, struct wk_bytes_out *out);
    /** Protects a whole APDU for whoever receives; NULL: setups that must be protected fail. */
    wk_err (*seal)(void *self, struct wk_bytes_in plain, struct wk_bytes_out *out);
    /** Opens a protected confirmation into WK_PUSH_CONFIRMATION octets. NULL: none is taken. */
    wk_err (*open)(void *self, struct wk_bytes_in sealed, struct wk_bytes_out *plain);
};

/* The delivery under way: private. */
struct wk_push_delivery {
    bool busy;
    bool begun; /* something was given to the carrier */
    bool by_blocks;
    bool waits; /* for a confirmation */
    bool more;  /* of a profile, behind what is in it */
    uint8_t setup;
    struct wk_push_setup of;
    uint32_t invoke;
    int64_t deadline_us;
    int64_t reach_s[WK_PUSH_OBJECTS];
    size_t size;
    size_t at; /* windows before */
    uint16_t peer;
    struct wk_gbt_sender sender;
};

struct wk_push_job {
    bool pending;
    uint8_t tries;
    int64_t due_us;
};

/* How far a setup is. */
struct wk_push_progress {
    int64_t confirmed_us;               /* the last delivery; 0 = never */
    int64_t reached_s[WK_PUSH_OBJECTS]; /* profiles: clock of the last entry delivered */
};

struct wk_push {
    struct wk_push_config config;
    struct wk_push_progress progress[WK_PUSH_SETUPS];
    struct wk_push_job jobs[WK_PUSH_SETUPS];
    struct wk_push_delivery delivery;
    uint32_t invoke;    /* of the last notification */
    uint32_t delivered; /* since init */
    uint32_t given_up;  /* ... after all tries */
    uint8_t changed;    /* bit n: setup n was set; set here, cleared by the owner's commit */
    bool moved;         /* ... what is due, or was delivered */
    uint16_t size;      /* of `values` */
    uint8_t values[WK_PUSH_ROOM];
    uint8_t body[WK_PUSH_BODY];
    uint8_t apdu[WK_PUSH_BODY + WK_PUSH_PROTECTION];
};

/** WK_E_ARGUMENT: a member of `config` is missing or max_pdu too small. The setups are empty;
 *  the owner fills them in, with wk_push_put or wk_push_set. */
WK_MUST_USE wk_err wk_push_init(struct wk_push *push, const struct wk_push_config *config);

/** Makes a setup due. WK_E_ARGUMENT: no such setup; WK_E_STATE: it has nothing to send. */
WK_MUST_USE wk_err wk_push_trigger(struct wk_push *push, uint8_t setup, int64_t now_us);
/** Forgets what is due of a setup, and ends its delivery (method reset). */
void wk_push_reset(struct wk_push *push, uint8_t setup);
/** When wk_push_begin or wk_push_tick may have something to do; WK_PUSH_NEVER. */
int64_t wk_push_due_us(const struct wk_push *push);

/** Begins a delivery that is due: its setup tells where. False: none is, or one is under way. */
bool wk_push_begin(struct wk_push *push, int64_t now_us, const struct wk_push_setup **setup);
bool wk_push_is_busy(const struct wk_push *push);
/** True while there is something to send. */
bool wk_push_sends(const struct wk_push *push);
/** Appends the next APDU. WK_E_STATE: none is to be sent now. */
WK_MUST_USE wk_err wk_push_output(struct wk_push *push, int64_t now_us,
                                  struct wk_bytes_out *out);
/** The carrier took all that wk_push_output gave: an unconfirmed delivery is done then. */
void wk_push_sent(struct wk_push *push, int64_t now_us);
/** Takes an APDU of the receiver: an acknowledgement of blocks, or the confirmation. Anything
 *  else is left alone. */
void wk_push_receive(struct wk_push *push, int64_t now_us, struct wk_bytes_in apdu);
/** The carrier could not deliver: it is tried again later, or given up. */
void wk_push_failed(struct wk_push *push, int64_t now_us);
/** Ends a delivery whose answer is overdue. */
void wk_push_tick(struct wk_push *push, int64_t now_us);

/** Reads and writes the value of an attribute of class 40, version 2 (2 to 13). */
WK_MUST_USE wk_err wk_push_get(const struct wk_push *push, uint8_t setup, uint8_t attribute,
                               struct wk_bytes_out *out);
/** WK_E_FORMAT: a wrong type; WK_E_RANGE: a wrong value; WK_E_STATE: no room is left for values
 *  that were set; the value before has its room until the new one is in. On error nothing
 *  changed. */
WK_MUST_USE wk_err wk_push_set(struct wk_push *push, uint8_t setup, uint8_t attribute,
                               struct wk_bytes_in *value);
/** (push_put.c) Fills in a setup that sends whole attributes. Errors of wk_push_set. */
WK_MUST_USE wk_err wk_push_put(struct wk_push *push, uint8_t number,
                               const struct wk_push_setup *setup,
                               const struct wk_select_column *objects, uint8_t count);
/** The setup as it is now. WK_E_ARGUMENT: no such setup. */
WK_MUST_USE wk_err wk_push_setup_of(const struct wk_push *push, uint8_t number,
                                    struct wk_push_setup *setup);

/** (push_pack.c) Setups and progress for the owner's store. A job that was pending is due at
 *  once; what was under way is sent again. Progress is of setups that still send the same: unpack
 *  them first. A setup of version 1 counts as not set. WK_E_FORMAT: no form this version knows. */
#define WK_PUSH_SETUP_PACKED    (3 + WK_PUSH_ROOM)
#define WK_PUSH_PROGRESS_PACKED (1 + WK_PUSH_SETUPS * (14 + 8 * WK_PUSH_OBJECTS))
void wk_push_setup_pack(const struct wk_push *push, uint8_t number, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_push_setup_unpack(struct wk_push *push, uint8_t number,
                                        struct wk_bytes_in *in);
void wk_push_progress_pack(const struct wk_push *push, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_push_progress_unpack(struct wk_push *push, struct wk_bytes_in *in);

#endif
