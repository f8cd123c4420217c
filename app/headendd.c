/* SPDX-License-Identifier: Apache-2.0
 *
 * app/headendd - wk-headendd: collects meters, keeps their readings, serves the page. */
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <time.h>

#include "headend/api.h"
#include "headend/archive_open.h"
#include "headend/assets.h"
#include "headend/collector.h"
#include "headend/renewal.h"
#include "headend/source_dlms.h"
#include "headend/stamp.h"
#include "headend/summary.h"
#include "headend/uplink.h"
#include "headend/uplink_port.h"
#include "port/linux/tls.h"

#define EXIT_USAGE   2
#define ONCE_POLL_MS 200

static const char k_usage[] =
    "usage: wk-headendd --config FILE [--once [--until UTC] [--timeout SECONDS]] [--check]\n"
    "  --config FILE      meters, plans and addresses; see headend/registry.h\n"
    "  --check            read the configuration, say whether it is right, and end\n"
    "  --once             collect until every meter is complete, print one JSON object, end;\n"
    "                     exit status 0 only if registers, intervals and bill agree\n"
    "  --until UTC        YYYY-MM-DDThh:mm:ssZ; default: the first whole UTC day of a meter\n"
    "  --timeout SECONDS  give up after this time (default 600)\n";

struct daemon {
    struct wk_registry registry;
    struct wk_stream stream;
    struct wk_collector *collector;
    struct wk_archive archive; /* of the main thread */
    struct wk_archive api_archive;
    struct wk_api *api;
    struct wk_uplink *uplink;     /* NULL: no meter sends by itself */
    struct wk_tls_context *trust; /* NULL: no meter is reached by TLS */
    bool once;
    int64_t until_s;
    int64_t timeout_s;
    int signals;
    uint32_t instance; /* tells this head-end from every other */
};

static wk_err make_archive(void *self, struct wk_archive *archive, char why[WK_INI_WHY])
{
    const struct daemon *d = self;
    const struct wk_archive_place place = {d->registry.archive, d->instance};
    return wk_archive_open(&place, archive, why);
}

static int complain(const char *why)
{
    fprintf(stderr, "wk-headendd: %s\n", why);
    return EXIT_FAILURE;
}

static bool draw_instance(struct daemon *d)
{
    while (d->instance == 0) {
        if (getrandom(&d->instance, sizeof d->instance, 0) != (ssize_t)sizeof d->instance) {
            return false;
        }
    }
    return true;
}

/* Signals come as readable events; threads started later inherit the mask. */
static int catch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    return sigprocmask(SIG_BLOCK, &set, NULL) == 0 ? signalfd(-1, &set, SFD_CLOEXEC) : -1;
}

static bool signalled(const struct daemon *d, int timeout_ms)
{
    struct pollfd event = {.fd = d->signals, .events = POLLIN};
    return poll(&event, 1, timeout_ms) > 0;
}

static int run_once(struct daemon *d)
{
    const time_t end = time(NULL) + (time_t)d->timeout_s;
    bool complete = false;
    while (!complete) {
        if (signalled(d, ONCE_POLL_MS)) {
            return complain("ended by a signal before the readings were complete");
        }
        if (wk_summary_complete(&d->archive, &d->registry, d->until_s, &complete) != WK_OK) {
            return complain(d->archive.why(d->archive.self));
        }
        if (!complete && time(NULL) > end) {
            complain("the readings are not complete in time");
            break;
        }
    }
    return wk_summary_print(&d->archive, &d->registry, d->until_s, stdout) ? EXIT_SUCCESS
                                                                           : EXIT_FAILURE;
}

static int run(struct daemon *d)
{
    printf("wk-headendd: http://%s%s%s:%u/\n", strchr(d->registry.listen, ':') ? "[" : "",
           d->registry.listen, strchr(d->registry.listen, ':') ? "]" : "", wk_api_port(d->api));
    fflush(stdout);
    while (!d->once && !signalled(d, -1)) {
    }
    return d->once ? run_once(d) : EXIT_SUCCESS;
}

static wk_err start_uplink(struct daemon *d, char why[WK_INI_WHY])
{
    struct wk_uplink_config config = {.registry = &d->registry, .stream = &d->stream};
    if (!wk_uplink_port_is_wanted(&d->registry)) {
        return WK_OK;
    }
    WK_TRY(make_archive(d, &config.archive, why));
    wk_err err = make_archive(d, &config.reader, why);
    if (err == WK_OK) {
        err = wk_uplink_start(&config, &d->uplink, why);
        if (err != WK_OK) {
            config.reader.close(config.reader.self);
        }
    }
    if (err != WK_OK) {
        config.archive.close(config.archive.self);
    }
    return err;
}

