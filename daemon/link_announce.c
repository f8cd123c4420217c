/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/link_announce.h"

#include "management/objects.h"

#define NS_PER_US 1000

/* One too many only waits until it is stored. */
static void logged(void *self, uint8_t log, const struct wk_event *event)
{
    struct wk_meter_link *link = self;
    uint8_t i = 0;
    while (i < link->stream_count &&
           (link->streams[i].log != log || link->sources[i].worth != WK_LINK_ALARM)) {
        i++;
    }
    if (i == link->stream_count || link->announced_count == WK_METER_LINK_ANNOUNCED) {
        return;
    }
    struct wk_meter_link_announced *to = &link->announced[link->announced_count];
    struct wk_bytes_out out = wk_bytes_out_of(to->octets, sizeof to->octets);
    wk_objects_put_event(&link->module->rooms, event, &out);
    if (out.fault == WK_OK &&
        wk_store_log_next(&link->module->rooms.store, log, &to->sequence) == WK_OK) {
        to->sequence--;
        to->stream = link->sources[i].id;
        to->size = (uint8_t)out.size;
        link->announced_count++;
    }
}

static void announce(void *self)
{
    struct wk_meter_link *link = self;
    for (uint8_t i = 0; i < link->announced_count; i++) {
        const struct wk_meter_link_announced *what = &link->announced[i];
        (void)!wk_link_sender_announce(&link->sender, what->stream, what->sequence,
                                       wk_bytes_in_of(what->octets, what->size),
                                       (int64_t)(uv_hrtime() / NS_PER_US));
    }
    link->announced_count = 0;
}

void wk_meter_link_announce_start(struct wk_meter_link *link)
{
    link->watch = (struct wk_module_watch){.self = link, .logged = logged, .commits = announce};
    link->module->watch = &link->watch;
}
