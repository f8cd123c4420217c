/* SPDX-License-Identifier: Apache-2.0
 *
 * management/image - takes a new firmware from a client and lets it take over: image transfer
 * (class 18, version 0, IEC 62056-6-2).
 *
 * Blocks come in any order, repeated or after pauses of days, and go to a flash area of their own.
 * What was acknowledged is known after any power cut; a client reads which blocks are missing and
 * goes on. Nothing that runs is touched before an image is whole, signed by the maker, for this
 * hardware and newer than what runs. docs/image.md describes the process and the area.
 *
 *   invariant 1   a block is received only if all its octets are safe in the area
 *   invariant 2   a program unit is programmed once per erase, whatever was cut off before
 *   invariant 3   no image is staged that was not verified since its last octet came
 *
 * Long work (verification, staging) is done in steps of a few kilo-octets, so that measurement and
 * sessions go on; the owner calls wk_image_step until it is not busy. One step is the check of a
 * signature, which a port cannot divide.
 *
 * Memory: caller owns the struct, about 600 octets, and a bit per block. Context: one thread. */
#ifndef WK_MANAGEMENT_IMAGE_H
#define WK_MANAGEMENT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "management/image_header.h"
#include "port/hal.h"

#define WK_IMAGE_IDENTIFIER 64 /* octets of an identifier, most */
#define WK_IMAGE_SECTORS    3 /* of the area before the image: two of journal, one to mend in */
#define WK_IMAGE_STEP       4096 /* octets that a step works on, most */

/* image_transfer_status */
typedef enum wk_image_status {
    WK_IMAGE_NOT_INITIATED = 0,
    WK_IMAGE_INITIATED = 1,
    WK_IMAGE_VERIFYING = 2,
    WK_IMAGE_VERIFIED = 3,
    WK_IMAGE_NOT_VERIFIED = 4,
    WK_IMAGE_ACTIVATING = 5,
    WK_IMAGE_ACTIVATED = 6,
    WK_IMAGE_NOT_ACTIVATED = 7,
    WK_IMAGE_STATUSES,
} wk_image_status;

/* Why an image was refused last; value, name, what it tells a person */
#define WK_IMAGE_REFUSAL_LIST(X)                                                               \
    X(0, NONE, "nothing was refused")                                                          \
    X(1, FORMAT, "it is no firmware image: send the file that \"wk image sign\" made")         \
    X(2, SIGNATURE, "it is not signed by the maker of this meter")                             \
    X(3, HARDWARE, "it is for another hardware")                                               \
    X(4, OLDER, "it is not newer than what the meter runs or ran")                             \
    X(5, SIZE, "its size is not the one that was announced")                                   \
    X(6, DIGEST, "its octets are not those that were signed: send it again")                   \
    X(7, AREA, "the flash area could not be read: send it again")                              \
    X(8, STAGING, "it could not be made ready to run: see the meter's own log")                \
    X(9, FELL_BACK, "it did not show that it works: the firmware before it came back")
#define WK_IMAGE_REFUSAL_ENUM(value, name, text) WK_IMAGE_REFUSED_##name = (value),
typedef enum wk_image_refusal { WK_IMAGE_REFUSAL_LIST(WK_IMAGE_REFUSAL_ENUM) } wk_image_refusal;
#undef WK_IMAGE_REFUSAL_ENUM

/* News for the assembler, a bit each. They are told once: a cut before they are logged loses them. */
enum {
    WK_IMAGE_NEWS_READY = 0x01,     /* verified, can be activated */
    WK_IMAGE_NEWS_REFUSED = 0x02,   /* verification or staging failed, see the refusal */
    WK_IMAGE_NEWS_FORGED = 0x04,    /* ... because the signature is not the maker's */
    WK_IMAGE_NEWS_ACTIVATED = 0x08, /* what runs was confirmed */
    WK_IMAGE_NEWS_FELL_BACK = 0x10, /* the firmware before came back */
};

struct wk_image_config {
    const struct wk_hal_flash *area;    /* at least WK_IMAGE_SECTORS + 1 sectors of its own;
                                              64 is a multiple of its program unit */
    const struct wk_hal_crypto *crypto; /* with hash, verify and digest_... */
    const struct wk_hal_firmware *firmware;
    struct wk_image_maker maker;
    char hardware[WK_IMAGE_HARDWARE + 1]; /* images of another are refused */
    uint64_t version;                     /* of what runs */
    uint8_t digest[WK_IMAGE_DIGEST];      /* of what runs, for who reads it; all 0: not known */
    uint32_t block_size;                  /* divides the sector, multiple of 64 */
    uint8_t *received;                    /* room for a bit per block, the owner's */
    uint32_t received_size;               /* octets of it: an image has at most 8 blocks each */
};

