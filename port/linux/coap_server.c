/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/coap_server.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <coap3/coap.h>

#define PAYLOAD_MOST 1472
#define PATH_MOST    64
#define PORT_ROOM    8
#define MTU          1472

struct peer {
    struct wk_coap_server *server;
    coap_session_t *session;
    uint64_t id;     /* place, and above it how often the place was taken */
    bool in_request; /* what is said goes in its response */
    bool waits;      /* a request without a payload */
    size_t token_size;
    uint8_t token[8];
    bool knows_last; /* the newest confirmable request, and what was answered */
    coap_mid_t last_mid;
    uint8_t last_code; /* 0: nothing yet */
    size_t last_size;
    uint8_t last[WK_COAP_SERVER_ROOM];
    size_t used;
    uint8_t out[WK_COAP_SERVER_ROOM];
};

struct wk_coap_server {
    struct wk_coap_server_config config;
    coap_context_t *context;
    uint32_t taken; /* peers there ever were */
    struct peer *peers[WK_COAP_SERVER_PEERS];
};

/* ---- peers ------------------------------------------------------------------------------- */

static struct peer *make_peer(struct wk_coap_server *server, coap_session_t *session)
{
    size_t place = 0;
    while (place < WK_COAP_SERVER_PEERS && server->peers[place] != NULL) {
        place++;
    }
    struct peer *peer = place < WK_COAP_SERVER_PEERS ? calloc(1, sizeof *peer) : NULL;
    if (peer == NULL) {
        return NULL;
    }
    peer->server = server;
    peer->session = session;
    peer->id = (uint64_t)++server->taken << 32 | place;
    server->peers[place] = peer;
    coap_session_set_app_data(session, peer);
    return peer;
}

static struct peer *find_peer(const struct wk_coap_server *server, uint64_t id)
{
    struct peer *peer = server->peers[(uint32_t)id % WK_COAP_SERVER_PEERS];
    return peer != NULL && peer->id == id ? peer : NULL;
}

static int on_event(coap_session_t *session, const coap_event_t event)
{
    struct peer *peer = coap_session_get_app_data(session);
    if (event == COAP_EVENT_SERVER_SESSION_NEW) {
        coap_session_set_mtu(session,
                             MTU); /* else longer requests than 1152 octets are refused */
    }
    if (event == COAP_EVENT_SERVER_SESSION_DEL && peer != NULL) {
        peer->server->peers[(uint32_t)peer->id] = NULL;
        coap_session_set_app_data(session, NULL);
        free(peer);
    }
    return 0;
}

/* ---- answers ----------------------------------------------------------------------------- */

/* Into the response; it is remembered, should it be asked for again. */
static void answer(struct peer *peer, uint8_t code, coap_pdu_t *response)
{
    peer->last_code = code;
    peer->last_size = peer->used;
    memcpy(peer->last, peer->out, peer->used);
    peer->used = 0;
    coap_pdu_set_code(response, (coap_pdu_code_t)code);
    if (peer->last_size > 0) {
        (void)!coap_add_data(response, peer->last_size, peer->last);
    }
}

/* A response by itself to the request that waits. */
static void answer_later(struct peer *peer)
{
    coap_pdu_t *response = coap_pdu_init(COAP_MESSAGE_CON, COAP_RESPONSE_CODE_CHANGED,
                                         coap_new_message_id(peer->session), MTU);
    peer->waits = false;
    if (response == NULL || coap_add_token(response, peer->token_size, peer->token) == 0 ||
        coap_add_data(response, peer->used, peer->out) == 0) {
        coap_delete_pdu(response);
        return;
    }
    peer->used = 0;
    (void)coap_send(peer->session, response);
}

wk_err wk_coap_server_say(struct wk_coap_server *server, uint64_t id, const void *octets,
                          size_t size)
{
    struct peer *peer = find_peer(server, id);
    if (peer == NULL) {
        return WK_E_NOT_FOUND;
    }
    if (size > sizeof peer->out - peer->used) {
        return WK_E_FULL;
    }
    memcpy(peer->out + peer->used, octets, size);
    peer->used += size;
    if (peer->waits && !peer->in_request) {
        answer_later(peer);
    }
    return WK_OK;
}

/* ---- requests ---------------------------------------------------------------------------- */

static uint8_t hand_over(struct peer *peer, const coap_pdu_t *request, const uint8_t *payload,
                         size_t size)
{
    const struct wk_coap_server_config *config = &peer->server->config;
    uint8_t copy[PAYLOAD_MOST];
    char path[PATH_MOST];
    coap_string_t *uri = coap_get_uri_path(request);
    const bool fits = uri != NULL && uri->length < sizeof path && size <= sizeof copy;
    if (fits) {
        memcpy(path, uri->s, uri->length);
        path[uri->length] = '\0';
        memcpy(copy, payload, size);
    }
    coap_delete_string(uri);
    if (!fits) {
        return COAP_RESPONSE_CODE_BAD_REQUEST;
    }
    peer->in_request = true;
    const uint8_t code = config->posted(config->self, peer->id, path, copy, size);
    peer->in_request = false;
    return code == 0 ? COAP_RESPONSE_CODE_CHANGED : code;
}

