/* SPDX-License-Identifier: Apache-2.0
 *
 * The front end over libiio: the library's real client against a server of the protocol, and its
 * own conversion of samples as the second opinion. */
#include <iio.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "port/linux/iio.h"
#include "tests/iio_server.h"
#include "tests/wk_test.h"

#define RATE   8000
#define FRAMES 4000 /* half a second */

static struct wk_iio_server server;
static struct wk_iio iio;
static int32_t counts[FRAMES * WK_HAL_CHANNELS];
static char uri[64];

static void pause_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static wk_err open_with(const char *u, const char *i)
{
    const struct wk_iio_config config = {
        .uri = uri, .device = "ade9000", .u = u, .i = i, .patience_ms = 4000};
    return wk_iio_open(&iio, &config);
}

static wk_err start(const char *u, const char *i)
{
    WK_TRY(wk_iio_server_start(&server, RATE));
    snprintf(uri, sizeof uri, "ip:127.0.0.1:%u", server.port);
    return open_with(u, i);
}

static void end(void)
{
    wk_iio_close(&iio);
    wk_iio_server_stop(&server);
}

/* Reads so many frames; counts what trouble was told. */
struct told {
    int lost;
    int reset;
    int rate;
    uint64_t frames;
    int64_t rate_uhz;
};

static wk_err read_all(size_t frames, struct told *told)
{
    size_t have = 0;
    struct wk_hal_trouble trouble;
    while (have < frames) {
        size_t got = 0;
        WK_TRY(iio.frontend.read(&iio, counts + have * iio.info.channels, frames - have, &got));
        while (iio.frontend.trouble(&iio, &trouble)) {
            told->lost += trouble.kind == WK_HAL_FEED_LOST;
            told->reset += trouble.kind == WK_HAL_FEED_RESET;
            told->rate += trouble.kind == WK_HAL_FEED_RATE;
            told->frames += trouble.frames;
            told->rate_uhz = trouble.rate_uhz;
        }
        if (got == 0) {
            return WK_E_CLOSED;
        }
        have += got;
    }
    return WK_OK;
}

/* rms of the fundamental of a channel in V or A, over the frames read. */
static double rms_of(int c)
{
    const struct wk_hal_channel *channel = &iio.info.channel[c];
    const double gain = channel->gain.mantissa * pow(10, channel->gain.exponent);
    double mean = 0;
    double sum = 0;
    for (int n = 0; n < FRAMES; n++) {
        mean += counts[n * iio.info.channels + c] * gain;
    }
    for (int n = 0; n < FRAMES; n++) {
        const double value = counts[n * iio.info.channels + c] * gain - mean / (double)FRAMES;
        sum += value * value;
    }
    return sqrt(sum / (double)FRAMES);
}

static void samples_of_every_format_become_volts_and_amperes(void)
{
    struct told told = {0};
    EXPECT_OK(
        start("voltage0*1000,voltage1*1000,voltage2*-1000,voltage3", "current0,-,current2"));
    EXPECT_I64(6, iio.info.channels);
    EXPECT_I64(INT64_C(8000000000), iio.info.rate_uhz);
    EXPECT_OK(read_all(FRAMES, &told));
    static const double k_wanted[] = {230, 230, 230, 0.115, 10, 10};
    for (int c = 0; c < 6; c++) {
        EXPECT_NEAR(k_wanted[c], rms_of(c), k_wanted[c] * 1e-4);
    }
    EXPECT(iio.info.channel[2].gain.mantissa < 0);
    EXPECT_I64(3, iio.info.channel[3].phase);
    EXPECT_I64(2, iio.info.channel[5].phase);
    EXPECT_I64(WK_HAL_CURRENT, iio.info.channel[5].quantity);
    EXPECT_I64(8388607, iio.info.channel[0].range);
    EXPECT_I64(32767, iio.info.channel[3].range);
    /* a machine so busy that the queue overran is told, and only then */
    EXPECT_NEAR((double)server.lost, (double)told.frames, 80);
    EXPECT_I64(0, told.reset + told.rate);
    end();
}

static void without_lists_the_order_of_the_channels_counts(void)
{
    EXPECT_OK(start("", ""));
    EXPECT_I64(7, iio.info.channels);
    EXPECT(strcmp(iio.info.channel[3].name, "voltage3") == 0);
    EXPECT_I64(3, iio.info.channel[3].phase);
    EXPECT(strcmp(iio.info.channel[4].name, "current0") == 0);
    end();
}

static void a_current_may_come_from_a_voltage_input_with_a_factor(void)
{
    struct told told = {0};
    EXPECT_OK(start("voltage0*1000", "voltage1 * 20"));
    EXPECT_OK(read_all(FRAMES, &told));
    EXPECT_NEAR(0.23 * 20, rms_of(1), 1e-3);
    end();
}

