/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk_lab.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "app/wk.h"

#define MILLION INT64_C(1000000)

static const char k_help[] =
    "usage: wk lab net ...       two network devices with a slow, lossy line between them\n"
    "       wk lab serial ...    two serial devices with a slow, noisy line between them\n"
    "       wk lab modem ...     a cellular modem, its network, and all that goes wrong there\n"
    "       wk lab plc ...       two modems with a power line between them\n"
    "       wk lab rf ...        two modems with licence-free radio between them\n"
    "\"wk lab net --help\" tells more; docs/lab.md has examples.\n";

int64_t wk_lab_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * MILLION + now.tv_nsec / 1000;
}

int wk_lab_end_fd(void)
{
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGINT);
    sigaddset(&end, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &end, NULL) != 0) {
        return -1;
    }
    return signalfd(-1, &end, SFD_CLOEXEC | SFD_NONBLOCK);
}

int wk_lab_run(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "net") == 0) {
        return wk_lab_net_run(argc - 1, argv + 1);
    }
    if (argc >= 2 && strcmp(argv[1], "serial") == 0) {
        return wk_lab_serial_run(argc - 1, argv + 1);
    }
    if (argc >= 2 && strcmp(argv[1], "modem") == 0) {
        return wk_lab_modem_run(argc - 1, argv + 1);
    }
    if (argc >= 2 && (strcmp(argv[1], "plc") == 0 || strcmp(argv[1], "rf") == 0)) {
        return wk_lab_line_run(argc - 1, argv + 1);
    }
    const int asked = argc >= 2 && strcmp(argv[1], "--help") == 0;
    fputs(k_help, asked ? stdout : stderr);
    return asked ? WK_EXIT_OK : WK_EXIT_USAGE;
}
