/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/wk.h"
#include "port/linux/ini.h"

#define ANSWER_MOST 1048576 /* octets */
#define TIMEOUT_S   10L
#define ADDRESS     512

static const char k_help[] =
    "usage: wk diag ADDRESS [OPTIONS]\n"
    "How a meter reaches its head-end: its paths and what to do about them, and how much "
    "waits.\n"
    "  ADDRESS        of the meter's page: http://HOST:PORT, or HOST:PORT\n"
    "  --check PATH   tries a path by echoes to the head-end: takes up to five seconds\n"
    "  --packets N    the last N packets of all paths, in words (256 at most)\n"
    "  --watch S      again every S seconds, until interrupted\n"
    "  --json         the answer of the meter as it is (docs/api-meter.md)\n"
    "The exit status is 1 if no path is up or asleep by agreement, a path needs somebody, or "
    "an\n"
    "echo got lost, or the certificate of TLS needs somebody.\n";

struct answer {
    char *text;
    size_t size;
};

static size_t gather(char *octets, size_t one, size_t count, void *context)
{
    struct answer *answer = context;
    const size_t size = one * count;
    char *more =
        size > ANSWER_MOST - answer->size ? NULL : realloc(answer->text, answer->size + size);
    if (more == NULL) {
        return 0;
    }
    memcpy(more + answer->size, octets, size);
    answer->text = more;
    answer->size += size;
    return size;
}

/* What is asked for. */
struct question {
    char path[ADDRESS / 2]; /* of the page */
    int (*print)(const json_t *answer);
};

/* NULL: standard error says why. */
static json_t *ask(const char *address, const char *path)
{
    char url[ADDRESS];
    char why[CURL_ERROR_SIZE] = "";
    struct answer answer = {0};
    json_t *value = NULL;
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "%s%.200s%s", strncmp(address, "http", 4) == 0 ? "" : "http://",
             address, path);
    if (curl == NULL) {
        fputs("wk diag: no memory\n", stderr);
        return NULL;
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, gather);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    const CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        fprintf(stderr, "wk diag: %s: %s\n", url,
                why[0] != '\0' ? why : curl_easy_strerror(code));
    } else {
        value = json_loadb(answer.text, answer.size, 0, NULL);
        if (!json_is_object(value)) {
            fprintf(stderr, "wk diag: %s is no page of a meter\n", url);
        }
    }
    curl_easy_cleanup(curl);
    free(answer.text);
    return value;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "-";
}

