/* SPDX-License-Identifier: Apache-2.0
 *
 * port/hal - all that a meter asks of the world, on one page.
 *
 * Core rooms never open a file, read a clock or draw a random number: an owner hands them these
 * interfaces and passes time as an argument. Every interface is a struct of functions with a
 * `self`; all functions are called from one thread. A port answers them: port/linux,
 * port/cortexm, port/virtual. */
#ifndef WK_PORT_HAL_H
#define WK_PORT_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* ---- front end: where samples come from -------------------------------------------------- */

#define WK_HAL_CHANNELS 8 /* most channels a front end delivers: 3 U + UN + 3 I + IN */
#define WK_HAL_NAME     16

typedef enum wk_hal_quantity {
    WK_HAL_UNUSED = 0, /* delivered, but not metered */
    WK_HAL_VOLTAGE,
    WK_HAL_CURRENT,
} wk_hal_quantity;

/* value = mantissa * 10^exponent, per count; e.g. -0.0197614394128323 A = {-1976143941, -11}.
 * The mantissa holds at least 30 significant bits, so the error is below 1e-9. */
struct wk_hal_gain {
    int32_t mantissa; /* != 0; negative turns the polarity */
    int8_t exponent;  /* -24..6 */
};

/* A count of this value is none: the converter had nothing to deliver (NaN, a failed transfer). */
#define WK_HAL_NO_COUNT INT32_MIN

/* A sensor's error at one current: what it adds to gain and phase there. Between points the
 * errors are interpolated, beyond them they stay. */
struct wk_hal_curve_point {
    int64_t i_ua;       /* rms of the fundamental; rising from point to point */
    int32_t gain_ppm;   /* reads so much too high, -100,000..100,000 */
    int32_t phase_udeg; /* lags so much, 10^-6 degrees, -10^7..10^7 */
};
#define WK_HAL_CURVE 6

struct wk_hal_channel {
    char name[WK_HAL_NAME]; /* zero-terminated, for people */
    wk_hal_quantity quantity;
    uint8_t phase;           /* 0..2 = L1..L3, 3 = neutral */
    struct wk_hal_gain gain; /* V or A per count */
    int32_t offset;          /* counts; subtracted from every sample */
    int32_t delay_ns;        /* how late this channel is sampled behind the true instant,
                                -50,000..50,000; corrected in P, Q and angles */
    int32_t range;           /* |count| at or above it is clipped; 0 = 16,777,215 */
    uint8_t curve_points;    /* 0 = the sensor has no curve; currents of L1..L3 only */
    struct wk_hal_curve_point curve[WK_HAL_CURVE];
};

struct wk_hal_frontend_info {
    uint8_t channels;    /* 1..WK_HAL_CHANNELS */
    int64_t rate_uhz;    /* sample rate in 10^-6 Hz; 1 kHz..50 kHz */
    int64_t start_us;    /* UTC of the first sample, microseconds since 1970; 0 = unknown */
    int32_t nominal_uhz; /* nominal frequency, 50,000,000 or 60,000,000; 0 = find out */
    int32_t nominal_mv;  /* nominal phase voltage; 0 = unknown (no dip or swell detection) */
    struct wk_hal_channel channel[WK_HAL_CHANNELS];
};

/* What happened to a feed between two blocks. */
typedef enum wk_hal_trouble_kind {
    WK_HAL_FEED_LOST = 1, /* `frames` frames are missing */
    WK_HAL_FEED_RESET,    /* the front end started anew; `frames` frames are missing */
    WK_HAL_FEED_RATE,     /* the sample rate is `rate_uhz` from now on */
} wk_hal_trouble_kind;

struct wk_hal_trouble {
    wk_hal_trouble_kind kind;
    uint64_t frames;
    int64_t rate_uhz;
};

struct wk_hal_frontend {
    void *self;
    const struct wk_hal_frontend_info *info;
    /** Delivers up to `frames` frames of info->channels counts each (frame after frame,
     *  channel after channel), of at most 24 bits plus sign. *got = 0 with WK_OK: the end.
     *  WK_E_FORMAT and WK_E_IO: see the port's own error text. */
    WK_MUST_USE wk_err (*read)(void *self, int32_t *counts, size_t frames, size_t *got);
    /** Asked after every read: takes what happened before the frames just read; false if
     *  nothing did. NULL: this front end never has trouble. */
    bool (*trouble)(void *self, struct wk_hal_trouble *trouble);
};

/* ---- flash: where the store lives -------------------------------------------------------- */

