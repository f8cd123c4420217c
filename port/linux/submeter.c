/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/submeter.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "port/linux/submeter_map.h"

#define GAP                                         16 /* registers that are read along rather than asked around */
#define MODELS_MOST                                 64
#define MODEL_END                                   0xFFFF
#define COMMON                                      1
#define COMMON_SIZE                                 66
#define SCALE_MOST                                  10
#define VALUE_MOST                                  9.0e18
#define MARK_HIGH                                   0x5375 /* "Su" */
#define MARK_LOW                                    0x6E53 /* "nS" */

#define WK_SUBMETER_NAME(name, key, unit, decimals) [name] = {key, unit, decimals},
const struct wk_submeter_name wk_submeter_names[WK_SUBMETER_QUANTITIES] = {
    WK_SUBMETER_LIST(WK_SUBMETER_NAME)};
#undef WK_SUBMETER_NAME

static wk_err blame(struct wk_submeter *submeter, wk_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static wk_err blame(struct wk_submeter *submeter, wk_err err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(submeter->why, sizeof submeter->why, format, arguments);
    va_end(arguments);
    return err;
}

wk_err wk_submeter_map_of(const char *word, wk_submeter_map *map)
{
    static const char *const k_words[] = {"sunspec", "sdm630", "sdm120"};
    for (size_t w = 0; w < sizeof k_words / sizeof k_words[0]; w++) {
        if (strcmp(word, k_words[w]) == 0) {
            *map = (wk_submeter_map)(w + 1);
            return WK_OK;
        }
    }
    return WK_E_NOT_FOUND;
}

void wk_submeter_init(struct wk_submeter *submeter, wk_submeter_map map, uint8_t unit)
{
    *submeter =
        (struct wk_submeter){.map = map, .unit = unit, .found = map != WK_SUBMETER_SUNSPEC};
}

static wk_err ask(const struct wk_submeter *submeter, const struct wk_submeter_bus *bus,
                  uint8_t function, uint32_t address, uint16_t count, uint16_t *to)
{
    const struct wk_modbus_request request = {.unit = submeter->unit,
                                              .function = function,
                                              .address = (uint16_t)(address & 0xFFFF),
                                              .count = count};
    return address + count <= 65536 ? bus->read(bus->self, &request, to) : WK_E_RANGE;
}

/* ---- SunSpec ----------------------------------------------------------------------------- */

/* Text of registers, without the blanks and zeros behind it. */
static void take_text(const uint16_t *from, size_t registers, char to[WK_SUBMETER_TEXT])
{
    size_t size = 0;
    for (size_t n = 0; n < 2 * registers && n < WK_SUBMETER_TEXT - 1; n++) {
        const char c = (char)(from[n / 2] >> (n % 2 == 0 ? 8 : 0) & 0x7F);
        if (c == '\0') {
            break;
        }
        to[n] = c < ' ' || c == 0x7F || c == '"' || c == '\\' ? '?' : c;
        size = c != ' ' ? n + 1 : size;
    }
    to[size] = '\0';
}

static wk_err read_common(struct wk_submeter *submeter, const struct wk_submeter_bus *bus,
                          uint32_t at)
{
    uint16_t common[COMMON_SIZE];
    WK_TRY(ask(submeter, bus, WK_MODBUS_HOLDING, at, COMMON_SIZE, common));
    take_text(common + 2, 16, submeter->maker);
    take_text(common + 18, 16, submeter->type);
    take_text(common + 50, 16, submeter->serial);
    return WK_OK;
}

/* Follows the chain of models to the first meter. */
static wk_err walk(struct wk_submeter *submeter, const struct wk_submeter_bus *bus, uint32_t at)
{
    for (int n = 0; n < MODELS_MOST; n++) {
        uint16_t head[2];
        WK_TRY(ask(submeter, bus, WK_MODBUS_HOLDING, at, 2, head));
        const struct wk_submeter_table *table =
            wk_submeter_table_of(WK_SUBMETER_SUNSPEC, head[0]);
        if (head[0] == MODEL_END) {
            return blame(submeter, WK_E_NOT_FOUND,
                         "SunSpec, but none of its models is a meter (201..204, 211..214)");
        }
        if (table != NULL && head[1] + 2 < table->size) {
            return blame(submeter, WK_E_FORMAT, "model %u has %u registers, not %u", head[0],
                         head[1], table->size - 2U);
        }
        if (table != NULL) {
            submeter->model = head[0];
            submeter->base = (uint16_t)at;
            submeter->found = true;
            return WK_OK;
        }
        if (head[0] == COMMON && head[1] >= COMMON_SIZE - 2) {
            WK_TRY(read_common(submeter, bus, at));
        }
        at += 2U + head[1];
        if (head[1] == 0 || at > 65533) {
            break;
        }
    }
    return blame(submeter, WK_E_FORMAT, "the chain of SunSpec models has no end");
}

static wk_err discover(struct wk_submeter *submeter, const struct wk_submeter_bus *bus)
{
    static const uint16_t k_bases[] = {40000, 50000, 0};
    for (size_t b = 0; b < sizeof k_bases / sizeof k_bases[0]; b++) {
        uint16_t mark[2] = {0, 0};
        const wk_err err = ask(submeter, bus, WK_MODBUS_HOLDING, k_bases[b], 2, mark);
        if (err != WK_OK && err != WK_E_REFUSED) {
            return err;
        }
        const bool here = mark[0] == MARK_HIGH && mark[1] == MARK_LOW;
        if (err == WK_OK && here) {
            return walk(submeter, bus, k_bases[b] + 2U);
        }
    }
    return blame(submeter, WK_E_NOT_FOUND,
                 "there is no \"SunS\" at register 40000, 50000 or 0");
}

/* ---- reading registers ------------------------------------------------------------------- */

/* What was read, from the map's base. */
struct image {
    uint16_t value[WK_SUBMETER_IMAGE];
    bool have[WK_SUBMETER_IMAGE];
};

static uint16_t width_of(const struct wk_submeter_entry *entry)
{
    return entry->form == WK_SUBMETER_ACC32 || entry->form == WK_SUBMETER_FLOAT32 ? 2 : 1;
}

static wk_err read_part(const struct wk_submeter *submeter, const struct wk_submeter_bus *bus,
                        struct image *image, uint16_t from, uint16_t count)
{
    const uint8_t function = wk_submeter_table_of(submeter->map, submeter->model)->function;
    WK_TRY(ask(submeter, bus, function, (uint32_t)submeter->base + from, count,
               image->value + from));
    memset(image->have + from, true, count);
    return WK_OK;
}

static bool is_absent(const struct wk_submeter *submeter, size_t entry)
{
    return (submeter->absent >> entry & 1) != 0;
}

/* The entries from `first` that one request can take; *count = its registers. Returns the entry
 * after them. */
static size_t plan(const struct wk_submeter *submeter, const struct wk_submeter_table *table,
                   size_t first, uint16_t *count)
{
    const uint16_t from = table->entry[first].at;
    *count = width_of(&table->entry[first]);
    size_t next = first + 1;
    while (!submeter->single && next < table->count && !is_absent(submeter, next)) {
        const struct wk_submeter_entry *entry = &table->entry[next];
        const int end = entry->at + width_of(entry) - from;
        if (end > table->most || entry->at - from - *count > GAP) {
            break;
        }
        *count = (uint16_t)end;
        next++;
    }
    return next;
}

static bool refused_place(const struct wk_submeter_bus *bus)
{
    const uint8_t code = bus->exception(bus->self);
    return code == WK_MODBUS_ILLEGAL_ADDRESS || code == WK_MODBUS_ILLEGAL_VALUE;
}

static wk_err read_entries(struct wk_submeter *submeter, const struct wk_submeter_bus *bus,
                           const struct wk_submeter_table *table, struct image *image)
{
    size_t first = 0;
    while (first < table->count) {
        if (is_absent(submeter, first)) {
            first++;
            continue;
        }
        uint16_t count;
        const size_t next = plan(submeter, table, first, &count);
        const wk_err err = read_part(submeter, bus, image, table->entry[first].at, count);
        if (err == WK_E_REFUSED && refused_place(bus)) {
            if (next == first + 1) {
                submeter->absent |= UINT64_C(1) << first;
                first = next;
            }
            submeter->single = true;
            continue;
        }
        WK_TRY(err);
        first = next;
    }
    return WK_OK;
}

static wk_err read_image(struct wk_submeter *submeter, const struct wk_submeter_bus *bus,
                         const struct wk_submeter_table *table, struct image *image)
{
    if (table->size == 0) {
        return read_entries(submeter, bus, table, image);
    }
    for (uint16_t at = 0; at < table->size;) {
        const uint16_t left = (uint16_t)(table->size - at);
        const uint16_t part = left < table->most ? left : table->most;
        WK_TRY(read_part(submeter, bus, image, at, part));
        at = (uint16_t)(at + part);
    }
    return WK_OK;
}

/* ---- values ------------------------------------------------------------------------------ */

static bool take_float(uint32_t bits, int exponent, int64_t *to)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    const double scaled = (double)value * pow(10, exponent);
    if (!isfinite(value) || fabs(scaled) > VALUE_MOST) {
        return false;
    }
    *to = llrint(scaled);
    return true;
}

