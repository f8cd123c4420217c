/* SPDX-License-Identifier: Apache-2.0
 *
 * Sub-meters: the hunt for answers against everything a line does to them, a slave on a pseudo
 * terminal that behaves badly, and maps in memory. Check sums and layouts of other makers' frames
 * come from their documents; pymodbus is the peer of tests/interop/submeter.py. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/modbus_master.h"
#include "port/linux/submeter.h"
#include "tests/wk_test.h"

#define SEED 20261121

/* ---- frames ------------------------------------------------------------------------------ */

static const struct wk_modbus_request k_request = {
    .unit = 17, .function = WK_MODBUS_HOLDING, .address = 0x6B, .count = 3};
/* the example of the Modbus specification: 022B 0000 0064 */
static const uint8_t k_values[] = {17, 3, 6, 0x02, 0x2B, 0, 0, 0, 0x64, 0xC8, 0xBA};
static const uint8_t k_refusal[] = {17, 0x83, 2, 0xC1, 0x34};
static struct wk_modbus_hunt hunt;

static struct wk_modbus_message message_of(const struct wk_modbus_request *request)
{
    struct wk_modbus_message message;
    wk_modbus_message_of(&message, request);
    return message;
}

static bool has_values(void)
{
    uint16_t value[3];
    return wk_modbus_registers_of(&hunt.answer, 3, value) && value[0] == 0x022B &&
           value[1] == 0 && value[2] == 0x64;
}

static void requests_are_those_of_the_specification(void)
{
    static const uint8_t k_rtu[] = {17, 3, 0, 0x6B, 0, 3, 0x76, 0x87};
    static const uint8_t k_tcp[] = {0x12, 0x34, 0, 0, 0, 6, 17, 3, 0, 0x6B, 0, 3};
    uint8_t frame[WK_MODBUS_TCP_MOST];
    const struct wk_modbus_message request = message_of(&k_request);
    EXPECT_I64(8, wk_modbus_frame_rtu(&request, frame));
    EXPECT_BYTES(k_rtu, frame, 8);
    EXPECT_I64(12, wk_modbus_frame_tcp(&request, 0x1234, frame));
    EXPECT_BYTES(k_tcp, frame, 12);
}

static uint32_t draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* An own echo, noise, somebody else's frame, then the answer, then noise; in random pieces. */
static void the_answer_is_found_among_noise_echo_and_other_frames(void)
{
    const struct wk_modbus_message request = message_of(&k_request);
    uint64_t state = SEED;
    for (int round = 0; round < 20000; round++) {
        uint8_t line[600];
        size_t size = 0;
        wk_modbus_hunt_rtu(&hunt, &request, WK_MODBUS_ECHO_UNKNOWN);
        if (draw(&state) % 2 == 0) {
            size += wk_modbus_frame_rtu(&request, line);
        }
        for (uint32_t noise = draw(&state) % 100; noise > 0; noise--) {
            line[size++] = (uint8_t)(draw(&state) % 4 == 0 ? 17 : draw(&state));
        }
        if (draw(&state) % 4 == 0) {
            memcpy(line + size, k_values, sizeof k_values);
            line[size] = 18; /* another unit, wrong check sum for us */
            size += sizeof k_values;
        }
        const bool refuses = draw(&state) % 4 == 0;
        const size_t part = refuses ? sizeof k_refusal : sizeof k_values;
        memcpy(line + size, refuses ? k_refusal : k_values, part);
        size += part;
        wk_modbus_found found = WK_MODBUS_NOTHING;
        for (size_t at = 0; at < size;) {
            const size_t left = size - at;
            size_t piece = 1 + draw(&state) % 20;
            piece = piece < left ? piece : left;
            EXPECT_I64(WK_MODBUS_NOTHING, found);
            found = wk_modbus_hunt_take(&hunt, line + at, piece);
            at += piece;
        }
        EXPECT_I64(refuses ? WK_MODBUS_EXCEPTION : WK_MODBUS_ANSWER, found);
        EXPECT(refuses ? hunt.answer.pdu[1] == 2 : has_values());
        EXPECT_I64(size - part, hunt.junk);
    }
}

