/* SPDX-License-Identifier: Apache-2.0
 *
 * Two stations on one line: connections, windows, losses, and every frame in every state. */
#include "cosem/hdlc_link.h"

#include "cosem/cosem_test.h"
#include "tests/wk_test.h"

#define US   INT64_C(1000000)
#define ROOM 8192
#define SEED 20261121U

static const struct wk_hdlc_address k_client = {16, 0, 1};
static const struct wk_hdlc_address k_server = {1, 17, 2};

static uint8_t g_buffers[4][ROOM];
static struct wk_hdlc_link g_primary;
static struct wk_hdlc_link g_secondary;
static int64_t g_now_us;
static uint64_t g_random;

static void stations(struct wk_hdlc_limits of_primary, struct wk_hdlc_limits of_secondary)
{
    const struct wk_hdlc_link_config primary = {.primary = true,
                                                .local = k_client,
                                                .remote = k_server,
                                                .limits = of_primary,
                                                .in = g_buffers[0],
                                                .in_room = ROOM,
                                                .out = g_buffers[1],
                                                .out_room = ROOM};
    const struct wk_hdlc_link_config secondary = {.local = k_server,
                                                  .remote = k_client,
                                                  .limits = of_secondary,
                                                  .in = g_buffers[2],
                                                  .in_room = ROOM,
                                                  .out = g_buffers[3],
                                                  .out_room = ROOM};
    g_now_us = US;
    if (wk_hdlc_link_init(&g_primary, &primary) != WK_OK ||
        wk_hdlc_link_init(&g_secondary, &secondary) != WK_OK) {
        printf("# the stations were refused\n");
        wk_test_failed_ = true;
    }
}

static struct wk_hdlc_limits limits(uint16_t info, uint8_t window)
{
    return (struct wk_hdlc_limits){info, info, window, window};
}

/* ---- a line ------------------------------------------------------------------------------ */

struct line {
    unsigned loss_ppm; /* of frames */
    unsigned flip_ppm; /* of octets */
    unsigned most;     /* longest run of frames one station sent without turning the line */
    uint32_t octets;
    uint32_t frames;
    int answers;
    int requests;
    bool silent; /* the secondary has no answer */
};

static bool chance(unsigned ppm)
{
    return ppm > 0 && wk_test_random(&g_random) % 1000000 < ppm;
}

/* The answer to a request is each of its octets plus one, five times over. */
static void serve(struct line *line)
{
    const struct wk_bytes_in request = wk_hdlc_link_apdu(&g_secondary);
    struct wk_bytes_out out = wk_hdlc_link_begin(&g_secondary);
    for (int n = 0; n < 5 && !line->silent; n++) {
        for (size_t i = 0; i < request.size; i++) {
            wk_bytes_out_u8(&out, (uint8_t)(request.data[i] + 1));
        }
    }
    line->requests++;
    if (wk_hdlc_link_send(&g_secondary, g_now_us, &out) != WK_OK) {
        line->requests = -1000;
    }
}

/* Carries one frame; what arrives is read as it came. */
static wk_hdlc_event carry(struct line *line, struct wk_hdlc_link *to, uint8_t *octets,
                           size_t size)
{
    struct wk_hdlc_frame frame;
    line->octets += (uint32_t)size;
    line->frames++;
    for (size_t i = 0; i < size; i++) {
        const unsigned bit = (unsigned)(wk_test_random(&g_random) % 8);
        octets[i] = (uint8_t)(octets[i] ^ (chance(line->flip_ppm) ? 1U << bit : 0U));
    }
    if (chance(line->loss_ppm) || wk_hdlc_read(octets, size, &frame) != WK_OK) {
        return WK_HDLC_NOTHING;
    }
    return wk_hdlc_link_receive(to, g_now_us, &frame);
}

