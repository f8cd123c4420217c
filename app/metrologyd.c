/* SPDX-License-Identifier: Apache-2.0
 *
 * app/metrologyd - wk-metrologyd: samples to measurement records, and nothing else. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/feed.h"
#include "daemon/frontend.h"

static const char k_usage[] =
    "usage: wk-metrologyd --config FILE\n"
    "  Meters the configured front end and puts measurement records into the ring that\n"
    "  wk-meterd reads. SIGINT or SIGTERM end it; so does the end of the recording.\n"
    "  --config FILE  one meter's configuration, see docs/configuration.md\n";

static volatile sig_atomic_t g_stop;
static struct wk_config g_config;
static struct wk_feed g_feed; /* far too large for the stack */
static struct wk_instant_ring g_cycles;

static void on_signal(int number)
{
    (void)number;
    g_stop = 1;
}

static int complain(const char *why)
{
    fprintf(stderr, "wk-metrologyd: %s\n", why);
    return 1;
}

static int run(struct wk_frontend *frontend)
{
    struct wk_ring ring;
    char path[WK_CONFIG_PATH + 8];
    if (mkdir(g_config.state, 0700) != 0 && errno != EEXIST) {
        snprintf(path, sizeof path, "%s", g_config.state);
        perror(path);
        return 1;
    }
    snprintf(path, sizeof path, "%s/ring", g_config.state);
    if (wk_ring_open(&ring, path) != WK_OK) {
        return complain(ring.why);
    }
    snprintf(path, sizeof path, "%s/cycles", g_config.state);
    if (wk_instant_ring_open(&g_cycles, path) != WK_OK) {
        complain(g_cycles.why); /* metering goes on */
    }
    wk_err err = wk_feed_init(&g_feed, &g_config, &ring, &frontend->port, &g_stop);
    if (err == WK_OK) {
        g_feed.cycles = g_cycles.shared != NULL ? &g_cycles : NULL;
        err = wk_feed_run(&g_feed);
    }
    wk_feed_close(&g_feed);
    wk_instant_ring_close(&g_cycles);
    wk_ring_close(&ring);
    if (err != WK_OK && wk_frontend_fault(frontend)[0] != '\0') {
        return complain(wk_frontend_fault(frontend));
    }
    return err == WK_OK ? 0 : complain(g_feed.why);
}

int main(int argc, char **argv)
{
    char why[WK_INI_WHY];
    struct wk_frontend frontend;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(k_usage, stdout);
        return 0;
    }
    if (argc != 3 || strcmp(argv[1], "--config") != 0) {
        fputs(k_usage, stderr);
        return 2;
    }
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (wk_config_read(&g_config, argv[2], why) != WK_OK) {
        return complain(why);
    }
    if (wk_frontend_open(&frontend, &g_config) != WK_OK) {
        return complain(frontend.why);
    }
    const int status = run(&frontend);
    wk_frontend_close(&frontend);
    return status;
}