static void a_flipped_bit_is_never_an_answer(void)
{
    const struct wk_modbus_message request = message_of(&k_request);
    for (size_t bit = 0; bit < 8 * sizeof k_values; bit++) {
        uint8_t frame[sizeof k_values];
        memcpy(frame, k_values, sizeof frame);
        frame[bit / 8] ^= (uint8_t)(1U << bit % 8);
        wk_modbus_hunt_rtu(&hunt, &request, WK_MODBUS_ECHO_UNKNOWN);
        EXPECT_I64(WK_MODBUS_NOTHING, wk_modbus_hunt_take(&hunt, frame, sizeof frame));
        EXPECT(bit < 24 || wk_modbus_hunt_spoilt(&hunt));
    }
    for (size_t size = 0; size < sizeof k_values; size++) {
        wk_modbus_hunt_rtu(&hunt, &request, WK_MODBUS_ECHO_UNKNOWN);
        EXPECT_I64(WK_MODBUS_NOTHING, wk_modbus_hunt_take(&hunt, k_values, size));
    }
    /* a babbling line: more than the hunt can keep, then the answer */
    uint8_t babble[5000];
    memset(babble, 17, sizeof babble);
    wk_modbus_hunt_rtu(&hunt, &request, WK_MODBUS_ECHO_UNKNOWN);
    EXPECT_I64(WK_MODBUS_NOTHING, wk_modbus_hunt_take(&hunt, babble, sizeof babble));
    EXPECT_I64(WK_MODBUS_ANSWER, wk_modbus_hunt_take(&hunt, k_values, sizeof k_values));
}

static void tcp_answers_are_matched_by_their_transaction(void)
{
    const struct wk_modbus_message request = message_of(&k_request);
    static const uint8_t k_stream[] = {0,    6, 0, 0, 0,   3, 17, 0x83, 2, /* an earlier one */
                                       0,    7, 0, 0, 0,   9, 17, 3,    6, 0x02,
                                       0x2B, 0, 0, 0, 0x64};
    static const uint8_t k_web[] = "HTTP/1.1 400 Bad Request";
    for (size_t first = 0; first <= sizeof k_stream; first++) {
        wk_modbus_hunt_tcp(&hunt, &request, 7);
        wk_modbus_found found = wk_modbus_hunt_take(&hunt, k_stream, first);
        EXPECT_I64(first == sizeof k_stream ? WK_MODBUS_ANSWER : WK_MODBUS_NOTHING, found);
        if (first < sizeof k_stream) {
            found = wk_modbus_hunt_take(&hunt, k_stream + first, sizeof k_stream - first);
        }
        EXPECT_I64(WK_MODBUS_ANSWER, found);
        EXPECT(has_values());
    }
    wk_modbus_hunt_tcp(&hunt, &request, 7);
    EXPECT_I64(WK_MODBUS_BROKEN, wk_modbus_hunt_take(&hunt, k_web, sizeof k_web));
}

/* ---- a slave on a pseudo terminal -------------------------------------------------------- */

typedef enum slave_mood {
    GOOD,
    ECHOES,  /* the request comes back first */
    NOISY,   /* junk before and after the answer */
    SPLITS,  /* gaps within the answer */
    SPOILS,  /* wrong check sum, once */
    SILENT,  /* no answer, once */
    DEAD,    /* never an answer */
    SLOW,    /* answers after 150 ms */
    LATE,    /* answers after the master has given up, once */
    REFUSES, /* exception 2 */
} slave_mood;

static struct {
    int file;
    pthread_t thread;
    _Atomic slave_mood mood;
    _Atomic bool stop;
    _Atomic int requests;
    char path[64];
} slave;
static struct wk_modbus master;

static void pause_ms(long ms)
{
    const struct timespec pause = {0, ms * 1000000};
    nanosleep(&pause, NULL);
}

static void put(const void *octets, size_t size)
{
    if (write(slave.file, octets, size) != (ssize_t)size) {
        slave.stop = true;
    }
}

/* Every register holds its own address. */
static size_t make_answer(const uint8_t *request, uint8_t *answer)
{
    const uint16_t address = (uint16_t)(request[2] << 8 | request[3]);
    const size_t count = request[5];
    size_t size = 3 + 2 * count;
    memcpy(answer, request, 2);
    answer[2] = (uint8_t)(2 * count);
    for (size_t n = 0; n < count; n++) {
        answer[3 + 2 * n] = (uint8_t)((address + n) >> 8);
        answer[4 + 2 * n] = (uint8_t)(address + n);
    }
    if (slave.mood == REFUSES) {
        answer[1] |= 0x80;
        answer[2] = 2;
        size = 3;
    }
    const uint16_t crc = wk_modbus_frame_crc(answer, size);
    answer[size] = (uint8_t)(crc & 0xFF);
    answer[size + 1] = (uint8_t)(crc >> 8);
    return size + 2;
}