/* Everything one station has to send now; what it brought about at the other one. */
static wk_hdlc_event speak(struct line *line, struct wk_hdlc_link *from,
                           struct wk_hdlc_link *to)
{
    static uint8_t raw[WK_HDLC_FRAME_MOST];
    wk_hdlc_event event = WK_HDLC_NOTHING;
    unsigned run = 0;
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    while (wk_hdlc_link_output(from, g_now_us, &out)) {
        const wk_hdlc_event now = carry(line, to, raw, out.size);
        event = now != WK_HDLC_NOTHING ? now : event;
        if (now == WK_HDLC_APDU && to == &g_secondary) {
            serve(line);
        }
        run++;
        out = wk_bytes_out_of(raw, sizeof raw);
    }
    line->most = run > line->most ? run : line->most;
    return event;
}

/* Until the primary has what it waits for, or gives up. */
static wk_hdlc_event run(struct line *line)
{
    for (int n = 0; n < 20000; n++) {
        (void)speak(line, &g_primary, &g_secondary);
        const wk_hdlc_event event = speak(line, &g_secondary, &g_primary);
        if (event != WK_HDLC_NOTHING) {
            return event;
        }
        g_now_us += 50000;
        const wk_hdlc_event late = wk_hdlc_link_tick(&g_primary, g_now_us);
        if (late != WK_HDLC_NOTHING) {
            return late;
        }
    }
    return WK_HDLC_NOTHING;
}

static wk_hdlc_event ask(struct line *line, size_t size, uint8_t first)
{
    struct wk_bytes_out out = wk_hdlc_link_begin(&g_primary);
    for (size_t i = 0; i < size; i++) {
        wk_bytes_out_u8(&out, (uint8_t)(first + i * 7));
    }
    if (wk_hdlc_link_send(&g_primary, g_now_us, &out) != WK_OK) {
        return WK_HDLC_FAILED;
    }
    return run(line);
}

static bool answered(size_t size, uint8_t first)
{
    const struct wk_bytes_in answer = wk_hdlc_link_apdu(&g_primary);
    bool right = answer.size == 5 * size;
    for (size_t i = 0; i < answer.size && right; i++) {
        right = answer.data[i] == (uint8_t)(first + i % size * 7 + 1);
    }
    return right;
}

static bool connect(struct line *line)
{
    return wk_hdlc_link_connect(&g_primary, g_now_us) == WK_OK && run(line) == WK_HDLC_OPENED;
}

/* ---- connections ------------------------------------------------------------------------- */

static void the_frames_of_a_connection_are_those_of_the_trace(void)
{
    uint8_t raw[64];
    stations(wk_hdlc_limits_default(), wk_hdlc_limits_default());
    g_secondary.config.local = (struct wk_hdlc_address){1, 0, 1};
    g_primary.config.remote = (struct wk_hdlc_address){1, 0, 1};
    /* SNRM without parameters, from a client of another maker */
    const struct wk_test_octets snrm = wk_test_hex("7EA0070321930F017E");
    const struct wk_test_octets ua =
        wk_test_hex("7EA01E210373C37A818012050180060180070400000001080400000001533B7E");
    struct wk_hdlc_frame frame;
    EXPECT_OK(wk_hdlc_read(snrm.data, snrm.size, &frame));
    EXPECT_I64(WK_HDLC_OPENED, wk_hdlc_link_receive(&g_secondary, g_now_us, &frame));
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    EXPECT(wk_hdlc_link_output(&g_secondary, g_now_us, &out));
    EXPECT_I64((int64_t)ua.size, (int64_t)out.size);
    EXPECT_BYTES(ua.data, raw, ua.size);
    EXPECT(!wk_hdlc_link_output(&g_secondary, g_now_us, &out));
    /* a GET of the clock from a later moment of that trace: it acknowledges what was not sent */
    const struct wk_test_octets get =
        wk_test_hex("7EA0190321326FD8E6E600C001C100080000010000FF0200601A7E");
    EXPECT_OK(wk_hdlc_read(get.data, get.size, &frame));
    EXPECT_I64(1, frame.ns);
    EXPECT_I64(1, frame.nr);
    EXPECT_I64(WK_HDLC_NOTHING, wk_hdlc_link_receive(&g_secondary, g_now_us, &frame));
    EXPECT_I64(WK_HDLC_REJECTING, g_secondary.state);
}

