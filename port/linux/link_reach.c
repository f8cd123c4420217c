/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_reach.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define PORT_ROOM 8

static void end_if_last(struct wk_link_reach *reach)
{
    if (reach->stopping && reach->timer_closed && !reach->looking) {
        reach->ended(reach->self);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct wk_link_reach *reach = handle->data;
    reach->timer_closed = true;
    end_if_last(reach);
}

static void on_address(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct wk_link_reach *reach = lookup->data;
    reach->looking = false;
    if (reach->stopping) {
        end_if_last(reach);
    } else if (status != 0) {
        reach->failed(reach->self, uv_strerror(status));
    } else {
        reach->found(reach->self, found->ai_addr);
    }
    uv_freeaddrinfo(found);
}

static void look_up(uv_timer_t *timer)
{
    struct wk_link_reach *reach = timer->data;
    char port[PORT_ROOM];
    const struct addrinfo hints = {.ai_socktype = reach->kind};
    if (reach->looking) { /* the answer is on its way */
        return;
    }
    if (reach->waits != NULL && reach->waits(reach->self)) {
        wk_link_reach_again(reach, WK_LINK_REACH_WAIT_MS);
        return;
    }
    (void)snprintf(port, sizeof port, "%u", reach->config->to->port);
    reach->looking = true;
    reach->lookup.data = reach;
    const int code = uv_getaddrinfo(reach->config->loop, &reach->lookup, on_address,
                                    reach->config->to->host, port, &hints);
    if (code != 0) {
        reach->looking = false;
        reach->failed(reach->self, uv_strerror(code));
    }
}

wk_err wk_link_reach_start(struct wk_link_reach *reach)
{
    if (uv_timer_init(reach->config->loop, &reach->timer) != 0) {
        return WK_E_IO;
    }
    reach->timer.data = reach;
    wk_link_reach_again(reach, 0);
    return WK_OK;
}

void wk_link_reach_again(struct wk_link_reach *reach, uint64_t wait_ms)
{
    (void)uv_timer_start(&reach->timer, look_up, wait_ms,
                         0); /* cannot fail: there is a function */
}

void wk_link_reach_rest(struct wk_link_reach *reach)
{
    (void)uv_timer_stop(&reach->timer);
}

void wk_link_reach_stop(struct wk_link_reach *reach)
{
    reach->stopping = true;
    if (reach->looking) {
        (void)uv_cancel((uv_req_t *)&reach->lookup);
    }
    if (!uv_is_closing((uv_handle_t *)&reach->timer)) {
        uv_close((uv_handle_t *)&reach->timer, on_timer_closed);
    }
}

bool wk_link_reach_tie(const struct wk_link_reach *reach, int fd)
{
    const char *interface = reach->config->interface;
    return interface == NULL || interface[0] == '\0' ||
           setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
                      (socklen_t)strnlen(interface, IFNAMSIZ)) == 0;
}