static void answer(const uint8_t request[8])
{
    static const uint8_t k_noise[] = {0, 0xFF, 1, 3, 4, 1, 0};
    uint8_t frame[300];
    const size_t size = make_answer(request, frame);
    const slave_mood mood = slave.mood;
    slave.requests++;
    if (mood == DEAD || mood == SILENT) {
        slave.mood = mood == SILENT ? GOOD : mood;
        return;
    }
    if (mood == SPOILS) {
        frame[4] ^= 1;
        slave.mood = GOOD;
    }
    if (mood == LATE) {
        slave.mood = GOOD;
        pause_ms(350);
    }
    if (mood == SLOW) {
        pause_ms(150);
    }
    if (mood == ECHOES) {
        put(request, 8);
    }
    if (mood == NOISY) {
        put(k_noise, sizeof k_noise);
    }
    if (mood == SPLITS) {
        put(frame, 2);
        pause_ms(30);
        put(frame + 2, 1);
        pause_ms(30);
        put(frame + 3, size - 3);
    } else {
        put(frame, size);
    }
    if (mood == NOISY) {
        put(k_noise, sizeof k_noise);
    }
}

static void *slave_runs(void *context)
{
    uint8_t request[8];
    size_t have = 0;
    (void)context;
    while (!slave.stop) {
        struct pollfd wait = {.fd = slave.file, .events = POLLIN};
        if (poll(&wait, 1, 20) != 1) {
            have = 0; /* silence: a frame begins anew */
            continue;
        }
        const ssize_t got = read(slave.file, request + have, sizeof request - have);
        have += got > 0 ? (size_t)got : 0;
        if (have == sizeof request) {
            answer(request);
            have = 0;
        }
    }
    return NULL;
}

static wk_err start(slave_mood mood, uint32_t retries)
{
    slave.mood = mood;
    slave.stop = false;
    slave.requests = 0;
    slave.file = posix_openpt(O_RDWR | O_NOCTTY);
    if (slave.file < 0 || grantpt(slave.file) != 0 || unlockpt(slave.file) != 0 ||
        ptsname_r(slave.file, slave.path, sizeof slave.path) != 0) {
        return WK_E_IO;
    }
    char uri[128];
    snprintf(uri, sizeof uri, "rtu:%s,115200,8E1,rs485", slave.path);
    const struct wk_modbus_config config = {.uri = uri, .timeout_ms = 200, .retries = retries};
    WK_TRY(wk_modbus_open(&master, &config));
    return pthread_create(&slave.thread, NULL, slave_runs, NULL) == 0 ? WK_OK : WK_E_IO;
}

static void end(void)
{
    slave.stop = true;
    pthread_join(slave.thread, NULL);
    wk_modbus_close(&master);
    close(slave.file);
}

static wk_err read_at(uint16_t address, uint16_t count)
{
    static uint16_t values[WK_MODBUS_REGISTERS];
    const struct wk_modbus_request request = {
        .unit = 1, .function = WK_MODBUS_INPUT, .address = address, .count = count};
    WK_TRY(wk_modbus_read(&master, &request, values));
    for (uint16_t n = 0; n < count; n++) {
        if (values[n] != address + n) {
            return WK_E_CORRUPT;
        }
    }
    return WK_OK;
}

static void a_line_is_read_whatever_it_does_to_the_answer(void)
{
    static const slave_mood k_moods[] = {GOOD, ECHOES, NOISY, SPLITS, SLOW};
    for (size_t m = 0; m < sizeof k_moods / sizeof k_moods[0]; m++) {
        EXPECT_OK(start(k_moods[m], 0));
        EXPECT_OK(read_at(0, 1));
        EXPECT_OK(read_at(0x0402, 2)); /* the echo looks like the head of an answer */
        EXPECT_OK(read_at(1000, 125));
        EXPECT_I64(3, slave.requests);
        EXPECT_I64(0, master.repeated);
        end();
    }
}

static void what_goes_wrong_once_is_repeated(void)
{
    static const slave_mood k_moods[] = {SPOILS, SILENT, LATE};
    for (size_t m = 0; m < sizeof k_moods / sizeof k_moods[0]; m++) {
        EXPECT_OK(start(k_moods[m], 2));
        EXPECT_OK(read_at(7, 10));
        EXPECT_I64(1, master.repeated);
        EXPECT_OK(read_at(107, 10)); /* not the late answer to the one before */
        end();
    }
}