/* Where the journal stands. */
struct wk_image_journal {
    uint32_t generation; /* of its newest sector, 0 or 1 */
    uint32_t sector;
    uint32_t at; /* next free octet on the device */
    bool stale;  /* what a cut left may lie at `at`: begin a sector first */
};

struct wk_image {
    struct wk_image_config config;
    struct wk_image_journal journal;
    uint8_t status;  /* wk_image_status */
    uint8_t refusal; /* wk_image_refusal */
    bool enabled;
    bool moved;     /* the sector of `begun` lies in the sector to mend in */
    uint32_t begun; /* block being written, or WK_IMAGE_NO_BLOCK */
    uint64_t floor; /* the newest version that was ever confirmed */
    uint32_t size;  /* of the image under way, head included; 0 = none */
    uint32_t count; /* blocks received */
    uint8_t identifier[WK_IMAGE_IDENTIFIER];
    uint8_t identifier_size;
    uint8_t work;  /* what steps do; private */
    bool activate; /* ... and activate when it is verified */
    bool restart;  /* staged: the owner is to start anew */
    uint8_t news;
    uint32_t done;                 /* octets of the work under way */
    struct wk_image_header header; /* of what is verified */
};
#define WK_IMAGE_NO_BLOCK UINT32_MAX

/** Reads the area; mends what a cut left; an area that holds nothing is begun. If an image was to be
 *  activated, says now whether it was: what runs has its version and is not on trial, or another one
 *  runs. WK_E_ARGUMENT: geometry or block size are not possible, or a function is missing.
 *  WK_E_IO: the area refused. */
WK_MUST_USE wk_err wk_image_init(struct wk_image *image, const struct wk_image_config *config);

/* ---- class 18 ---------------------------------------------------------------------------- */

/** Begins a transfer, after which all blocks are missing. The same identifier and size as those of
 *  the transfer under way continue it: nothing that was received is lost. WK_E_DENIED: transfer is
 *  not enabled; WK_E_BUSY: verification or activation is under way; WK_E_RANGE: the identifier
 *  is empty or too long, or the size is less than a head or more than the area takes; WK_E_IO. */
WK_MUST_USE wk_err wk_image_initiate(struct wk_image *image, const uint8_t *identifier,
                                     size_t identifier_size, uint32_t size);

/** Takes a block; one that is here already is ignored. WK_E_DENIED, WK_E_BUSY as above;
 *  WK_E_REFUSED: no transfer was initiated; WK_E_RANGE: no such block, or it has not the size of a
 *  block (of the rest, if it is the last one); WK_E_IO: not written, send it again. */
WK_MUST_USE wk_err wk_image_block(struct wk_image *image, uint32_t number,
                                  const uint8_t *octets, size_t size);

/** WK_OK: verified. WK_E_BUSY: verification goes on, ask again. WK_E_REFUSED: blocks are missing, no
 *  transfer was initiated, or the image was refused (image->refusal). WK_E_DENIED as above. */
WK_MUST_USE wk_err wk_image_verify(struct wk_image *image);

/** Verifies first if that was not done. WK_E_BUSY: goes on; follow the status. WK_OK: activated
 *  already. WK_E_REFUSED and WK_E_DENIED as above. */
WK_MUST_USE wk_err wk_image_activate(struct wk_image *image);

/** image_transfer_enabled; kept. WK_E_IO. */
WK_MUST_USE wk_err wk_image_enable(struct wk_image *image, bool enabled);

uint32_t wk_image_blocks(const struct wk_image *image);
/** False also for a block that the image does not have. */
bool wk_image_has(const struct wk_image *image, uint32_t number);
/** The number of blocks if none is missing. */
uint32_t wk_image_first_missing(const struct wk_image *image);

/* ---- the owner --------------------------------------------------------------------------- */

/** Whether there is work to be done in steps. */
bool wk_image_is_busy(const struct wk_image *image);
/** Does a step of it. WK_E_IO: the journal cannot be written; the work is given up. */
WK_MUST_USE wk_err wk_image_step(struct wk_image *image);

/** What runs has shown that it works: keeps it, and raises the oldest version that is accepted. Does
 *  nothing if it is not on trial. Errors: those of the port; WK_E_IO. */
WK_MUST_USE wk_err wk_image_confirm(struct wk_image *image);

/** News since the last call. */
uint8_t wk_image_take_news(struct wk_image *image);

/** What a person is told of a refusal. */
const char *wk_image_refusal_text(uint8_t refusal);

#endif