struct wk_hal_flash {
    void *self;
    uint32_t sector_size;  /* octets per erase, multiple of program_unit */
    uint32_t sector_count; /* >= 4 */
    uint32_t program_unit; /* octets per program, 1..64; a unit is programmed once per erase */
    uint8_t erased;        /* what an erased octet reads: 0xFF on NOR */
    WK_MUST_USE wk_err (*read)(void *self, uint32_t at, void *to, uint32_t size);
    /** `at` and `size` are multiples of program_unit, within one sector. A cut of power may
     *  leave the unit under way with any content. */
    WK_MUST_USE wk_err (*program)(void *self, uint32_t at, const void *from, uint32_t size);
    /** Erases the sector that begins at `at`. A cut may leave it with any content. */
    WK_MUST_USE wk_err (*erase)(void *self, uint32_t at);
    /** Returns when all that was programmed and erased survives a cut. */
    WK_MUST_USE wk_err (*sync)(void *self);
};

/* ---- firmware: how another one takes over ------------------------------------------------ */

/* After `stage` the owner ends what runs and starts anew: the staged firmware runs then, on trial.
 * On trial it is until it is confirmed. If it ends, starts anew or is not confirmed within the
 * port's limit, the firmware before it comes back by itself and the staged one is dropped. So a
 * firmware confirms only once it has shown that it meters, and until then writes nothing that
 * the one before cannot read. */
struct wk_hal_firmware {
    void *self;
    /** Makes ready what lies at `at` of `area`, `size` octets that are verified already, of version
     *  `version` (management/image_header). WK_E_BUSY: a part is done, call again with the same.
     *  WK_OK: done, and safe over a cut. On another error nothing has changed. */
    WK_MUST_USE wk_err (*stage)(void *self, const struct wk_hal_flash *area, uint32_t at,
                                uint32_t size, uint64_t version);
    /** Whether what runs is on trial. */
    bool (*on_trial)(void *self);
    /** What runs is kept from now on, safe over a cut. Right also if it is kept already. */
    WK_MUST_USE wk_err (*confirm)(void *self);
};

/* ---- contactor: what opens and closes the supply ----------------------------------------- */

struct wk_hal_contactor {
    void *self;
    WK_MUST_USE wk_err (*set)(void *self, bool closed);
    /** What the auxiliary contact reports. */
    WK_MUST_USE wk_err (*is_closed)(void *self, bool *closed);
};

/* ---- what else a case may have; a port without it hands over NULL ----------------------------- */

/* An auxiliary relay. */
struct wk_hal_relay {
    void *self;
    WK_MUST_USE wk_err (*set)(void *self, bool on);
};

/* Bits of covers and buttons. */
enum {
    WK_HAL_TERMINAL_COVER = 0x01,
    WK_HAL_MAIN_COVER = 0x02,
    WK_HAL_MODULE = 0x04, /* the communication module is out */
    WK_HAL_COVERS = 0x07,
    WK_HAL_BUTTON_RECONNECT = 0x10,
    WK_HAL_BUTTON_DISCONNECT = 0x20,
    WK_HAL_BUTTON_DISPLAY = 0x40,
};

struct wk_hal_case_state {
    uint8_t open;           /* covers open now */
    uint8_t opened;         /* covers that were open since the last read, also without power:
                               a battery keeps the switches awake */
    uint8_t pressed;        /* buttons pressed since the last read */
    int64_t first_opened_s; /* UTC of the first opening without power; 0: none, or not known */
};

struct wk_hal_case {
    void *self;
    WK_MUST_USE wk_err (*read)(void *self, struct wk_hal_case_state *state);
};

/* The magnetic field at the measuring system, and the temperature of the terminals. */
struct wk_hal_magnet {
    void *self;
    WK_MUST_USE wk_err (*read)(void *self, int32_t *field_ut); /* microtesla, magnitude */
};

struct wk_hal_thermometer {
    void *self;
    WK_MUST_USE wk_err (*read)(void *self, int32_t *mdegc); /* 10^-3 degrees Celsius */
};

/* ---- cryptography ------------------------------------------------------------------------ */

#define WK_HAL_KEY_SIZE 32
#define WK_HAL_WRAPPED  (WK_HAL_KEY_SIZE + 8) /* octets of a wrapped key, most */
#define WK_HAL_EC       48              /* octets of a coordinate or of a private key, most */
#define WK_HAL_POINT    (2 * WK_HAL_EC) /* octets of a public key or of a signature, most */
#define WK_HAL_HASH     48              /* octets of a hash, most */

/* A symmetric key: its octets, or the slot of a security module that holds them. */
struct wk_hal_key {
    uint8_t octets[WK_HAL_KEY_SIZE];
    uint8_t size; /* 16 or 32 */
    uint8_t slot; /* 0 = `octets` holds the key; else they are not used */
};