static void a_late_answer_is_not_taken_for_the_next(void)
{
    EXPECT_OK(start(LATE, 0));
    EXPECT_ERR(WK_E_TIMEOUT, read_at(7, 10));
    EXPECT_OK(read_at(107, 10));
    EXPECT(master.junk >= 25);
    end();
}

static void silence_refusal_and_bad_check_sums_are_told_in_words(void)
{
    EXPECT_OK(start(DEAD, 1));
    EXPECT_ERR(WK_E_TIMEOUT, read_at(0, 2));
    EXPECT_I64(2, slave.requests);
    EXPECT(strcmp(master.why, "unit 1 does not answer") == 0);
    slave.mood = REFUSES;
    EXPECT_ERR(WK_E_REFUSED, read_at(5000, 2));
    EXPECT(strcmp(master.why, "unit 1 refuses registers 5000..5001: illegal data address") ==
           0);
    EXPECT_I64(2, master.exception);
    master.retries = 0;
    slave.mood = SPOILS;
    EXPECT_ERR(WK_E_CORRUPT, read_at(0, 2));
    EXPECT(strstr(master.why, "the check sum of the answer is wrong") != NULL);
    EXPECT_ERR(WK_E_ARGUMENT, read_at(65535, 2));
    end();
    EXPECT_ERR(WK_E_IO, read_at(0, 2));
}

static void bad_uris_are_refused_with_the_reason(void)
{
    static const struct {
        const char *uri;
        wk_err err;
        const char *says;
    } k_uris[] = {
        {"", WK_E_ARGUMENT, "must begin with rtu:, rtutcp: or tcp:"},
        {"rtu:", WK_E_ARGUMENT, "needs the path"},
        {"rtu:/dev/null,9601", WK_E_ARGUMENT, "\"9601\" is neither a baud rate nor"},
        {"rtu:/dev/null,9600,7N1", WK_E_ARGUMENT, "\"7N1\" is neither"},
        {"rtu:/dev/null", WK_E_IO, "/dev/null: not a serial line"},
        {"rtu:/nowhere", WK_E_IO, "/nowhere: No such file"},
        {"tcp:", WK_E_ARGUMENT, "needs a host and a port"},
        {"tcp:127.0.0.1:70000", WK_E_ARGUMENT, "needs a host and a port"},
        {"rtutcp:127.0.0.1", WK_E_ARGUMENT, "needs a host and a port"},
        {"tcp:[::1:5", WK_E_ARGUMENT, "no closing ]"},
        {"tcp:127.0.0.1:1", WK_E_IO, "127.0.0.1:1 cannot be reached: Connection refused"},
    };
    for (size_t u = 0; u < sizeof k_uris / sizeof k_uris[0]; u++) {
        const struct wk_modbus_config config = {.uri = k_uris[u].uri};
        EXPECT_ERR(k_uris[u].err, wk_modbus_open(&master, &config));
        if (strstr(master.why, k_uris[u].says) == NULL) {
            printf("# \"%s\" does not say \"%s\"\n", master.why, k_uris[u].says);
        }
        EXPECT(strstr(master.why, k_uris[u].says) != NULL);
        wk_modbus_close(&master);
    }
}

/* ---- maps in memory ---------------------------------------------------------------------- */

static uint16_t memory[65536];
static bool hole[65536]; /* registers the meter refuses */
static struct wk_submeter submeter;
static int asked;

static wk_err memory_read(void *self, const struct wk_modbus_request *request, uint16_t *to)
{
    (void)self;
    asked++;
    for (uint32_t n = 0; n < request->count; n++) {
        if (hole[request->address + n]) {
            return WK_E_REFUSED;
        }
    }
    memcpy(to, memory + request->address, request->count * sizeof *to);
    return WK_OK;
}

static uint8_t memory_exception(void *self)
{
    (void)self;
    return WK_MODBUS_ILLEGAL_ADDRESS;
}

static const struct wk_submeter_bus k_bus = {.read = memory_read,
                                             .exception = memory_exception};

static void put_float(uint32_t at, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    memory[at] = (uint16_t)(bits >> 16);
    memory[at + 1] = (uint16_t)(bits & 0xFFFF);
}

static bool is_absent(wk_submeter_quantity quantity)
{
    return (submeter.have >> quantity & 1) == 0;
}

static void clear(void)
{
    memset(memory, 0, sizeof memory);
    memset(hole, 0, sizeof hole);
    asked = 0;
}

