/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/api_request.h"
#include "headend/uplink.h"
#include "port/linux/object_name.h"

#define US_PER_MS 1000.0
#define US_PER_S  1e6

static json_t *times_of(const struct wk_link_check *check, bool longs)
{
    const struct wk_link_check_times times = wk_link_check_times(check, longs);
    return json_pack(
        "{s:i, s:f, s:f, s:f}", "octets", longs ? WK_LINK_CHECK_LONG : WK_LINK_CHECK_SHORT,
        "least_ms", (double)times.least_us / US_PER_MS, "mean_ms",
        (double)times.mean_us / US_PER_MS, "most_ms", (double)times.most_us / US_PER_MS);
}

static json_t *check_of(const struct wk_uplink_state *state)
{
    char words[WK_LINK_CHECK_WORDS];
    if (!state->checked) {
        return json_null();
    }
    wk_link_check_words(&state->check, words);
    return json_pack("{s:b, s:i, s:i, s:o, s:o, s:s}", "runs", (int)state->check.runs, "sent",
                     state->check.sent, "back", state->check.back, "short",
                     times_of(&state->check, false), "long", times_of(&state->check, true),
                     "verdict", words);
}

static json_t *sessions_of(const struct wk_uplink_state *state)
{
    json_t *list = json_array();
    for (uint8_t i = 0; i < state->sessions; i++) {
        const struct wk_uplink_heard *session = &state->session[i];
        json_array_append_new(list,
                              json_pack("{s:b, s:f, s:I, s:I}", "newest", (int)session->newest,
                                        "heard_s", (double)session->heard_us / US_PER_S,
                                        "packets", (json_int_t)session->packets, "octets",
                                        (json_int_t)session->octets));
    }
    return list;
}

static json_t *streams_of(const struct wk_uplink_state *state)
{
    json_t *list = json_array();
    for (uint8_t i = 0; i < state->streams; i++) {
        const struct wk_uplink_stream *stream = &state->stream[i];
        const char *name = wk_object_name(stream->obis);
        char obis[WK_OBIS_TEXT];
        wk_obis_print(stream->obis, obis);
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "obis", obis,
                                              "name", name != NULL ? name : obis, "committed",
                                              (json_int_t)stream->committed, "made",
                                              (json_int_t)stream->made, "repeated",
                                              (json_int_t)stream->repeated, "missing",
                                              (json_int_t)stream->missing));
    }
    return list;
}

int wk_api_get_link(struct wk_api_request *r)
{
    struct wk_uplink_state state;
    if (r->config->uplink == NULL ||
        wk_uplink_look(r->config->uplink, r->meter, &state) != WK_OK) {
        return wk_api_fail(r, 404, "", "this meter does not send by itself");
    }
    r->json = json_pack("{s:s, s:b, s:o, s:o, s:o}", "serial", r->meter->serial, "met",
                        (int)state.met, "sessions", sessions_of(&state), "streams",
                        streams_of(&state), "check", check_of(&state));
    return 200;
}

int wk_api_post_link_check(struct wk_api_request *r)
{
    const wk_err err = r->config->uplink == NULL ? WK_E_NOT_FOUND
                                                 : wk_uplink_check(r->config->uplink, r->meter);
    if (err == WK_E_NOT_FOUND) {
        return wk_api_fail(r, 404, "", "this meter does not send by itself");
    }
    if (err == WK_E_CLOSED) {
        return wk_api_fail(r, 409, "", "the meter was not heard since the head-end began");
    }
    if (err != WK_OK) {
        return wk_api_fail(r, 503, "",
                           "another meter is being tried: ask again in five seconds");
    }
    const int status = wk_api_get_link(r);
    return status == 200 ? 202 : status;
}
