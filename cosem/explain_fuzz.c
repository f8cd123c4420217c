/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzzes what takes octets apart for people. The first octet chooses what they are said to be.
 * Whatever comes: groups end as often as they begin, and items borrow octets that are there. */
#include <stdlib.h>

#include "cosem/explain.h"
#include "port/linux/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct wk_explain g_explain;
static struct wk_crypto g_crypto;
static long g_open;
static uint8_t g_sum;

static void take_item(void *self, const struct wk_explain_item *item)
{
    (void)self;
    g_open += item->kind == WK_EXPLAIN_GROUP ? 1 : 0;
    for (size_t i = 0; i < item->size; i++) {
        g_sum ^= item->octets[i];
    }
    if (item->kind == WK_EXPLAIN_BITS && (item->number + 7) / 8 > (int64_t)item->size) {
        abort();
    }
}

static void take_end(void *self)
{
    (void)self;
    if (--g_open < 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct wk_explain_sink k_sink = {.item = take_item, .end = take_end};
    static bool begun;
    char name[WK_EXPLAIN_NAME];
    if (!begun) {
        begun = true;
        if (wk_crypto_init(&g_crypto) != WK_OK) {
            abort();
        }
        wk_explain_init(&g_explain, &g_crypto.hal, &k_sink);
        g_explain.keys.global.ek.size = 16;
        g_explain.keys.has_title = true;
    }
    if (size < 6) {
        return 0;
    }
    wk_explain_obis_name(data, name);
    g_explain.direction = data[0] >> 7;
    switch (data[0] & 3) {
    case 0:
        wk_explain_apdu(&g_explain, data + 1, size - 1);
        break;
    case 1:
        wk_explain_hdlc(&g_explain, data + 1, size - 1);
        break;
    case 2:
        wk_explain_value(&g_explain, data + 1, size - 1);
        break;
    default:
        wk_explain_any(&g_explain, data + 1, size - 1);
        break;
    }
    if (g_open != 0) {
        abort();
    }
    return 0;
}