/* A SunSpec meter at `base`: common model, an unknown one, then `model`. Returns its place. */
static uint32_t put_sunspec(uint32_t base, uint16_t model, uint16_t size)
{
    clear();
    memory[base] = 0x5375;
    memory[base + 1] = 0x6E53;
    memory[base + 2] = 1;
    memory[base + 3] = 66;
    static const char k_maker[] = "Example \"Co\" ";
    for (uint32_t n = 0; k_maker[n] != '\0'; n++) {
        memory[base + 4 + n / 2] |= (uint16_t)(k_maker[n] << (n % 2 == 0 ? 8 : 0));
    }
    memory[base + 70] = 12;
    memory[base + 71] = 5;
    const uint32_t at = base + 77;
    memory[at] = model;
    memory[at + 1] = size;
    memory[at + 2U + size] = 0xFFFF;
    wk_submeter_init(&submeter, WK_SUBMETER_SUNSPEC, 1);
    return at;
}

static void sunspec_integers_are_scaled_and_the_unimplemented_left_out(void)
{
    static const uint16_t k_bases[] = {40000, 50000, 0};
    for (int b = 0; b < 3; b++) {
        const uint32_t at = put_sunspec(k_bases[b], 203, 105);
        memory[at + 3] = 1234;         /* I1 */
        memory[at + 6] = (uint16_t)-2; /* A_SF */
        memory[at + 8] = 23012;        /* U1 */
        memory[at + 9] = 0x8000;       /* U2: not implemented */
        memory[at + 15] = (uint16_t)-2;
        memory[at + 16] = 4999;
        memory[at + 17] = (uint16_t)-2;
        memory[at + 18] = (uint16_t)-567; /* P */
        memory[at + 22] = 1;
        memory[at + 28] = 100;
        memory[at + 32] = 0x8000; /* no scale: no Q */
        memory[at + 33] = (uint16_t)-98;
        memory[at + 46] = 0xFFFF; /* import */
        memory[at + 47] = 0xFFF0;
        memory[at + 54] = 0;
        EXPECT_OK(wk_submeter_read(&submeter, &k_bus));
        EXPECT_I64(203, submeter.model);
        EXPECT(strcmp(submeter.maker, "Example ?Co?") == 0);
        EXPECT_I64(12340000, submeter.value[WK_SUBMETER_I1]);
        EXPECT_I64(230120, submeter.value[WK_SUBMETER_U1]);
        EXPECT(is_absent(WK_SUBMETER_U2) && is_absent(WK_SUBMETER_Q));
        EXPECT_I64(49990000, submeter.value[WK_SUBMETER_F]);
        EXPECT_I64(-5670000, submeter.value[WK_SUBMETER_P]);
        EXPECT_I64(-980, submeter.value[WK_SUBMETER_PF]);
        EXPECT_I64(INT64_C(4294967280000000), submeter.value[WK_SUBMETER_IMPORT]);
        /* the counter passes its end, twice */
        for (int turn = 1; turn <= 2; turn++) {
            memory[at + 46] = 0;
            memory[at + 47] = 5;
            EXPECT_OK(wk_submeter_read(&submeter, &k_bus));
            EXPECT_I64((turn * INT64_C(4294967296) + 5) * 1000000,
                       submeter.value[WK_SUBMETER_IMPORT]);
            memory[at + 46] = 0xFFFF;
            EXPECT_OK(wk_submeter_read(&submeter, &k_bus));
        }
    }
}

static void sunspec_floats_are_read_in_two_parts(void)
{
    const uint32_t at = put_sunspec(40000, 213, 124);
    put_float(at + 12, 230.5F);
    put_float(at + 26, 50.0125F);
    put_float(at + 28, -1500.25F);
    memory[at + 30] = 0x7FC0; /* NaN: no P1 */
    put_float(at + 68, 12345.5F);
    EXPECT_OK(wk_submeter_read(&submeter, &k_bus));
    EXPECT_I64(230500, submeter.value[WK_SUBMETER_U1]);
    EXPECT_NEAR(50012500, submeter.value[WK_SUBMETER_F], 2);
    EXPECT_I64(-1500250, submeter.value[WK_SUBMETER_P]);
    EXPECT(is_absent(WK_SUBMETER_P1));
    EXPECT_I64(INT64_C(12345500000), submeter.value[WK_SUBMETER_IMPORT]);
    asked = 0;
    EXPECT_OK(wk_submeter_read(&submeter, &k_bus));
    EXPECT_I64(2, asked);
    memory[at] = 203;
    EXPECT_ERR(WK_E_CORRUPT, wk_submeter_read(&submeter, &k_bus));
}

