/* SPDX-License-Identifier: Apache-2.0 */
#include "view/optical.h"

#include <string.h>

#define SOH       0x01
#define STX       0x02
#define ETX       0x03
#define ACK       0x06
#define NAK       0x15
#define CR        '\r'
#define LF        '\n'
#define SEVEN     0x7F
#define MAKER     3
#define KILO      3
#define SMALL     ('a' - 'A')
#define NAME_ROOM 40            /* of a name that is asked for */
#define COMMAND   2             /* letter and digit */
#define HEAD      (1 + COMMAND) /* SOH, command */

typedef enum form { FORM_TEXT, FORM_NUMBER, FORM_CLOCK, FORM_DATE } form;

struct row {
    const char *name;
    uint8_t form;
    uint8_t point;
    uint8_t digits;
    uint8_t decimals;
    int8_t exponent;
    const char *unit;
};

#define NUMBER(name, point, digits, decimals, exponent, unit)                                  \
    {                                                                                          \
        name, FORM_NUMBER, WK_POINT_##point, digits, decimals, exponent, unit                  \
    }

static const struct row k_rows[] = {
    {"0.0.0", FORM_TEXT, WK_POINT_SERIAL, 0, 0, 0, ""},
    {"0.2.0", FORM_TEXT, WK_POINT_FIRMWARE, 0, 0, 0, ""},
    {"0.9.1", FORM_CLOCK, WK_POINT_CLOCK, 0, 0, 0, ""},
    {"0.9.2", FORM_DATE, WK_POINT_CLOCK, 0, 0, 0, ""},
    NUMBER("1.8.0", IMPORT, 6, 3, KILO, "kWh"),
    NUMBER("1.8.1", IMPORT_T1, 6, 3, KILO, "kWh"),
    NUMBER("1.8.2", IMPORT_T2, 6, 3, KILO, "kWh"),
    NUMBER("2.8.0", EXPORT, 6, 3, KILO, "kWh"),
    NUMBER("2.8.1", EXPORT_T1, 6, 3, KILO, "kWh"),
    NUMBER("2.8.2", EXPORT_T2, 6, 3, KILO, "kWh"),
    NUMBER("3.8.0", VARH_IMPORT, 6, 3, KILO, "kvarh"),
    NUMBER("4.8.0", VARH_EXPORT, 6, 3, KILO, "kvarh"),
    NUMBER("1.6.0", DEMAND_MAX, 3, 3, KILO, "kW"),
    NUMBER("1.7.0", P_IMPORT, 3, 3, KILO, "kW"),
    NUMBER("2.7.0", P_EXPORT, 3, 3, KILO, "kW"),
    NUMBER("13.7.0", PF, 1, 3, 0, ""),
    NUMBER("14.7.0", HZ, 2, 3, 0, "Hz"),
    NUMBER("32.7.0", U_L1, 3, 1, 0, "V"),
    NUMBER("52.7.0", U_L2, 3, 1, 0, "V"),
    NUMBER("72.7.0", U_L3, 3, 1, 0, "V"),
    NUMBER("31.7.0", I_L1, 3, 3, 0, "A"),
    NUMBER("51.7.0", I_L2, 3, 3, 0, "A"),
    NUMBER("71.7.0", I_L3, 3, 3, 0, "A"),
    NUMBER("C.7.0", FAILURES, 5, 0, 0, ""),
    NUMBER("0-1:96.3.10", RELAY_1, 1, 0, 0, ""),
    NUMBER("0-2:96.3.10", RELAY_2, 1, 0, 0, ""),
};

/* ---- the start --------------------------------------------------------------------------- */

static const uint32_t k_rates[] = {300, 600, 1200, 2400, 4800, 9600, 19200};
#define RATES (sizeof k_rates / sizeof k_rates[0])

uint32_t wk_optical_rate(char digit)
{
    const size_t place = (size_t)(digit - '0');
    return digit >= '0' && place < RATES ? k_rates[place] : 0;
}

static char digit_of(uint32_t baud)
{
    for (size_t n = 0; n < RATES; n++) {
        if (k_rates[n] == baud) {
            return (char)('0' + n);
        }
    }
    return '\0';
}

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~' || *text == '/' || *text == '!') {
            return false;
        }
    }
    return true;
}