static int start_api(struct daemon *d)
{
    char why[WK_INI_WHY];
    if (make_archive(d, &d->api_archive, why) != WK_OK) {
        return complain(why);
    }
    const struct wk_api_config api = {
        .registry = &d->registry,
        .collector = d->collector,
        .uplink = d->uplink,
        .stream = &d->stream,
        .archive = &d->api_archive,
        .assets = wk_headend_assets,
        .asset_count = wk_headend_asset_count,
    };
    const int status = wk_api_start(&api, &d->api, why) == WK_OK ? run(d) : complain(why);
    wk_stream_close(&d->stream);
    wk_api_stop(d->api);
    d->api_archive.close(d->api_archive.self);
    return status;
}

/* What all meters at tls:// are asked with. */
static wk_err make_trust(struct daemon *d, char error[WK_TLS_ERROR])
{
    const struct wk_registry *r = &d->registry;
    const struct wk_tls_config config = {
        .certificate = r->tls_certificate,
        .key = r->tls_key,
        .ca = r->tls_ca,
        .crl = r->tls_crl[0] != '\0' ? r->tls_crl : NULL,
    };
    if (r->tls_ca[0] == '\0') {
        return WK_OK;
    }
    WK_TRY(wk_tls_context_make(&d->trust, &config, error));
    for (size_t i = 0; i < r->meters; i++) {
        r->meter[i].tls = d->trust;
    }
    return WK_OK;
}

static int start(struct daemon *d)
{
    char why[WK_INI_WHY];
    if (!wk_renewal_can(&d->registry, why) || make_trust(d, why) != WK_OK) {
        return complain(why);
    }
    const struct wk_collector_maker maker = {d, wk_source_dlms_make, make_archive};
    if (make_archive(d, &d->archive, why) != WK_OK) {
        return complain(why);
    }
    wk_err err = wk_collector_start(&d->registry, &d->stream, &maker, &d->collector, why);
    if (err == WK_OK) {
        err = start_uplink(d, why);
    }
    const int status = err == WK_OK ? start_api(d) : complain(why);
    wk_uplink_stop(d->uplink);
    wk_collector_stop(d->collector);
    d->archive.close(d->archive.self);
    return status;
}

static int parse(int argc, char **argv, struct daemon *d, const char **config, bool *check)
{
    static const struct option k_options[] = {{"config", required_argument, NULL, 'c'},
                                              {"once", no_argument, NULL, 'o'},
                                              {"until", required_argument, NULL, 'u'},
                                              {"timeout", required_argument, NULL, 't'},
                                              {"check", no_argument, NULL, 'k'},
                                              {"help", no_argument, NULL, 'h'},
                                              {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        wk_err err = WK_OK;
        if (option == 'c') {
            *config = optarg;
        } else if (option == 'u') {
            err = wk_stamp_parse(optarg, &d->until_s);
        } else if (option == 't') {
            err = wk_ini_integer(optarg, 1, 1000000, &d->timeout_s);
        } else if (option == 'h') {
            fputs(k_usage, stdout);
            return EXIT_SUCCESS;
        }
        d->once = d->once || option == 'o';
        *check = *check || option == 'k';
        if (option == '?' || err != WK_OK) {
            fprintf(stderr, "wk-headendd: bad '%s'; see --help\n", argv[optind - 1]);
            return EXIT_USAGE;
        }
    }
    if (*config == NULL || optind < argc) {
        fputs(k_usage, stderr);
        return EXIT_USAGE;
    }
    return -1;
}

int main(int argc, char **argv)
{
    static struct daemon d = {.timeout_s = 600};
    const char *config = NULL;
    bool check = false;
    char why[WK_INI_WHY];
    int status = parse(argc, argv, &d, &config, &check);
    if (status >= 0) {
        return status;
    }
    if (wk_registry_read(config, &d.registry, why) != WK_OK) {
        return complain(why);
    }
    d.signals = catch_signals();
    if (check) {
        printf("%s: %zu meters, %d plans\n", config, d.registry.meters, d.registry.plans);
        status = EXIT_SUCCESS;
    } else if (d.signals < 0 || !draw_instance(&d) || wk_stream_init(&d.stream) != WK_OK) {
        status = complain("cannot start: no memory, no signals or no random numbers");
    } else {
        status = start(&d);
        wk_stream_free(&d.stream);
    }
    wk_tls_context_free(d.trust);
    wk_registry_free(&d.registry);
    return status;
}