static double number_of(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void print_modem(const json_t *modem)
{
    const json_t *signal = json_object_get(modem, "signal");
    const json_t *cell = json_object_get(modem, "cell");
    if (!json_is_object(modem)) {
        return;
    }
    printf("    modem %s: %s", text_of(modem, "model"), text_of(modem, "state"));
    if (json_is_number(json_object_get(signal, "rsrp_dbm"))) {
        printf(", %s %s band %.0f, RSRP %.0f dBm, RSRQ %.1f dB", text_of(cell, "network"),
               text_of(cell, "technology"), number_of(cell, "band"),
               number_of(signal, "rsrp_dbm"), number_of(signal, "rsrq_db"));
    }
    printf("\n");
    if (json_is_string(json_object_get(modem, "action"))) {
        printf("    %.0f s ago %s\n", number_of(modem, "action_s"), text_of(modem, "action"));
    }
}

static void print_heard(const char *who, const json_t *heard, const char *unit)
{
    if (json_is_number(json_object_get(heard, "signal"))) {
        printf("    %s signal %.0f %s, noise %.0f %s, margin %.0f dB\n", who,
               number_of(heard, "signal"), unit, number_of(heard, "noise"), unit,
               number_of(heard, "margin_db"));
    }
}

static void print_line_modem(const json_t *modem)
{
    if (!json_is_object(modem)) {
        return;
    }
    printf("    %s channel %.0f, mode %.0f of %.0f (%.1f kbit/s), level -%.0f of -%.0f dB",
           text_of(modem, "medium"), number_of(modem, "channel"), number_of(modem, "mode"),
           number_of(modem, "modes"), number_of(modem, "rate_bps") / 1e3,
           number_of(modem, "below_db"), number_of(modem, "lowest_db"));
    if (json_is_number(json_object_get(modem, "air_percent"))) {
        printf(", %.0f %% of the time on air used", number_of(modem, "air_percent"));
    }
    printf("\n");
    print_heard("here:", json_object_get(modem, "near"), text_of(modem, "unit"));
    print_heard("there:", json_object_get(modem, "far"), text_of(modem, "unit"));
    if (json_is_string(json_object_get(modem, "action"))) {
        printf("    %.0f s ago: %s\n", number_of(modem, "action_s"), text_of(modem, "action"));
    }
}

static void print_wifi(const json_t *wifi)
{
    if (!json_is_object(wifi)) {
        return;
    }
    printf("    Wi-Fi \"%s\"", text_of(wifi, "ssid"));
    if (json_is_number(json_object_get(wifi, "channel"))) {
        printf(", channel %.0f (%.0f MHz)", number_of(wifi, "channel"),
               number_of(wifi, "frequency_mhz"));
    }
    if (json_is_number(json_object_get(wifi, "signal_dbm"))) {
        printf(", signal %.0f dBm (%.0f %%)", number_of(wifi, "signal_dbm"),
               number_of(wifi, "quality_percent"));
    }
    if (json_is_number(json_object_get(wifi, "busy_percent"))) {
        printf(", channel busy %.0f %%", number_of(wifi, "busy_percent"));
    }
    if (json_is_number(json_object_get(wifi, "retry_percent"))) {
        printf(", %.0f %% sent again", number_of(wifi, "retry_percent"));
    }
    printf("\n");
}

/* True: somebody should look at it. */
static bool print_path(const json_t *path)
{
    const json_t *advice = json_object_get(path, "advice");
    const bool up = strcmp(text_of(path, "state"), "up") == 0;
    printf("  %-16s %-8s %-28s", text_of(path, "name"),
           json_is_true(json_object_get(path, "in_use")) && up ? "in use"
                                                               : text_of(path, "state"),
           text_of(path, "to"));
    if (up) {
        printf(" %9.0f kbit/s %8.1f ms %6.1f %%", number_of(path, "rate_bps") / 1e3,
               number_of(path, "rtt_ms"), number_of(path, "delivery_percent"));
    }
    printf("\n");
    if (up && text_of(path, "carrier")[0] != '\0') {
        printf("    %s\n", text_of(path, "carrier"));
    }
    print_modem(json_object_get(path, "modem"));
    print_line_modem(json_object_get(path, "line_modem"));
    print_wifi(json_object_get(path, "wifi"));
    if (json_is_string(advice)) {
        printf("    %s\n", json_string_value(advice));
    }
    return json_is_string(advice);
}

static void print_stream(const json_t *stream)
{
    if (number_of(stream, "next") > 0) {
        printf("  %-40s %-8s %9.0f at the head-end %7.0f waiting %5.0f missing\n",
               text_of(stream, "name"), text_of(stream, "class"),
               number_of(stream, "acknowledged"), number_of(stream, "waiting"),
               number_of(stream, "missing"));
    }
}

/* The exit status. */
static int print(const json_t *link)
{
    size_t i;
    json_t *one;
    bool needs = false;
    bool is_up = false;
    printf("%s\n", text_of(link, "summary"));
    json_array_foreach(json_object_get(link, "paths"), i, one)
    {
        needs = print_path(one) || needs;
        is_up = is_up || strcmp(text_of(one, "state"), "up") == 0 ||
                strcmp(text_of(one, "state"), "asleep") == 0;
    }
    json_array_foreach(json_object_get(link, "streams"), i, one)
    {
        print_stream(one);
    }
    return needs || !is_up ? WK_EXIT_FAILED : WK_EXIT_OK;
}

static int print_packets(const json_t *answer)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(answer, "packets"), i, one)
    {
        const double at_us = number_of(one, "at_us");
        const time_t at_s = (time_t)(at_us / 1e6);
        struct tm civil;
        char clock[16] = "";
        if (gmtime_r(&at_s, &civil) != NULL) {
            (void)strftime(clock, sizeof clock, "%H:%M:%S", &civil);
        }
        printf("%s.%03d %-12.12s %s %5.0f #%-6.0f %s\n", clock,
               (int)((int64_t)(at_us / 1e3) % 1000), text_of(one, "path"),
               json_is_true(json_object_get(one, "to_headend")) ? "->" : "<-",
               number_of(one, "octets"), number_of(one, "number"), text_of(one, "frames"));
    }
    return WK_EXIT_OK;
}

