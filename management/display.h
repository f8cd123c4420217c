/* SPDX-License-Identifier: Apache-2.0
 *
 * management/display - what a meter's display shows, as data: lists of objects that scroll by
 * themselves or by a button, and a test mode with more digits (IEC 62056-61 identification codes).
 *
 * The room decides what is shown and writes it as text of eight digits; the segments belong to
 * the port. Energies are cut off, never rounded up: a display must not run ahead of the bill.
 *
 * Time is metrology's, in microseconds. */
#ifndef WK_MANAGEMENT_DISPLAY_H
#define WK_MANAGEMENT_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "management/object.h"

#define WK_DISPLAY_ITEMS  24 /* of one list */
#define WK_DISPLAY_DIGITS 8

typedef enum wk_display_list {
    WK_DISPLAY_AUTO = 0, /* scrolls by itself */
    WK_DISPLAY_MANUAL,   /* by the button; back to AUTO when nobody presses */
    WK_DISPLAY_TEST,     /* scrolls by the button, with all digits behind the point */
    WK_DISPLAY_LISTS,
} wk_display_list;

/* Codes that are no registers. */
typedef enum wk_display_special {
    WK_DISPLAY_REGISTER = 0,
    WK_DISPLAY_SEGMENTS, /* 88888888: every segment */
    WK_DISPLAY_TIME,     /* 0.9.1 */
    WK_DISPLAY_DATE,     /* 0.9.2 */
    WK_DISPLAY_TARIFF,   /* 0.2.2: the tariff in force */
    WK_DISPLAY_ALARMS,   /* F.F: register 1 of alarms, hexadecimal */
    WK_DISPLAY_SPECIALS,
} wk_display_special;

struct wk_display_item {
    uint8_t special;  /* wk_display_special */
    uint8_t obis[6];  /* of a register (class 3) of this meter */
    uint8_t decimals; /* 0..6, in the unit with its prefix */
    uint8_t kilo;     /* 1: in kWh, kW, kV ... */
};

struct wk_display {
    struct wk_display_item item[WK_DISPLAY_LISTS][WK_DISPLAY_ITEMS];
    uint8_t count[WK_DISPLAY_LISTS];
    uint8_t scroll_s; /* 2..60: time of an item of the AUTO list */
    uint8_t idle_s;   /* 5..250: without a press, back to AUTO */
    uint8_t test_min; /* 1..60: length of the test mode */
    wk_display_list list;
    uint8_t at;
    int64_t since_us; /* the item is shown */
    int64_t test_us;  /* the test mode ends */
};

struct wk_display_text {
    char code[12];                     /* "1.8.1" */
    char value[WK_DISPLAY_DIGITS + 3]; /* digits, a point, a sign */
    char unit[6];                      /* "kWh" */
    bool is_test;
};

/** Import, its tariffs, export, power, date and time; segments, registers in the test list. */
void wk_display_init(struct wk_display *display, uint8_t phases);

/* What is wrong with a list. */
struct wk_display_fault {
    uint8_t number; /* of the item, from 1; 0 = the list */
    const char *reason;
};

/** Replaces a list. WK_E_RANGE: more than WK_DISPLAY_ITEMS, an empty list, a code that is no
 *  register of this meter, decimals beyond 6; the list stays as it was then. */
WK_MUST_USE wk_err wk_display_set(struct wk_display *display, wk_display_list list,
                                  const struct wk_display_item *items, uint8_t count,
                                  const struct wk_object_table *table,
                                  struct wk_display_fault *fault);

/** Time goes on; `pressed`: the display button was pressed since the last call. */
void wk_display_step(struct wk_display *display, int64_t t_us, bool pressed);

/** Begins or ends the test mode. */
void wk_display_test(struct wk_display *display, int64_t t_us, bool on);

/** What is to be seen now. The table is that of management/objects. Values that are not measured yet are dashes. */
void wk_display_show(const struct wk_display *display, const struct wk_object_table *table,
                     struct wk_display_text *text);

/** Octets for the store: the lists and times. WK_E_FORMAT: no such state; nothing is changed. */
#define WK_DISPLAY_PACKED_MAX (1 + 3 + WK_DISPLAY_LISTS * (1 + WK_DISPLAY_ITEMS * 9))
void wk_display_pack(const struct wk_display *display, struct wk_bytes_out *out);
WK_MUST_USE wk_err wk_display_unpack(struct wk_display *display, struct wk_bytes_in *in);

#endif
