/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "port/linux/comtrade_write.h"
#include "port/linux/csv.h"
#include "port/linux/recording.h"
#include "port/linux/wav.h"
#include "tests/wk_test.h"

#define KEATING WK_SOURCE_DIR "/data/keating/keating_1999.CFG"
#define FRAMES  12

static struct wk_recording recording;
static struct wk_recording_fault fault;

static const char k_cfg_1999[] = "STATION,DEVICE,1999\r\n"
                                 "3,2A,1D\r\n"
                                 "1,UA,A,line,kV,0.5,0.25,,-9,9,1,1,P\r\n"
                                 "2,IA,A,line,A,-2,0,12.5,-9,9,400,5,S\r\n"
                                 "1,TRIP,,line,0\r\n"
                                 "50\r\n"
                                 "1\r\n"
                                 "4000,3\r\n"
                                 "18/11/2015,05:33:03.765333\r\n"
                                 "18/11/2015,05:33:03.790289\r\n"
                                 "ASCII\r\n"
                                 "1\r\n";
static const char k_dat_ascii[] = "1,0,1,2,0\r\n2,250,-3,4,1\r\n3,,5,-6,0\r\n\x1a";

static wk_err parse(const char *cfg, size_t cfg_size, const char *dat, size_t dat_size)
{
    const struct wk_comtrade_part cfg_part = {"x.cfg", cfg, cfg_size};
    const struct wk_comtrade_part dat_part = {"x.dat", dat, dat_size};
    wk_recording_free(&recording);
    fault.text[0] = 0;
    return wk_comtrade_parse(&recording, &cfg_part, &dat_part, &fault);
}

static wk_err parse_texts(const char *cfg, const char *dat)
{
    return parse(cfg, strlen(cfg), dat, strlen(dat));
}

static void a_real_recording_with_an_empty_time_column_is_read(void)
{
    EXPECT_OK(wk_recording_open(&recording, KEATING, &fault));
    EXPECT_I64(8, recording.channels);
    EXPECT_I64(2048, recording.frames);
    EXPECT_I64(INT64_C(30707244141), recording.rate_uhz);
    EXPECT_I64(60000000, recording.nominal_uhz);
    EXPECT_I64(INT64_C(1447824783765333), recording.start_us);
    EXPECT_I64(WK_HAL_CURRENT, recording.channel[0].quantity);
    EXPECT_I64(2, recording.channel[6].phase);
    EXPECT(strcmp(recording.channel[4].name, "U1") == 0);
    EXPECT_NEAR(-0.0197614394128323 * 1571 + 25.3736882060767, recording.channel[0].value[0],
                1e-12);
    const struct wk_recording_choice choice = wk_recording_choose(&recording);
    for (int phase = 0; phase < 4; phase++) {
        EXPECT_I64(4 + phase, choice.u[phase]);
        EXPECT_I64(phase, choice.i[phase]);
    }
    wk_recording_free(&recording);
}

static void values_become_primary_volts_and_amperes(void)
{
    EXPECT_OK(parse_texts(k_cfg_1999, k_dat_ascii));
    EXPECT_NEAR(750, recording.channel[0].value[0], 1e-9);
    EXPECT_NEAR(-1250, recording.channel[0].value[1], 1e-9);
    EXPECT_NEAR(-2 * 2 * 80, recording.channel[1].value[0], 1e-9);
    EXPECT_NEAR(2 * 6 * 80, recording.channel[1].value[2], 1e-9);
    EXPECT_I64(12500, recording.channel[1].delay_ns);
    EXPECT_I64(4000000000, recording.rate_uhz);
}

static void the_form_of_1991_has_no_year_and_the_month_first(void)
{
    EXPECT_OK(parse_texts("S,D\n1,1A,0D\n1,VB,B,,V,1,0,0,-9,9\n60\n1\n2000,2\n"
                          "11/18/15,05:33:03.5\n11/18/15,05:33:03.5\nASCII\n",
                          "0,0,7\n1,500,8\n"));
    EXPECT_I64(INT64_C(1447824783500000), recording.start_us);
    EXPECT_I64(1, recording.channel[0].phase);
    EXPECT_NEAR(8, recording.channel[0].value[1], 0);
}

