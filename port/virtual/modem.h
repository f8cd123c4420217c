/* SPDX-License-Identifier: Apache-2.0
 *
 * port/virtual/modem - a cellular modem and its network in virtual time: answers AT commands as a BG95
 * does, registers, sleeps in PSM, and fails in every way that it is told to. It shares nothing with
 * link/at or link/modem: it is what they are tested against, and what `wk lab modem` is made of.
 *
 * A fault holds until an action of at least its level cures it. A silent one answers nothing, the
 * others answer and do not register.
 *
 * Memory: 10 kB. Context: one thread. */
#ifndef WK_PORT_VIRTUAL_MODEM_H
#define WK_PORT_VIRTUAL_MODEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WK_VIRTUAL_MODEM_OUT     64  /* pieces on their way to the meter */
#define WK_VIRTUAL_MODEM_PIECE   128 /* octets of one */
#define WK_VIRTUAL_MODEM_COMMAND 192
#define WK_VIRTUAL_MODEM_NEVER   INT64_MAX

typedef enum wk_virtual_modem_cure {
    WK_VIRTUAL_MODEM_HEALTHY = 0,
    WK_VIRTUAL_MODEM_ATTACH, /* +CGATT=0, 1 */
    WK_VIRTUAL_MODEM_RADIO,  /* +CFUN=0, 1 */
    WK_VIRTUAL_MODEM_SOFT,   /* +CFUN=1,1 */
    WK_VIRTUAL_MODEM_HARD,   /* reset line */
    WK_VIRTUAL_MODEM_POWER,
} wk_virtual_modem_cure;

typedef enum wk_virtual_modem_line {
    WK_VIRTUAL_MODEM_WAKE = 0,
    WK_VIRTUAL_MODEM_RESET,
    WK_VIRTUAL_MODEM_SUPPLY,
} wk_virtual_modem_line;

/* World around it; may change at any time. */
struct wk_virtual_modem_rules {
    int64_t boot_us;
    int64_t register_us; /* from radio on to registered */
    int64_t answer_us;   /* of a command, up to twice as long */
    int16_t rsrp_dbm;
    int16_t rsrq_ddb; /* tenths of a dB */
    int16_t sinr_db;
    uint32_t cell;
    uint32_t band;
    uint8_t reject; /* cause of TS 24.301; 0: the network takes it */
    bool covered;   /* there is a network */
    bool has_sim;
    bool grants_psm;
    char pin[9]; /* the card wants it; "": none */
    uint32_t
        noise_ppm; /* of answers: junk, unsolicited lines, pauses in the middle of a line */
};

struct wk_virtual_modem_piece {
    int64_t due_us;
    uint8_t size;
    char octets[WK_VIRTUAL_MODEM_PIECE];
};

/* What the meter did. */
struct wk_virtual_modem_counts {
    uint32_t commands;
    uint32_t registrations; /* begun */
    uint32_t detaches;
    uint32_t radio_offs;
    uint32_t soft_resets;
    uint32_t hard_resets;
    uint32_t power_cycles;
    uint32_t wakes;
    uint32_t sleeps;
    uint32_t wrong_pins;
};

struct wk_virtual_modem {
    struct wk_virtual_modem_rules rules;
    struct wk_virtual_modem_counts counts;
    uint64_t seed;
    wk_virtual_modem_cure cure; /* what the fault needs */
    bool silent;
    bool on; /* has booted */
    bool asleep;
    bool echo;
    bool radio;
    bool attached;  /* is wanted to be */
    bool refused;   /* the command under way: its final result code is said */
    bool unlocked;  /* PIN given, or none needed */
    bool active;    /* context 1 */
    uint8_t status; /* as in +CEREG */
    uint8_t report; /* <n> of +CEREG */
    bool psm;
    char timers[2][9]; /* asked for: T3412, T3324 */
    int64_t tau_us;    /* as granted; 0: no PSM */
    int64_t idle_us;
    uint64_t bands;      /* mask it may use; 0: all */
    int64_t boot_us;     /* when it will have booted */
    int64_t register_us; /* when the network answers */
    int64_t traffic_us;
    int64_t wake_us; /* TAU */
    int64_t free_us; /* the transmitter */
    uint16_t size;
    char command[WK_VIRTUAL_MODEM_COMMAND];
    size_t first;
    size_t waiting;
    struct wk_virtual_modem_piece out[WK_VIRTUAL_MODEM_OUT];
};

/** As if its supply came now. */
void wk_virtual_modem_init(struct wk_virtual_modem *modem,
                           const struct wk_virtual_modem_rules *rules, uint64_t seed,
                           int64_t now_us);
/** Octets of the meter. */
void wk_virtual_modem_take(struct wk_virtual_modem *modem, const void *octets, size_t size,
                           int64_t now_us);
/** Octets for the meter; 0: none are due. */
size_t wk_virtual_modem_give(struct wk_virtual_modem *modem, void *to, size_t room,
                             int64_t now_us);
/** When something is due. */
int64_t wk_virtual_modem_next_us(const struct wk_virtual_modem *modem);
/** A line of the modem is pulsed. */
void wk_virtual_modem_pulse(struct wk_virtual_modem *modem, wk_virtual_modem_line line,
                            int64_t now_us);
/** It fails, until it is cured so. */
void wk_virtual_modem_fail(struct wk_virtual_modem *modem, wk_virtual_modem_cure cure,
                           bool silent, int64_t now_us);
/** Rules have been changed: tells the meter what follows from it. */
void wk_virtual_modem_change(struct wk_virtual_modem *modem, int64_t now_us);
/** Whether packets go through it now. */
bool wk_virtual_modem_carries(const struct wk_virtual_modem *modem);
/** A packet goes through it. */
void wk_virtual_modem_traffic(struct wk_virtual_modem *modem, int64_t now_us);

#endif