static void lengths_and_windows_are_negotiated_and_kept(void)
{
    static const uint16_t k_info[] = {1, 5, 128, 600, 2030};
    for (size_t a = 0; a < 5; a++) {
        for (uint8_t window = 1; window <= 7; window++) {
            struct line line = {0};
            stations(limits(k_info[a], window), limits(128, 7));
            EXPECT(connect(&line));
            const uint16_t agreed = k_info[a] < 128 ? k_info[a] : 128;
            EXPECT_I64(agreed, g_primary.agreed.info_send);
            EXPECT_I64(agreed, g_secondary.agreed.info_send);
            EXPECT_I64(window, g_secondary.agreed.window_send);
            for (size_t size = 1; size < 1200; size = size * 3 + 1) {
                EXPECT_I64(WK_HDLC_APDU, ask(&line, size, (uint8_t)size));
                EXPECT(answered(size, (uint8_t)size));
            }
            EXPECT(line.most <= window);
            EXPECT(window == 1 || line.most > 1);
            EXPECT_I64(0, g_primary.counts.repeated + g_secondary.counts.repeated);
            EXPECT_I64(0, g_primary.counts.timeouts);
            wk_hdlc_link_disconnect(&g_primary, g_now_us);
            EXPECT_I64(WK_HDLC_CLOSED, run(&line));
            EXPECT_I64(WK_HDLC_DISCONNECTED, g_secondary.state);
        }
    }
}

static void a_line_that_loses_and_flips_costs_time_but_no_octet(void)
{
    uint32_t repeated = 0;
    printf("# seed %u\n", SEED);
    g_random = SEED;
    for (int round = 0; round < 300; round++) {
        struct line line = {.loss_ppm = round % 2 == 0 ? 100000 : 0,
                            .flip_ppm = round % 2 == 1 ? 500 : 0};
        stations(limits((uint16_t)(16 + 100 * (round % 3)), (uint8_t)(1 + round % 7)),
                 limits(2030, 7));
        g_primary.config.tries = 20;
        EXPECT(connect(&line));
        for (int n = 0; n < 10; n++) {
            const size_t size = 1 + (size_t)(wk_test_random(&g_random) % 1500);
            EXPECT_I64(WK_HDLC_APDU, ask(&line, size, (uint8_t)n));
            EXPECT(answered(size, (uint8_t)n));
            EXPECT_I64(n + 1, line.requests); /* served once, however often it was sent */
        }
        repeated += g_primary.counts.repeated + g_secondary.counts.repeated;
    }
    EXPECT(repeated > 1000);
}

static void an_answer_that_takes_its_time_is_polled_for(void)
{
    struct line line = {.silent = true};
    stations(limits(128, 1), limits(128, 1));
    EXPECT(connect(&line));
    EXPECT_I64(WK_HDLC_NOTHING, ask(&line, 10, 1)); /* only RR came, again and again */
    EXPECT_I64(WK_HDLC_CONNECTED, g_primary.state);
    struct wk_bytes_out out = wk_hdlc_link_begin(&g_secondary);
    wk_bytes_out_u8(&out, 77);
    EXPECT_OK(wk_hdlc_link_send(&g_secondary, g_now_us, &out));
    EXPECT_I64(WK_HDLC_APDU, run(&line));
    EXPECT_BYTES("\x4D", wk_hdlc_link_apdu(&g_primary).data, 1);
    EXPECT_I64(1, line.requests);
}

