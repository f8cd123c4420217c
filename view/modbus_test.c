/* SPDX-License-Identifier: Apache-2.0
 *
 * The Modbus server of a meter that has seen one window (tests/view_meter.c). Requests and answers are
 * octets written down here, as the standard has them. */
#include "view/modbus.h"

#include "tests/view_meter.h"
#include "tests/wk_test.h"
#include "view/modbus_crc.h"
#include "view/modbus_map.h"
#include "view/modbus_tcp.h"

static struct wk_view_meter g_meter;
static struct wk_modbus_server g_server;
static struct wk_modbus_counts g_counts;
static uint8_t g_answer[WK_MODBUS_PDU];
static struct wk_bytes_out g_out;
static bool g_wrote;

static wk_err boot(uint8_t phases, wk_role writer)
{
    const struct wk_modbus_server_config config = {.table = &g_meter.module.table,
                                                   .phases = phases,
                                                   .unit = 5,
                                                   .baud = 9600,
                                                   .maximum_w = 69000,
                                                   .writer = writer};
    g_counts = (struct wk_modbus_counts){0};
    WK_TRY(wk_view_meter_init(&g_meter, phases));
    WK_TRY(wk_modbus_server_init(&g_server, &config));
    return wk_view_meter_step(&g_meter);
}

static void ask(const uint8_t *request, size_t size)
{
    const struct wk_modbus_call call = {.now_us = INT64_C(1769986800000000),
                                        .counts = &g_counts};
    g_out = wk_bytes_out_of(g_answer, sizeof g_answer);
    g_wrote = wk_modbus_server_serve(&g_server, &call, wk_bytes_in_of(request, size), &g_out);
}
#define ASK(...) ask((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static bool answers(const uint8_t *wanted, size_t size)
{
    if (g_out.size == size && memcmp(wanted, g_answer, size) == 0) {
        return true;
    }
    printf("# answered");
    for (size_t n = 0; n < g_out.size; n++) {
        printf(" %02x", g_answer[n]);
    }
    printf("\n");
    return false;
}
#define EXPECT_ANSWER(...)                                                                     \
    EXPECT(answers((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})))

static void read_input(uint16_t address, uint16_t count)
{
    ASK(4, (uint8_t)(address >> 8), (uint8_t)address, 0, (uint8_t)count);
}

static uint16_t word(size_t n)
{
    return (uint16_t)(g_answer[2 + 2 * n] << 8 | g_answer[3 + 2 * n]);
}

static float real(size_t n)
{
    const uint32_t bits = (uint32_t)word(n) << 16 | word(n + 1);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int64_t whole(size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        value = value << 16 | word(n + i);
    }
    return (int64_t)value;
}

static void the_sdm630_map_has_the_quantities(void)
{
    EXPECT_OK(boot(3, WK_ROLE_COUNT));
    read_input(0, 80);
    EXPECT_I64(162, g_out.size);
    EXPECT(real(0) == 230.1F);
    EXPECT(real(2) == 230.2F);
    EXPECT(real(8) == 6.0F);
    EXPECT(real(0x10) == -500.25F);
    EXPECT(real(0x34) == 1700.0F);
    EXPECT(real(0x46) == 50.012F);
    EXPECT_NEAR(1234.567890123, (double)real(0x48), 1e-4);
    EXPECT_NEAR(0.000987654321, (double)real(0x4A) / 1e3, 1e-9);
    read_input(0x15A, 12);
    EXPECT(real(0) == 1.0F);
    EXPECT(real(4) == 3.0F);
    EXPECT(real(6) == 0.002F);
}

static void any_alignment_inside_a_map_is_read(void)
{
    uint16_t all[0x180];
    EXPECT_OK(boot(3, WK_ROLE_COUNT));
    for (uint16_t at = 0; at < 0x180; at++) {
        read_input(at, 1);
        EXPECT_I64(4, g_out.size);
        all[at] = word(0);
    }
    for (uint16_t at = 0; at < 0x180; at++) {
        const uint16_t count = (uint16_t)(0x180 - at < 125 ? 0x180 - at : 125);
        read_input(at, count);
        EXPECT_I64(2 + 2 * count, g_out.size);
        for (uint16_t n = 0; n < count; n++) {
            EXPECT_I64(all[at + n], word(n));
        }
    }
    EXPECT_I64(0x7FC0, all[0x2C]); /* no such value in this map */
    EXPECT_I64(0, all[0x2D]);
}

