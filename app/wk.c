/* SPDX-License-Identifier: Apache-2.0 */
#include "app/wk.h"

#include <stdio.h>
#include <string.h>

static const struct wk_command k_commands[] = {
    {"measure", "meter a recorded waveform (COMTRADE, CSV, WAV)", wk_measure_run},
    {"synth", "write a test signal as COMTRADE", wk_synth_run},
    {"accuracy", "measure the accuracy of the metrology; write a report", wk_accuracy_run},
    {"iio", "list converters of the IIO subsystem and say which fit", wk_iio_run},
    {"optical", "read a meter through an optical head (IEC 62056-21, mode C)", wk_optical_run},
    {"submeter", "read another meter over Modbus (SunSpec, SDM630)", wk_submeter_run},
    {"install-check", "say from phasors how a meter is wired", wk_install_run},
    {"balance", "balance of the phases, and which load to move", wk_balance_run},
    {"calibrate", "calibrate a meter against a standard, seal, certify", wk_calibrate_run},
    {"store", "look at an image of a meter's store: dump, check, wear budget", wk_store_run},
    {"audit", "prove that a meter's security log is whole", wk_audit_run},
    {"simulate", "one meter through a year, held against an oracle", wk_simulate_run},
    {"read", "read values of a meter over DLMS", wk_read_run},
    {"profile", "read the load profile of a meter over DLMS", wk_profile_run},
    {"objects", "list the objects of a meter, and who may do what", wk_objects_run},
    {"write", "set an attribute of a meter", wk_write_run},
    {"call", "call a method of a meter", wk_write_run},
    {"security", "policies, counters and keys of a meter", wk_security_run},
    {"credit", "account of a meter: show, enter and make tokens", wk_credit_run},
    {"image", "sign firmware images, bring them to a meter, activate them", wk_image_run},
    {"decode", "tell what octets of DLMS say: frames, APDUs, captures", wk_decode_run},
    {"push-listen", "print what meters push", wk_push_run},
    {"diag", "how a meter reaches its head-end, and what to do", wk_diag_run},
    {"lab", "bad lines between two network devices, two serial devices", wk_lab_run},
    {"tls", "make keys and requests for TLS, show certificates", wk_tls_run},
    {"authority", "a small certification authority: sign, list, revoke", wk_authority_run},
    {"connect", "connect the supply of a meter", wk_connect_run},
    {"disconnect", "disconnect the supply of a meter", wk_connect_run},
};

#define COMMANDS (sizeof k_commands / sizeof k_commands[0])

static void print_help(FILE *to)
{
    fprintf(to, "usage: wk COMMAND [ARGUMENTS]\n\ncommands:\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(to, "  %-14s %s\n", k_commands[i].name, k_commands[i].summary);
    }
    fprintf(
        to,
        "\n\"wk help COMMAND\" tells more. Exit status: 0 done, 1 failed, 2 wrong usage.\n");
}

static const struct wk_command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(k_commands[i].name, name) == 0) {
            return &k_commands[i];
        }
    }
    return NULL;
}

static int help(int argc, char **argv)
{
    if (argc < 3) {
        print_help(stdout);
        return WK_EXIT_OK;
    }
    const struct wk_command *command = find(argv[2]);
    if (command == NULL) {
        fprintf(stderr, "wk: there is no command \"%s\"\n", argv[2]);
        return WK_EXIT_USAGE;
    }
    static char option[] = "--help";
    char *asked[] = {argv[2], option, NULL};
    return command->run(2, asked);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return WK_EXIT_USAGE;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0) {
        return help(argc, argv);
    }
    const struct wk_command *command = find(argv[1]);
    if (command == NULL) {
        fprintf(stderr, "wk: there is no command \"%s\"; see \"wk help\"\n", argv[1]);
        return WK_EXIT_USAGE;
    }
    const int status = command->run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("wk: the output cannot be written\n", stderr);
        return WK_EXIT_FAILED;
    }
    return status;
}