/* raw * 10^exponent, rounded half away from zero. */
static bool take_integer(int64_t raw, int exponent, int64_t *to)
{
    int64_t value = raw;
    for (; exponent > 0; exponent--) {
        if (__builtin_mul_overflow(value, 10, &value)) {
            return false;
        }
    }
    int64_t unit = 1;
    for (; exponent < 0 && unit < INT64_MAX / 10; exponent++) {
        unit *= 10;
    }
    const int64_t half = value >= 0 ? unit / 2 : -(unit / 2);
    *to = (value + half) / unit;
    return true;
}

/* The exponent that the meter gives in a register. */
static bool take_scale(const struct image *image, const struct wk_submeter_entry *entry,
                       int *scale)
{
    *scale = 0;
    if (entry->scale == 0) {
        return true;
    }
    *scale = (int16_t)image->value[entry->scale];
    return image->have[entry->scale] && *scale >= -SCALE_MOST && *scale <= SCALE_MOST;
}

/* A counter that has passed its end stands far below where it stood. */
static int64_t carry_on(struct wk_submeter *submeter, wk_submeter_quantity quantity,
                        uint32_t raw)
{
    const uint32_t last = submeter->last[quantity];
    if (submeter->counted && raw < last && last - raw > UINT32_MAX / 2) {
        submeter->turns[quantity]++;
    }
    submeter->last[quantity] = raw;
    return (int64_t)((uint64_t)submeter->turns[quantity] << 32 | raw);
}