static void sunspec_models_make_a_chain(void)
{
    EXPECT_OK(boot(3, WK_ROLE_COUNT));
    for (uint16_t base = 40000; base <= 50000; base = (uint16_t)(base + 10000)) {
        read_input(base, 70);
        EXPECT(memcmp(g_answer + 2, "SunS", 4) == 0);
        EXPECT_I64(1, word(2));
        EXPECT_I64(66, word(3));
        EXPECT(memcmp(g_answer + 2 + 8, "Wattkeeper\0", 11) == 0);
        EXPECT(memcmp(g_answer + 2 + 104, WK_VIEW_METER_SERIAL "\0", 11) == 0);
        EXPECT_I64(5, word(68));
        read_input((uint16_t)(base + 70), 107);
        EXPECT_I64(203, word(0));
        EXPECT_I64(105, word(1));
        EXPECT_I64(500, word(3)); /* 5.00 A */
        EXPECT_I64(2301, word(8));
        EXPECT_I64(5001, word(16));
        EXPECT_I64(170, word(18)); /* 1700.0 W by tens */
        EXPECT_I64(-50, (int16_t)word(21));
        EXPECT_I64(1, word(22));
        EXPECT_I64(1234567, (uint32_t)word(46) << 16 | word(47));
        EXPECT_I64(0x8000, word(11));
        read_input((uint16_t)(base + 177), 125);
        EXPECT_I64(213, word(0));
        EXPECT_I64(124, word(1));
        EXPECT(real(28) == 1700.0F);
        EXPECT(real(68) == 1234567.9F);
        EXPECT_I64(0x7FC0, word(18));
        read_input((uint16_t)(base + 303), 2);
        EXPECT_ANSWER(4, 4, 0xFF, 0xFF, 0, 0);
        read_input((uint16_t)(base + 303), 3);
        EXPECT_ANSWER(0x84, 2);
    }
}

static void every_integer_of_sunspec_ends_where_the_next_begins(void)
{
    for (size_t b = 0; b < wk_modbus_map_block_count; b++) {
        const struct wk_modbus_map_block *block = &wk_modbus_map_blocks[b];
        for (uint8_t n = 0; n < block->count; n++) {
            const struct wk_modbus_map_row *row = &block->rows[n];
            EXPECT(row->words >= 1 && row->words <= WK_MODBUS_MAP_WORDS);
            EXPECT(row->at + row->words <= block->size);
            EXPECT(n == 0 || row->at >= block->rows[n - 1].at + block->rows[n - 1].words);
            EXPECT(row->point < WK_POINT_COUNT);
        }
    }
}

static void sixty_four_bits_are_exact(void)
{
    EXPECT_OK(boot(3, WK_ROLE_COUNT));
    read_input(8192, 125);
    EXPECT_I64(0x574B, word(0));
    EXPECT_I64(3, word(2));
    EXPECT_I64(1769986800, whole(4));
    EXPECT_I64(1234567890123, whole(12));
    EXPECT_I64(987654321, whole(16));
    EXPECT_I64(1700000, whole(92));
    read_input(8192 + 136, 16);
    EXPECT_I64(0, whole(0));
    EXPECT_I64(-500250, whole(12));
}

static void one_phase_fills_what_it_has(void)
{
    EXPECT_OK(boot(1, WK_ROLE_COUNT));
    read_input(0, 16);
    EXPECT(real(0) == 230.1F);
    EXPECT_I64(0x7FC0, word(2));
    EXPECT(real(0x0C) == 1100.125F);
    EXPECT_I64(0x7FC0, word(0x0E));
    read_input(40070, 60);
    EXPECT_I64(201, word(0));
    EXPECT_I64(0x8000, word(9));
    /* energy of L1 is the total */
    read_input(40118, 2);
    EXPECT_I64(1234567, (uint32_t)word(0) << 16 | word(1));
    read_input(8192 + 144, 4);
    EXPECT_I64(INT64_MIN, whole(0));
    ASK(3, 0, 0x0A, 0, 2);
    EXPECT(real(0) == 1.0F);
}

