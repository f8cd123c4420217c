/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    "  ADDRESS    of the meter's page: http://HOST:PORT, or HOST:PORT\n"
    "  --watch S  again every S seconds, until interrupted\n"
    "  --json     the answer of the meter as it is (docs/api-meter.md)\n"
    "The exit status is 1 if no path is up, or a path needs somebody.\n";

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

/* NULL: standard error says why. */
static json_t *ask(const char *address)
{
    char url[ADDRESS];
    char why[CURL_ERROR_SIZE] = "";
    struct answer answer = {0};
    json_t *value = NULL;
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "%s%.400s/api/link",
             strncmp(address, "http", 4) == 0 ? "" : "http://", address);
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
        is_up = is_up || strcmp(text_of(one, "state"), "up") == 0;
    }
    json_array_foreach(json_object_get(link, "streams"), i, one)
    {
        print_stream(one);
    }
    return needs || !is_up ? WK_EXIT_FAILED : WK_EXIT_OK;
}

static int look(const char *address, bool json)
{
    json_t *link = ask(address);
    int status = WK_EXIT_FAILED;
    if (json_is_object(link) && json) {
        json_dumpf(link, stdout, JSON_COMPACT);
        printf("\n");
        status = WK_EXIT_OK;
    } else if (json_is_object(link)) {
        status = print(link);
    }
    fflush(stdout);
    json_decref(link);
    return status;
}

int wk_diag_run(int argc, char **argv)
{
    static const struct option k_options[] = {{"watch", required_argument, NULL, 'w'},
                                              {"json", no_argument, NULL, 'j'},
                                              {"help", no_argument, NULL, 'h'},
                                              {NULL, 0, NULL, 0}};
    int64_t watch_s = 0;
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
        if (option == '?') {
            return WK_EXIT_USAGE;
        }
        json = json || option == 'j';
    }
    if (optind + 1 != argc) {
        fputs(k_help, stderr);
        return WK_EXIT_USAGE;
    }
    int status = look(argv[optind], json);
    while (watch_s > 0) {
        sleep((unsigned)watch_s);
        status = look(argv[optind], json);
    }
    return status;
}
