/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/modbus.md has the registers of the tables. `modbus_doc_test --write` writes its part anew. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/wk_test.h"
#include "view/modbus_map.h"

#define ROOM  (128 * 1024)
#define PATH  WK_SOURCE_DIR "/docs/modbus.md"
#define BEGIN "<!-- made by modbus_doc_test --write -->\n"

static char g_made[ROOM];
static char g_file[ROOM];

static const char *const k_types[] = {
    [WK_MODBUS_MAP_U16] = "uint16",          [WK_MODBUS_MAP_U32] = "uint32",
    [WK_MODBUS_MAP_TEXT] = "text",           [WK_MODBUS_MAP_INT16] = "int16",
    [WK_MODBUS_MAP_UINT16] = "uint16",       [WK_MODBUS_MAP_ACC32] = "acc32",
    [WK_MODBUS_MAP_FLOAT] = "float32",       [WK_MODBUS_MAP_INT64] = "int64",
    [WK_MODBUS_MAP_SWITCH] = "switch",       [WK_MODBUS_MAP_MODEL] = "uint16",
    [WK_MODBUS_MAP_POWER_SF] = "int16",      [WK_MODBUS_MAP_UNIT] = "uint16",
    [WK_MODBUS_MAP_FLOAT_UNIT] = "float32",  [WK_MODBUS_MAP_FLOAT_BAUD] = "float32",
    [WK_MODBUS_MAP_FLOAT_WIRES] = "float32", [WK_MODBUS_MAP_FLOAT_MINUTES] = "float32",
    [WK_MODBUS_MAP_SERIAL32] = "uint32",     [WK_MODBUS_MAP_PHASES] = "uint16",
    [WK_MODBUS_MAP_UTC] = "int64",
};

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *format, ...)
{
    va_list arguments;
    const size_t at = strlen(g_made);
    va_start(arguments, format);
    (void)vsnprintf(g_made + at, ROOM - at, format, arguments);
    va_end(arguments);
}

static void add_unit(const struct wk_modbus_map_row *row)
{
    if (row->point == WK_POINT_NONE || row->type == WK_MODBUS_MAP_TEXT) {
        return;
    }
    if (row->exponent == WK_MODBUS_MAP_POWER) {
        add("by W_SF");
    } else if (row->exponent != 0) {
        add("10^%d", row->exponent);
    } else {
        add("1");
    }
}

static void add_row(const struct wk_modbus_map_block *block,
                    const struct wk_modbus_map_row *row)
{
    const struct wk_point_row *point = &wk_point_rows[row->point];
    const uint8_t *obis = point->obis;
    const uint32_t first = (uint32_t)block->base + row->at;
    add("| %u | %u | %s | ", first, row->words, k_types[row->type]);
    add_unit(row);
    add(" | %s | ", row->text != NULL ? row->text : point->text);
    if (row->point != WK_POINT_NONE) {
        add("%u-%u:%u.%u.%u", obis[0], obis[1], obis[2], obis[3], obis[4]);
    }
    for (int n = 0; n < 2 && point->more[n] != 0; n++) {
        add(", %u", point->more[n]);
    }
    add(" |\n");
}

static void make(void)
{
    for (size_t b = 0; b < wk_modbus_map_block_count; b++) {
        const struct wk_modbus_map_block *block = &wk_modbus_map_blocks[b];
        if (block->base >= 50000 && block->base < 51000) {
            continue; /* the same as at 40000 */
        }
        add("\n## %s: %u to %u\n\n| register | words | type | unit | what | object |\n"
            "|---|---|---|---|---|---|\n",
            block->name, block->base, block->base + block->size - 1);
        for (uint8_t n = 0; n < block->count; n++) {
            add_row(block, &block->rows[n]);
        }
    }
}

static char *read_file(void)
{
    FILE *file = fopen(PATH, "re");
    if (file == NULL) {
        return NULL;
    }
    const size_t size = fread(g_file, 1, ROOM - 1, file);
    (void)fclose(file);
    g_file[size] = '\0';
    char *mark = strstr(g_file, BEGIN);
    return mark == NULL ? NULL : mark + strlen(BEGIN);
}

static void the_page_has_the_registers_of_the_tables(void)
{
    g_made[0] = '\0';
    make();
    const char *part = read_file();
    EXPECT(part != NULL);
    EXPECT(strcmp(part, g_made) == 0);
}

static int write_file(void)
{
    make();
    char *part = read_file();
    FILE *file = part == NULL ? NULL : fopen(PATH, "we");
    if (file == NULL) {
        return 1;
    }
    *part = '\0';
    (void)fputs(g_file, file);
    (void)fputs(g_made, file);
    return fclose(file) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct wk_test k_tests[] = {T(the_page_has_the_registers_of_the_tables)};
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        return write_file();
    }
    return wk_test_main_(k_tests, 1);
}