static void a_value_that_is_not_there_yet_has_the_mark_of_its_type(void)
{
    EXPECT_OK(boot(3, WK_ROLE_COUNT));
    EXPECT_OK(wk_view_meter_init(&g_meter, 3));
    read_input(0, 2);
    EXPECT_ANSWER(4, 4, 0x7F, 0xC0, 0, 0);
    read_input(40078, 1);
    EXPECT_ANSWER(4, 2, 0x80, 0);
    read_input(8192 + 92, 4);
    EXPECT_ANSWER(4, 8, 0x80, 0, 0, 0, 0, 0, 0, 0);
}

static void holding_registers_of_sdm630_are_there(void)
{
    EXPECT_OK(boot(3, WK_ROLE_COUNT));
    ASK(3, 0, 2, 0, 2);
    EXPECT(real(0) == 15.0F);
    ASK(3, 0, 0x0A, 0, 2);
    EXPECT(real(0) == 3.0F);
    ASK(3, 0, 0x14, 0, 2);
    EXPECT(real(0) == 5.0F);
    ASK(3, 0, 0x1C, 0, 2);
    EXPECT(real(0) == 2.0F);
    ASK(3, 0xFC, 0, 0, 2);
    EXPECT_ANSWER(3, 4, 0, 0x98, 0x96, 0x81); /* 10000001 */
    ASK(4, 0xFC, 0, 0, 2);
    EXPECT_ANSWER(0x84, 2);
}

static void wrong_requests_get_the_exception_they_deserve(void)
{
    EXPECT_OK(boot(3, WK_ROLE_COUNT));
    ASK(4, 0, 0, 0, 0);
    EXPECT_ANSWER(0x84, 3);
    ASK(4, 0, 0, 0, 126);
    EXPECT_ANSWER(0x84, 3);
    ASK(4, 0, 0, 0);
    EXPECT_ANSWER(0x84, 3);
    ASK(4, 0, 0, 0, 1, 0);
    EXPECT_ANSWER(0x84, 3);
    ASK(4, 0xFF, 0xFF, 0, 2);
    EXPECT_ANSWER(0x84, 2);
    ASK(3, 0x30, 0, 0, 1);
    EXPECT_ANSWER(0x83, 2);
    ASK(1, 0, 0, 0, 1);
    EXPECT_ANSWER(0x81, 1);
    ASK(43, 13, 1, 0);
    EXPECT_ANSWER(0xAB, 1);
    ASK(8, 0, 1, 0, 0);
    EXPECT_ANSWER(0x88, 1);
    ASK(8, 0, 11, 0, 1);
    EXPECT_ANSWER(0x88, 3);
    ASK(16, 0x23, 1, 0, 2, 2, 0, 1);
    EXPECT_ANSWER(0x90, 3);
    ASK(17, 0);
    EXPECT_ANSWER(0x91, 3);
    EXPECT_I64(12, g_counts.exceptions);
}

static void nothing_is_written_unless_it_is_allowed(void)
{
    EXPECT_OK(boot(3, WK_ROLE_COUNT));
    ASK(6, 0x23, 0x01, 0, 1);
    EXPECT_ANSWER(0x86, 2);
    EXPECT(!g_wrote);
    EXPECT_OK(boot(3, WK_ROLE_READER));
    ASK(6, 0x23, 0x01, 0, 1);
    EXPECT_ANSWER(0x86, 2); /* a reader may not */
}

