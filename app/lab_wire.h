/* SPDX-License-Identifier: Apache-2.0
 *
 * app/lab_wire - two network devices and a line each way between them, as the emulators of `wk lab` have
 * it. What is wrong is said on standard error. */
#ifndef WK_APP_LAB_WIRE_H
#define WK_APP_LAB_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/lab_script.h"
#include "port/linux/tun.h"
#include "port/virtual/line.h"

#define WK_LAB_ENDS     2
#define WK_LAB_END_TEXT 128
#define WK_LAB_INPUT    256 /* octets of a line on standard input */

/* One of the devices. */
struct wk_lab_end {
    char text[WK_LAB_END_TEXT]; /* NAMESPACE:DEVICE=ADDRESS, cut apart */
    struct wk_tun_config config;
    int fd; /* -1: not open */
};

/* From one end to the other. */
struct wk_lab_direction {
    struct wk_virtual_line line;
    struct wk_virtual_line_rules rules;
    int from;
    int to;
    uint64_t refused; /* by the kernel at the far end */
};

struct wk_lab_wire {
    struct wk_lab_end end[WK_LAB_ENDS];             /* left, right */
    struct wk_lab_direction direction[WK_LAB_ENDS]; /* to the right, to the left */
};

/** [NAMESPACE:]DEVICE[=ADDRESS] */
bool wk_lab_end_take(struct wk_lab_end *end, const char *text);
/** Each end knows the other's address. False: one has none. */
bool wk_lab_wire_pair(struct wk_lab_wire *wire);
/** Makes devices and lines. The exit status; wk_lab_wire_close tidies up. */
int wk_lab_wire_open(struct wk_lab_wire *wire, int64_t seed);
void wk_lab_wire_close(struct wk_lab_wire *wire);
/** A change of rules, for the directions that it names. */
void wk_lab_wire_change(struct wk_lab_wire *wire, const struct wk_lab_change *change);
/** Takes what packets the near device has. Returns how many; -1: the device is gone. `carries`: they
 *  get onto the line. */
int wk_lab_direction_take(struct wk_lab_direction *direction, bool carries, int64_t now_us);
/** Gives what has arrived to the far device. */
void wk_lab_direction_deliver(struct wk_lab_direction *direction, int64_t now_us);

/* Lines of standard input. */
struct wk_lab_input {
    char text[WK_LAB_INPUT];
    size_t size;
    int fd; /* -1: it has ended */
};

/** Reads what there is and gives each whole line to `take`. */
void wk_lab_input_read(struct wk_lab_input *input,
                       void (*take)(void *self, struct wk_text_span line), void *self);

/** The whole of a script; valid until the next call. False: it cannot be read. */
bool wk_lab_script_file(const char *path, struct wk_text_span *text);

#endif
