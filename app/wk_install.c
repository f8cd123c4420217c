/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "app/wk.h"
#include "app/wk_diagram.h"
#include "app/wk_windows.h"
#include "daemon/diagnosis.h"

#define ANSWER_MOST 65536
#define QUERY_ROOM  512
#define WAIT_S      10
#define OPTION_BASE 1000 /* of the names that declare */

static const char k_help[] =
    "usage: wk install-check FILE [--u CH,..] [--i CH,..] [DECLARED...] [OUTPUT...]\n"
    "       wk install-check --meter HOST:PORT [DECLARED...] [OUTPUT...]\n\n"
    "Says from phasors alone how a meter is wired, what to change, and what the meter would\n"
    "read then. FILE is a recording; --meter asks the local page of a meter.\n\n"
    "What phasors cannot tell, declare (docs/installation.md):\n"
    "  --nominal V          phase voltage (recordings: 230)\n"
    "  --rated A            rated current (5); below 2 % of it nothing is judged\n"
    "  --load L             any (default), inductive or capacitive\n"
    "  --flow F             import (default), export or either; or one for each phase, such "
    "as\n"
    "                       export,import,import\n"
    "  --unloaded PHASES    phases without load, such as 2,3\n"
    "  --least A --most A   range of the currents, to find wrong ratios\n"
    "  --transformers yes   voltages come from transformers\n"
    "output:\n"
    "  --json               as JSON\n"
    "  --html OUT.html      a page with the vector diagram\n"
    "Exit status: 0 if a verdict was given, whatever it is.\n";

struct options {
    const char *path;
    const char *meter;
    const char *u;
    const char *i;
    const char *html;
    bool json;
    struct wk_wiring_declared declared;
    char query[QUERY_ROOM];
};

static json_t *fail(const char *where, const char *why)
{
    fprintf(stderr, "wk install-check: %s: %s\n", where, why);
    return NULL;
}

/* ---- a recording ------------------------------------------------------------------------- */

static wk_err take_window(void *self, const struct wk_record *record)
{
    (void)wk_wiring_add(self, record);
    return WK_OK;
}

static json_t *check_recording(struct options *options)
{
    struct wk_wiring wiring;
    struct wk_windows windows = {
        .path = options->path,
        .u = options->u,
        .i = options->i,
        .sink = {.self = &wiring, .emit = take_window},
    };
    wk_wiring_init(&wiring);
    if (!wk_windows_run(&windows)) {
        fprintf(stderr, "wk install-check: %s\n", windows.why);
        return NULL;
    }
    bool three = false;
    for (int c = 0; c < windows.info.channels; c++) {
        three = three || windows.info.channel[c].phase == 1;
    }
    options->declared.phases = three ? 3 : 1;
    options->declared.loaded &= three ? 7 : 1;
    return wk_diagnosis_wiring(&wiring, &options->declared);
}

/* ---- a meter ----------------------------------------------------------------------------- */