static void relays_are_switched(void)
{
    EXPECT_OK(boot(3, WK_ROLE_MANAGEMENT));
    ASK(6, 0x23, 0x01, 0, 1);
    EXPECT_ANSWER(6, 0x23, 0x01, 0, 1);
    EXPECT(g_wrote);
    EXPECT_OK(wk_view_meter_step(&g_meter));
    ASK(3, 0x23, 0, 0, 3);
    EXPECT_ANSWER(3, 6, 0, 1, 0, 1, 0, 0);
    ASK(16, 0x23, 0x01, 0, 2, 4, 0, 0, 0, 1);
    EXPECT_ANSWER(16, 0x23, 0x01, 0, 2);
    EXPECT_OK(wk_view_meter_step(&g_meter));
    ASK(3, 0x23, 0, 0, 3);
    EXPECT_ANSWER(3, 6, 0, 1, 0, 0, 0, 1);
    ASK(6, 0x23, 0x01, 0, 2);
    EXPECT_ANSWER(0x86, 3);
    ASK(16, 0x23, 0x01, 0, 2, 4, 0, 1, 0, 9); /* all or none */
    EXPECT_ANSWER(0x90, 3);
    EXPECT_OK(wk_view_meter_step(&g_meter));
    ASK(3, 0x23, 0x01, 0, 1);
    EXPECT_ANSWER(3, 2, 0, 0);
    ASK(6, 0x23, 0, 0, 0); /* the supply is not switched so */
    EXPECT_ANSWER(0x86, 2);
    ASK(16, 0x23, 0x02, 0, 2, 4, 0, 1, 0, 1); /* 0x2303 is not there */
    EXPECT_ANSWER(0x90, 2);
}

static void a_broadcast_is_done_and_not_answered(void)
{
    static const uint8_t k_request[] = {6, 0x23, 0x01, 0, 1};
    const struct wk_modbus_call call = {.counts = &g_counts, .is_broadcast = true};
    EXPECT_OK(boot(3, WK_ROLE_MANAGEMENT));
    g_out = wk_bytes_out_of(g_answer, sizeof g_answer);
    EXPECT(wk_modbus_server_serve(&g_server, &call, wk_bytes_in_of(k_request, sizeof k_request),
                                  &g_out));
    EXPECT_I64(0, g_out.size);
    EXPECT_I64(1, g_counts.no_answers);
    EXPECT_OK(wk_view_meter_step(&g_meter));
    ASK(3, 0x23, 0x01, 0, 1);
    EXPECT_ANSWER(3, 2, 0, 1);
}

static void diagnostics_count_and_clear(void)
{
    EXPECT_OK(boot(3, WK_ROLE_COUNT));
    ASK(8, 0, 0, 0xA5, 0x37);
    EXPECT_ANSWER(8, 0, 0, 0xA5, 0x37);
    g_counts.bus_errors = 7;
    ASK(8, 0, 12, 0, 0);
    EXPECT_ANSWER(8, 0, 12, 0, 7);
    ASK(1);
    ASK(8, 0, 13, 0, 0);
    EXPECT_ANSWER(8, 0, 13, 0, 1);
    ASK(8, 0, 14, 0, 0);
    EXPECT_ANSWER(8, 0, 14, 0, 5);
    ASK(8, 0, 10, 0, 0);
    EXPECT_ANSWER(8, 0, 10, 0, 0);
    ASK(8, 0, 12, 0, 0);
    EXPECT_ANSWER(8, 0, 12, 0, 0);
}

static void the_meter_says_who_it_is(void)
{
    EXPECT_OK(boot(3, WK_ROLE_COUNT));
    ASK(17);
    EXPECT_I64(17, g_answer[0]);
    EXPECT_I64(g_out.size - 2, g_answer[1]);
    EXPECT_I64(0xFF, g_answer[3]);
    EXPECT(memcmp(g_answer + 4, "Wattkeeper " WK_VIEW_METER_SERIAL, 21) == 0);
    ASK(43, 14, 1, 0);
    EXPECT_I64(3, g_answer[6]);
    EXPECT(memcmp(g_answer + 7,
                  "\0\012Wattkeeper\1\012" WK_VIEW_METER_SERIAL "\2\017wk-meterd 0.1.0",
                  41) == 0);
    ASK(43, 14, 2, 0);
    EXPECT_I64(6, g_answer[6]);
    ASK(43, 14, 4, 1);
    EXPECT_ANSWER(43, 14, 4, 0x82, 0, 0, 1, 1, 10, 'W', 'K', '1', '0', '0', '0', '0', '0', '0',
                  '1');
    ASK(43, 14, 4, 6);
    EXPECT_ANSWER(0xAB, 2);
    ASK(43, 14, 5, 0);
    EXPECT_ANSWER(0xAB, 3);
    ASK(43, 14, 1, 99); /* an object that is not there: from the first on */
    EXPECT_I64(3, g_answer[6]);
}

