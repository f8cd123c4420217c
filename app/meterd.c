/* SPDX-License-Identifier: Apache-2.0
 *
 * app/meterd - wk-meterd: the management of one meter. */
#include <stdio.h>
#include <string.h>

#include "daemon/meter.h"

static const char k_usage[] =
    "usage: wk-meterd --config FILE [--check]\n"
    "  Takes measurement records from wk-metrologyd and serves the meter over DLMS on TCP and\n"
    "  on its local page. SIGINT or SIGTERM end it.\n"
    "  --config FILE  one meter's configuration, see docs/configuration.md\n"
    "  --check        read the configuration, say whether it is right, and end\n";

static struct wk_meter g_meter; /* far too large for the stack */

static int complain(const char *why)
{
    fprintf(stderr, "wk-meterd: %s\n", why);
    return 1;
}

int main(int argc, char **argv)
{
    char why[WK_INI_WHY];
    const bool check = argc == 4 && strcmp(argv[3], "--check") == 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(k_usage, stdout);
        return 0;
    }
    if ((argc != 3 && !check) || strcmp(argv[1], "--config") != 0) {
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
    if (wk_meter_start(&g_meter) != WK_OK) {
        return complain(g_meter.why);
    }
    printf("meter %s: DLMS on %s:%u\n", g_meter.config.serial, g_meter.config.dlms_host,
           g_meter.config.dlms_port);
    if (g_meter.config.web_port != 0) {
        printf("meter %s: page at http://%s:%u/\n", g_meter.config.serial,
               g_meter.config.web_host, g_meter.config.web_port);
    }
    fflush(stdout);
    return wk_meter_run(&g_meter) == WK_OK ? 0 : complain(g_meter.why);
}