/* Returns the code of the response; 0: it comes later. */
static uint8_t take_post(struct peer *peer, const coap_pdu_t *request)
{
    const uint8_t *payload;
    size_t size;
    if (coap_get_data(request, &size, &payload) != 0 && size > 0) {
        return hand_over(peer, request, payload, size);
    }
    const coap_bin_const_t token = coap_pdu_get_token(request);
    if (peer->used > 0 || token.length > sizeof peer->token) {
        return COAP_RESPONSE_CODE_CHANGED;
    }
    peer->waits = true;
    peer->token_size = token.length;
    memcpy(peer->token, token.s, token.length);
    return 0;
}

static void on_post(coap_resource_t *resource, coap_session_t *session,
                    const coap_pdu_t *request, const coap_string_t *query, coap_pdu_t *response)
{
    struct wk_coap_server *server = coap_resource_get_userdata(resource);
    struct peer *peer = coap_session_get_app_data(session);
    (void)query;
    peer = peer != NULL ? peer : make_peer(server, session);
    if (peer == NULL) {
        coap_pdu_set_code(response, COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE);
        return;
    }
    const coap_mid_t mid = coap_pdu_get_mid(request);
    if (peer->knows_last && peer->last_mid == mid) {
        if (peer->last_code != 0) {
            coap_pdu_set_code(response, (coap_pdu_code_t)peer->last_code);
            (void)!coap_add_data(response, peer->last_size, peer->last);
        }
        return; /* with no code libcoap acknowledges, and no more */
    }
    peer->knows_last = true;
    peer->last_mid = mid;
    peer->last_code = 0;
    const uint8_t code = take_post(peer, request);
    if (code != 0) {
        answer(peer, code, response);
    }
}

/* ---- begin and end ----------------------------------------------------------------------- */

static bool listen_at(struct wk_coap_server *server)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_PASSIVE,
                                   .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    char port[PORT_ROOM];
    coap_address_t address;
    snprintf(port, sizeof port, "%u", server->config.port);
    if (getaddrinfo(server->config.address, port, &hints, &found) != 0) {
        return false;
    }
    coap_address_init(&address);
    address.size = found->ai_addrlen;
    memcpy(&address.addr, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return coap_new_endpoint(server->context, &address, COAP_PROTO_UDP) != NULL;
}

static bool serve_posts(struct wk_coap_server *server)
{
    coap_resource_t *resource = coap_resource_unknown_init2(NULL, 0);
    if (resource == NULL) {
        return false;
    }
    coap_register_request_handler(resource, COAP_REQUEST_POST, on_post);
    coap_resource_set_userdata(resource, server);
    coap_add_resource(server->context, resource);
    return coap_context_get_coap_fd(server->context) >= 0;
}

wk_err wk_coap_server_open(struct wk_coap_server **server,
                           const struct wk_coap_server_config *config,
                           char error[WK_COAP_SERVER_ERROR])
{
    struct wk_coap_server *fresh = calloc(1, sizeof *fresh);
    coap_startup();
    coap_set_log_level(LOG_EMERG);
    if (fresh != NULL) {
        fresh->config = *config;
        fresh->context = coap_new_context(NULL);
    }
    if (fresh == NULL || fresh->context == NULL || !serve_posts(fresh) || !listen_at(fresh)) {
        snprintf(error, WK_COAP_SERVER_ERROR, "cannot listen on coap %.80s port %u",
                 config->address, config->port);
        wk_coap_server_close(fresh);
        return WK_E_IO;
    }
    coap_register_event_handler(fresh->context, on_event);
    coap_context_set_max_idle_sessions(fresh->context, WK_COAP_SERVER_PEERS);
    *server = fresh;
    return WK_OK;
}

int wk_coap_server_fd(const struct wk_coap_server *server)
{
    return coap_context_get_coap_fd(server->context);
}

void wk_coap_server_serve(struct wk_coap_server *server)
{
    (void)coap_io_process(server->context, COAP_IO_NO_WAIT);
}

void wk_coap_server_close(struct wk_coap_server *server)
{
    if (server != NULL) {
        coap_free_context(server->context); /* ends the sessions, and their peers with them */
        for (size_t i = 0; i < WK_COAP_SERVER_PEERS; i++) {
            free(server->peers[i]); /* of sessions that end without an event */
        }
        free(server);
    }
    coap_cleanup();
}
