/* SPDX-License-Identifier: Apache-2.0
 *
 * The queue of a line: units on a pseudo terminal, each with a time that it takes to answer, and
 * customers that ask without a pause. What each must get follows from the times alone. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/modbus_queue.h"
#include "tests/wk_test.h"

#define QUICK      1 /* units */
#define DEAD       9
#define MAKER      0x41 /* a function of a maker: its answer is of any size */
#define TIMEOUT_MS 100
#define RUN_MS     2000

static struct {
    int file;
    pthread_t thread;
    _Atomic bool stop;
    _Atomic bool echoes;
    char path[64];
} g_units;
static struct wk_modbus_queue *g_queue;
static char g_why[WK_MODBUS_WHY];

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* ---- the units --------------------------------------------------------------------------- */

static void put(const uint8_t *octets, size_t size)
{
    if (write(g_units.file, octets, size) != (ssize_t)size) {
        g_units.stop = true;
    }
}

/* Registers hold zeros; a maker's function and writes are given back. */
static void answer(const uint8_t *request, size_t size)
{
    struct wk_modbus_message message = {.unit = request[0], .size = (uint16_t)(size - 3)};
    uint8_t frame[WK_MODBUS_RTU_MOST];
    memcpy(message.pdu, request + 1, size - 3);
    if (g_units.echoes) {
        put(request, size);
    }
    if (request[0] == DEAD || request[0] == 0) {
        return;
    }
    if (request[1] == WK_MODBUS_HOLDING) {
        const size_t octets = 2 * (size_t)request[5];
        memset(message.pdu + 1, 0, octets + 1);
        message.pdu[1] = (uint8_t)octets;
        message.size = (uint16_t)(octets + 2);
    } else if (request[1] == MAKER) {
        message.pdu[message.size++] = 0xA5;
    }
    put(frame, wk_modbus_frame_rtu(&message, frame));
}

/* A frame ends where nothing comes for 2 ms. */
static void *units_run(void *context)
{
    uint8_t request[WK_MODBUS_RTU_MOST];
    size_t have = 0;
    (void)context;
    while (!g_units.stop) {
        struct pollfd wait = {.fd = g_units.file, .events = POLLIN};
        if (poll(&wait, 1, have > 0 ? 2 : 20) == 1) {
            const ssize_t got = read(g_units.file, request + have, sizeof request - have);
            have += got > 0 ? (size_t)got : 0;
        } else if (have > 3) {
            answer(request, have);
            have = 0;
        }
    }
    return NULL;
}

static wk_err start(bool echoes)
{
    char uri[128];
    g_units.stop = false;
    g_units.echoes = echoes;
    g_units.file = posix_openpt(O_RDWR | O_NOCTTY);
    if (g_units.file < 0 || grantpt(g_units.file) != 0 || unlockpt(g_units.file) != 0 ||
        ptsname_r(g_units.file, g_units.path, sizeof g_units.path) != 0) {
        return WK_E_IO;
    }
    (void)snprintf(uri, sizeof uri, "rtu:%s,115200", g_units.path);
    WK_TRY(wk_modbus_queue_start(&g_queue, uri, g_why));
    return pthread_create(&g_units.thread, NULL, units_run, NULL) == 0 ? WK_OK : WK_E_IO;
}

static void end(void)
{
    wk_modbus_queue_stop(g_queue);
    g_units.stop = true;
    pthread_join(g_units.thread, NULL);
    close(g_units.file);
}

static struct wk_modbus_job job_of(wk_modbus_class class, uint64_t customer, uint8_t unit,
                                   const uint8_t *pdu, uint16_t size)
{
    struct wk_modbus_job job = {.class = class,
                                .customer = customer,
                                .request = {.unit = unit, .size = size},
                                .timeout_ms = TIMEOUT_MS};
    memcpy(job.request.pdu, pdu, size);
    return job;
}

static const uint8_t k_read[] = {WK_MODBUS_HOLDING, 0, 0, 0, 10};

/* ---- customers --------------------------------------------------------------------------- */

struct hammer {
    wk_modbus_class class;
    uint64_t customer;
    uint8_t unit;
    int64_t until_ms;
    unsigned right;
    unsigned wrong;
    int64_t longest_ms;
};

static void *hammer(void *context)
{
    struct hammer *self = context;
    const struct wk_modbus_job job =
        job_of(self->class, self->customer, self->unit, k_read, sizeof k_read);
    while (now_ms() < self->until_ms) {
        struct wk_modbus_result result;
        const int64_t begin_ms = now_ms();
        const wk_err err = wk_modbus_queue_ask(g_queue, &job, &result);
        const int64_t took_ms = now_ms() - begin_ms;
        self->right += err == (self->unit == DEAD ? WK_E_TIMEOUT : WK_OK) ? 1 : 0;
        self->wrong += err == (self->unit == DEAD ? WK_E_TIMEOUT : WK_OK) ? 0 : 1;
        self->longest_ms = took_ms > self->longest_ms ? took_ms : self->longest_ms;
    }
    return NULL;
}