static void an_overrun_is_told_with_its_frames(void)
{
    struct told told = {0};
    EXPECT_OK(start("voltage0*1000", "current0"));
    EXPECT_OK(read_all(FRAMES, &told));
    pause_ms(700); /* the queue holds 160 ms */
    EXPECT_OK(read_all(FRAMES, &told));
    EXPECT(told.lost >= 1);
    EXPECT_NEAR((double)server.lost, (double)told.frames, 80);
    const uint64_t overrun = server.lost;
    EXPECT(overrun > 3000);
    server.lose = 1234;
    EXPECT_OK(read_all(FRAMES, &told));
    EXPECT(told.lost >= 2);
    const double off = fabs((double)server.lost - (double)told.frames);
    WK_TEST_FIGURE("iio: error of the estimated number of lost frames", off / RATE * 1e3, "ms",
                   "<= 10", off <= 80, 0);
    EXPECT(off <= 80);
    EXPECT_I64(0, told.reset + told.rate);
    end();
}

static void a_device_that_goes_away_is_opened_anew_and_told(void)
{
    struct told told = {0};
    EXPECT_OK(start("voltage0*1000", "current0"));
    EXPECT_OK(read_all(FRAMES, &told));
    wk_iio_server_set_down(&server, true);
    pause_ms(900);
    wk_iio_server_set_down(&server, false);
    EXPECT_OK(read_all(FRAMES, &told));
    EXPECT_I64(1, told.reset);
    EXPECT(told.frames > 7000 && told.frames < 16000);
    EXPECT_I64(0, told.lost);
    EXPECT_NEAR(230, rms_of(0), 0.1);
    end();
}

static void a_device_that_stays_away_is_an_error_with_its_name(void)
{
    struct told told = {0};
    EXPECT_OK(start("voltage0*1000", "current0"));
    iio.config.patience_ms = 600;
    wk_iio_server_set_down(&server, true);
    EXPECT_ERR(WK_E_IO, read_all(FRAMES, &told));
    EXPECT(strstr(iio.why, uri) == iio.why);
    end();
}

static void another_rate_is_told(void)
{
    struct told told = {0};
    EXPECT_OK(start("voltage0*1000", "current0"));
    EXPECT_OK(read_all(FRAMES / 2, &told));
    server.rate_hz = 4000;
    for (int n = 0; n < 4 && told.rate == 0; n++) {
        EXPECT_OK(read_all(FRAMES, &told));
    }
    EXPECT_I64(1, told.rate);
    EXPECT_I64(INT64_C(4000000000), told.rate_uhz);
    end();
}

static void the_rate_is_written_if_the_configuration_says_so(void)
{
    EXPECT_OK(wk_iio_server_start(&server, 100));
    snprintf(uri, sizeof uri, "ip:127.0.0.1:%u", server.port);
    EXPECT_ERR(WK_E_FORMAT, open_with("", ""));
    EXPECT(strstr(iio.why, "sampling_frequency: 100 Hz; a meter needs") != NULL);
    struct wk_iio_config config = {
        .uri = uri, .device = "", .u = "", .i = "", .rate_uhz = INT64_C(16000000000)};
    EXPECT_OK(wk_iio_open(&iio, &config));
    EXPECT_I64(INT64_C(16000000000), iio.info.rate_uhz);
    wk_iio_close(&iio);
    config.rate_uhz = INT64_C(40000000000);
    EXPECT_ERR(WK_E_IO, wk_iio_open(&iio, &config));
    EXPECT(strstr(iio.why, "40000 Hz cannot be written: Invalid argument") != NULL);
    wk_iio_server_stop(&server);
}