wk_err wk_optical_init(struct wk_optical *optical, const struct wk_optical_config *config)
{
    if (strlen(config->maker) != MAKER || !is_plain(config->maker) || !is_plain(config->name) ||
        !is_plain(config->address) || digit_of(config->baud) == '\0' ||
        strpbrk(config->password, "()") != NULL) {
        return WK_E_ARGUMENT;
    }
    *optical = (struct wk_optical){.config = *config, .baud = WK_OPTICAL_BAUD};
    wk_points_init(&optical->points, config->table, WK_ROLE_READER);
    return WK_OK;
}

static void go_idle(struct wk_optical *optical)
{
    optical->state = WK_OPTICAL_IDLE;
    optical->baud = WK_OPTICAL_BAUD;
    optical->due_us = 0;
    optical->size = 0;
    optical->faults = 0;
    optical->ends = false;
}

/* ---- messages ---------------------------------------------------------------------------- */

uint8_t wk_optical_bcc(const uint8_t *octets, size_t size)
{
    uint8_t bcc = 0;
    for (size_t n = 0; n < size; n++) {
        bcc ^= octets[n];
    }
    return bcc & SEVEN;
}

static struct wk_bytes_out begin(struct wk_optical *optical)
{
    return wk_bytes_out_of(optical->message, sizeof optical->message);
}

static void put_text(struct wk_bytes_out *out, const char *text)
{
    wk_bytes_out_put(out, text, strlen(text));
}

/* It goes out after the pause that every reader can bear. */
static void end(struct wk_optical *optical, const struct wk_bytes_out *out, int64_t now_us)
{
    optical->message_size = out->size;
    optical->due_us = now_us + WK_OPTICAL_REPLY_US;
    optical->repeats = 0;
}

/* ETX, and the check octet over all but the first. */
static void end_block(struct wk_optical *optical, struct wk_bytes_out *out, int64_t now_us)
{
    wk_bytes_out_u8(out, ETX);
    wk_bytes_out_u8(out, wk_optical_bcc(out->data + 1, out->size - 1));
    end(optical, out, now_us);
}

static void say_octet(struct wk_optical *optical, uint8_t octet, int64_t now_us)
{
    struct wk_bytes_out out = begin(optical);
    wk_bytes_out_u8(&out, octet);
    end(optical, &out, now_us);
}

static void say_error(struct wk_optical *optical, const char *what, int64_t now_us)
{
    struct wk_bytes_out out = begin(optical);
    wk_bytes_out_u8(&out, STX);
    put_text(&out, what);
    end_block(optical, &out, now_us);
}

static void say_end(struct wk_optical *optical, int64_t now_us)
{
    struct wk_bytes_out out = begin(optical);
    wk_bytes_out_u8(&out, SOH);
    put_text(&out, "B0");
    end_block(optical, &out, now_us);
    optical->ends = true;
}

/* ---- data -------------------------------------------------------------------------------- */

static void put_pairs(struct wk_bytes_out *out, const uint8_t pairs[3])
{
    for (int n = 0; n < 3; n++) {
        wk_bytes_out_u8(out, (uint8_t)('0' + pairs[n] / 10 % 10));
        wk_bytes_out_u8(out, (uint8_t)('0' + pairs[n] % 10));
    }
}

static wk_err put_value(struct wk_optical *optical, struct wk_bytes_out *out,
                        const struct row *row)
{
    char text[WK_POINT_TEXT];
    struct wk_datetime time;
    struct wk_point_value value;
    if (row->form == FORM_TEXT) {
        WK_TRY(wk_point_read_text(&optical->points, (wk_point)row->point, text));
        put_text(out, text);
        return WK_OK;
    }
    if (row->form == FORM_NUMBER) {
        WK_TRY(wk_point_read(&optical->points, (wk_point)row->point, &value));
        wk_point_put_decimal(out, &value, row->exponent, row->decimals, row->digits);
        put_text(out, row->unit[0] != '\0' ? "*" : "");
        put_text(out, row->unit);
        return WK_OK;
    }
    WK_TRY(wk_point_read_time(&optical->points, (wk_point)row->point, &time));
    const uint8_t clock[3] = {time.hour, time.minute, time.second};
    const uint8_t date[3] = {(uint8_t)(time.year % 100), time.month, time.day};
    put_pairs(out, row->form == FORM_CLOCK ? clock : date);
    return WK_OK;
}

/* NAME(value); nothing if there is no value. */
static wk_err put_set(struct wk_optical *optical, struct wk_bytes_out *out,
                      const struct row *row)
{
    const size_t before = out->size;
    put_text(out, row->name);
    wk_bytes_out_u8(out, '(');
    const wk_err err = put_value(optical, out, row);
    wk_bytes_out_u8(out, ')');
    out->size = err == WK_OK ? out->size : before;
    return err;
}