static void the_zone_of_2013_is_taken_off(void)
{
    EXPECT_OK(parse_texts("S,D,2013\n1,1A,0D\n1,VB,B,,V,1,0,0,-9,9,1,1,P\n60\n1\n2000,2\n"
                          "18/11/2015,05:33:03.5\n18/11/2015,05:33:03.5\nASCII\n1\n-5h30,x\n"
                          "B,3\n",
                          "1,0,7\n2,500,8\n"));
    EXPECT_I64(INT64_C(1447824783500000) + INT64_C(19800000000), recording.start_us);
}

static void without_a_rate_the_time_column_gives_it(void)
{
    EXPECT_OK(parse_texts("S,D,1999\n1,1A,0D\n1,VB,B,,V,1,0,0,-9,9,1,1,P\n50\n0\n0,3\n,\n,\n"
                          "ASCII\n10\n",
                          "1,0,7\n2,25,8\n3,50,9\n"));
    EXPECT_I64(4000000000, recording.rate_uhz);
    EXPECT_ERR(WK_E_FORMAT,
               parse_texts("S,D,1999\n1,1A,0D\n1,VB,B,,V,1,0,0,-9,9,1,1,P\n50\n0\n0,3\n,\n,\n"
                           "ASCII\n10\n",
                           "1,9,7\n2,9,8\n3,9,9\n"));
    EXPECT(strstr(fault.text, "time column does not grow") != NULL);
}

/* A signal of one voltage and one current in memory. */
static wk_err make(struct wk_recording *made)
{
    *made = (struct wk_recording){0};
    WK_TRY(wk_recording_alloc(made, 2));
    WK_TRY(wk_recording_alloc_values(made, FRAMES));
    made->rate_uhz = 8000000000;
    made->nominal_uhz = 50000000;
    made->start_us = INT64_C(1700000000123456);
    for (size_t c = 0; c < 2; c++) {
        struct wk_recording_channel *channel = &made->channel[c];
        channel->quantity = c == 0 ? WK_HAL_VOLTAGE : WK_HAL_CURRENT;
        channel->delay_ns = c == 0 ? 0 : -3500;
        snprintf(channel->name, sizeof channel->name, "%s", c == 0 ? "U1" : "I1");
        for (size_t n = 0; n < FRAMES; n++) {
            channel->value[n] = 100.0 * cos((double)n * 0.3 + (double)c);
        }
    }
    return WK_OK;
}

static char folder[] = "/tmp/wk-recording-XXXXXX";
static char path_cfg[64];
static char path_dat[64];
static char path_cff[64];

static bool open_folder(void)
{
    static bool made;
    made = made || mkdtemp(folder) != NULL;
    snprintf(path_cfg, sizeof path_cfg, "%s/a.cfg", folder);
    snprintf(path_dat, sizeof path_dat, "%s/a.dat", folder);
    snprintf(path_cff, sizeof path_cff, "%s/a.cff", folder);
    return made;
}

static void every_form_returns_what_was_written(void)
{
    static const double k_tolerance[] = {1e-5, 4e-3, 1e-7, 1e-5};
    struct wk_recording made;
    EXPECT(open_folder());
    EXPECT_OK(make(&made));
    made.trigger_us = made.start_us + 500;
    for (int at = 0; at < 2 * (WK_COMTRADE_FLOAT32 + 1); at++) {
        const int form = at / 2;
        const char *const path = at % 2 == 0 ? path_cfg : path_cff;
        EXPECT_OK(wk_comtrade_write(&made, path, (wk_comtrade_form)form, &fault));
        EXPECT_OK(wk_recording_open(&recording, path, &fault));
        EXPECT_I64(FRAMES, recording.frames);
        EXPECT_I64(made.start_us, recording.start_us);
        EXPECT_I64(made.trigger_us, recording.trigger_us);
        EXPECT_I64(-3500, recording.channel[1].delay_ns);
        for (size_t c = 0; c < 2; c++) {
            for (size_t n = 0; n < FRAMES; n++) {
                EXPECT_NEAR(made.channel[c].value[n], recording.channel[c].value[n],
                            k_tolerance[form]);
            }
        }
        wk_recording_free(&recording);
    }
    wk_recording_free(&made);
}