static void silence_is_given_up_after_three_tries_and_an_idle_link_closes(void)
{
    struct line dead = {.loss_ppm = 1000000};
    struct line line = {0};
    stations(limits(128, 1), limits(128, 1));
    EXPECT_OK(wk_hdlc_link_connect(&g_primary, g_now_us));
    EXPECT_ERR(WK_E_STATE, wk_hdlc_link_connect(&g_primary, g_now_us));
    g_random = SEED;
    EXPECT_I64(WK_HDLC_FAILED, run(&dead));
    EXPECT_I64(WK_HDLC_LINK_TRIES, dead.frames);
    EXPECT(connect(&line));
    EXPECT_I64(WK_HDLC_NOTHING,
               wk_hdlc_link_tick(&g_secondary, g_now_us + WK_HDLC_LINK_INACTIVE_US - 1));
    EXPECT_I64(WK_HDLC_CLOSED,
               wk_hdlc_link_tick(&g_secondary, g_now_us + WK_HDLC_LINK_INACTIVE_US));
    EXPECT_I64(WK_HDLC_NOTHING,
               wk_hdlc_link_tick(&g_secondary, g_now_us + 2 * WK_HDLC_LINK_INACTIVE_US));
    EXPECT_I64(WK_HDLC_FAILED, ask(&line, 10, 1)); /* DM: it is not connected any more */
    EXPECT_I64(WK_HDLC_DISCONNECTED, g_primary.state);
}

static void a_client_that_connects_anew_begins_anew(void)
{
    struct line line = {0};
    stations(limits(16, 1), limits(128, 1));
    EXPECT(connect(&line));
    EXPECT_I64(WK_HDLC_APDU, ask(&line, 100, 1));
    g_primary.state = WK_HDLC_DISCONNECTED; /* its power failed in the middle of an answer */
    g_secondary.out_acked = 3;
    EXPECT(connect(&line));
    EXPECT_I64(0, g_secondary.vs + g_secondary.vr);
    EXPECT_I64(WK_HDLC_APDU, ask(&line, 100, 9));
    EXPECT(answered(100, 9));
}

/* ---- every frame in every state ------------------------------------------------------------------ */

static struct wk_hdlc_frame frame_of(wk_hdlc_control type, const uint8_t *info, size_t size)
{
    struct wk_hdlc_frame frame = {.destination = k_server,
                                  .source = k_client,
                                  .type = type,
                                  .poll = true,
                                  .info = info,
                                  .info_size = size};
    frame.control = type == WK_HDLC_OTHER ? 0x19 : wk_hdlc_control_of(&frame);
    return frame;
}

/* The type of the answer; WK_HDLC_OTHER: none. */
static wk_hdlc_control answer_of(struct wk_hdlc_link *link)
{
    static uint8_t raw[WK_HDLC_FRAME_MOST];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    struct wk_hdlc_frame frame;
    if (!wk_hdlc_link_output(link, g_now_us, &out) ||
        wk_hdlc_read(raw, out.size, &frame) != WK_OK) {
        return WK_HDLC_OTHER;
    }
    return frame.poll ? frame.type : WK_HDLC_OTHER;
}

static const wk_hdlc_control k_types[] = {WK_HDLC_I,    WK_HDLC_RR,   WK_HDLC_RNR, WK_HDLC_SNRM,
                                          WK_HDLC_DISC, WK_HDLC_UA,   WK_HDLC_DM,  WK_HDLC_FRMR,
                                          WK_HDLC_UI,   WK_HDLC_OTHER};

