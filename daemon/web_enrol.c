/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/web_enrol.h"

#include <time.h>

#include "daemon/enrol.h"
#include "daemon/web_reply.h"

static const char *state_of(const struct wk_meter_enrol *enrol, int64_t now_s)
{
    static const char *const k_levels[] = {"good", "ends", "ends soon", "expired"};
    return !enrol->is_watched ? "none"
           : !enrol->has_life ? "wanted"
                              : k_levels[wk_enrol_level_of(&enrol->life, now_s)];
}

static json_t *text_or_null(const char *text)
{
    return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *view(const struct wk_meter_enrol *enrol)
{
    const int64_t now_s = (int64_t)time(NULL);
    const struct wk_enrol_life *life = &enrol->life;
    const bool has = enrol->has_life;
    char words[WK_METER_ENROL_WORDS];
    const char *failed = enrol->error[0] != '\0' ? enrol->error : enrol->enrol.refused;
    wk_meter_enrol_words(enrol, words);
    return json_pack("{s:b, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:i}", "enrols",
                     enrol->is_on, "state", state_of(enrol, now_s), "words", words,
                     "needs_somebody", wk_meter_enrol_needs_somebody(enrol), "from_s",
                     has ? json_integer(life->from_s) : json_null(), "until_s",
                     has ? json_integer(life->until_s) : json_null(), "left_percent",
                     has ? json_integer(wk_enrol_left_percent(life, now_s)) : json_null(),
                     "request", text_or_null(enrol->enrol.request_text), "refused",
                     text_or_null(failed), "renewed", (int)enrol->enrol.renewed);
}

enum MHD_Result wk_web_enrol(struct wk_web *web, struct MHD_Connection *connection)
{
    wk_gate_hold(web->gate);
    json_t *value = view(web->enrol);
    wk_gate_release(web->gate);
    return wk_web_json(connection, 200, value);
}
