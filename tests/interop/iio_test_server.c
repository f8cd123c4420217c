/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/interop/iio_test_server - the converter of tests/iio_server as a program. Prints its port;
 * takes lines: "lose FRAMES", "rate HZ", "down", "up"; ends with its input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/iio_server.h"

int main(void)
{
    static struct wk_iio_server server;
    char line[64];
    if (wk_iio_server_start(&server, 8000) != WK_OK) {
        return 1;
    }
    printf("%u\n", server.port);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strncmp(line, "lose ", 5) == 0) {
            server.lose = strtoull(line + 5, NULL, 10);
        } else if (strncmp(line, "rate ", 5) == 0) {
            server.rate_hz = strtod(line + 5, NULL);
        } else if (strncmp(line, "down", 4) == 0) {
            wk_iio_server_set_down(&server, true);
        } else if (strncmp(line, "up", 2) == 0) {
            wk_iio_server_set_down(&server, false);
        }
    }
    wk_iio_server_stop(&server);
    return 0;
}