static void a_meter_answers_every_frame_in_every_state_as_the_standard_has_it(void)
{
#define NO WK_HDLC_OTHER
    static const uint8_t k_apdu[] = {0xE6, 0xE6, 0x00, 1, 2, 3};
    static const struct {
        wk_hdlc_state state;
        wk_hdlc_control answer[10];
        wk_hdlc_state next[10];
    } k_rows[] = {
        {WK_HDLC_DISCONNECTED,
         {WK_HDLC_DM, WK_HDLC_DM, WK_HDLC_DM, WK_HDLC_UA, WK_HDLC_DM, NO, NO, NO, NO,
          WK_HDLC_DM},
         {0, 0, 0, WK_HDLC_CONNECTED, 0, 0, 0, 0, 0, 0}},
        {WK_HDLC_CONNECTED,
         {WK_HDLC_RR, WK_HDLC_RR, WK_HDLC_RR, WK_HDLC_UA, WK_HDLC_UA, NO, NO, NO, NO,
          WK_HDLC_FRMR},
         {WK_HDLC_CONNECTED, WK_HDLC_CONNECTED, WK_HDLC_CONNECTED, WK_HDLC_CONNECTED, 0,
          WK_HDLC_CONNECTED, WK_HDLC_CONNECTED, WK_HDLC_CONNECTED, WK_HDLC_CONNECTED,
          WK_HDLC_REJECTING}},
        {WK_HDLC_REJECTING,
         {WK_HDLC_FRMR, WK_HDLC_FRMR, WK_HDLC_FRMR, WK_HDLC_UA, WK_HDLC_UA, NO, NO, NO, NO,
          WK_HDLC_FRMR},
         {WK_HDLC_REJECTING, WK_HDLC_REJECTING, WK_HDLC_REJECTING, WK_HDLC_CONNECTED, 0,
          WK_HDLC_REJECTING, WK_HDLC_REJECTING, WK_HDLC_REJECTING, WK_HDLC_REJECTING,
          WK_HDLC_REJECTING}},
    };
#undef NO
    for (size_t row = 0; row < 3; row++) {
        for (size_t t = 0; t < 10; t++) {
            stations(limits(128, 1), limits(128, 1));
            g_secondary.agreed = wk_hdlc_limits_default();
            g_secondary.state = k_rows[row].state;
            const bool carries = k_types[t] == WK_HDLC_I || k_types[t] == WK_HDLC_UI;
            const struct wk_hdlc_frame frame =
                frame_of(k_types[t], k_apdu, carries ? sizeof k_apdu : 0);
            const wk_hdlc_event event = wk_hdlc_link_receive(&g_secondary, g_now_us, &frame);
            const wk_hdlc_control answer = answer_of(&g_secondary);
            if (answer != k_rows[row].answer[t] || g_secondary.state != k_rows[row].next[t]) {
                WK_TEST_FAIL_("state %zu, frame %zu: answer %02X, state %d", row, t,
                              (unsigned)answer, (int)g_secondary.state);
            }
            EXPECT((event == WK_HDLC_NOTE) == (k_types[t] == WK_HDLC_UI));
            EXPECT((event == WK_HDLC_APDU) ==
                   (k_types[t] == WK_HDLC_I && k_rows[row].state == WK_HDLC_CONNECTED));
        }
    }
}

static void a_client_takes_every_frame_in_every_state(void)
{
    static const wk_hdlc_event k_events[WK_HDLC_STATES][10] = {
        [WK_HDLC_DISCONNECTED] = {[8] = WK_HDLC_NOTE},
        [WK_HDLC_CONNECTING] = {[5] = WK_HDLC_OPENED,
                                [6] = WK_HDLC_FAILED,
                                [7] = WK_HDLC_FAILED,
                                [8] = WK_HDLC_NOTE},
        [WK_HDLC_CONNECTED] = {[0] = WK_HDLC_APDU,
                               [6] = WK_HDLC_FAILED,
                               [7] = WK_HDLC_FAILED,
                               [8] = WK_HDLC_NOTE},
        [WK_HDLC_DISCONNECTING] =
            {[5] = WK_HDLC_CLOSED, [6] = WK_HDLC_CLOSED, [8] = WK_HDLC_NOTE},
    };
    static const uint8_t k_apdu[] = {0xE6, 0xE7, 0x00, 1, 2, 3};
    for (int state = 0; state < WK_HDLC_STATES; state++) {
        for (size_t t = 0; t < 10 && state != WK_HDLC_REJECTING; t++) {
            stations(limits(128, 1), limits(128, 1));
            g_primary.agreed = wk_hdlc_limits_default();
            g_primary.state = (wk_hdlc_state)state;
            const bool carries = k_types[t] == WK_HDLC_I || k_types[t] == WK_HDLC_UI;
            const struct wk_hdlc_frame frame =
                frame_of(k_types[t], k_apdu, carries ? sizeof k_apdu : 0);
            EXPECT_I64(k_events[state][t], wk_hdlc_link_receive(&g_primary, g_now_us, &frame));
        }
    }
}

