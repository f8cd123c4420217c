/* SPDX-License-Identifier: Apache-2.0 */
#include "link/at.h"

#include <string.h>

#define CR         '\r'
#define LF         '\n'
#define TEXT_LEAST 0x20
#define TEXT_MOST  0x7e
#define NO_CODE    (-1)
#define HEX_DIGITS 8

void wk_at_init(struct wk_at *at, const struct wk_at_config *config)
{
    *at = (struct wk_at){.config = *config};
}

bool wk_at_is(const char *line, size_t size, const char *text)
{
    return strlen(text) == size && memcmp(line, text, size) == 0;
}

static bool begins_with(const char *line, size_t size, const char *text)
{
    return size >= strlen(text) && memcmp(line, text, strlen(text)) == 0;
}

/* ---- commands ---------------------------------------------------------------------------- */

bool wk_at_is_free(const struct wk_at *at, int64_t now_us)
{
    return !at->busy && (!at->settle || now_us >= at->quiet_us);
}

static bool is_command(const char *command)
{
    const size_t size = strlen(command);
    for (size_t i = 0; i < size && size <= WK_AT_COMMAND; i++) {
        if (command[i] < TEXT_LEAST || command[i] > TEXT_MOST) {
            return false;
        }
    }
    return size > 0 && size <= WK_AT_COMMAND;
}

wk_err wk_at_send(struct wk_at *at, const char *command, int64_t patience_us, int64_t now_us)
{
    static const char k_end[] = {CR};
    if (!is_command(command)) {
        return WK_E_ARGUMENT;
    }
    if (!wk_at_is_free(at, now_us)) {
        return WK_E_BUSY;
    }
    at->command_size = (uint16_t)strlen(command);
    memcpy(at->command, command, at->command_size);
    at->busy = true;
    at->deadline_us = now_us + patience_us;
    at->counts.commands++;
    if (at->settle) {
        /* ends what the modem may hold of a command that did not get there whole */
        at->config.send(at->config.self, k_end, sizeof k_end);
        at->settle = false;
    }
    at->config.send(at->config.self, at->command, at->command_size);
    at->config.send(at->config.self, k_end, sizeof k_end);
    return WK_OK;
}

static void finish(struct wk_at *at, wk_at_result result, int32_t code, int64_t now_us)
{
    if (!at->busy) {
        return; /* late, or of a dialogue before ours */
    }
    at->busy = false;
    at->counts.refused += result != WK_AT_OK && result != WK_AT_SILENT ? 1 : 0;
    at->config.done(at->config.self, result, code, now_us);
}

void wk_at_tick(struct wk_at *at, int64_t now_us)
{
    if (at->busy && now_us >= at->deadline_us) {
        at->counts.silent++;
        at->settle = true;
        at->quiet_us = now_us + WK_AT_QUIET_US;
        at->quiet_most_us = now_us + WK_AT_QUIET_MOST_US;
        finish(at, WK_AT_SILENT, NO_CODE, now_us);
    }
}

int64_t wk_at_due_us(const struct wk_at *at)
{
    return at->busy ? at->deadline_us : at->settle ? at->quiet_us : WK_AT_NEVER_US;
}

void wk_at_forget(struct wk_at *at)
{
    at->busy = false;
    at->settle = false;
    at->spoilt = false;
    at->size = 0;
}

/* ---- lines ------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    wk_at_result result;
} k_finals[] = {
    {"OK", WK_AT_OK},
    {"ERROR", WK_AT_ERROR},
    {"ABORTED", WK_AT_ERROR},
    {"NO CARRIER", WK_AT_NO_CARRIER},
    {"NO ANSWER", WK_AT_NO_CARRIER},
    {"NO DIALTONE", WK_AT_NO_CARRIER},
    {"BUSY", WK_AT_NO_CARRIER},
};

static int32_t code_of(const char *line, size_t size, const char *name)
{
    struct wk_at_field fields[WK_AT_FIELDS];
    int32_t code = NO_CODE;
    return wk_at_fields(line, size, name, fields) > 0 &&
                   wk_at_integer(&fields[0], &code) == WK_OK
               ? code
               : NO_CODE;
}

static bool take_final(struct wk_at *at, int64_t now_us)
{
    for (size_t i = 0; i < sizeof k_finals / sizeof k_finals[0]; i++) {
        if (wk_at_is(at->line, at->size, k_finals[i].text)) {
            finish(at, k_finals[i].result, NO_CODE, now_us);
            return true;
        }
    }
    if (begins_with(at->line, at->size, "CONNECT")) {
        finish(at, WK_AT_CONNECT, NO_CODE, now_us);
    } else if (begins_with(at->line, at->size, "+CME ERROR:")) {
        finish(at, WK_AT_CME_ERROR, code_of(at->line, at->size, "+CME ERROR"), now_us);
    } else if (begins_with(at->line, at->size, "+CMS ERROR:")) {
        finish(at, WK_AT_CMS_ERROR, code_of(at->line, at->size, "+CMS ERROR"), now_us);
    } else {
        return false;
    }
    return true;
}

/* No result code begins like a command; of junk before it, or of its end, nothing is left in the
 * line that could be taken for one either. */