static void the_check_sum_is_that_of_the_catalogue(void)
{
    EXPECT_I64(0x4B37, wk_modbus_crc(WK_MODBUS_CRC_BEGIN, (const uint8_t *)"123456789", 9));
    EXPECT_I64(0xBB3D, wk_modbus_crc(0, (const uint8_t *)"123456789", 9));
}

/* ---- TCP --------------------------------------------------------------------------------- */

static struct wk_modbus_tcp g_tcp;

static void bring(const uint8_t *octets, size_t size)
{
    while (size > 0) {
        size_t room;
        uint8_t *space = wk_modbus_tcp_space(&g_tcp, &room);
        const size_t part = size < room ? size : room;
        memcpy(space, octets, part);
        wk_modbus_tcp_received(&g_tcp, part);
        octets += part;
        size -= part;
    }
}

static void requests_come_in_pieces_and_several_at_once(void)
{
    static const uint8_t k_two[] = {0, 1, 0, 0, 0, 6, 5, 4, 0, 0,
                                    0, 2, 0, 2, 0, 0, 0, 2, 9, 17};
    struct wk_modbus_tcp_request request;
    g_tcp = (struct wk_modbus_tcp){.first = 0};
    for (size_t n = 0; n < sizeof k_two; n++) {
        if (n != 12) {
            EXPECT_ERR(WK_E_SHORT, wk_modbus_tcp_next(&g_tcp, &request));
        }
        bring(k_two + n, 1);
        if (n == 11) {
            EXPECT_OK(wk_modbus_tcp_next(&g_tcp, &request));
            EXPECT_I64(1, request.transaction);
            EXPECT_I64(5, request.unit);
            EXPECT_I64(5, request.pdu.size);
        }
    }
    EXPECT_OK(wk_modbus_tcp_next(&g_tcp, &request));
    EXPECT_I64(2, request.transaction);
    EXPECT_I64(9, request.unit);
    EXPECT_I64(1, request.pdu.size);
    bring(k_two, sizeof k_two);
    EXPECT_OK(wk_modbus_tcp_next(&g_tcp, &request));
    EXPECT_OK(wk_modbus_tcp_next(&g_tcp, &request));
    EXPECT_ERR(WK_E_SHORT, wk_modbus_tcp_next(&g_tcp, &request));
}

static void headers_that_cannot_be_end_the_connection(void)
{
    static const uint8_t k_heads[][6] = {
        {0, 1, 0, 1, 0, 6}, {0, 1, 0, 0, 0, 1}, {0, 1, 0, 0, 0, 255}, {0, 1, 0, 0, 1, 6}};
    struct wk_modbus_tcp_request request;
    for (size_t n = 0; n < 4; n++) {
        g_tcp = (struct wk_modbus_tcp){.first = 0};
        bring(k_heads[n], 6);
        EXPECT_ERR(WK_E_FORMAT, wk_modbus_tcp_next(&g_tcp, &request));
    }
}

static void answers_get_their_header(void)
{
    static const uint8_t k_wanted[] = {0x12, 0x34, 0, 0, 0, 3, 5, 0x84, 2};
    uint8_t octets[16];
    struct wk_bytes_out out = wk_bytes_out_of(octets, sizeof octets);
    wk_modbus_tcp_put(&out, 0x1234, 5, k_wanted + 7, 2);
    EXPECT_I64(sizeof k_wanted, out.size);
    EXPECT_BYTES(k_wanted, octets, sizeof k_wanted);
}

WK_TEST_MAIN(T(the_sdm630_map_has_the_quantities), T(any_alignment_inside_a_map_is_read),
             T(sunspec_models_make_a_chain),
             T(every_integer_of_sunspec_ends_where_the_next_begins),
             T(sixty_four_bits_are_exact), T(one_phase_fills_what_it_has),
             T(a_value_that_is_not_there_yet_has_the_mark_of_its_type),
             T(holding_registers_of_sdm630_are_there),
             T(wrong_requests_get_the_exception_they_deserve),
             T(nothing_is_written_unless_it_is_allowed), T(relays_are_switched),
             T(a_broadcast_is_done_and_not_answered), T(diagnostics_count_and_clear),
             T(the_meter_says_who_it_is), T(the_check_sum_is_that_of_the_catalogue),
             T(requests_come_in_pieces_and_several_at_once),
             T(headers_that_cannot_be_end_the_connection), T(answers_get_their_header))
