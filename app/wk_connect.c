/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "app/wk.h"
#include "app/wk_meter.h"
#include "cosem/axdr.h"

#define METHOD_DISCONNECT 1 /* of class 70, disconnect control */
#define METHOD_RECONNECT  2

static struct wk_meter meter;

static const char k_help[] =
    "usage: wk connect|disconnect HOST[:PORT] [OPTIONS]\n"
    "Connects or disconnects the supply of a meter, as far as its control mode allows it\n"
    "remotely, and tells what its contactor then reports.\n" WK_METER_OPTIONS;

static const char *state_text(int64_t control_state)
{
    static const char *const k_states[] = {"disconnected", "connected",
                                           "ready for reconnection by hand"};
    return control_state >= 0 && control_state < 3 ? k_states[control_state] : "unknown";
}

static wk_err read_state(struct wk_apdu_target target, bool *output, int64_t *control)
{
    uint8_t raw[8];
    size_t size;
    target.id = 2;
    WK_TRY(wk_dlms_client_get(&meter.client, &target, raw, sizeof raw, &size));
    struct wk_bytes_in in = wk_bytes_in_of(raw, size);
    *output = wk_axdr_read_integer(&in, WK_AXDR_BOOLEAN) != 0;
    WK_TRY(wk_bytes_in_end(&in));
    target.id = 3;
    WK_TRY(wk_dlms_client_get(&meter.client, &target, raw, sizeof raw, &size));
    in = wk_bytes_in_of(raw, size);
    *control = wk_axdr_read_integer(&in, WK_AXDR_ENUM);
    return wk_bytes_in_end(&in);
}

static int command(bool connects)
{
    static const uint8_t k_zero[] = {WK_AXDR_INTEGER, 0};
    const struct wk_apdu_target target = {
        .class_id = 70,
        .obis = {0, 0, 96, 3, 10, 255},
        .id = connects ? METHOD_RECONNECT : METHOD_DISCONNECT,
    };
    bool output = false;
    int64_t control = 0;
    wk_err err = wk_dlms_client_action(&meter.client, &target, k_zero, sizeof k_zero);
    if (err == WK_OK) {
        err = read_state(target, &output, &control);
    }
    if (err != WK_OK) {
        fprintf(stderr, "wk: %s\n", wk_dlms_client_error(&meter.client));
        return WK_EXIT_FAILED;
    }
    printf(meter.json ? "{\"output_state\":%s,\"control_state\":\"%s\"}\n"
                      : "contactor closed: %s\ncontrol state: %s\n",
           output ? "true" : "false", state_text(control));
    return WK_EXIT_OK;
}

int wk_connect_run(int argc, char **argv)
{
    static const struct option k_options[] = {WK_METER_LONG_OPTIONS, {0}};
    const bool connects = strcmp(argv[0], "connect") == 0;
    int option;
    wk_meter_init(&meter, WK_DLMS_CLIENT_MANAGEMENT);
    while ((option = getopt_long(argc, argv, "", k_options, NULL)) != -1) {
        if (!wk_meter_option(&meter, option, optarg)) {
            return WK_EXIT_USAGE;
        }
    }
    if (meter.wants_help) {
        printf("%s", k_help);
        return WK_EXIT_OK;
    }
    if (optind != argc - 1) {
        fprintf(stderr, "wk: which meter? wk %s HOST[:PORT]\n", argv[0]);
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_address(&meter, argv[optind])) {
        return WK_EXIT_USAGE;
    }
    if (!wk_meter_open(&meter)) {
        return WK_EXIT_FAILED;
    }
    const int status = command(connects);
    wk_dlms_client_close(&meter.client);
    return status;
}