/* An elliptic-curve private key: its octets, or a slot. */
struct wk_hal_private {
    uint8_t octets[WK_HAL_EC]; /* most significant first */
    uint8_t size;              /* 32 = P-256, 48 = P-384, 0 = there is none */
    uint8_t slot;              /* 0 = `octets` holds the key; else they are not used */
};

typedef enum wk_hal_hash {
    WK_HAL_SHA256 = 0,
    WK_HAL_SHA384,
    WK_HAL_SHA1, /* for HLS mechanism 4 only */
    WK_HAL_MD5,  /* for HLS mechanism 3 only */
    WK_HAL_HASHES,
} wk_hal_hash;

/* A function that is NULL is one that this port does not have: who needs it answers
 * "unsupported". Only the first two and `random` are always there. */
struct wk_hal_crypto {
    void *self;
    /** AES-GCM, 96-bit IV, 96-bit tag (IEC 62056-5-3, 5.7.2.4). `out` may equal `in`.
     *  size = 0 gives GMAC over `aad`. */
    WK_MUST_USE wk_err (*gcm_seal)(void *self, const struct wk_hal_key *key,
                                   const uint8_t iv[12], const void *aad, size_t aad_size,
                                   const uint8_t *in, uint8_t *out, size_t size,
                                   uint8_t tag[12]);
    /** WK_E_AUTH: the tag is wrong; `out` then holds zeros. tag_size 12, or 0 for encryption
     *  without authentication (the tag is then not looked at). */
    WK_MUST_USE wk_err (*gcm_open)(void *self, const struct wk_hal_key *key,
                                   const uint8_t iv[12], const void *aad, size_t aad_size,
                                   const uint8_t *in, uint8_t *out, size_t size,
                                   const uint8_t *tag, size_t tag_size);
    /** SHA-256. NULL: this port has none. */
    WK_MUST_USE wk_err (*sha256)(void *self, const void *in, size_t size, uint8_t out[32]);
    /** Unpredictable octets, for challenges. */
    WK_MUST_USE wk_err (*random)(void *self, void *to, size_t size);
    /** WK_E_UNSUPPORTED: not this hash. `out` takes 32, 48, 20 or 16 octets. */
    WK_MUST_USE wk_err (*hash)(void *self, wk_hal_hash kind, const void *in, size_t size,
                               uint8_t *out);
    /** SHA-256 of what comes in pieces, one at a time for each port: begin, add ..., end. A
     *  begin drops one that was not ended. */
    WK_MUST_USE wk_err (*digest_begin)(void *self);
    WK_MUST_USE wk_err (*digest_add)(void *self, const void *in, size_t size);
    WK_MUST_USE wk_err (*digest_end)(void *self, uint8_t out[32]);
    /** AES key wrap (RFC 3394) of `key`, size + 8 octets. */
    WK_MUST_USE wk_err (*wrap)(void *self, const struct wk_hal_key *kek,
                               const struct wk_hal_key *key, uint8_t out[WK_HAL_WRAPPED]);
    /** WK_E_AUTH: not wrapped by `kek`; `key` is unchanged. `size` is 24 or 40. A key whose
     *  `slot` is not 0 goes into that slot. */
    WK_MUST_USE wk_err (*unwrap)(void *self, const struct wk_hal_key *kek,
                                 const uint8_t *wrapped, size_t size, struct wk_hal_key *key);
    /** ECDSA over a hash of key->size octets (SHA-256 with P-256, SHA-384 with P-384). The
     *  signature is r || s, 2 * key->size octets (IEC 62056-5-3, 5.3.4.4). WK_E_UNSUPPORTED:
     *  not this curve, as for the next three. */
    WK_MUST_USE wk_err (*sign)(void *self, const struct wk_hal_private *key,
                               const uint8_t *hash, uint8_t signature[WK_HAL_POINT]);
    /** WK_E_AUTH: `signature` is not that of the owner of `point`. `size` is 32 or 48; the
     *  point is x || y. */
    WK_MUST_USE wk_err (*verify)(void *self, size_t size, const uint8_t *point,
                                 const uint8_t *hash, const uint8_t *signature);
    /** ECDH: the x coordinate, key->size octets. WK_E_RANGE: `point` is not on the curve. */
    WK_MUST_USE wk_err (*agree)(void *self, const struct wk_hal_private *key,
                                const uint8_t *point, uint8_t secret[WK_HAL_EC]);
    /** Makes a key pair of key->size, in key->slot if that is not 0. */
    WK_MUST_USE wk_err (*generate)(void *self, struct wk_hal_private *key,
                                   uint8_t point[WK_HAL_POINT]);
};

#endif