static void counts_of_a_front_end_come_back_exactly(void)
{
    enum { RAW_FRAMES = 50, RAW_CHANNELS = 3 };
    static int32_t counts[RAW_FRAMES * RAW_CHANNELS];
    struct wk_hal_frontend_info info = {
        .channels = RAW_CHANNELS,
        .rate_uhz = 8000000000,
        .nominal_uhz = 60000000,
        .channel = {{.name = "U1",
                     .quantity = WK_HAL_VOLTAGE,
                     .gain = {600000000, -13},
                     .offset = 1234},
                    {.quantity = WK_HAL_UNUSED},
                    {.quantity = WK_HAL_CURRENT,
                     .phase = 3,
                     .gain = {-1976143941, -14},
                     .delay_ns = 2500}},
    };
    for (int n = 0; n < RAW_FRAMES * RAW_CHANNELS; n++) {
        counts[n] = (n * 7919 % 2000001 - 1000000) * 16;
    }
    const struct wk_comtrade_feed feed = {.info = &info,
                                          .counts = counts,
                                          .frames = RAW_FRAMES,
                                          .start_us = INT64_C(1700000000000125),
                                          .trigger_us = INT64_C(1700000000002000)};
    EXPECT(open_folder());
    EXPECT_OK(wk_comtrade_write_feed(&feed, path_cff, &fault));
    EXPECT_OK(wk_recording_open(&recording, path_cff, &fault));
    EXPECT_I64(2, recording.channels);
    EXPECT_I64(RAW_FRAMES, recording.frames);
    EXPECT_I64(feed.start_us, recording.start_us);
    EXPECT_I64(feed.trigger_us, recording.trigger_us);
    EXPECT_I64(60000000, recording.nominal_uhz);
    EXPECT(strcmp(recording.channel[0].name, "U1") == 0);
    EXPECT(strcmp(recording.channel[1].name, "IN") == 0);
    EXPECT_I64(3, recording.channel[1].phase);
    EXPECT_I64(2500, recording.channel[1].delay_ns);
    for (int n = 0; n < RAW_FRAMES; n++) {
        const double u = (counts[n * RAW_CHANNELS] - 1234) * 6e-5;
        const double i = counts[n * RAW_CHANNELS + 2] * -1.976143941e-5;
        EXPECT_NEAR(u, recording.channel[0].value[n], 1e-10);
        EXPECT_NEAR(i, recording.channel[1].value[n], 1e-10);
    }
    wk_recording_free(&recording);
    /* what has no value is marked, and comes back as none */
    counts[RAW_CHANNELS * 9] = WK_HAL_NO_COUNT;
    EXPECT_OK(wk_comtrade_write_feed(&feed, path_cff, &fault));
    EXPECT_OK(wk_recording_open(&recording, path_cff, &fault));
    EXPECT_I64(1, recording.missing);
    EXPECT(isnan(recording.channel[0].value[9]));
    wk_recording_free(&recording);
    info.channel[0].quantity = WK_HAL_UNUSED;
    info.channel[2].quantity = WK_HAL_UNUSED;
    EXPECT_ERR(WK_E_ARGUMENT, wk_comtrade_write_feed(&feed, path_cff, &fault));
}

/* Writes a form, loads both files: what the hostile tests start from. */
static bool load_form(int form, char **cfg, size_t *cfg_size, char **dat, size_t *dat_size)
{
    struct wk_recording made;
    if (!open_folder() || make(&made) != WK_OK) {
        return false;
    }
    const wk_err err = wk_comtrade_write(&made, path_cfg, (wk_comtrade_form)form, &fault);
    wk_recording_free(&made);
    return err == WK_OK && wk_recording_load(path_cfg, cfg, cfg_size, &fault) == WK_OK &&
           wk_recording_load(path_dat, dat, dat_size, &fault) == WK_OK;
}

