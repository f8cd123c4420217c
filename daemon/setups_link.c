/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/setups_link.h"

#include "cosem/axdr.h"
#include "daemon/view_link.h"

#define C_OF_LINK    128
#define D_OF_LINK    10
#define MEMBERS      3
#define PATH_MEMBERS 11
#define US_PER_MS    1000
#define US_PER_S     1000000
#define CERTAIN      65535U
#define PER_CERTAIN  10000U

static uint32_t limited(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static void put_link(const struct wk_meter_link *link, struct wk_bytes_out *out)
{
    char words[WK_VIEW_LINK_WORDS];
    wk_view_link_summary(link, words);
    wk_axdr_put_structure(out, MEMBERS);
    wk_axdr_put_visible_string(out, words);
    wk_axdr_put_double_long_unsigned(
        out, link->runs ? limited(wk_link_sender_behind(&link->sender)) : 0);
    wk_axdr_put_double_long_unsigned(out, link->sender.switches);
}

static void put_path(const struct wk_meter_link *link, uint8_t at, struct wk_bytes_out *out)
{
    char words[WK_VIEW_LINK_WORDS];
    const struct wk_link_path *path = &link->sender.paths[at];
    const char *advice = wk_view_link_advice(link, at, words);
    const int64_t now_us = (int64_t)(uv_hrtime() / US_PER_MS);
    wk_axdr_put_structure(out, PATH_MEMBERS);
    wk_axdr_put_visible_string(out, link->config->path[at].name);
    wk_axdr_put_enum(out, (uint8_t)path->state);
    wk_axdr_put_boolean(out, link->sender.active == at);
    wk_axdr_put_double_long_unsigned(out, path->pace.rate_bps);
    wk_axdr_put_double_long_unsigned(out, limited((uint64_t)path->pace.rtt_us / US_PER_MS));
    wk_axdr_put_long_unsigned(out, (uint16_t)(path->delivery * PER_CERTAIN / CERTAIN));
    wk_axdr_put_double_long_unsigned(out, limited(path->counts.packets));
    wk_axdr_put_double_long_unsigned(out, limited(path->counts.lost));
    wk_axdr_put_long64_unsigned(out, path->counts.octets);
    wk_axdr_put_double_long_unsigned(
        out, path->heard_us == 0 ? UINT32_MAX
                                 : limited((uint64_t)(now_us - path->heard_us) / US_PER_S));
    wk_axdr_put_visible_string(out, advice != NULL ? advice : "");
}

bool wk_setups_tell_link(const struct wk_meter_link *link, const uint8_t obis[WK_OBIS_SIZE],
                         struct wk_bytes_out *out)
{
    if (obis[2] != C_OF_LINK || obis[3] != D_OF_LINK) {
        return false;
    }
    if (obis[1] == 0) {
        put_link(link, out);
    } else if (obis[1] <= link->path_count) {
        put_path(link, (uint8_t)(obis[1] - 1), out);
    } else {
        return false;
    }
    return true;
}