static bool is_echo(const struct wk_at *at)
{
    return begins_with(at->line, at->size, "AT") || begins_with(at->line, at->size, "at");
}

static void end_line(struct wk_at *at, int64_t now_us)
{
    const bool empty = at->size == 0 && !at->spoilt;
    const bool junk = at->spoilt || (at->size > 0 && is_echo(at));
    if (!empty && at->settle) {
        at->quiet_us = now_us + WK_AT_QUIET_US < at->quiet_most_us ? now_us + WK_AT_QUIET_US
                                                                   : at->quiet_most_us;
    }
    at->counts.junk += junk ? 1 : 0;
    if (!empty && !junk) {
        at->counts.lines++;
        if (!take_final(at, now_us)) {
            at->config.line(at->config.self, at->line, at->size, now_us);
        }
    }
    at->size = 0;
    at->spoilt = false;
}

void wk_at_take(struct wk_at *at, const uint8_t *octets, size_t size, int64_t now_us)
{
    for (size_t i = 0; i < size; i++) {
        const char octet = (char)octets[i];
        if (octet == CR || octet == LF) {
            end_line(at, now_us);
        } else if (octets[i] < TEXT_LEAST || octets[i] > TEXT_MOST ||
                   at->size == sizeof at->line) {
            at->spoilt = true;
        } else {
            at->line[at->size++] = octet;
        }
    }
}

/* ---- fields ------------------------------------------------------------------------------ */

/* The field at *i, which moves behind the comma that ends it. False: a quote has no end. */
static bool take_field(const char *line, size_t size, size_t *i, struct wk_at_field *field)
{
    while (*i < size && line[*i] == ' ') {
        (*i)++;
    }
    field->quoted = *i < size && line[*i] == '"';
    *i += field->quoted ? 1 : 0;
    const size_t begin = *i;
    const char end = field->quoted ? '"' : ',';
    while (*i < size && line[*i] != end) {
        (*i)++;
    }
    size_t length = *i - begin;
    if (field->quoted) {
        if (*i == size) {
            return false;
        }
        (*i)++;
        while (*i < size && line[*i] != ',') {
            (*i)++;
        }
    }
    while (!field->quoted && length > 0 && line[begin + length - 1] == ' ') {
        length--;
    }
    field->text = line + begin;
    field->size = (uint8_t)length;
    return true;
}

size_t wk_at_fields(const char *line, size_t size, const char *name,
                    struct wk_at_field fields[WK_AT_FIELDS])
{
    size_t i = strlen(name);
    size_t count = 0;
    if (size > WK_AT_LINE || !begins_with(line, size, name) || i >= size || line[i] != ':') {
        return 0;
    }
    bool more = true;
    for (i++; more && count < WK_AT_FIELDS; count++) {
        if (!take_field(line, size, &i, &fields[count])) {
            return 0;
        }
        more = i < size;
        i++; /* the comma */
    }
    return count;
}

wk_err wk_at_integer(const struct wk_at_field *field, int32_t *value)
{
    const size_t sign = field->size > 0 && field->text[0] == '-' ? 1 : 0;
    int64_t number = 0;
    if (field->size == sign) {
        return WK_E_FORMAT;
    }
    for (size_t i = sign; i < field->size; i++) {
        if (field->text[i] < '0' || field->text[i] > '9') {
            return WK_E_FORMAT;
        }
        number = number * 10 + (field->text[i] - '0');
        if (number > INT32_MAX) {
            return WK_E_RANGE;
        }
    }
    *value = (int32_t)(sign != 0 ? -number : number);
    return WK_OK;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

wk_err wk_at_hex(const struct wk_at_field *field, uint32_t *value)
{
    const bool marked =
        field->size > 2 && field->text[0] == '0' && (field->text[1] | 0x20) == 'x';
    const size_t begin = marked ? 2 : 0;
    uint32_t number = 0;
    if (field->size == begin || field->size - begin > HEX_DIGITS) {
        return WK_E_FORMAT;
    }
    for (size_t i = begin; i < field->size; i++) {
        const int digit = digit_of(field->text[i]);
        if (digit < 0) {
            return WK_E_FORMAT;
        }
        number = number << 4 | (uint32_t)digit;
    }
    *value = number;
    return WK_OK;
}