static void what_is_no_sunspec_meter_is_refused_in_words(void)
{
    clear();
    wk_submeter_init(&submeter, WK_SUBMETER_SUNSPEC, 1);
    EXPECT_ERR(WK_E_NOT_FOUND, wk_submeter_read(&submeter, &k_bus));
    EXPECT(strstr(submeter.why, "there is no \"SunS\"") != NULL);
    const uint32_t at = put_sunspec(0, 103, 50); /* an inverter */
    EXPECT_ERR(WK_E_NOT_FOUND, wk_submeter_read(&submeter, &k_bus));
    EXPECT(strstr(submeter.why, "none of its models is a meter") != NULL);
    memory[at] = 201;
    EXPECT_ERR(WK_E_FORMAT, wk_submeter_read(&submeter, &k_bus));
    EXPECT(strstr(submeter.why, "model 201 has 50 registers, not 105") != NULL);
    memory[at] = 9;
    memory[at + 1] = 0;
    EXPECT_ERR(WK_E_FORMAT, wk_submeter_read(&submeter, &k_bus));
    EXPECT(strstr(submeter.why, "has no end") != NULL);
}

static void an_sdm630_is_read_in_few_requests(void)
{
    clear();
    wk_submeter_init(&submeter, WK_SUBMETER_SDM630, 1);
    put_float(0x00, 229.8F);
    put_float(0x06, 5.25F);
    put_float(0x34, -0.5F);
    put_float(0x3E, -0.875F);
    put_float(0x46, 49.98F);
    put_float(0x48, 123.456F);
    put_float(0x15E, 7.5F);
    EXPECT_OK(wk_submeter_read(&submeter, &k_bus));
    EXPECT_I64(3, asked);
    EXPECT_NEAR(229800, submeter.value[WK_SUBMETER_U1], 1);
    EXPECT_I64(5250000, submeter.value[WK_SUBMETER_I1]);
    EXPECT_I64(-500, submeter.value[WK_SUBMETER_P]);
    EXPECT_I64(-875, submeter.value[WK_SUBMETER_PF]);
    EXPECT_NEAR(123456000000, submeter.value[WK_SUBMETER_IMPORT], 10000);
    EXPECT_I64(INT64_C(7500000000), submeter.value[WK_SUBMETER_IMPORT3]);
}

static void a_meter_that_refuses_blocks_is_asked_one_by_one(void)
{
    clear();
    wk_submeter_init(&submeter, WK_SUBMETER_SDM120, 1);
    for (uint32_t at = 0; at < 0x80; at++) {
        const bool there =
            at < 2 || at == 6 || at == 7 || at == 12 || at == 13 || at == 0x48 || at == 0x49;
        hole[at] = !there;
    }
    put_float(0, 231.0F);
    put_float(0x48, 1.5F);
    EXPECT_OK(wk_submeter_read(&submeter, &k_bus));
    EXPECT_I64(231000, submeter.value[WK_SUBMETER_U1]);
    EXPECT_I64(INT64_C(1500000000), submeter.value[WK_SUBMETER_IMPORT]);
    EXPECT(is_absent(WK_SUBMETER_F) && is_absent(WK_SUBMETER_EXPORT));
    asked = 0;
    EXPECT_OK(wk_submeter_read(&submeter, &k_bus));
    EXPECT_I64(4, asked);
    EXPECT(is_absent(WK_SUBMETER_F));
}

WK_TEST_MAIN(T(requests_are_those_of_the_specification),
             T(the_answer_is_found_among_noise_echo_and_other_frames),
             T(a_flipped_bit_is_never_an_answer),
             T(tcp_answers_are_matched_by_their_transaction),
             T(a_line_is_read_whatever_it_does_to_the_answer),
             T(what_goes_wrong_once_is_repeated), T(a_late_answer_is_not_taken_for_the_next),
             T(silence_refusal_and_bad_check_sums_are_told_in_words),
             T(bad_uris_are_refused_with_the_reason),
             T(sunspec_integers_are_scaled_and_the_unimplemented_left_out),
             T(sunspec_floats_are_read_in_two_parts),
             T(what_is_no_sunspec_meter_is_refused_in_words),
             T(an_sdm630_is_read_in_few_requests),
             T(a_meter_that_refuses_blocks_is_asked_one_by_one))