static void what_does_not_fit_is_refused_with_device_channel_and_reason(void)
{
    static const struct {
        const char *u;
        const char *i;
        const char *says;
    } k_refusals[] = {
        {"voltage9", "", "ade9000: there is no channel \"voltage9\""},
        {"current0", "", "channel current0 measures something else"},
        {"voltage0", "voltage1", "channel voltage1 is a voltage: say how many amperes"},
        {"voltage0,voltage0", "", "channel voltage0 is listed twice"},
        {"voltage0*", "", "there must be a factor behind *"},
        {"voltage0*0", "", "there must be a factor behind *"},
        {"voltage0*1e30", "", "is no gain"},
        {"voltage0,voltage1,voltage2,voltage3,voltage0", "", "at most L1,L2,L3,N"},
        {"-", "-", "no channel of it is chosen"},
    };
    EXPECT_OK(start("", ""));
    wk_iio_close(&iio);
    for (size_t r = 0; r < sizeof k_refusals / sizeof k_refusals[0]; r++) {
        EXPECT(open_with(k_refusals[r].u, k_refusals[r].i) != WK_OK);
        if (strstr(iio.why, k_refusals[r].says) == NULL) {
            printf("# \"%s\" does not say \"%s\"\n", iio.why, k_refusals[r].says);
        }
        EXPECT(strstr(iio.why, k_refusals[r].says) != NULL);
        EXPECT(iio.context == NULL);
    }
    server.broken = true;
    EXPECT_ERR(WK_E_FORMAT, open_with("", ""));
    EXPECT(strstr(iio.why, "channel voltage0: attribute scale cannot be read") != NULL);
    const struct wk_iio_config other = {.uri = uri, .device = "ade7878", .u = "", .i = ""};
    EXPECT_ERR(WK_E_NOT_FOUND, wk_iio_open(&iio, &other));
    EXPECT(strstr(iio.why, "there is no device \"ade7878\"") != NULL);
    const struct wk_iio_config rms = {.uri = uri, .device = "rms", .u = "", .i = ""};
    EXPECT(wk_iio_open(&iio, &rms) != WK_OK);
    wk_iio_server_stop(&server);
    const struct wk_iio_config gone = {.uri = uri, .device = "", .u = "", .i = ""};
    EXPECT_ERR(WK_E_IO, wk_iio_open(&iio, &gone));
    EXPECT(strstr(iio.why, "the context cannot be opened: ") != NULL);
}

static void a_context_is_described_with_what_fits(void)
{
    char text[4096] = "";
    char why[WK_IIO_WHY];
    unsigned fits = 0;
    EXPECT_OK(start("", ""));
    wk_iio_close(&iio);
    FILE *to = fmemopen(text, sizeof text, "w");
    EXPECT(to != NULL);
    EXPECT_OK(wk_iio_describe(uri, to, &fits, why));
    fclose(to);
    EXPECT_I64(1, fits);
    EXPECT(strstr(text, "be:u16/16>>0  scale 0.05") != NULL);
    EXPECT(strstr(text, "8000 samples a second") != NULL);
    EXPECT(strstr(text, "u = voltage0,voltage1,voltage2,voltage3\n") != NULL);
    EXPECT(strstr(text, "i = current0,current1,current2\n") != NULL);
    EXPECT(strstr(text, "rms\n    does not fit: it has no buffered input") != NULL);
    wk_iio_server_stop(&server);
    EXPECT_ERR(WK_E_IO, wk_iio_describe(uri, stdout, &fits, why));
}

/* A context of one channel with this format; the library's own conversion is the truth. */
static int64_t library_says(const char *format, const uint8_t raw[8])
{
    char xml[1024];
    const int size = snprintf(
        xml, sizeof xml,
        "<?xml version=\"1.0\"?><!DOCTYPE context [<!ELEMENT context ANY><!ELEMENT device "
        "ANY><!ELEMENT channel ANY><!ELEMENT scan-element EMPTY><!ATTLIST context name "
        "CDATA #REQUIRED><!ATTLIST device id CDATA #REQUIRED><!ATTLIST channel id CDATA "
        "#REQUIRED type CDATA #REQUIRED><!ATTLIST scan-element index CDATA #REQUIRED "
        "format CDATA #REQUIRED>]><context name=\"x\"><device id=\"iio:device0\">"
        "<channel id=\"voltage0\" type=\"input\"><scan-element index=\"0\" "
        "format=\"%s\"/></channel></device></context>",
        format);
    struct iio_context *context = iio_create_xml_context_mem(xml, (size_t)size);
    if (context == NULL) {
        return INT64_MIN;
    }
    const struct iio_channel *channel =
        iio_device_get_channel(iio_context_get_device(context, 0), 0);
    const struct iio_data_format *data = iio_channel_get_data_format(channel);
    uint8_t converted[8] = {0};
    iio_channel_convert(channel, converted, raw);
    int64_t value = 0;
    memcpy(&value, converted, sizeof value);
    const unsigned unused = 64 - data->length;
    value = (int64_t)((uint64_t)value << unused);
    value = data->is_signed ? value >> unused : (int64_t)((uint64_t)value >> unused);
    iio_context_destroy(context);
    return value;
}

