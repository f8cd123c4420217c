/* SPDX-License-Identifier: Apache-2.0
 *
 * app/meterd - wk-meterd: the management of one meter. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "daemon/meter.h"

#ifndef WK_VERSION
#define WK_VERSION "0.1.0"
#endif

static const char k_usage[] =
    "usage: wk-meterd --config FILE [--check]\n"
    "  Takes measurement records from wk-metrologyd and serves the meter over DLMS on TCP and\n"
    "  on its local page. SIGINT or SIGTERM end it.\n"
    "  --config FILE  one meter's configuration, see docs/configuration.md\n"
    "  --check        read the configuration, say whether it is right, and end\n"
    "  --trial        only from another wk-meterd, which tries this one: see docs/image.md\n"
    "  --version      say which version this is, and end\n";

static struct wk_meter g_meter; /* far too large for the stack */

static int complain(const char *why)
{
    fprintf(stderr, "wk-meterd: %s\n", why);
    return 1;
}

static void announce(void)
{
    const struct wk_config *config = &g_meter.config;
    printf("meter %s: DLMS on %s:%u\n", config->serial, config->dlms_host, config->dlms_port);
    if (config->web_port != 0) {
        printf("meter %s: page at http://%s:%u/\n", config->serial, config->web_host,
               config->web_port);
    }
    fflush(stdout);
}

/* Runs the meter; becomes another firmware if one is to be tried. */
static int serve(char **argv)
{
    char folder[WK_FIRMWARE_PATH];
    uint64_t version;
    bool restart = false;
    const bool can_change = g_meter.config.maker.size != 0 && !g_meter.trial &&
                            wk_image_version_read(WK_VERSION, &version) == WK_OK;
    wk_meter_firmware_folder(&g_meter.config, folder);
    if (can_change) {
        (void)wk_firmware_hand_over(folder, version, argv); /* else this one runs */
    }
    if (wk_meter_start(&g_meter) != WK_OK) {
        return complain(g_meter.why);
    }
    announce();
    if (wk_meter_run(&g_meter, &restart) != WK_OK) {
        return complain(g_meter.why);
    }
    if (!restart) {
        return 0;
    }
    const uint32_t limit_s = g_meter.config.trial_s + WK_METER_FIRMWARE_MORE;
    return wk_firmware_try(folder, argv, WK_METER_FIRMWARE_TRIAL, limit_s) ? 0 : 1;
}

int main(int argc, char **argv)
{
    char why[WK_INI_WHY];
    const bool check = argc == 4 && strcmp(argv[3], "--check") == 0;
    g_meter.trial = argc == 4 && strcmp(argv[3], WK_METER_FIRMWARE_TRIAL) == 0;
    g_meter.version = WK_VERSION;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(k_usage, stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts(WK_VERSION);
        return 0;
    }
    if ((argc != 3 && !check && !g_meter.trial) || strcmp(argv[1], "--config") != 0) {
        fputs(k_usage, stderr);
        return 2;
    }
    if (wk_config_read(&g_meter.config, argv[2], why) != WK_OK) {
        return complain(why);
    }
    if (check) {
        printf("%s is right\n", argv[2]);
        return 0;
    }
    signal(SIGPIPE, SIG_IGN); /* whoever does not read an answer must not end the meter */
    return serve(argv);
}