static bool take_value(struct wk_submeter *submeter, const struct image *image,
                       const struct wk_submeter_entry *entry, int64_t *to)
{
    int scale;
    if (!image->have[entry->at] || !take_scale(image, entry, &scale)) {
        return false;
    }
    const uint16_t high = image->value[entry->at];
    const int exponent = entry->exponent + scale;
    if (entry->form == WK_SUBMETER_INT16) {
        return high != 0x8000 && take_integer((int16_t)high, exponent, to);
    }
    if (entry->form == WK_SUBMETER_UINT16) {
        return high != 0xFFFF && take_integer(high, exponent, to);
    }
    const uint32_t both = (uint32_t)high << 16 | image->value[entry->at + 1];
    return entry->form == WK_SUBMETER_ACC32
               ? take_integer(carry_on(submeter, entry->quantity, both), exponent, to)
               : take_float(both, exponent, to);
}

wk_err wk_submeter_read(struct wk_submeter *submeter, const struct wk_submeter_bus *bus)
{
    struct image image = {.value = {0}};
    submeter->why[0] = '\0';
    if (!submeter->found) {
        WK_TRY(discover(submeter, bus));
    }
    const struct wk_submeter_table *table =
        wk_submeter_table_of(submeter->map, submeter->model);
    const wk_err err = read_image(submeter, bus, table, &image);
    if (err != WK_OK) {
        /* another meter may stand there when it comes back */
        submeter->found = submeter->map != WK_SUBMETER_SUNSPEC;
        return err;
    }
    if (submeter->map == WK_SUBMETER_SUNSPEC && image.value[0] != submeter->model) {
        submeter->found = false;
        return blame(submeter, WK_E_CORRUPT, "model %u is not where it was", submeter->model);
    }
    submeter->have = 0;
    for (size_t e = 0; e < table->count; e++) {
        const struct wk_submeter_entry *entry = &table->entry[e];
        if (take_value(submeter, &image, entry, &submeter->value[entry->quantity])) {
            submeter->have |= UINT32_C(1) << entry->quantity;
        }
    }
    submeter->counted = true;
    return WK_OK;
}
