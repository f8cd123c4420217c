/* SPDX-License-Identifier: Apache-2.0 */
#include "app/lab_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/wk.h"

#define LINE_MEMORY ((size_t)4 * 1024 * 1024) /* of packets on one line */
#define AT_ONCE     64                  /* packets that are taken from a device in one go */
#define SCRIPT_MOST ((size_t)64 * 1024) /* octets of a script */

bool wk_lab_end_take(struct wk_lab_end *end, const char *text)
{
    if (strlen(text) >= sizeof end->text) {
        fprintf(stderr, "wk lab: an end has %d characters at most\n", WK_LAB_END_TEXT - 1);
        return false;
    }
    memcpy(end->text, text, strlen(text) + 1);
    char *address = strchr(end->text, '=');
    if (address != NULL) {
        *address++ = '\0';
    }
    char *device = strchr(end->text, ':');
    if (device != NULL) {
        *device++ = '\0';
    }
    end->config = (struct wk_tun_config){
        .namespace = device != NULL ? end->text : NULL,
        .device = device != NULL ? device : end->text,
        .address = address,
    };
    return true;
}

bool wk_lab_wire_pair(struct wk_lab_wire *wire)
{
    struct wk_tun_config *left = &wire->end[0].config;
    struct wk_tun_config *right = &wire->end[1].config;
    left->peer = right->address;
    right->peer = left->address;
    return (left->address == NULL) == (right->address == NULL);
}

static int open_ends(struct wk_lab_wire *wire)
{
    char error[WK_TUN_ERROR];
    for (size_t i = 0; i < WK_LAB_ENDS; i++) {
        struct wk_lab_end *end = &wire->end[i];
        const wk_err err = wk_tun_open(&end->fd, &end->config, error);
        if (err != WK_OK) {
            fprintf(stderr, "wk lab: %s\n", error);
            return err == WK_E_ARGUMENT ? WK_EXIT_USAGE : WK_EXIT_FAILED;
        }
    }
    return WK_EXIT_OK;
}

static int open_lines(struct wk_lab_wire *wire, int64_t seed)
{
    for (size_t i = 0; i < WK_LAB_ENDS; i++) {
        struct wk_lab_direction *direction = &wire->direction[i];
        void *memory = malloc(LINE_MEMORY);
        direction->from = wire->end[i].fd;
        direction->to = wire->end[1 - i].fd;
        if (wk_virtual_line_init(&direction->line, &direction->rules, memory, LINE_MEMORY,
                                 (uint64_t)seed * WK_LAB_ENDS + i) != WK_OK) {
            free(memory);
            fputs("wk lab: no memory\n", stderr);
            return WK_EXIT_FAILED;
        }
    }
    return WK_EXIT_OK;
}

int wk_lab_wire_open(struct wk_lab_wire *wire, int64_t seed)
{
    const int status = open_ends(wire);
    return status == WK_EXIT_OK ? open_lines(wire, seed) : status;
}

void wk_lab_wire_close(struct wk_lab_wire *wire)
{
    for (size_t i = 0; i < WK_LAB_ENDS; i++) {
        free(wire->direction[i].line.memory);
        if (wire->end[i].fd >= 0) {
            close(wire->end[i].fd);
        }
    }
}

void wk_lab_wire_change(struct wk_lab_wire *wire, const struct wk_lab_change *change)
{
    for (size_t i = 0; i < WK_LAB_ENDS; i++) {
        if ((change->directions >> i & 1) != 0) {
            wk_lab_script_apply(change, &wire->direction[i].rules);
            wk_virtual_line_set(&wire->direction[i].line, &wire->direction[i].rules);
        }
    }
}

int wk_lab_direction_take(struct wk_lab_direction *direction, bool carries, int64_t now_us)
{
    static uint8_t packet[WK_VIRTUAL_LINE_PACKET];
    size_t length;
    for (int taken = 0; taken < AT_ONCE; taken++) {
        const wk_err err = wk_tun_read(direction->from, packet, sizeof packet, &length);
        if (err != WK_OK) {
            return err == WK_E_NOT_FOUND ? taken : -1;
        }
        if (carries &&
            wk_virtual_line_send(&direction->line, packet, length, now_us) != WK_OK) {
            return taken; /* cannot be: a device gives no packet that a line does not take */
        }
    }
    return AT_ONCE;
}

void wk_lab_direction_deliver(struct wk_lab_direction *direction, int64_t now_us)
{
    static uint8_t packet[WK_VIRTUAL_LINE_PACKET];
    size_t length;
    while (wk_virtual_line_receive(&direction->line, packet, sizeof packet, &length, now_us) ==
           WK_OK) {
        direction->refused += wk_tun_write(direction->to, packet, length) == WK_OK ? 0 : 1;
    }
}

/* ---- scripts ----------------------------------------------------------------------------- */

void wk_lab_input_read(struct wk_lab_input *input,
                       void (*take)(void *self, struct wk_text_span line), void *self)
{
    const ssize_t count =
        read(input->fd, input->text + input->size, sizeof input->text - input->size);
    if (count <= 0) {
        input->fd = -1;
        return;
    }
    input->size += (size_t)count;
    char *end;
    while ((end = memchr(input->text, '\n', input->size)) != NULL) {
        const size_t size = (size_t)(end - input->text);
        take(self, (struct wk_text_span){input->text, size});
        input->size -= size + 1;
        memmove(input->text, end + 1, input->size);
    }
    if (input->size == sizeof input->text) {
        fprintf(stderr, "wk lab: a line has %d characters at most\n", WK_LAB_INPUT - 1);
        input->size = 0;
    }
}

bool wk_lab_script_file(const char *path, struct wk_text_span *text)
{
    static char octets[SCRIPT_MOST];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fprintf(stderr, "wk lab: %s: %s\n", path, strerror(errno));
        return false;
    }
    const size_t size = fread(octets, 1, sizeof octets, file);
    const bool is_whole = size < sizeof octets && !ferror(file);
    fclose(file);
    if (!is_whole) {
        fprintf(stderr, "wk lab: %s cannot be read, or is longer than 64 KiB\n", path);
        return false;
    }
    *text = (struct wk_text_span){octets, size};
    return true;
}