static void frames_that_cannot_be_are_rejected_with_the_reason(void)
{
    static uint8_t long_info[200];
    static const uint8_t k_no_llc[] = {0xE6, 0xE7, 0x00, 1};
    static const struct {
        wk_hdlc_control type;
        uint8_t nr;
        size_t size;
        uint8_t reason;
    } k_cases[] = {
        {WK_HDLC_RR, 1, 0, 0x08}, /* acknowledges what was never sent */
        {WK_HDLC_RNR, 7, 0, 0x08},
        {WK_HDLC_I, 3, 10, 0x08},
        {WK_HDLC_I, 0, 129, 0x04},             /* longer than agreed */
        {WK_HDLC_I, 0, sizeof k_no_llc, 0x01}, /* no LLC octets of a command */
        {WK_HDLC_I, 0, 3, 0x01},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        uint8_t raw[64];
        struct wk_hdlc_frame got;
        stations(limits(128, 1), limits(128, 1));
        g_secondary.agreed = wk_hdlc_limits_default();
        g_secondary.state = WK_HDLC_CONNECTED;
        struct wk_hdlc_frame frame = frame_of(
            k_cases[i].type, k_cases[i].size == 4 ? k_no_llc : long_info, k_cases[i].size);
        frame.nr = k_cases[i].nr;
        frame.control = wk_hdlc_control_of(&frame);
        EXPECT_I64(WK_HDLC_NOTHING, wk_hdlc_link_receive(&g_secondary, g_now_us, &frame));
        struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
        EXPECT(wk_hdlc_link_output(&g_secondary, g_now_us, &out));
        EXPECT_OK(wk_hdlc_read(raw, out.size, &got));
        EXPECT_I64(WK_HDLC_FRMR, got.type);
        EXPECT_I64(3, (int64_t)got.info_size);
        EXPECT_I64(frame.control, got.info[0]);
        EXPECT_I64(k_cases[i].reason, got.info[2]);
    }
}

static void an_apdu_longer_than_the_buffer_is_rejected_not_cut(void)
{
    static uint8_t info[128];
    stations(limits(128, 1), limits(128, 1));
    g_secondary.agreed = wk_hdlc_limits_default();
    g_secondary.state = WK_HDLC_CONNECTED;
    g_secondary.config.in_room = 300;
    for (uint8_t ns = 0; ns < 3; ns++) {
        struct wk_hdlc_frame frame = frame_of(WK_HDLC_I, info, sizeof info);
        frame.ns = ns;
        frame.segmented = true;
        EXPECT_I64(WK_HDLC_NOTHING, wk_hdlc_link_receive(&g_secondary, g_now_us, &frame));
        EXPECT_I64(ns < 2 ? WK_HDLC_RR : WK_HDLC_FRMR, answer_of(&g_secondary));
    }
}