static void run_all(struct hammer *all, size_t count)
{
    pthread_t thread[8];
    for (size_t n = 0; n < count; n++) {
        all[n].until_ms = now_ms() + RUN_MS;
        EXPECT_I64(0, pthread_create(&thread[n], NULL, hammer, &all[n]));
    }
    for (size_t n = 0; n < count; n++) {
        pthread_join(thread[n], NULL);
        EXPECT_I64(0, all[n].wrong);
    }
}

/* Four clients of a quick unit beside one sub-meter: half the line is the sub-meter's, where it asks in
 * time; on a busy machine it is late now and then. One share of five would be 20 %. */
static void the_meters_own_units_have_half_of_the_line(void)
{
    struct hammer all[] = {{.class = WK_MODBUS_OWN, .customer = 1, .unit = QUICK},
                           {.class = WK_MODBUS_CLIENT, .customer = 2, .unit = QUICK},
                           {.class = WK_MODBUS_CLIENT, .customer = 3, .unit = QUICK},
                           {.class = WK_MODBUS_CLIENT, .customer = 4, .unit = QUICK},
                           {.class = WK_MODBUS_CLIENT, .customer = 5, .unit = QUICK}};
    EXPECT_OK(start(false));
    run_all(all, 5);
    const struct wk_modbus_queue_counts counts = wk_modbus_queue_counts(g_queue);
    const int64_t own_us = counts.line_us[WK_MODBUS_OWN];
    const int64_t client_us = counts.line_us[WK_MODBUS_CLIENT];
    const unsigned clients = all[1].right + all[2].right + all[3].right + all[4].right;
    EXPECT(all[0].right > 20 && clients > 20);
    EXPECT(10 * own_us > 3 * (own_us + client_us) && 10 * own_us < 6 * (own_us + client_us));
    for (size_t n = 1; n < 5; n++) {
        EXPECT(8 * all[n].right > clients && 8 * all[n].right < 3 * clients);
    }
    end();
}

/* A client that asks for a unit that is not there costs two timeouts a time: the other class has as
 * much of the line, and so has another client. */
static void a_dead_unit_takes_no_more_than_a_share(void)
{
    struct hammer all[] = {{.class = WK_MODBUS_OWN, .customer = 1, .unit = QUICK},
                           {.class = WK_MODBUS_CLIENT, .customer = 2, .unit = DEAD},
                           {.class = WK_MODBUS_CLIENT, .customer = 3, .unit = QUICK}};
    EXPECT_OK(start(false));
    run_all(all, 3);
    const struct wk_modbus_queue_counts counts = wk_modbus_queue_counts(g_queue);
    const int64_t own_us = counts.line_us[WK_MODBUS_OWN];
    const int64_t client_us = counts.line_us[WK_MODBUS_CLIENT];
    EXPECT(own_us > client_us - 500000 && own_us < client_us + 500000);
    EXPECT(all[0].longest_ms < 2 * 2 * TIMEOUT_MS + 100);
    EXPECT(all[0].right > 20 && all[2].right > 5);
    EXPECT(all[1].right >= 1);
    end();
}

/* ---- what is asked ----------------------------------------------------------------------- */