static void print_times(const json_t *answer, const char *name)
{
    const json_t *times = json_object_get(answer, name);
    printf("  %3.0f octets  %.1f ms least, %.1f mean, %.1f most\n", number_of(times, "octets"),
           number_of(times, "least_ms"), number_of(times, "mean_ms"),
           number_of(times, "most_ms"));
}

static int print_check(const json_t *answer)
{
    const double back = number_of(answer, "back");
    const double sent = number_of(answer, "sent");
    printf("%s\n", text_of(answer, "verdict"));
    printf("  %s: %.0f echoes sent, %.0f back\n", text_of(answer, "path"), sent, back);
    if (back > 0) {
        print_times(answer, "short");
        print_times(answer, "long");
    }
    return back == sent && sent > 0 ? WK_EXIT_OK : WK_EXIT_FAILED;
}

/* The certificate of TLS. False: somebody should look at it. */
static bool print_certificate(const char *address)
{
    json_t *certificate = ask(address, "/api/certificate");
    const bool needs = json_is_true(json_object_get(certificate, "needs_somebody"));
    if (json_is_object(certificate) && strcmp(text_of(certificate, "state"), "none") != 0) {
        printf("TLS: %s\n", text_of(certificate, "words"));
    }
    if (json_is_string(json_object_get(certificate, "refused"))) {
        printf("    %s\n", text_of(certificate, "refused"));
    }
    const bool good = json_is_object(certificate) && !needs;
    json_decref(certificate);
    return good;
}

static int look(const char *address, const struct question *question, bool json)
{
    json_t *link = ask(address, question->path);
    int status = WK_EXIT_FAILED;
    if (json_is_object(link) && json) {
        json_dumpf(link, stdout, JSON_COMPACT);
        printf("\n");
        status = WK_EXIT_OK;
    } else if (json_is_object(link)) {
        status = question->print(link);
        if (question->print == print && !print_certificate(address)) {
            status = WK_EXIT_FAILED;
        }
    }
    fflush(stdout);
    json_decref(link);
    return status;
}

/* A name may have spaces and what else an address has no room for. */
static void ask_check(struct question *question, const char *path)
{
    char *name = curl_easy_escape(NULL, path, 0);
    snprintf(question->path, sizeof question->path, "/api/link/check?path=%.128s",
             name != NULL ? name : "");
    curl_free(name);
    question->print = print_check;
}

int wk_diag_run(int argc, char **argv)
{
    static const struct option k_options[] = {
        {"watch", required_argument, NULL, 'w'},   {"json", no_argument, NULL, 'j'},
        {"packets", required_argument, NULL, 'p'}, {"check", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    struct question question = {.path = "/api/link", .print = print};
    int64_t watch_s = 0;
    int64_t packets = 0;
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(k_help, stdout);
            return WK_EXIT_OK;
        }
        if (option == 'w' && wk_ini_integer(optarg, 1, 86400, &watch_s) != WK_OK) {
            fputs("wk diag: --watch must be a whole number from 1 to 86400\n", stderr);
            return WK_EXIT_USAGE;
        }
        if (option == 'p' && wk_ini_integer(optarg, 1, 256, &packets) != WK_OK) {
            fputs("wk diag: --packets must be a whole number from 1 to 256\n", stderr);
            return WK_EXIT_USAGE;
        }
        if (option == 'p') {
            snprintf(question.path, sizeof question.path, "/api/link/packets?last=%d",
                     (int)packets);
            question.print = print_packets;
        }
        if (option == 'c') {
            ask_check(&question, optarg);
        }
        if (option == '?') {
            return WK_EXIT_USAGE;
        }
        json = json || option == 'j';
    }
    if (optind + 1 != argc) {
        fputs(k_help, stderr);
        return WK_EXIT_USAGE;
    }
    int status = look(argv[optind], &question, json);
    while (watch_s > 0) {
        sleep((unsigned)watch_s);
        status = look(argv[optind], &question, json);
    }
    return status;
}
