/* SPDX-License-Identifier: Apache-2.0
 *
 * Feeds the hunt for Modbus answers and the sub-meter maps with anything. The first octet chooses:
 * RTU, TCP, or the registers of a meter of one of the maps (the next two octets: where they begin;
 * what lies outside is refused). */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "port/linux/submeter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
    const uint8_t *data;
    size_t registers;
    uint16_t base;
    int reads;
};

static wk_err memory_read(void *self, const struct wk_modbus_request *request, uint16_t *to)
{
    struct memory *memory = self;
    if (request->count == 0 || request->count > WK_MODBUS_REGISTERS || ++memory->reads > 1000) {
        abort(); /* no such request may be made, and not without end */
    }
    for (uint16_t n = 0; n < request->count; n++) {
        const uint32_t address = (uint32_t)request->address + n;
        if (address < memory->base || address - memory->base >= memory->registers) {
            return WK_E_REFUSED;
        }
        const uint8_t *at = memory->data + 2 * (size_t)(address - memory->base);
        to[n] = (uint16_t)(at[0] << 8 | at[1]);
    }
    return WK_OK;
}

static uint8_t memory_exception(void *self)
{
    const struct memory *memory = self;
    return memory->reads % 7 == 0 ? 4 : WK_MODBUS_ILLEGAL_ADDRESS;
}

static void try_map(wk_submeter_map map, const uint8_t *data, size_t size)
{
    struct wk_submeter submeter;
    struct memory memory = {.data = data + 2,
                            .registers = (size - 2) / 2,
                            .base = (uint16_t)(data[0] << 8 | data[1])};
    const struct wk_submeter_bus bus = {
        .self = &memory, .read = memory_read, .exception = memory_exception};
    wk_submeter_init(&submeter, map, 1);
    for (int n = 0; n < 2; n++) {
        if (wk_submeter_read(&submeter, &bus) == WK_OK && submeter.why[0] != '\0') {
            abort();
        }
        memory.reads = 0;
    }
}

/* The request: of any function and size. */
static void try_hunt(bool tcp, const uint8_t *data, size_t size)
{
    static struct wk_modbus_hunt hunt;
    struct wk_modbus_message request = {.unit = data[0], .size = (uint16_t)(1 + data[1] % 16)};
    for (size_t n = 0; n < request.size; n++) {
        request.pdu[n] = data[(1 + n) % size];
    }
    request.pdu[0] &= 0x7F;
    if (tcp) {
        wk_modbus_hunt_tcp(&hunt, &request, 1);
    } else {
        wk_modbus_hunt_rtu(&hunt, &request, (wk_modbus_echo)(data[1] / 16 % 3));
    }
    const size_t first = size > 2 ? data[2] % size : 0;
    wk_modbus_found found = wk_modbus_hunt_take(&hunt, data + 2, first < size - 2 ? first : 0);
    found = found == WK_MODBUS_NOTHING ? wk_modbus_hunt_silence(&hunt) : found;
    if (found == WK_MODBUS_NOTHING) {
        found = wk_modbus_hunt_take(&hunt, data + 2, size - 2);
    }
    found = found == WK_MODBUS_NOTHING ? wk_modbus_hunt_silence(&hunt) : found;
    found = found == WK_MODBUS_NOTHING ? wk_modbus_hunt_end(&hunt) : found;
    if (found == WK_MODBUS_NOTHING && wk_modbus_hunt_spoilt(&hunt) && hunt.size < 5) {
        abort();
    }
    if ((found == WK_MODBUS_ANSWER && hunt.answer.pdu[0] != request.pdu[0]) ||
        hunt.answer.size > WK_MODBUS_ADU_PDU) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) {
        return 0;
    }
    switch (data[0] % 5) {
    case 0:
        try_hunt(false, data + 1, size - 1);
        break;
    case 1:
        try_hunt(true, data + 1, size - 1);
        break;
    default:
        try_map((wk_submeter_map)(data[0] % 5 - 1), data + 1, size - 1);
        break;
    }
    return 0;
}
