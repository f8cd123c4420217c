/* SPDX-License-Identifier: Apache-2.0
 *
 * cosem/explain - takes octets of COSEM apart for people: frames, wrappers, APDUs, data.
 *
 * What is found goes to a sink, item by item, as a tree: an item that opens a group is followed
 * by what is in it and by its end. Nothing is refused: what is malformed becomes an item with the
 * offset and the octets from there on, and everything before it has been told. So captures of
 * meters that deviate can be read, too; what is right is decided by the readers of cosem/apdu.
 *
 * With keys, protected APDUs are opened and explained as the last item of their group. It
 * remembers, per direction, segments of HDLC, general blocks and blocks of data, and explains the
 * whole when its last piece has come; of an association, the system titles of both ends and the
 * dedicated key. Offsets count from the begin of what was given, in what was deciphered or put
 * together from its begin. */
#ifndef WK_COSEM_EXPLAIN_H
#define WK_COSEM_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "cosem/cipher.h"
#include "port/hal.h"

#define WK_EXPLAIN_WHOLE   131072 /* octets of an APDU or a value from pieces, most */
#define WK_EXPLAIN_LAYERS  6      /* APDUs within one another, most */
#define WK_EXPLAIN_ELEMENT 4096   /* octets of an element of a compact array, most */
#define WK_EXPLAIN_NAME    96     /* octets of wk_explain_obis_name's text */

typedef enum wk_explain_kind {
    WK_EXPLAIN_GROUP = 0, /* items follow, then an end; `number`: how many, or -1 */
    WK_EXPLAIN_NULL,
    WK_EXPLAIN_BOOLEAN,
    WK_EXPLAIN_NUMBER,   /* `number` */
    WK_EXPLAIN_UNSIGNED, /* `number` as uint64_t */
    WK_EXPLAIN_FLOAT,    /* `octets`, 4 or 8 of IEEE 754 */
    WK_EXPLAIN_OCTETS,
    WK_EXPLAIN_TEXT, /* `octets` */
    WK_EXPLAIN_BITS, /* `octets`, the first `number` bits */
    WK_EXPLAIN_OBIS, /* `octets`, 6 */
    WK_EXPLAIN_TIME, /* `octets`: 12 date-time, 5 date, 4 time */
    WK_EXPLAIN_NOTE, /* `meaning` alone */
    WK_EXPLAIN_FAULT /* `meaning`: why; `octets`: from the fault on */
} wk_explain_kind;

struct wk_explain_item {
    wk_explain_kind kind;
    const char *name;    /* what it is: "invocation-counter"; NULL: an element */
    const char *type;    /* of "Data": "long-unsigned"; NULL: none is written */
    const char *meaning; /* of a number: "access denied"; NULL: none */
    int64_t number;
    const uint8_t *octets; /* borrowed during the call */
    size_t size;
    size_t offset;
};

struct wk_explain_sink {
    void *self;
    void (*item)(void *self, const struct wk_explain_item *item);
    void (*end)(void *self); /* of the group opened last */
};

struct wk_explain_keys {
    struct wk_cipher_keys global; /* `ek`, `ak`; size 0: not known */
    struct wk_hal_key dedicated;  /* size 0: taken from the initiate-request if that is seen */
    struct wk_hal_key kek;        /* the master key, for wrapped keys; size 0: not known */
    uint8_t title[WK_CIPHER_TITLE]; /* of who sends; used where none was seen */
    bool has_title;
};

/* What is put together in one direction. */
struct wk_explain_flow {
    size_t frame_size; /* segments of HDLC */
    size_t block_size; /* general blocks */
    size_t data_size;  /* blocks of GET, SET, ACTION */
    uint16_t block;    /* the last general block that was taken */
    uint8_t frames[WK_EXPLAIN_WHOLE];
    uint8_t blocks[WK_EXPLAIN_WHOLE];
    uint8_t data[WK_EXPLAIN_WHOLE];
};

/* All members but `keys`, `sink` and `direction` are private. */
struct wk_explain {
    const struct wk_hal_crypto *crypto;
    struct wk_explain_sink sink;
    struct wk_explain_keys keys;
    uint8_t direction;                  /* 0 or 1: which end sends what is explained next */
    uint8_t titles[2][WK_CIPHER_TITLE]; /* client, server: as the association says */
    bool has_titles[2];
    struct wk_hal_key dedicated; /* as the initiate-request said */
    struct wk_bytes_in next;     /* what is within the APDU being explained; size 0: nothing */
    uint32_t faults;             /* items of kind FAULT so far */
    struct wk_explain_flow flows[2];
    uint8_t opened[2][WK_EXPLAIN_WHOLE + WK_CIPHER_RESERVE];
    uint8_t element[WK_EXPLAIN_ELEMENT];
};

/** `crypto` NULL: nothing is deciphered. Keys are absent until the caller sets them. */
void wk_explain_init(struct wk_explain *explain, const struct wk_hal_crypto *crypto,
                     const struct wk_explain_sink *sink);

/** Whatever it is: HDLC frames, wrapper frames, an LLC header and an APDU, or an APDU. */
void wk_explain_any(struct wk_explain *explain, const uint8_t *octets, size_t size);
/** Whole frames of HDLC one after another; what is between them is told as fault. */
void wk_explain_hdlc(struct wk_explain *explain, const uint8_t *octets, size_t size);
/** Whole frames of the wrapper one after another. */
void wk_explain_wrapper(struct wk_explain *explain, const uint8_t *octets, size_t size);
void wk_explain_apdu(struct wk_explain *explain, const uint8_t *octets, size_t size);
/** One A-XDR value. */
void wk_explain_value(struct wk_explain *explain, const uint8_t *octets, size_t size);

/* ---- names ------------------------------------------------------------------------------- */

/** "active energy import, total, tariff 1", "clock" ...; "" if nothing is known about it. */
void wk_explain_obis_name(const uint8_t obis[6], char text[WK_EXPLAIN_NAME]);
/** "register" of class 3 ...; NULL: not known. */
const char *wk_explain_class_name(uint32_t class_id);
/** "Wh" of unit 30 ... (IEC 62056-6-2, table of enumerated units); NULL: not known. */
const char *wk_explain_unit(uint32_t unit);
/** "get-request" of 0xC0 ...; NULL: not known. */
const char *wk_explain_apdu_name(uint32_t tag);

#endif