static void functions_of_a_maker_are_carried_by_the_gap(void)
{
    static const uint8_t k_maker[] = {MAKER, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (int echoes = 0; echoes < 2; echoes++) {
        struct wk_modbus_result result;
        const struct wk_modbus_job job =
            job_of(WK_MODBUS_CLIENT, 1, QUICK, k_maker, sizeof k_maker);
        EXPECT_OK(start(echoes != 0));
        EXPECT_OK(wk_modbus_queue_ask(g_queue, &job, &result));
        EXPECT_I64(sizeof k_maker + 1, result.answer.size);
        EXPECT_BYTES(k_maker, result.answer.pdu, sizeof k_maker);
        EXPECT_I64(0xA5, result.answer.pdu[sizeof k_maker]);
        end();
    }
}

/* The echo of a write equals its answer: from a unit that is not there it must not be taken for one,
 * once the line is known. */
static void an_echo_is_no_answer_to_a_write(void)
{
    static const uint8_t k_write[] = {6, 0, 1, 0, 42};
    struct wk_modbus_result result;
    const struct wk_modbus_job read = job_of(WK_MODBUS_CLIENT, 1, QUICK, k_read, sizeof k_read);
    const struct wk_modbus_job write =
        job_of(WK_MODBUS_CLIENT, 1, QUICK, k_write, sizeof k_write);
    struct wk_modbus_job lost = write;
    lost.request.unit = DEAD;
    EXPECT_OK(start(true));
    EXPECT_OK(wk_modbus_queue_ask(g_queue, &write, &result)); /* not known yet */
    EXPECT_OK(wk_modbus_queue_ask(g_queue, &read, &result));
    EXPECT_OK(wk_modbus_queue_ask(g_queue, &write, &result));
    EXPECT_BYTES(k_write, result.answer.pdu, sizeof k_write);
    EXPECT_ERR(WK_E_TIMEOUT, wk_modbus_queue_ask(g_queue, &lost, &result));
    EXPECT(strstr(result.why, "unit 9") != NULL);
    end();
}

static void a_broadcast_has_no_answer_but_its_time(void)
{
    static const uint8_t k_write[] = {6, 0, 1, 0, 42};
    struct wk_modbus_result result;
    const struct wk_modbus_job all = job_of(WK_MODBUS_CLIENT, 1, 0, k_write, sizeof k_write);
    const struct wk_modbus_job read = job_of(WK_MODBUS_CLIENT, 1, QUICK, k_read, sizeof k_read);
    EXPECT_OK(start(false));
    EXPECT_OK(wk_modbus_queue_ask(g_queue, &all, &result));
    EXPECT_I64(0, result.answer.size);
    const int64_t begin_ms = now_ms();
    EXPECT_OK(wk_modbus_queue_ask(g_queue, &read, &result));
    EXPECT(now_ms() - begin_ms >= 100);
    end();
}

/* ---- limits ------------------------------------------------------------------------------ */

static _Atomic unsigned g_told;
static _Atomic unsigned g_closed;

static void tell(void *self, const struct wk_modbus_result *result)
{
    (void)self;
    g_told++;
    g_closed += result->err == WK_E_CLOSED ? 1 : 0;
}

static void what_finds_no_room_is_refused_and_the_rest_is_told(void)
{
    unsigned taken = 0;
    struct wk_modbus_job job = job_of(WK_MODBUS_CLIENT, 1, DEAD, k_read, sizeof k_read);
    job.done = tell;
    g_told = 0;
    g_closed = 0;
    EXPECT_OK(start(false));
    wk_err err = WK_OK;
    while (err == WK_OK) {
        err = wk_modbus_queue_put(g_queue, &job);
        taken += err == WK_OK ? 1 : 0;
    }
    EXPECT_ERR(WK_E_BUSY, err);
    EXPECT(taken == WK_MODBUS_QUEUE_EACH || taken == WK_MODBUS_QUEUE_EACH + 1);
    job.customer = 2;
    EXPECT_OK(wk_modbus_queue_put(g_queue, &job));
    wk_modbus_queue_forget(g_queue, 2);
    EXPECT_I64(1, g_closed);
    taken++;
    for (job.customer = 3; err != WK_E_FULL; job.customer++) {
        do {
            err = wk_modbus_queue_put(g_queue, &job);
            taken += err == WK_OK ? 1 : 0;
        } while (err == WK_OK);
    }
    end();
    EXPECT_I64(taken, g_told);
    EXPECT(g_closed + 3 >= taken);
}

static void lines_that_cannot_be_are_refused_with_the_reason(void)
{
    char why[WK_MODBUS_WHY];
    struct wk_modbus_queue *queue = NULL;
    struct wk_modbus_result result;
    const struct wk_modbus_job job = job_of(WK_MODBUS_CLIENT, 1, QUICK, k_read, sizeof k_read);
    EXPECT_ERR(WK_E_ARGUMENT, wk_modbus_queue_start(&queue, "rtu:", why));
    EXPECT(strstr(why, "path of a serial line") != NULL);
    /* one that is not there may come later */
    EXPECT_OK(wk_modbus_queue_start(&queue, "rtu:/dev/no-such-line", why));
    EXPECT_ERR(WK_E_IO, wk_modbus_queue_ask(queue, &job, &result));
    EXPECT(strstr(result.why, "No such file") != NULL);
    wk_modbus_queue_stop(queue);
}

WK_TEST_MAIN(T(the_meters_own_units_have_half_of_the_line),
             T(a_dead_unit_takes_no_more_than_a_share),
             T(functions_of_a_maker_are_carried_by_the_gap), T(an_echo_is_no_answer_to_a_write),
             T(a_broadcast_has_no_answer_but_its_time),
             T(what_finds_no_room_is_refused_and_the_rest_is_told),
             T(lines_that_cannot_be_are_refused_with_the_reason))
