/* SPDX-License-Identifier: Apache-2.0
 *
 * HDLC frames against traces of other makers' equipment, and streams with noise. */
#include "cosem/hdlc.h"

#include "cosem/cosem_test.h"
#include "tests/wk_test.h"

struct trace {
    const char *octets;
    wk_hdlc_control type;
    bool poll;
    uint8_t ns;
    uint8_t nr;
    struct wk_hdlc_address destination;
    struct wk_hdlc_address source;
    size_t info_size;
};

/* tests/vectors: SNRM, UA with parameters, two and four octets of address, I frames, a push. */
static const struct trace k_traces[] = {
    {"7EA0070321930F017E", WK_HDLC_SNRM, true, 1, 4, {1, 0, 1}, {16, 0, 1}, 0},
    {"7EA01E210373C37A818012050180060180070400000001080400000001533B7E",
     WK_HDLC_UA,
     true,
     1,
     3,
     {16, 0, 1},
     {1, 0, 1},
     21},
    {"7EA00802232193BD647E", WK_HDLC_SNRM, true, 1, 4, {1, 17, 2}, {16, 0, 1}, 0},
    {"7EA023030002002373C0488180140502008006020080070400000001080400000001CE6A7E",
     WK_HDLC_UA,
     true,
     1,
     3,
     {1, 0, 1},
     {1, 17, 4},
     23},
    {"7EA02B032110FBAFE6E600601DA109060760857405080101BE10040E01000000065F1F0400007E1FFFFF99C8"
     "7E",
     WK_HDLC_I,
     true,
     0,
     0,
     {1, 0, 1},
     {16, 0, 1},
     34},
    {"7EA0190321326FD8E6E600C001C100080000010000FF0200601A7E",
     WK_HDLC_I,
     true,
     1,
     1,
     {1, 0, 1},
     {16, 0, 1},
     16},
    {"7EA09B01000110561BE6E7000F40000000090C07E7090401103400FF800000021209074B464D5F3030310910"
     "3733343031353730313132353335343409084D41333034483444060000044F060000000006000000000600000"
     "0"
     "C0060000088F06000005AA060000057C06000008DA06000008F906000008E6090C07E7090401103400FF80000"
     "0"
     "0608C141C9060000000006001AE03806013151959D787E",
     WK_HDLC_I,
     true,
     0,
     0,
     {0, 0, 1},
     {0, 0, 2},
     144},
};

static void traces_of_other_makers_are_read_and_written_alike(void)
{
    for (size_t i = 0; i + 1 < sizeof k_traces / sizeof k_traces[0]; i++) {
        const struct trace *trace = &k_traces[i];
        const struct wk_test_octets octets = wk_test_hex(trace->octets);
        struct wk_hdlc_frame frame;
        EXPECT_OK(wk_hdlc_read(octets.data, octets.size, &frame));
        EXPECT_I64(trace->type, frame.type);
        EXPECT(frame.poll == trace->poll);
        EXPECT(wk_hdlc_address_equal(&trace->destination, &frame.destination));
        EXPECT(wk_hdlc_address_equal(&trace->source, &frame.source));
        EXPECT_I64((int64_t)trace->info_size, (int64_t)frame.info_size);
        if (trace->type == WK_HDLC_I) {
            EXPECT_I64(trace->ns, frame.ns);
            EXPECT_I64(trace->nr, frame.nr);
        }
        uint8_t again[256];
        struct wk_bytes_out out = wk_bytes_out_of(again, sizeof again);
        wk_hdlc_put(&out, &frame);
        EXPECT_OK(out.fault);
        EXPECT_I64((int64_t)octets.size, (int64_t)out.size);
        EXPECT_BYTES(octets.data, again, octets.size);
    }
}

/* A meter in the field pushes with a source of two octets, no client and control 10. */
static void a_push_from_the_field_is_read(void)
{
    const struct wk_test_octets octets =
        wk_test_hex(k_traces[sizeof k_traces / sizeof k_traces[0] - 1].octets);
    struct wk_hdlc_frame frame;
    EXPECT_OK(wk_hdlc_read(octets.data, octets.size, &frame));
    EXPECT_I64(0, frame.destination.upper);
    EXPECT_I64(2, frame.source.octets);
    EXPECT_BYTES("\xE6\xE7\x00\x0F\x40", frame.info, 5);
}

