/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/web_link.h"

#include <string.h>
#include <time.h>

#include "daemon/view_link.h"
#include "daemon/web_reply.h"

#define LOOK_NS      50000000L
#define PACKETS_LAST 50

enum MHD_Result wk_web_link(struct wk_web *web, struct MHD_Connection *connection)
{
    wk_gate_hold(web->gate);
    json_t *value = wk_view_link(web->link);
    wk_gate_release(web->gate);
    return wk_web_json(connection, 200, value);
}

enum MHD_Result wk_web_link_packets(struct wk_web *web, struct MHD_Connection *connection)
{
    const char *last = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "last");
    int64_t most = PACKETS_LAST;
    if (last != NULL && wk_ini_integer(last, 1, WK_LINK_MONITOR_PACKETS, &most) != WK_OK) {
        return wk_web_error(connection, 400, "bad_request", "last",
                            "must be a whole number from 1 to 256");
    }
    wk_gate_hold(web->gate);
    json_t *value = wk_view_link_packets(web->link, (size_t)most);
    wk_gate_release(web->gate);
    return wk_web_json(connection, 200, value);
}

/* Without a name: the first. */
static wk_err begin_check(struct wk_web *web, const char *name)
{
    const struct wk_meter_link *link = web->link;
    uint8_t path = 0;
    while (name != NULL && path < link->path_count &&
           strcmp(link->config->path[path].name, name) != 0) {
        path++;
    }
    wk_gate_hold(web->gate);
    const wk_err err = wk_meter_link_check(web->link, path);
    wk_gate_release(web->gate);
    return err;
}

/* libmicrohttpd runs one thread per connection, so waiting here is allowed. */
enum MHD_Result wk_web_link_check(struct wk_web *web, struct MHD_Connection *connection)
{
    const struct timespec pause = {0, LOOK_NS};
    const char *name = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "path");
    const wk_err err = begin_check(web, name);
    if (err == WK_E_BUSY) {
        return wk_web_error(connection, 503, "busy", NULL,
                            "a path is being tried already: ask again in five seconds");
    }
    if (err != WK_OK) {
        return wk_web_error(connection, 404, "not_found", "path",
                            "no path of this name is configured");
    }
    bool runs = true;
    json_t *value = NULL;
    while (runs && !atomic_load(&web->stops)) {
        nanosleep(&pause, NULL);
        wk_gate_hold(web->gate);
        runs = web->link->check.runs;
        if (!runs) {
            value = wk_view_link_check(web->link);
        }
        wk_gate_release(web->gate);
    }
    return wk_web_json(connection, 200, value);
}
