/* SPDX-License-Identifier: Apache-2.0 */
#include "link/line.h"

#include <string.h>

#include "base/crc.h"

#define US_PER_S INT64_C(1000000)

/* ---- frames ------------------------------------------------------------------------------ */

/* What goes between the two zeros: each octet 0x00 becomes the distance to the next one. */
struct coder {
    struct wk_bytes_out *out;
    size_t code_at; /* where the distance will be */
    uint8_t code;
};

static void begin_run(struct coder *coder)
{
    coder->code_at = coder->out->size;
    coder->code = 1;
    wk_bytes_out_u8(coder->out, 0);
}

static void end_run(struct coder *coder)
{
    if (coder->out->fault == WK_OK) {
        wk_bytes_out_patch_u8(coder->out, coder->code_at, coder->code);
    }
}

static void code(struct coder *coder, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (octets[i] != 0) {
            wk_bytes_out_u8(coder->out, octets[i]);
            coder->code++;
        }
        if (octets[i] == 0 || coder->code == UINT8_MAX) {
            end_run(coder);
            begin_run(coder);
        }
    }
}

void wk_link_line_write(struct wk_bytes_out *out, const struct wk_link_line_frame *frame)
{
    uint8_t around[WK_LINK_LINE_HEAD];
    struct wk_bytes_out head = wk_bytes_out_of(around, sizeof around);
    struct coder coder = {.out = out};
    if (frame->octets.size > WK_LINK_LINE_PAYLOAD) {
        out->fault = WK_E_RANGE;
        return;
    }
    wk_bytes_out_u8(&head, frame->kind);
    wk_bytes_out_u8(&head, frame->number);
    wk_bytes_out_u32be(&head, frame->meter);
    uint32_t crc = wk_crc_32(0, around, sizeof around);
    wk_bytes_out_u8(out, 0);
    begin_run(&coder);
    code(&coder, around, sizeof around);
    if (frame->octets.size > 0) {
        crc = wk_crc_32(crc, frame->octets.data, frame->octets.size);
        code(&coder, frame->octets.data, frame->octets.size);
    }
    head.size = 0;
    wk_bytes_out_u32be(&head, crc);
    code(&coder, around, WK_LINK_LINE_CHECK);
    end_run(&coder);
    wk_bytes_out_u8(out, 0);
}

/* In place. False: a distance leads beyond the end. */
static bool decode(struct wk_link_line_reader *reader)
{
    size_t from = 0;
    size_t to = 0;
    while (from < reader->size) {
        const size_t run = reader->octets[from];
        if (run > reader->size - from) {
            return false;
        }
        memmove(reader->octets + to, reader->octets + from + 1, run - 1);
        to += run - 1;
        from += run;
        if (run < UINT8_MAX && from < reader->size) {
            reader->octets[to++] = 0;
        }
    }
    reader->size = to;
    return true;
}

/* What stands between two zeros. */
static bool understand(struct wk_link_line_reader *reader, struct wk_link_line_frame *frame)
{
    if (reader->is_long || !decode(reader) ||
        reader->size < WK_LINK_LINE_HEAD + WK_LINK_LINE_CHECK) {
        return false;
    }
    const size_t size = reader->size - WK_LINK_LINE_CHECK;
    struct wk_bytes_in in = wk_bytes_in_of(reader->octets, reader->size);
    frame->kind = wk_bytes_in_u8(&in);
    frame->number = wk_bytes_in_u8(&in);
    frame->meter = wk_bytes_in_u32be(&in);
    frame->octets = wk_bytes_in_of(reader->octets + in.at, size - in.at);
    (void)wk_bytes_in_take(&in, frame->octets.size);
    return wk_bytes_in_u32be(&in) == wk_crc_32(0, reader->octets, size);
}

bool wk_link_line_read(struct wk_link_line_reader *reader, uint8_t octet,
                       struct wk_link_line_frame *frame)
{
    if (octet != 0) {
        if (reader->size == sizeof reader->octets) {
            reader->is_long = true;
        } else {
            reader->octets[reader->size++] = octet;
        }
        return false;
    }
    const bool is_any = reader->size > 0;
    const bool is_good = is_any && understand(reader, frame);
    reader->good += is_good ? 1 : 0;
    reader->bad += is_any && !is_good ? 1 : 0;
    reader->size = 0;
    reader->is_long = false;
    return is_good;
}

