/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "app/wk.h"
#include "port/linux/iio.h"

static const char k_help[] =
    "usage: wk iio [URI]\n"
    "Lists the converters of the Linux IIO subsystem that a meter could use as its front end:\n"
    "their buffered channels, formats, scales and rate, whether they fit, and if so the lines\n"
    "for the configuration.\n"
    "  URI  local: (the usual), ip:HOST, usb:... or xml:FILE\n"
    "Exit status 1 if nothing fits.\n";

int wk_iio_run(int argc, char **argv)
{
    char why[WK_IIO_WHY];
    unsigned fits = 0;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(k_help, stdout);
        return WK_EXIT_OK;
    }
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fputs("wk iio: give one URI at most; `wk help iio` explains\n", stderr);
        return WK_EXIT_USAGE;
    }
    if (wk_iio_describe(argc == 2 ? argv[1] : "local:", stdout, &fits, why) != WK_OK) {
        fprintf(stderr, "wk: %s\n", why);
        return WK_EXIT_FAILED;
    }
    return fits > 0 ? WK_EXIT_OK : WK_EXIT_FAILED;
}