static void absurd_parameters_and_missing_buffers_are_refused(void)
{
    static const uint8_t k_bad[] = {0x81, 0x80, 0x04, 0x05, 0x02, 0x00, 0x00};
    stations(limits(128, 1), limits(128, 1));
    const struct wk_hdlc_frame frame = frame_of(WK_HDLC_SNRM, k_bad, sizeof k_bad);
    EXPECT_I64(WK_HDLC_NOTHING, wk_hdlc_link_receive(&g_secondary, g_now_us, &frame));
    EXPECT_I64(WK_HDLC_DM, answer_of(&g_secondary));
    struct wk_hdlc_link_config config = g_secondary.config;
    config.limits.window_send = 8;
    EXPECT_ERR(WK_E_ARGUMENT, wk_hdlc_link_init(&g_secondary, &config));
    config.limits.window_send = 7;
    config.limits.info_receive = 2031;
    EXPECT_ERR(WK_E_ARGUMENT, wk_hdlc_link_init(&g_secondary, &config));
    config.limits.info_receive = 2030;
    EXPECT_OK(wk_hdlc_link_init(&g_secondary, &config));
    config.in_room = 3;
    EXPECT_ERR(WK_E_ARGUMENT, wk_hdlc_link_init(&g_secondary, &config));
    struct wk_bytes_out out = wk_hdlc_link_begin(&g_secondary);
    EXPECT_ERR(WK_E_STATE, wk_hdlc_link_send(&g_secondary, g_now_us, &out));
}

static void a_frame_finds_the_stations_it_is_for(void)
{
    static const struct {
        struct wk_hdlc_address to;
        bool is;
    } k_cases[] = {
        {{1, 17, 2}, true},       {{1, 18, 2}, false},    {{2, 17, 2}, false},
        {{0x7F, 0x7F, 2}, true},  {{1, 0x7F, 2}, true},   {{0x7F, 17, 2}, true},
        {{1, 0x7E, 2}, true},     {{1, 0, 1}, true},      {{2, 0, 1}, false},
        {{0x7F, 0, 1}, true},     {{1, 17, 4}, true},     {{0x3FFF, 0x3FFF, 4}, true},
        {{0x7F, 0x7F, 4}, false}, {{1, 0x3FFE, 4}, true}, {{1, 0x7E, 4}, false},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        EXPECT(wk_hdlc_is_for(&k_server, &k_cases[i].to) == k_cases[i].is);
    }
}

/* ---- figures ----------------------------------------------------------------------------- */

/* Octets of an APDU's content against all that crosses the line in both directions while 100 blocks
 * of 2,000 octets are read: what is left of 9600 baud. */
static void most_of_a_serial_line_carries_payload(void)
{
    struct line line = {0};
    stations(limits(2030, 1), limits(2030, 1));
    EXPECT(connect(&line));
    line.octets = 0;
    for (int n = 0; n < 100; n++) {
        EXPECT_I64(WK_HDLC_APDU, ask(&line, 400, (uint8_t)n));
    }
    const uint32_t requests = 100 * (400 + WK_HDLC_LLC); /* a real one has about 20 octets */
    const float share = 200000.0F / (float)(line.octets - requests + 100 * 20);
    WK_TEST_FIGURE("payload of a line at HDLC, blocks of 2,000 octets", share * 100.0F, "%",
                   ">= 70", share >= 0.7F, 0);
    EXPECT(share >= 0.7F);
}

WK_TEST_MAIN(T(the_frames_of_a_connection_are_those_of_the_trace),
             T(lengths_and_windows_are_negotiated_and_kept),
             T(a_line_that_loses_and_flips_costs_time_but_no_octet),
             T(an_answer_that_takes_its_time_is_polled_for),
             T(silence_is_given_up_after_three_tries_and_an_idle_link_closes),
             T(a_client_that_connects_anew_begins_anew),
             T(a_meter_answers_every_frame_in_every_state_as_the_standard_has_it),
             T(a_client_takes_every_frame_in_every_state),
             T(frames_that_cannot_be_are_rejected_with_the_reason),
             T(an_apdu_longer_than_the_buffer_is_rejected_not_cut),
             T(absurd_parameters_and_missing_buffers_are_refused),
             T(a_frame_finds_the_stations_it_is_for), T(most_of_a_serial_line_carries_payload))