static void say_readout(struct wk_optical *optical, int64_t now_us)
{
    struct wk_bytes_out out = begin(optical);
    wk_bytes_out_u8(&out, STX);
    for (size_t n = 0; n < sizeof k_rows / sizeof k_rows[0]; n++) {
        if (put_set(optical, &out, &k_rows[n]) == WK_OK) {
            put_text(&out, "\r\n");
        }
    }
    put_text(&out, "!\r\n");
    end_block(optical, &out, now_us);
    optical->state = WK_OPTICAL_READOUT;
}

/* ---- the sign-on ------------------------------------------------------------------------- */

static bool is_ours(const struct wk_optical *optical, const char *address, size_t size)
{
    while (size > 0 && address[0] == '0') { /* leading zeros do not count */
        address++;
        size--;
    }
    const char *own = optical->config.address;
    own += strspn(own, "0");
    return strlen(own) == size && memcmp(own, address, size) == 0;
}

/* "/?ADDRESS!" somewhere in the line: before it there may be what wakes a battery up. */
static void take_sign_on(struct wk_optical *optical, int64_t now_us)
{
    const char *line = optical->line;
    size_t first = optical->size;
    while (first > 0 && line[first - 1] != '/') {
        first--;
    }
    const size_t left = optical->size - first;
    if (first == 0 || left < 2 || line[first] != '?' || line[optical->size - 1] != '!' ||
        (left > 2 && !is_ours(optical, line + first + 1, left - 2))) {
        return;
    }
    struct wk_bytes_out out = begin(optical);
    const char *maker = optical->config.maker;
    const char small = (char)(maker[2] >= 'A' && maker[2] <= 'Z' ? maker[2] + SMALL : maker[2]);
    wk_bytes_out_u8(&out, '/');
    wk_bytes_out_put(&out, maker, 2);
    wk_bytes_out_u8(&out, (uint8_t)small);
    wk_bytes_out_u8(&out, (uint8_t)digit_of(optical->config.baud));
    put_text(&out, optical->config.name);
    put_text(&out, "\r\n");
    end(optical, &out, now_us);
    optical->state = WK_OPTICAL_CHOICE;
}

static void ask_password(struct wk_optical *optical, int64_t now_us)
{
    struct wk_bytes_out out = begin(optical);
    wk_bytes_out_u8(&out, SOH);
    put_text(&out, "P0");
    wk_bytes_out_u8(&out, STX);
    put_text(&out, "()");
    end_block(optical, &out, now_us);
    optical->state = WK_OPTICAL_LOGIN;
}

/* ACK "0" rate choice */
static void take_choice(struct wk_optical *optical, int64_t now_us)
{
    const char *line = optical->line;
    if (optical->size > 0 && line[0] == '/') {
        take_sign_on(optical, now_us); /* it begins again */
        return;
    }
    const uint32_t baud = optical->size == 4 ? wk_optical_rate(line[2]) : 0;
    if (optical->size != 4 || line[0] != ACK || line[1] != '0' || baud == 0 ||
        baud > optical->config.baud) {
        go_idle(optical);
        return;
    }
    optical->baud = baud;
    if (line[3] == '0') {
        say_readout(optical, now_us);
    } else if (line[3] == '1') {
        ask_password(optical, now_us);
    } else {
        go_idle(optical);
    }
}

/* ---- programming mode -------------------------------------------------------------------- */

/* Names may be asked for with or without "1-0:" and "*255". */
static const struct row *row_of(const char *name, size_t size)
{
    static const char k_prefix[] = "1-0:";
    static const char k_suffix[] = "*255";
    const size_t affix = sizeof k_prefix - 1;
    if (size > affix && memcmp(name + size - affix, k_suffix, affix) == 0) {
        size -= affix;
    }
    if (size > affix && memcmp(name, k_prefix, affix) == 0) {
        name += affix;
        size -= affix;
    }
    for (size_t n = 0; n < sizeof k_rows / sizeof k_rows[0]; n++) {
        if (strlen(k_rows[n].name) == size && memcmp(k_rows[n].name, name, size) == 0) {
            return &k_rows[n];
        }
    }
    return NULL;
}

/* A command taken apart: NAME(operand). */
struct command {
    char letter;
    char digit;
    const char *name;
    size_t name_size;
    const char *operand;
    size_t operand_size;
};