static void samples_convert_as_the_library_does(void)
{
    static const struct {
        const char *text;
        struct wk_iio_format format;
    } k_formats[] = {
        {"le:s16/16&gt;&gt;0", {.octets = 2, .bits = 16, .is_signed = true}},
        {"be:s16/16&gt;&gt;0", {.octets = 2, .bits = 16, .is_signed = true, .is_be = true}},
        {"le:s24/32&gt;&gt;0", {.octets = 4, .bits = 24, .is_signed = true}},
        {"be:s24/32&gt;&gt;8",
         {.octets = 4, .bits = 24, .shift = 8, .is_signed = true, .is_be = true}},
        {"le:u12/16&gt;&gt;4", {.octets = 2, .bits = 12, .shift = 4}},
        {"le:s20/32&gt;&gt;12", {.octets = 4, .bits = 20, .shift = 12, .is_signed = true}},
        {"be:s18/64&gt;&gt;46",
         {.octets = 8, .bits = 18, .shift = 46, .is_signed = true, .is_be = true}},
        {"le:u8/8&gt;&gt;0", {.octets = 1, .bits = 8}},
    };
    uint64_t state = 20261121;
    for (size_t f = 0; f < sizeof k_formats / sizeof k_formats[0]; f++) {
        struct wk_iio_format format = k_formats[f].format;
        EXPECT_OK(wk_iio_format_fit(&format, 0));
        EXPECT_I64(0, format.down);
        for (int n = 0; n < 500; n++) {
            uint8_t raw[8];
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
            memcpy(raw, &state, sizeof raw);
            EXPECT_I64(library_says(k_formats[f].text, raw), wk_iio_format_count(&format, raw));
        }
    }
}

static void wide_samples_are_rounded_to_24_bits(void)
{
    struct wk_iio_format format = {.octets = 4, .bits = 32, .is_signed = true};
    EXPECT_OK(wk_iio_format_fit(&format, 0));
    EXPECT_I64(7, format.down);
    EXPECT_I64(16777215, wk_iio_format_count(&format, (const uint8_t[]){255, 255, 255, 127}));
    EXPECT_I64(-16777215, wk_iio_format_count(&format, (const uint8_t[]){0, 0, 0, 128}));
    EXPECT_I64(1, wk_iio_format_count(&format, (const uint8_t[]){64, 0, 0, 0}));
    EXPECT_I64(0, wk_iio_format_count(&format, (const uint8_t[]){63, 0, 0, 0}));
    EXPECT_I64(-1, wk_iio_format_count(&format, (const uint8_t[]){0xC0, 255, 255, 255}));
    EXPECT_OK(wk_iio_format_fit(&format, 74000000));
    EXPECT_I64(3, format.down);
    struct wk_iio_format bad = {.octets = 3, .bits = 24};
    EXPECT_ERR(WK_E_UNSUPPORTED, wk_iio_format_fit(&bad, 0));
    bad = (struct wk_iio_format){.octets = 4, .bits = 24, .shift = 9};
    EXPECT_ERR(WK_E_UNSUPPORTED, wk_iio_format_fit(&bad, 0));
    bad = (struct wk_iio_format){.octets = 2, .bits = 16, .zero = 70000};
    EXPECT_ERR(WK_E_RANGE, wk_iio_format_fit(&bad, 0));
}

/* Simulated hours: what the clock makes of drift, jitter and losses. */
static void the_clock_tells_losses_from_drift_and_jitter(void)
{
    static const double k_ppm[] = {-900, -50, 0, 50, 900};
    uint64_t state = 4711;
    for (size_t p = 0; p < sizeof k_ppm / sizeof k_ppm[0]; p++) {
        struct wk_iio_clock clock;
        double time_us = 1e9;
        double asked_us = time_us;
        uint64_t told = 0;
        wk_iio_clock_start(&clock, INT64_C(8000000000), (int64_t)time_us, 160);
        for (int block = 0; block < 20000; block++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
            const double jitter_us = (double)(state >> 33 & 0xFFF);
            const bool stalls = (state >> 50 & 0x3F) == 0;
            time_us += 20000 * (1 + k_ppm[p] * 1e-6);
            if (block == 10000) {
                time_us += 100000; /* 800 frames are lost */
            }
            /* a wake-up that comes late finds the next block waiting */
            const bool waited = time_us > asked_us + 5000;
            asked_us = fmax(time_us + (stalls ? 25000 : jitter_us), asked_us);
            told += wk_iio_clock_add(&clock, (int64_t)asked_us, 160, waited);
        }
        EXPECT_NEAR(800, (double)told, 40);
    }
}

WK_TEST_MAIN(T(samples_of_every_format_become_volts_and_amperes),
             T(without_lists_the_order_of_the_channels_counts),
             T(a_current_may_come_from_a_voltage_input_with_a_factor),
             T(an_overrun_is_told_with_its_frames),
             T(a_device_that_goes_away_is_opened_anew_and_told),
             T(a_device_that_stays_away_is_an_error_with_its_name), T(another_rate_is_told),
             T(the_rate_is_written_if_the_configuration_says_so),
             T(what_does_not_fit_is_refused_with_device_channel_and_reason),
             T(a_context_is_described_with_what_fits), T(samples_convert_as_the_library_does),
             T(wide_samples_are_rounded_to_24_bits),
             T(the_clock_tells_losses_from_drift_and_jitter))