/* ---- the meter's end --------------------------------------------------------------------- */

wk_err wk_link_line_init(struct wk_link_line *line, const struct wk_link_line_config *config,
                         int64_t now_us)
{
    if (config->baud == 0 || config->random == NULL) {
        return WK_E_ARGUMENT;
    }
    *line = (struct wk_link_line){.config = *config, .heard_us = now_us};
    if (config->begin_us == 0) {
        line->config.begin_us = WK_LINK_LINE_BEGIN_US;
    }
    line->wait_us = line->config.begin_us;
    return WK_OK;
}

void wk_link_line_keep_pace(struct wk_link_line *line, int64_t begin_us)
{
    line->config.begin_us = begin_us;
    line->config.is_shared = false;
}

/* Beside other meters nobody begins while an answer may be on its way, and not all at once. */
static int64_t draw_wait(const struct wk_link_line *line)
{
    uint8_t drawn = 0;
    const bool waits = line->config.is_shared || line->unanswered > 0;
    if (!waits || line->config.random(line->config.self, &drawn, sizeof drawn) != WK_OK) {
        return line->config.is_shared ? line->config.begin_us : WK_LINK_LINE_TURN_US;
    }
    const uint32_t slots = (uint32_t)WK_LINK_LINE_SLOTS << line->unanswered;
    const int64_t least_us = line->config.is_shared ? line->config.begin_us : 0;
    return least_us + WK_LINK_LINE_TURN_US * (1 + (int64_t)(drawn % slots));
}

wk_err wk_link_line_ask(struct wk_link_line *line, const void *octets, size_t size,
                        int64_t now_us, struct wk_bytes_out *out)
{
    const struct wk_link_line_frame question = {.kind = WK_LINK_LINE_ASK,
                                                .number = (uint8_t)(line->number + 1),
                                                .meter = line->config.meter,
                                                .octets = wk_bytes_in_of(octets, size)};
    if (line->asked || now_us < line->heard_us + line->wait_us) {
        return WK_E_BUSY;
    }
    const size_t before = out->size;
    wk_link_line_write(out, &question);
    WK_TRY(out->fault);
    line->number++;
    line->asked = true;
    line->questions++;
    line->spoken_us = now_us + (int64_t)(out->size - before) * WK_LINK_LINE_BITS * US_PER_S /
                                   line->config.baud;
    line->heard_us = line->spoken_us;
    return WK_OK;
}

static void hear_modem(const struct wk_link_line *line, struct wk_bytes_in octets,
                       int64_t now_us)
{
    if (line->config.told != NULL) {
        line->config.told(line->config.self, octets, now_us);
    }
}

size_t wk_link_line_take(struct wk_link_line *line, const uint8_t *octets, size_t size,
                         int64_t now_us, bool *is_answer, struct wk_bytes_in *answer)
{
    struct wk_link_line_frame frame;
    const int64_t before_us = line->heard_us;
    *is_answer = false;
    line->heard_us = now_us > line->heard_us ? now_us : line->heard_us;
    for (size_t i = 0; i < size; i++) {
        if (!wk_link_line_read(&line->reader, octets[i], &frame)) {
            continue;
        }
        if (frame.kind == WK_LINK_LINE_MODEM_TELL) { /* the line itself was silent */
            line->heard_us = before_us;
            hear_modem(line, frame.octets, now_us);
        } else if (line->asked && frame.kind == WK_LINK_LINE_ANSWER &&
                   frame.meter == line->config.meter && frame.number == line->number) {
            line->asked = false;
            line->unanswered = 0;
            line->answers++;
            line->heard_us = now_us;
            line->wait_us = draw_wait(line);
            *answer = frame.octets;
            *is_answer = true;
            return i + 1;
        }
    }
    return size;
}

static int64_t overdue_us(const struct wk_link_line *line)
{
    return line->heard_us + WK_LINK_LINE_PATIENCE * line->config.begin_us;
}

bool wk_link_line_tick(struct wk_link_line *line, int64_t now_us)
{
    if (!line->asked || now_us < overdue_us(line)) {
        return false;
    }
    line->asked = false;
    if (line->unanswered < WK_LINK_LINE_DOUBLED) {
        line->unanswered++;
    }
    line->wait_us = draw_wait(line);
    return true;
}

int64_t wk_link_line_due_us(const struct wk_link_line *line)
{
    return line->asked ? overdue_us(line) : line->heard_us + line->wait_us;
}