/* An exact copy, so that AddressSanitizer sees a read beyond its end. */
static char *copy_of(const char *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    if (copy != NULL && size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

static void data_cut_off_anywhere_are_refused(void)
{
    for (int form = WK_COMTRADE_ASCII; form <= WK_COMTRADE_FLOAT32; form++) {
        char *cfg;
        char *dat;
        size_t cfg_size;
        size_t dat_size;
        EXPECT(load_form(form, &cfg, &cfg_size, &dat, &dat_size));
        /* in ASCII the last line stays whole without its end, and its last digits may go */
        const size_t most = form == WK_COMTRADE_ASCII ? dat_size - 10 : dat_size;
        for (size_t size = 0; size < most; size++) {
            char *part = copy_of(dat, size);
            EXPECT_ERR(WK_E_FORMAT, parse(cfg, cfg_size, part, size));
            EXPECT(strstr(fault.text, "x.dat: ") == fault.text);
            EXPECT(strstr(fault.text, "octet ") != NULL || strstr(fault.text, "line ") != NULL);
            free(part);
        }
        for (size_t size = 0; size < cfg_size; size++) {
            char *part = copy_of(cfg, size);
            const wk_err err = parse(part, size, dat, dat_size);
            EXPECT(err == WK_OK || err == WK_E_FORMAT);
            EXPECT(err == WK_OK || strstr(fault.text, ": ") != NULL);
            free(part);
        }
        wk_recording_free(&recording);
        free(cfg);
        free(dat);
    }
}

static void an_octet_changed_anywhere_is_read_or_refused_with_its_place(void)
{
    static const uint8_t k_masks[] = {0x01, 0x10, 0x80, 0xFF};
    for (int form = WK_COMTRADE_ASCII; form <= WK_COMTRADE_FLOAT32; form++) {
        char *file[2];
        size_t size[2];
        EXPECT(load_form(form, &file[0], &size[0], &file[1], &size[1]));
        for (size_t n = 0; n < 4 * (size[0] + size[1]); n++) {
            const int which = n / 4 < size[0] ? 0 : 1;
            const size_t at = n / 4 - (which == 0 ? 0 : size[0]);
            char *octet = &file[which][at];
            *octet = (char)(*octet ^ (char)k_masks[n % 4]);
            const wk_err err = parse(file[0], size[0], file[1], size[1]);
            EXPECT(err == WK_OK || (err == WK_E_FORMAT && strstr(fault.text, "x.") != NULL) ||
                   err == WK_E_RANGE);
            *octet = (char)(*octet ^ (char)k_masks[n % 4]);
        }
        wk_recording_free(&recording);
        free(file[0]);
        free(file[1]);
    }
}

struct refusal {
    const char *was;  /* in the configuration */
    const char *now;  /* instead of it */
    const char *says; /* part of the message */
};

static void a_malformed_configuration_is_refused_with_line_and_field(void)
{
    static const struct refusal k_refusals[] = {
        {"3,2A", "4,2A", "line 2: number of channels: the total"},
        {"2A", "2X", "line 2: number of channels: must be written like 8A"},
        {"1,UA,A,line,kV,0.5", "1,UA,A,line,kV,zero", "line 3: multiplier a: not a number"},
        {"kV,0.5,0.25", "kV,0.5,inf", "line 3: offset b: not a number"},
        {"-2,0,12.5", "0,0,12.5", "line 4: multiplier a: must not be 0"},
        {"12.5", "120.5", "line 4: skew: must be within"},
        {"400,5,S", "400,0,S", "line 4: primary and secondary ratio: must be above 0"},
        {"400,5,S", "400,5,Q", "line 4: P or S: must be P or S"},
        {",A,-2,0,12.5,-9,9,400,5,S", ",A,-2,0", "line 4: analog channel: too few"},
        {"\r\n1\r\n4000,3", "\r\n99\r\n4000,3", "line 7: number of sampling rates"},
        {"\r\n1\r\n4000,3", "\r\n2\r\n4000,2\r\n5000,3", "line 9: sampling rate: changes"},
        {"4000,3", "4000,0", "line 8: last sample"},
        {"18/11/2015,05", "18/13/2015,05", "line 9: time of the first sample"},
        {"ASCII", "EBCDIC", "line 11: data file type"},
        {"1\r\n\0", "-1\r\n", "line 12: time multiplier"},
    };
    for (size_t r = 0; r < sizeof k_refusals / sizeof k_refusals[0]; r++) {
        const struct refusal *refusal = &k_refusals[r];
        char cfg[1024];
        const char *at = strstr(k_cfg_1999, refusal->was);
        if (strcmp(refusal->now, "-1\r\n") == 0) {
            at = k_cfg_1999 + sizeof k_cfg_1999 - 1 - strlen(refusal->was);
        }
        EXPECT(at != NULL);
        snprintf(cfg, sizeof cfg, "%.*s%s%s", (int)(at - k_cfg_1999), k_cfg_1999, refusal->now,
                 at + strlen(refusal->was));
        EXPECT_ERR(WK_E_FORMAT, parse_texts(cfg, k_dat_ascii));
        if (strstr(fault.text, refusal->says) == NULL) {
            printf("# \"%s\" does not say \"%s\"\n", fault.text, refusal->says);
        }
        EXPECT(strstr(fault.text, refusal->says) != NULL);
    }
}

static void malformed_data_are_refused_with_line_and_field(void)
{
    static const struct refusal k_refusals[] = {
        {"", "1,0,1,2,0\n2,250,-3,4,1\n", "line 3: the file ends after 2 of 3 samples"},
        {"", "1,0,1,2,0\n3,250,-3,4,1\n3,,5,-6,0\n", "line 2: sample number 3 where 2 was due"},
        {"", "1,0,1,2,0\n2,250,x,4,1\n3,,5,-6,0\n",
         "line 2: field 3: the value is not a number"},
        {"", "1,0,1,2,0\n2,250,7,4,5\n3,,5,-6,0\n", "line 2: field 5: a digital value"},
        {"", "1,0,1,2,0\n2,250,7,4\n3,,5,-6,0\n", "line 2: 4 fields where 5 were due"},
        {"", "1,0,1,2,0\n2,1,7,4,1\n3,,5,-6,0\n4,,5,-6,0\n", "line 4: more than the 3"},
        {"", "1,0x1,1,2,0\n2,1,7,4,1\n3,,5,-6,0\n", "line 1: field 2: the time is not"},
    };
    for (size_t r = 0; r < sizeof k_refusals / sizeof k_refusals[0]; r++) {
        EXPECT_ERR(WK_E_FORMAT, parse_texts(k_cfg_1999, k_refusals[r].now));
        if (strstr(fault.text, k_refusals[r].says) == NULL) {
            printf("# \"%s\" does not say \"%s\"\n", fault.text, k_refusals[r].says);
        }
        EXPECT(strstr(fault.text, k_refusals[r].says) != NULL);
    }
}

/* A CFF file of one voltage and two samples whose data part has this title and content. */
static wk_err parse_cff(const char *title, const void *data, size_t size)
{
    char file[1024];
    int used =
        snprintf(file, sizeof file,
                 "--- file type: CFG ---\r\nS,D,2013\r\n1,1A,0D\r\n"
                 "1,U1,,,V,0.5,0,,-9,9,1,1,P\r\n50\r\n1\r\n8000,2\r\n,\r\n,\r\n%s\r\n1\r\n"
                 "--- file type: INF ---\r\nwhatever\r\n--- file type: HDR ---\r\n\r\n"
                 "--- file type: DAT %s ---\r\n",
                 strncmp(title, "ASCII", 5) == 0 ? "ASCII" : "BINARY", title);
    memcpy(file + used, data, size);
    used += (int)size;
    wk_recording_free(&recording);
    return wk_comtrade_parse_cff(&recording, "x.cff", file, (size_t)used, &fault);
}

static void the_single_file_form_is_read(void)
{
    static const uint8_t k_binary[20] = {1, 0, 0, 0, 0, 0, 0, 0, 4,    0,
                                         2, 0, 0, 0, 9, 9, 9, 9, 0xFE, 0xFF};
    EXPECT_OK(parse_cff("ASCII", "1,0,5\r\n2,125,-7\r\n", 17));
    EXPECT_NEAR(-3.5, recording.channel[0].value[1], 1e-12);
    EXPECT_OK(parse_cff("BINARY: 20", k_binary, sizeof k_binary));
    EXPECT_NEAR(2, recording.channel[0].value[0], 1e-12);
    EXPECT_NEAR(-1, recording.channel[0].value[1], 1e-12);
    EXPECT_ERR(WK_E_FORMAT, parse_cff("BINARY: 20", k_binary, 19));
    EXPECT(strstr(fault.text, "octet 19: the file ends after 1 of 2 samples") != NULL);
    wk_recording_free(&recording);
    EXPECT_ERR(WK_E_FORMAT, wk_comtrade_parse_cff(&recording, "x.cff", "nothing", 7, &fault));
    EXPECT(strstr(fault.text, "there is no \"--- file type: CFG ---\" part") != NULL);
}

static void a_sample_marked_as_missing_becomes_no_count(void)
{
    static const uint8_t k_binary[20] = {1, 0, 0, 0, 0, 0, 0, 0, 4, 0,
                                         2, 0, 0, 0, 9, 9, 9, 9, 0, 0x80};
    static struct wk_recording_source source;
    int32_t counts[2];
    size_t got;
    EXPECT_OK(parse_cff("BINARY: 20", k_binary, sizeof k_binary));
    EXPECT_I64(1, recording.missing);
    EXPECT(isnan(recording.channel[0].value[1]));
    EXPECT_OK(parse_cff("ASCII", "1,0,5\r\n2,125,\r\n", 15));
    EXPECT_I64(1, recording.missing);
    const struct wk_recording_choice choice = wk_recording_choose(&recording);
    EXPECT_OK(wk_recording_source_init(&source, &recording, &choice));
    EXPECT_OK(source.frontend.read(&source, counts, 2, &got));
    EXPECT_I64(2, got);
    EXPECT_NEAR(2.5 / source.gain[0], counts[0], 1);
    EXPECT_I64(WK_HAL_NO_COUNT, counts[1]);
}

static wk_err parse_csv(const char *text)
{
    wk_recording_free(&recording);
    return wk_csv_parse(&recording, "x.csv", text, strlen(text), &fault);
}

static void csv_with_a_time_column_or_a_rate_is_read(void)
{
    EXPECT_OK(parse_csv("t [ms]; U1 [kV]; I_L2 (mA)\n0;1;2\n0.25;3;4\n0.5;-5;6\n"));
    EXPECT_I64(4000000000, recording.rate_uhz);
    EXPECT_NEAR(-5000, recording.channel[0].value[2], 1e-9);
    EXPECT_NEAR(0.004, recording.channel[1].value[1], 1e-12);
    EXPECT_I64(0, recording.channel[0].phase);
    EXPECT_OK(parse_csv("# made by hand\n# rate 2000\nU1,I1\n1,2\n3,4\n"));
    EXPECT_I64(2000000000, recording.rate_uhz);
    EXPECT_I64(WK_HAL_CURRENT, recording.channel[1].quantity);
}

static void malformed_csv_is_refused_with_line_and_column(void)
{
    static const struct refusal k_refusals[] = {
        {"", "", "header: the file ends before it"},
        {"", "U1,I1\n1,2\n", "line 1: header: neither a column t"},
        {"", "t,U1\n0,1\n1,x\n", "line 3: U1: not a number"},
        {"", "t,U1\n0,1\n1,2,3\n", "line 3: row: not as many fields"},
        {"", "t,U1\n0,1\n1,2\n5,2\n", "line 3: t: the steps are not constant"},
        {"", "t [h],U1\n0,1\n", "line 1: t: the unit must be"},
        {"", "# rate -5\nU1\n1\n", "line 1: rate: not a number"},
        {"", "t,U1\n", "rows: there are none"},
    };
    for (size_t r = 0; r < sizeof k_refusals / sizeof k_refusals[0]; r++) {
        EXPECT_ERR(WK_E_FORMAT, parse_csv(k_refusals[r].now));
        if (strstr(fault.text, k_refusals[r].says) == NULL) {
            printf("# \"%s\" does not say \"%s\"\n", fault.text, k_refusals[r].says);
        }
        EXPECT(strstr(fault.text, k_refusals[r].says) != NULL);
    }
}

static const uint8_t k_wav[] = {
    'R', 'I', 'F', 'F', 42, 0,  0,  0, 'W', 'A', 'V', 'E', 'f', 'm', 't', ' ', 16,  0,   0,
    0,   1,   0,   2,   0,  64, 31, 0, 0,   0,   0,   0,   0,   6,   0,   24,  0,   'd', 'a',
    't', 'a', 12,  0,   0,  0,  0,  0, 64,  0,   0,   192, 1,   0,   0,   255, 255, 255};

static void wav_is_read_with_full_scale_one(void)
{
    wk_recording_free(&recording);
    EXPECT_OK(wk_wav_parse(&recording, "x.wav", (const char *)k_wav, sizeof k_wav, &fault));
    EXPECT_I64(2, recording.channels);
    EXPECT_I64(2, recording.frames);
    EXPECT_I64(8000000000, recording.rate_uhz);
    EXPECT_NEAR(0.5, recording.channel[0].value[0], 1e-12);
    EXPECT_NEAR(-0.5, recording.channel[1].value[0], 1e-12);
    EXPECT_NEAR(-1.0 / 8388608, recording.channel[1].value[1], 1e-12);
    for (size_t size = 0; size < sizeof k_wav; size++) {
        char *part = copy_of((const char *)k_wav, size);
        wk_recording_free(&recording);
        EXPECT_ERR(WK_E_FORMAT, wk_wav_parse(&recording, "x.wav", part, size, &fault));
        EXPECT(strstr(fault.text, "x.wav: octet ") == fault.text);
        free(part);
    }
}

static void csv_and_wav_that_are_not_finite_are_missing(void)
{
    static const uint8_t k_nans[][4] = {
        {0, 0, 0xC0, 0x7F}, {0, 0, 0x80, 0x7F}, {0, 0, 0x80, 0xFF}, {1, 0, 0xA0, 0xFF}};
    uint8_t wav[44 + 2 * 4 * 4] = "RIFF....WAVEfmt \x10\0\0\0\3\0\2\0\x40\x1f\0\0";
    EXPECT_OK(parse_csv("# rate 2000\nU1,I1\n1,nan\n-inf,4\n,NaN\n7,inf\n"));
    EXPECT_I64(5, recording.missing);
    EXPECT_NEAR(7, recording.channel[0].value[3], 0);
    EXPECT(isnan(recording.channel[0].value[1]) && isnan(recording.channel[0].value[2]));
    EXPECT(isnan(recording.channel[1].value[0]) && isnan(recording.channel[1].value[3]));
    wav[34] = 32;
    memcpy(wav + 36, "data\x20\0\0", 8);
    for (size_t n = 0; n < 4; n++) {
        memcpy(wav + 44 + 8 * n, k_nans[n], 4);
        memcpy(wav + 48 + 8 * n, (const uint8_t[]){0, 0, 0, 0x3F}, 4);
    }
    wk_recording_free(&recording);
    EXPECT_OK(wk_wav_parse(&recording, "x.wav", (const char *)wav, sizeof wav, &fault));
    EXPECT_I64(4, recording.missing);
    EXPECT(isnan(recording.channel[0].value[3]));
    EXPECT_NEAR(0.5, recording.channel[1].value[3], 0);
}

static void phases_and_units_are_recognised(void)
{
    static const struct {
        const char *text;
        uint8_t phase;
    } k_phases[] = {
        {"A", 0},  {"b", 1},      {"L3", 2},      {"N", 3},    {"VB_G1", 1},
        {"IA", 0}, {"U2", 1},     {"V4", 3},      {"R", 0},    {"IN_TF7", 3},
        {"", 255}, {"TRIP", 255}, {"ALPHA", 255}, {"12", 255},
    };
    double factor;
    for (size_t p = 0; p < sizeof k_phases / sizeof k_phases[0]; p++) {
        EXPECT_I64(k_phases[p].phase, wk_recording_phase(k_phases[p].text));
    }
    EXPECT_I64(WK_HAL_VOLTAGE, wk_recording_unit("KV", &factor));
    EXPECT_NEAR(1000, factor, 0);
    EXPECT_I64(WK_HAL_CURRENT, wk_recording_unit("mA", &factor));
    EXPECT_NEAR(0.001, factor, 0);
    EXPECT_I64(WK_HAL_UNUSED, wk_recording_unit("Hz", &factor));
}

static void a_list_of_channels_is_picked_by_name_or_number(void)
{
    int index[4];
    EXPECT_OK(wk_recording_open(&recording, KEATING, &fault));
    EXPECT_OK(wk_recording_pick(&recording, "U1,-,u3", WK_HAL_VOLTAGE, index, &fault));
    EXPECT(index[0] == 4 && index[1] == -1 && index[2] == 6 && index[3] == -1);
    EXPECT_OK(wk_recording_pick(&recording, "2", WK_HAL_CURRENT, index, &fault));
    EXPECT_I64(1, index[0]);
    EXPECT_ERR(WK_E_ARGUMENT,
               wk_recording_pick(&recording, "U9", WK_HAL_VOLTAGE, index, &fault));
    EXPECT_ERR(WK_E_ARGUMENT,
               wk_recording_pick(&recording, "I1", WK_HAL_VOLTAGE, index, &fault));
    EXPECT_ERR(WK_E_ARGUMENT,
               wk_recording_pick(&recording, "1,2,3,4,1", WK_HAL_CURRENT, index, &fault));
    wk_recording_free(&recording);
}

static void files_that_are_not_there_or_of_another_kind_are_refused(void)
{
    EXPECT_ERR(WK_E_NOT_FOUND, wk_recording_open(&recording, "/nowhere/x.cfg", &fault));
    EXPECT_ERR(WK_E_UNSUPPORTED, wk_recording_open(&recording, KEATING ".pqd", &fault));
    EXPECT_ERR(WK_E_UNSUPPORTED, wk_recording_open(&recording, "none", &fault));
    EXPECT(open_folder());
    unlink(path_cfg);
    unlink(path_dat);
    unlink(path_cff);
    rmdir(folder);
}

WK_TEST_MAIN(T(a_real_recording_with_an_empty_time_column_is_read),
             T(values_become_primary_volts_and_amperes),
             T(the_form_of_1991_has_no_year_and_the_month_first),
             T(the_zone_of_2013_is_taken_off), T(without_a_rate_the_time_column_gives_it),
             T(every_form_returns_what_was_written), T(counts_of_a_front_end_come_back_exactly),
             T(data_cut_off_anywhere_are_refused),
             T(an_octet_changed_anywhere_is_read_or_refused_with_its_place),
             T(a_malformed_configuration_is_refused_with_line_and_field),
             T(malformed_data_are_refused_with_line_and_field), T(the_single_file_form_is_read),
             T(a_sample_marked_as_missing_becomes_no_count),
             T(csv_with_a_time_column_or_a_rate_is_read),
             T(csv_and_wav_that_are_not_finite_are_missing),
             T(malformed_csv_is_refused_with_line_and_column),
             T(wav_is_read_with_full_scale_one), T(phases_and_units_are_recognised),
             T(a_list_of_channels_is_picked_by_name_or_number),
             T(files_that_are_not_there_or_of_another_kind_are_refused))