static bool parse(const struct wk_optical *optical, struct command *command)
{
    const char *line = optical->line;
    const size_t end = optical->size - 1; /* where ETX stands */
    *command = (struct command){.letter = line[1], .digit = line[COMMAND]};
    if (end == HEAD) {
        return true; /* B0 */
    }
    const char *open = memchr(line, '(', end);
    if (end < HEAD + 3 || line[HEAD] != STX || open == NULL || line[end - 1] != ')') {
        return false;
    }
    command->name = line + HEAD + 1;
    command->name_size = (size_t)(open - command->name);
    command->operand = open + 1;
    command->operand_size = (size_t)(line + end - 1 - command->operand);
    return command->name_size <= NAME_ROOM;
}

static void count_fault(struct wk_optical *optical, int64_t now_us)
{
    optical->faults++;
    if (optical->faults >= WK_OPTICAL_REPEATS) {
        say_end(optical, now_us);
    }
}

static void take_password(struct wk_optical *optical, const struct command *command,
                          int64_t now_us)
{
    const char *wanted = optical->config.password;
    const size_t size = strlen(wanted);
    const bool is_right =
        command->letter == 'P' && command->digit == '1' &&
        (size == 0 || (command->operand_size == size &&
                       wk_bytes_equal_secret(command->operand, wanted, size)));
    if (is_right) {
        optical->state = WK_OPTICAL_PROGRAM;
        optical->faults = 0;
        say_octet(optical, ACK, now_us);
        return;
    }
    say_error(optical, "(ERR01)", now_us);
    count_fault(optical, now_us);
}

static void take_read(struct wk_optical *optical, const struct command *command, int64_t now_us)
{
    const struct row *row = row_of(command->name, command->name_size);
    struct wk_bytes_out out = begin(optical);
    wk_bytes_out_u8(&out, STX);
    if (row == NULL || put_set(optical, &out, row) != WK_OK) {
        say_error(optical, row == NULL ? "(ERR02)" : "(ERR03)", now_us);
        return;
    }
    end_block(optical, &out, now_us);
}

static void take_write(struct wk_optical *optical, const struct command *command,
                       int64_t now_us)
{
    const struct row *row = row_of(command->name, command->name_size);
    const bool is_known = command->operand_size == 1 &&
                          (command->operand[0] == '0' || command->operand[0] == '1');
    if (row == NULL) {
        say_error(optical, "(ERR02)", now_us);
    } else if (optical->config.writer == WK_ROLE_COUNT || !is_known ||
               wk_point_switch(&optical->points, (wk_point)row->point, optical->config.writer,
                               command->operand[0] == '1') != WK_OK) {
        say_error(optical, "(ERR04)", now_us);
    } else {
        optical->wrote = true;
        say_octet(optical, ACK, now_us);
    }
}

static void take_block(struct wk_optical *optical, int64_t now_us)
{
    struct command command;
    if (!parse(optical, &command)) {
        say_error(optical, "(ERR05)", now_us);
    } else if (command.letter == 'B') {
        go_idle(optical);
    } else if (optical->state == WK_OPTICAL_LOGIN) {
        take_password(optical, &command, now_us);
    } else if (command.letter == 'R' && (command.digit == '1' || command.digit == '5')) {
        take_read(optical, &command, now_us);
    } else if (command.letter == 'W' && (command.digit == '1' || command.digit == '5')) {
        take_write(optical, &command, now_us);
    } else {
        say_error(optical, "(ERR05)", now_us);
    }
}

/* ---- octets ------------------------------------------------------------------------------ */

static void repeat(struct wk_optical *optical, int64_t now_us)
{
    optical->repeats++;
    if (optical->repeats > WK_OPTICAL_REPEATS) {
        go_idle(optical);
        return;
    }
    optical->due_us = now_us + WK_OPTICAL_REPLY_US;
}

/* A line of the sign-on is at its end with CR LF. */
static void take_line(struct wk_optical *optical, char octet, int64_t now_us)
{
    if (octet == LF) {
        if (optical->state == WK_OPTICAL_IDLE) {
            take_sign_on(optical, now_us);
        } else {
            take_choice(optical, now_us);
        }
        optical->size = 0;
    } else if (octet != CR && octet != '\0') {
        optical->size = optical->size < sizeof optical->line ? optical->size : 0;
        optical->line[optical->size++] = octet;
    }
}