static void every_single_wrong_bit_is_noticed(void)
{
    for (size_t i = 0; i < sizeof k_traces / sizeof k_traces[0]; i++) {
        struct wk_test_octets octets = wk_test_hex(k_traces[i].octets);
        struct wk_hdlc_frame frame;
        for (size_t bit = 0; bit < 8 * octets.size; bit++) {
            octets.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
            EXPECT(wk_hdlc_read(octets.data, octets.size, &frame) != WK_OK);
            octets.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        for (size_t size = 0; size < octets.size; size++) {
            EXPECT(wk_hdlc_read(octets.data, size, &frame) != WK_OK);
        }
    }
}

static void addresses_that_do_not_fit_are_refused(void)
{
    static const struct wk_hdlc_address k_bad[] = {{128, 0, 1},    {1, 128, 2},    {128, 1, 2},
                                                   {0x4000, 0, 4}, {0, 0x4000, 4}, {1, 1, 3},
                                                   {1, 1, 0}};
    uint8_t raw[64];
    for (size_t i = 0; i < sizeof k_bad / sizeof k_bad[0]; i++) {
        struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
        const struct wk_hdlc_frame frame = {
            .destination = k_bad[i], .source = {16, 0, 1}, .type = WK_HDLC_SNRM};
        wk_hdlc_put(&out, &frame);
        EXPECT_ERR(WK_E_ARGUMENT, out.fault);
    }
    /* 14 bits each: 0x3FFF and 0x2AAA come back */
    const struct wk_hdlc_address wide = {0x3FFF, 0x2AAA, 4};
    const struct wk_hdlc_frame sent = {
        .destination = wide, .source = {127, 0, 1}, .type = WK_HDLC_DISC, .poll = true};
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    struct wk_hdlc_frame got;
    wk_hdlc_put(&out, &sent);
    EXPECT_OK(wk_hdlc_read(raw, out.size, &got));
    EXPECT(wk_hdlc_address_equal(&wide, &got.destination));
    EXPECT_BYTES("\xFE\xFE\xAA\x55\xFF", raw + 3, 5);
    /* an address of three octets, with good check sums, is none */
    const uint8_t body[] = {0xA0, 0x09, 0x02, 0x04, 0x07, 0x21, 0x93};
    out = wk_bytes_out_of(raw, sizeof raw);
    wk_bytes_out_u8(&out, 0x7E);
    wk_bytes_out_put(&out, body, sizeof body);
    wk_bytes_out_u16le(&out, 0x0000);
    wk_bytes_out_u8(&out, 0x7E);
    EXPECT_ERR(WK_E_FORMAT, wk_hdlc_read(raw, out.size, &got));
}

static void every_control_octet_is_one_type_and_comes_back(void)
{
    int known = 0;
    for (unsigned control = 0; control < 256; control++) {
        struct wk_hdlc_frame frame = {0};
        wk_hdlc_read_control(&frame, (uint8_t)control);
        EXPECT(frame.poll == ((control & 0x10) != 0));
        if (frame.type != WK_HDLC_OTHER) {
            known++;
            EXPECT_I64(control, wk_hdlc_control_of(&frame));
        }
    }
    /* 128 I; RR and RNR with 8 N(R) and 2 P/F each; six unnumbered with 2 P/F each */
    EXPECT_I64(128 + 32 + 12, known);
    struct wk_hdlc_frame rej = {0};
    wk_hdlc_read_control(&rej, 0x09);
    EXPECT_I64(WK_HDLC_OTHER, rej.type);
}

/* ---- parameters -------------------------------------------------------------------------- */

static void parameters_are_those_of_the_trace_and_absurd_ones_are_refused(void)
{
    static const struct {
        const char *octets;
        wk_err err;
        struct wk_hdlc_limits limits;
    } k_cases[] = {
        {"", WK_OK, {128, 128, 1, 1}},
        {"818012050180060180070400000001080400000001", WK_OK, {128, 128, 1, 1}},
        {"8180140502008006020080070400000001080400000001", WK_OK, {128, 128, 1, 1}},
        {"818014050207EE060207EE070400000007080400000007", WK_OK, {2030, 2030, 7, 7}},
        {"81800405020100", WK_OK, {256, 128, 1, 1}},
        {"8180030901FF", WK_OK, {128, 128, 1, 1}}, /* a parameter of someone else's */
        {"81800405020000", WK_E_RANGE, {0, 0, 0, 0}},
        {"818004050207EF", WK_E_RANGE, {0, 0, 0, 0}},
        {"818006070400000008", WK_E_RANGE, {0, 0, 0, 0}},
        {"818006080400000000", WK_E_RANGE, {0, 0, 0, 0}},
        {"81800605", WK_E_FORMAT, {0, 0, 0, 0}},
        {"8180030500", WK_E_FORMAT, {0, 0, 0, 0}},
        {"81800705050000000001", WK_E_FORMAT, {0, 0, 0, 0}},
        {"818104050200FF", WK_E_FORMAT, {0, 0, 0, 0}},
        {"808004050200FF", WK_E_FORMAT, {0, 0, 0, 0}},
        {"81", WK_E_FORMAT, {0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof k_cases / sizeof k_cases[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_cases[i].octets);
        struct wk_hdlc_limits limits = {9, 9, 9, 9};
        const wk_err err = wk_hdlc_read_limits(octets.data, octets.size, &limits);
        if (err != k_cases[i].err) {
            WK_TEST_FAIL_("row %zu gave %s", i, wk_err_name(err));
        }
        if (err == WK_OK) {
            EXPECT_BYTES(&k_cases[i].limits, &limits, sizeof limits);
        } else {
            EXPECT_I64(9, limits.info_send);
        }
    }
    uint8_t raw[32];
    struct wk_bytes_out out = wk_bytes_out_of(raw, sizeof raw);
    const struct wk_hdlc_limits most = {2030, 255, 7, 3};
    wk_hdlc_put_limits(&out, &most);
    const struct wk_test_octets wanted =
        wk_test_hex("818013050207EE0601FF070400000007080400000003");
    EXPECT_I64((int64_t)wanted.size, (int64_t)out.size);
    EXPECT_BYTES(wanted.data, raw, wanted.size);
    const struct wk_hdlc_limits theirs = {512, 100, 2, 5};
    const struct wk_hdlc_limits agreed = wk_hdlc_limits_agree(&most, &theirs);
    EXPECT_I64(100, agreed.info_send);
    EXPECT_I64(255, agreed.info_receive);
    EXPECT_I64(5, agreed.window_send);
    EXPECT_I64(2, agreed.window_receive);
}

/* ---- streams ----------------------------------------------------------------------------- */

static uint8_t g_data[4096];
static struct wk_hdlc_split g_split;

/* Feeds octets in pieces; how many frames came. */
static int feed(const uint8_t *octets, size_t size, size_t piece)
{
    struct wk_hdlc_frame frame;
    int frames = 0;
    while (size > 0) {
        size_t room;
        uint8_t *space = wk_hdlc_split_space(&g_split, &room);
        const size_t now = piece < size ? piece : size;
        const size_t taken = now < room ? now : room;
        memcpy(space, octets, taken);
        if (taken == 0 || wk_hdlc_split_received(&g_split, taken) != WK_OK) {
            return -1;
        }
        octets += taken;
        size -= taken;
        while (wk_hdlc_split_next(&g_split, &frame) == WK_OK) {
            frames++;
        }
    }
    return frames;
}

static void a_stream_is_cut_into_frames_however_it_comes(void)
{
    struct wk_test_octets all = {.size = 0};
    for (size_t i = 0; i < sizeof k_traces / sizeof k_traces[0]; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_traces[i].octets);
        const size_t shared = i % 2 == 1 ? 1 : 0; /* one flag ends one and begins the next */
        memcpy(all.data + all.size, octets.data + shared, octets.size - shared);
        all.size += octets.size - shared;
    }
    for (size_t piece = 1; piece <= all.size; piece++) {
        wk_hdlc_split_init(&g_split, g_data, 256);
        EXPECT_I64(sizeof k_traces / sizeof k_traces[0], feed(all.data, all.size, piece));
        EXPECT_I64(0, g_split.dropped);
        EXPECT_I64(0, g_split.broken);
        EXPECT(!wk_hdlc_split_waits(&g_split));
    }
}

static void noise_between_frames_costs_no_frame(void)
{
    uint64_t random = 20261121;
    printf("# seed %u\n", 20261121U);
    for (int round = 0; round < 2000; round++) {
        uint8_t octets[1024];
        size_t size = 0;
        const struct wk_test_octets frame = wk_test_hex(k_traces[round % 7].octets);
        for (int n = 0; n < 4; n++) {
            const size_t noise = (size_t)(wk_test_random(&random) % 20);
            for (size_t i = 0; i < noise; i++) {
                /* no flag and no format octet: those may swallow what follows (see below) */
                octets[size++] = (uint8_t)(wk_test_random(&random) % 0x70);
            }
            memcpy(octets + size, frame.data, frame.size);
            size += frame.size;
        }
        wk_hdlc_split_init(&g_split, g_data, 256);
        EXPECT_I64(4, feed(octets, size, 1 + (size_t)(wk_test_random(&random) % 40)));
    }
}

static void a_broken_frame_costs_itself_only(void)
{
    const struct wk_test_octets good = wk_test_hex(k_traces[4].octets);
    for (size_t broken = 1; broken + 1 < good.size; broken++) {
        uint8_t octets[512];
        memcpy(octets, good.data, good.size);
        memcpy(octets + good.size, good.data, good.size);
        memcpy(octets + 2 * good.size, good.data, good.size);
        octets[good.size + broken] ^= 0x41;
        wk_hdlc_split_init(&g_split, g_data, 256);
        int frames = feed(octets, 3 * good.size, 7);
        if (wk_hdlc_split_waits(&g_split)) { /* its length became longer: silence ends it */
            struct wk_hdlc_frame frame;
            wk_hdlc_split_pause(&g_split);
            while (wk_hdlc_split_next(&g_split, &frame) == WK_OK) {
                frames++;
            }
        }
        EXPECT_I64(2, frames);
    }
}

static void a_frame_that_stops_in_the_middle_is_given_up_after_a_pause(void)
{
    const struct wk_test_octets good = wk_test_hex(k_traces[5].octets);
    struct wk_hdlc_frame frame;
    for (size_t size = 2; size < good.size; size++) {
        wk_hdlc_split_init(&g_split, g_data, 256);
        EXPECT_I64(0, feed(good.data, size, size));
        EXPECT(wk_hdlc_split_waits(&g_split));
        wk_hdlc_split_pause(&g_split);
        EXPECT_ERR(WK_E_SHORT, wk_hdlc_split_next(&g_split, &frame));
        EXPECT_I64(1, feed(good.data, good.size, 5));
    }
}

static void a_frame_longer_than_the_buffer_is_dropped(void)
{
    const struct wk_test_octets good = wk_test_hex(k_traces[0].octets);
    const uint8_t longest[] = {0x7E, 0xA7, 0xFF, 0x03, 0x21};
    wk_hdlc_split_init(&g_split, g_data, 256);
    EXPECT_I64(0, feed(longest, sizeof longest, sizeof longest));
    EXPECT_I64(1, g_split.broken);
    EXPECT_I64(1, feed(good.data, good.size, 3));
    wk_hdlc_split_init(&g_split, g_data, 256);
    EXPECT_ERR(WK_E_ARGUMENT, wk_hdlc_split_received(&g_split, 257));
}

static void flags_alone_are_fill(void)
{
    uint8_t flags[300];
    const struct wk_test_octets good = wk_test_hex(k_traces[0].octets);
    memset(flags, 0x7E, sizeof flags);
    wk_hdlc_split_init(&g_split, g_data, 64);
    EXPECT_I64(0, feed(flags, sizeof flags, 50));
    EXPECT_I64(1, feed(good.data, good.size, 50));
    EXPECT_I64(0, g_split.dropped);
}

WK_TEST_MAIN(T(traces_of_other_makers_are_read_and_written_alike),
             T(a_push_from_the_field_is_read), T(every_single_wrong_bit_is_noticed),
             T(addresses_that_do_not_fit_are_refused),
             T(every_control_octet_is_one_type_and_comes_back),
             T(parameters_are_those_of_the_trace_and_absurd_ones_are_refused),
             T(a_stream_is_cut_into_frames_however_it_comes),
             T(noise_between_frames_costs_no_frame), T(a_broken_frame_costs_itself_only),
             T(a_frame_that_stops_in_the_middle_is_given_up_after_a_pause),
             T(a_frame_longer_than_the_buffer_is_dropped), T(flags_alone_are_fill))
