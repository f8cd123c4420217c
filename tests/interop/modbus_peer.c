/* SPDX-License-Identifier: Apache-2.0
 *
 * A few lines around libmodbus, for tests/interop/modbus.py:
 *   modbus_peer read tcp:PORT|rtu:DEVICE UNIT FUNCTION,ADDRESS,COUNT...   prints a line of hexadecimal
 *                                                                    registers for each
 *   modbus_peer serve DEVICE UNIT     answers 200 registers, each its own number, until killed */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAUD      19200
#define REGISTERS 200

static int read_all(modbus_t *bus, int count, char **asked)
{
    for (int n = 0; n < count; n++) {
        int function = 0;
        int address = 0;
        int registers = 0;
        uint16_t value[125];
        if (sscanf(asked[n], "%d,%d,%d", &function, &address, &registers) != 3) {
            return 2;
        }
        const int got = function == 3
                            ? modbus_read_registers(bus, address, registers, value)
                            : modbus_read_input_registers(bus, address, registers, value);
        if (got != registers) {
            fprintf(stderr, "%s: %s\n", asked[n], modbus_strerror(errno));
            return 1;
        }
        for (int i = 0; i < got; i++) {
            printf("%04x%c", value[i], i + 1 < got ? ' ' : '\n');
        }
    }
    return 0;
}

static int serve(modbus_t *bus)
{
    uint8_t request[MODBUS_RTU_MAX_ADU_LENGTH];
    modbus_mapping_t *map = modbus_mapping_new(0, 0, REGISTERS, REGISTERS);
    for (int n = 0; map != NULL && n < REGISTERS; n++) {
        map->tab_input_registers[n] = (uint16_t)n;
    }
    puts("serving");
    fflush(stdout);
    while (map != NULL) {
        const int size = modbus_receive(bus, request);
        if (size > 0) {
            (void)modbus_reply(bus, request, size, map);
        }
    }
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        return 2;
    }
    const int is_server = strcmp(argv[1], "serve") == 0;
    const int is_tcp = strncmp(argv[2], "tcp:", 4) == 0;
    modbus_t *bus = is_tcp ? modbus_new_tcp("127.0.0.1", atoi(argv[2] + 4))
                           : modbus_new_rtu(argv[2] + (is_server ? 0 : 4), BAUD, 'N', 8, 1);
    if (bus == NULL || modbus_set_slave(bus, atoi(argv[3])) != 0 || modbus_connect(bus) != 0) {
        fprintf(stderr, "%s: %s\n", argv[2], modbus_strerror(errno));
        return 1;
    }
    const int status = is_server ? serve(bus) : read_all(bus, argc - 4, argv + 4);
    modbus_close(bus);
    modbus_free(bus);
    return status;
}