/* A block of programming mode is at its end one octet behind ETX. */
static void take_octet(struct wk_optical *optical, char octet, int64_t now_us)
{
    const bool is_whole = optical->size > 0 && optical->line[optical->size - 1] == ETX;
    if (is_whole) {
        const uint8_t *from = (const uint8_t *)optical->line + 1;
        const bool is_right =
            optical->size > HEAD && wk_optical_bcc(from, optical->size - 1) == (uint8_t)octet;
        if (is_right) {
            take_block(optical, now_us);
        } else {
            say_octet(optical, NAK, now_us);
            count_fault(optical, now_us);
        }
        optical->size = 0;
    } else if (optical->size == 0 && octet == NAK) {
        repeat(optical, now_us);
    } else if (octet == SOH || (optical->size > 0 && optical->size < sizeof optical->line)) {
        optical->size = octet == SOH ? 0 : optical->size;
        optical->line[optical->size++] = octet;
    }
}

static void take(struct wk_optical *optical, char octet, int64_t now_us)
{
    switch (optical->state) {
    case WK_OPTICAL_IDLE:
    case WK_OPTICAL_CHOICE:
        take_line(optical, octet, now_us);
        break;
    case WK_OPTICAL_READOUT:
        if (octet == ACK) {
            go_idle(optical);
        } else if (octet == NAK) {
            repeat(optical, now_us);
        }
        break;
    case WK_OPTICAL_LOGIN:
    case WK_OPTICAL_PROGRAM:
    default:
        take_octet(optical, octet, now_us);
        break;
    }
}

/* True if an octet is what comes back of the newest message. Octets that began like it and go on
 * otherwise were the reader's. */
static bool is_echo(struct wk_optical *optical, uint8_t octet, int64_t now_us)
{
    if (optical->echo == 0) {
        return false;
    }
    if (octet == optical->message[optical->echoed]) {
        optical->echoed++;
        optical->echo = optical->echoed < optical->echo ? optical->echo : 0;
        return true;
    }
    const size_t taken = optical->echoed;
    optical->echo = 0;
    for (size_t n = 0; n < taken && optical->due_us == 0; n++) {
        take(optical, (char)optical->message[n], now_us);
    }
    return false;
}

void wk_optical_receive(struct wk_optical *optical, int64_t now_us, int64_t utc_us,
                        const uint8_t *octets, size_t size)
{
    optical->points.now_us = utc_us;
    optical->heard_us = now_us;
    for (size_t n = 0; n < size; n++) {
        const uint8_t octet = octets[n] & SEVEN;
        /* While an answer is due, what comes is noise. */
        if (optical->due_us == 0 && !is_echo(optical, octet, now_us)) {
            take(optical, (char)octet, now_us);
        }
    }
}

/* ---- time -------------------------------------------------------------------------------- */

static int64_t patience_us(const struct wk_optical *optical)
{
    return optical->state == WK_OPTICAL_CHOICE ? WK_OPTICAL_SELECT_US : WK_OPTICAL_INACTIVE_US;
}

int64_t wk_optical_due_us(const struct wk_optical *optical)
{
    if (optical->due_us != 0) {
        return optical->due_us;
    }
    return optical->state == WK_OPTICAL_IDLE ? INT64_MAX
                                             : optical->heard_us + patience_us(optical);
}

static const uint8_t *send(struct wk_optical *optical, int64_t now_us, size_t *size,
                           uint32_t *baud)
{
    *size = optical->message_size;
    *baud = optical->baud;
    optical->due_us = 0;
    optical->echo = optical->message_size;
    optical->echoed = 0;
    optical->heard_us =
        now_us + (int64_t)(10 * optical->message_size) * INT64_C(1000000) / optical->baud;
    if (optical->ends) {
        go_idle(optical);
    }
    return optical->message;
}

const uint8_t *wk_optical_tick(struct wk_optical *optical, int64_t now_us, int64_t utc_us,
                               size_t *size, uint32_t *baud)
{
    *size = 0;
    *baud = optical->baud;
    if (optical->due_us != 0) {
        return now_us >= optical->due_us ? send(optical, now_us, size, baud) : NULL;
    }
    if (now_us < wk_optical_due_us(optical)) {
        return NULL;
    }
    if (optical->state == WK_OPTICAL_CHOICE) {
        optical->points.now_us = utc_us;
        say_readout(optical, now_us);
    } else {
        go_idle(optical);
    }
    return NULL;
}

bool wk_optical_take_written(struct wk_optical *optical)
{
    const bool wrote = optical->wrote;
    optical->wrote = false;
    return wrote;
}