static int connect_to(const char *meter)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const struct timeval wait = {.tv_sec = WAIT_S};
    struct addrinfo *found = NULL;
    char host[256];
    const char *colon = strrchr(meter, ':');
    if (colon == NULL || (size_t)(colon - meter) >= sizeof host) {
        return -1;
    }
    memcpy(host, meter, (size_t)(colon - meter));
    host[colon - meter] = '\0';
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        return -1;
    }
    int at = -1;
    for (const struct addrinfo *a = found; a != NULL && at < 0; a = a->ai_next) {
        at = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (at >= 0) {
            setsockopt(at, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
            setsockopt(at, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
        }
        if (at >= 0 && connect(at, a->ai_addr, a->ai_addrlen) != 0) {
            close(at);
            at = -1;
        }
    }
    freeaddrinfo(found);
    return at;
}

/* Sends a request and reads the whole answer; false if either fails. */
static bool ask(int at, const struct options *options, char *answer, size_t room)
{
    char request[QUERY_ROOM + 512];
    const int size =
        snprintf(request, sizeof request, "GET /api/wiring%s HTTP/1.0\r\nHost: %.200s\r\n\r\n",
                 options->query, options->meter);
    if (size >= (int)sizeof request ||
        send(at, request, (size_t)size, MSG_NOSIGNAL) != (ssize_t)size) {
        return false;
    }
    size_t got = 0;
    ssize_t part;
    while (got + 1 < room && (part = recv(at, answer + got, room - 1 - got, 0)) > 0) {
        got += (size_t)part;
    }
    answer[got] = '\0';
    return got > 0;
}

static json_t *check_meter(const struct options *options)
{
    static char answer[ANSWER_MOST];
    const int at = connect_to(options->meter);
    if (at < 0) {
        return fail(options->meter, "cannot be reached; say HOST:PORT of the local page");
    }
    const bool answered = ask(at, options, answer, sizeof answer);
    close(at);
    const char *body = answered ? strstr(answer, "\r\n\r\n") : NULL;
    json_error_t error;
    json_t *json = body != NULL ? json_loads(body + 4, 0, &error) : NULL;
    const json_t *refused = json_object_get(json, "error");
    if (refused != NULL) {
        const char *reason = json_string_value(json_object_get(refused, "reason"));
        (void)fail(options->meter, reason != NULL ? reason : "the meter refuses");
        json_decref(json);
        return NULL;
    }
    return json_object_get(json, "summary") != NULL
               ? json
               : (json_decref(json), fail(options->meter, "there is no such answer"));
}

/* ---- options ----------------------------------------------------------------------------- */

static bool declare(struct options *options, const char *name, const char *value)
{
    const char *fault = wk_diagnosis_declare(&options->declared, name, value);
    if (fault != NULL) {
        fprintf(stderr, "wk install-check: --%s: %s, not \"%s\"\n", name, fault, value);
        return false;
    }
    const size_t used = strlen(options->query);
    return snprintf(options->query + used, sizeof options->query - used, "%s%s=%s",
                    used == 0 ? "?" : "&", name, value) < (int)(sizeof options->query - used);
}

static bool take_option(struct options *options, int option)
{
    switch (option) {
    case 'm':
        options->meter = optarg;
        return true;
    case 'u':
        options->u = optarg;
        return true;
    case 'i':
        options->i = optarg;
        return true;
    case 'l':
        options->html = optarg;
        return true;
    case 'j':
        options->json = true;
        return true;
    default:
        return option >= OPTION_BASE &&
               declare(options, wk_diagnosis_names[option - OPTION_BASE], optarg);
    }
}

static int put_out(const struct options *options, const json_t *verdict)
{
    if (options->html != NULL && !wk_diagram_page(verdict, options->html)) {
        fprintf(stderr, "wk install-check: %s: cannot be written\n", options->html);
        return WK_EXIT_FAILED;
    }
    if (options->json) {
        json_dumpf(verdict, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
        printf("\n");
    } else {
        wk_diagram_text(verdict, stdout);
    }
    return WK_EXIT_OK;
}

int wk_install_run(int argc, char **argv)
{
    static const struct option k_options[] = {
        {"rated", required_argument, NULL, OPTION_BASE},
        {"nominal", required_argument, NULL, OPTION_BASE + 1},
        {"most", required_argument, NULL, OPTION_BASE + 2},
        {"least", required_argument, NULL, OPTION_BASE + 3},
        {"load", required_argument, NULL, OPTION_BASE + 4},
        {"flow", required_argument, NULL, OPTION_BASE + 5},
        {"unloaded", required_argument, NULL, OPTION_BASE + 6},
        {"transformers", required_argument, NULL, OPTION_BASE + 7},
        {"meter", required_argument, NULL, 'm'},
        {"u", required_argument, NULL, 'u'},
        {"i", required_argument, NULL, 'i'},
        {"html", required_argument, NULL, 'l'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.declared = wk_wiring_usual(3, 230000, 5000000)};
    int option;
    optind = 0;
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(k_help, stdout);
            return WK_EXIT_OK;
        }
        if (!take_option(&options, option)) {
            return WK_EXIT_USAGE;
        }
    }
    if ((optind == argc - 1) == (options.meter != NULL) || optind < argc - 1) {
        fputs("wk install-check: give one FILE or --meter; `wk help install-check` explains\n",
              stderr);
        return WK_EXIT_USAGE;
    }
    options.path = argv[optind];
    json_t *verdict = options.meter != NULL ? check_meter(&options) : check_recording(&options);
    const int status = verdict != NULL ? put_out(&options, verdict) : WK_EXIT_FAILED;
    json_decref(verdict);
    return status;
}
