/* SPDX-License-Identifier: Apache-2.0 */
#include "cosem/mode_e.h"

#include <string.h>

#define ACK         0x06
#define CR          '\r'
#define LF          '\n'
#define SELECT_SIZE 4 /* ACK 2 Z 2 */
#define MODE_HDLC   '2'

/* Z of the identification: '0' + index. */
static const uint32_t k_bauds[] = {300, 600, 1200, 2400, 4800, 9600, 19200};
#define BAUDS (sizeof k_bauds / sizeof k_bauds[0])

static char letter_of(uint32_t baud)
{
    for (size_t i = 0; i < BAUDS; i++) {
        if (k_bauds[i] == baud) {
            return (char)('0' + (int)i);
        }
    }
    return '\0';
}

static uint32_t baud_of(char letter)
{
    return letter >= '0' && letter < '0' + (int)BAUDS ? k_bauds[letter - '0'] : 0;
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_name(const char *name, size_t room)
{
    size_t size = 0;
    while (size < room && name[size] != '\0') {
        const char c = name[size];
        if (c <= ' ' || c > '~' || c == '/' || c == '!') {
            return false;
        }
        size++;
    }
    return size < room;
}

wk_err wk_mode_e_init(struct wk_mode_e *mode, const struct wk_mode_e_config *config)
{
    const bool maker = is_capital(config->maker[0]) && is_capital(config->maker[1]) &&
                       is_capital(config->maker[2]) && config->maker[3] == '\0';
    if (!maker || letter_of(config->baud) == '\0' ||
        !is_name(config->name, sizeof config->name) ||
        !is_name(config->address, sizeof config->address)) {
        return WK_E_ARGUMENT;
    }
    *mode = (struct wk_mode_e){.config = *config};
    return WK_OK;
}

void wk_mode_e_reset(struct wk_mode_e *mode)
{
    mode->identified = false;
    mode->due_us = 0;
    mode->size = 0;
}

/* ---- what comes -------------------------------------------------------------------------- */

/* "/?!" is for everyone, "/?ADDRESS!" for one. */
static bool is_for_us(const struct wk_mode_e *mode, const char *line, size_t size)
{
    if (size < 3 || line[0] != '/' || line[1] != '?' || line[size - 1] != '!') {
        return false;
    }
    const char *own = mode->config.address;
    const char *asked = line + 2;
    size_t left = size - 3;
    while (left > 1 && *asked == '0') {
        asked++;
        left--;
    }
    while (own[0] == '0' && own[1] != '\0') {
        own++;
    }
    return size == 3 || (strlen(own) == left && memcmp(own, asked, left) == 0);
}

static bool is_select(const struct wk_mode_e *mode, const char *line, size_t size,
                      uint32_t *baud)
{
    if (!mode->identified || size != SELECT_SIZE || line[0] != ACK || line[1] != MODE_HDLC ||
        line[3] != MODE_HDLC) {
        return false;
    }
    *baud = baud_of(line[2]);
    return *baud != 0 && *baud <= mode->config.baud;
}

/* A whole line. What is before the last "/" or ACK is noise of the line's beginning. */
static void take_line(struct wk_mode_e *mode, int64_t now_us)
{
    size_t from = mode->size;
    const char *line = mode->line;
    uint32_t baud = 0;
    while (from > 0 && line[from - 1] != '/' && line[from - 1] != ACK) {
        from--;
    }
    from = from > 0 ? from - 1 : 0;
    line += from;
    const size_t size = mode->size - from;
    mode->size = 0;
    if (is_for_us(mode, line, size)) {
        mode->identified = false;
        mode->due_us = now_us + WK_MODE_E_REPLY_US;
    } else if (is_select(mode, line, size, &baud)) {
        mode->baud = baud;
        mode->due_us = now_us + WK_MODE_E_REPLY_SLOW_US; /* the client changes its rate first */
    } else {
        mode->identified = false; /* an option that is not offered, or noise */
    }
}

void wk_mode_e_receive(struct wk_mode_e *mode, int64_t now_us, const uint8_t *octets,
                       size_t size)
{
    for (size_t i = 0; i < size && mode->due_us == 0; i++) {
        const char c = (char)(octets[i] & 0x7FU);
        if (mode->size == sizeof mode->line) {
            mode->size = 0; /* no message is so long */
        }
        if (c == LF && mode->size > 0 && mode->line[mode->size - 1] == CR) {
            mode->size--;
            take_line(mode, now_us);
        } else {
            mode->line[mode->size++] = c;
        }
    }
    mode->octet_us = now_us;
}

wk_mode_e_event wk_mode_e_tick(struct wk_mode_e *mode, int64_t now_us)
{
    if (mode->due_us == 0) {
        const bool silent = now_us - mode->octet_us > WK_MODE_E_PAUSE_US;
        if (silent && (mode->size > 0 || mode->identified)) {
            wk_mode_e_reset(mode);
        }
        return WK_MODE_E_NOTHING;
    }
    if (now_us < mode->due_us) {
        return WK_MODE_E_NOTHING;
    }
    const bool selected = mode->identified;
    wk_mode_e_reset(mode);
    if (selected) {
        return WK_MODE_E_HAND_OVER;
    }
    mode->identified = true;
    /* the identification itself takes its time on the line */
    mode->octet_us = now_us + (int64_t)(WK_MODE_E_LINE * 10) * 1000000 / WK_MODE_E_BAUD;
    return WK_MODE_E_IDENTIFY;
}

void wk_mode_e_message(const struct wk_mode_e *mode, wk_mode_e_event event,
                       struct wk_bytes_out *out)
{
    const struct wk_mode_e_config *config = &mode->config;
    if (event == WK_MODE_E_HAND_OVER) {
        wk_mode_e_put_select(out, mode->baud);
    } else if (event == WK_MODE_E_IDENTIFY) {
        wk_bytes_out_u8(out, '/');
        wk_bytes_out_put(out, config->maker, 2);
        wk_bytes_out_u8(out, (uint8_t)(config->maker[2] - 'A' + 'a'));
        wk_bytes_out_u8(out, (uint8_t)letter_of(config->baud));
        wk_bytes_out_put(out, "\\2", 2);
        wk_bytes_out_put(out, config->name, strlen(config->name));
        wk_bytes_out_put(out, "\r\n", 2);
    }
}

/* ---- the client's side ------------------------------------------------------------------- */

wk_err wk_mode_e_read_identity(const char *line, size_t size, struct wk_mode_e_meter *meter)
{
    if (size < 5 || line[0] != '/' || !is_capital(line[1]) || !is_capital(line[2]) ||
        !(is_capital(line[3]) || is_small(line[3]))) {
        return WK_E_FORMAT;
    }
    *meter = (struct wk_mode_e_meter){.baud = baud_of(line[4]), .is_quick = is_small(line[3])};
    /* "\W" may be one of several escape sequences */
    for (size_t i = 5; i + 1 < size && line[i] == '\\'; i += 2) {
        meter->hdlc = meter->hdlc || line[i + 1] == MODE_HDLC;
    }
    return meter->baud != 0 ? WK_OK : WK_E_FORMAT;
}

void wk_mode_e_put_select(struct wk_bytes_out *out, uint32_t baud)
{
    const uint8_t octets[] = {ACK, MODE_HDLC, (uint8_t)letter_of(baud), MODE_HDLC, CR, LF};
    wk_bytes_out_put(out, octets, sizeof octets);
}
