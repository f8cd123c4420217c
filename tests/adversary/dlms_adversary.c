/* SPDX-License-Identifier: Apache-2.0
 *
 * An adversary at the meter's DLMS server. It has heard whole sessions of an honest client, knows
 * all titles, addresses and the standard, and the reader's password; it does not have the keys. It
 * tries replay, changed octets, wrong keys, downgrade, reflected challenges, nested protection,
 * rights that it does not have, and half-open connections.
 *
 * An attempt has succeeded if the meter changed (its values, keys or secrets), if a session became
 * one of the management client, or if a session that is not associated gave out data.
 *
 * usage: dlms_adversary [ATTEMPTS [SEED]]      1,000,000 and 20261121 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cosem/axdr.h"
#include "cosem/client.h"
#include "port/linux/crypto.h"
#include "tests/dlms_meter.h"

#define ATTEMPTS 1000000
#define SEED     UINT64_C(20261121)
#define START_US INT64_C(1790000000000000)
#define LATER_US INT64_C(2000000000) /* longer than any lock-out */
#define HEARD    64                  /* APDUs of the sessions that were heard */
#define APDU     3000
#define SESSIONS 64
#define RESERVE  2000000000U

struct heard {
    uint8_t octets[APDU];
    size_t size;
    bool by_client;
};

static struct wk_dlms_meter g_meter;
static struct wk_object_table g_table;
static struct wk_session_security g_security;
static struct wk_session g_session[SESSIONS];
static struct wk_client g_client;
static struct wk_crypto g_crypto;
static struct heard g_heard[HEARD];
static size_t g_heard_count;
static int64_t g_now_us = START_US;
static uint64_t g_random;
static uint32_t g_counter = 1; /* the honest client's */
static uint8_t g_reply[WK_SESSION_REPLY];
static uint8_t g_apdu[APDU];

static void require(bool holds, const char *what)
{
    if (!holds) {
        printf("not ok - the test itself: %s\n", what);
        exit(1);
    }
}

static uint32_t draw(uint32_t below)
{
    g_random ^= g_random >> 12;
    g_random ^= g_random << 25;
    g_random ^= g_random >> 27;
    const uint32_t drawn = (uint32_t)((g_random * UINT64_C(2685821657736338717)) >> 33);
    return below > 0 ? drawn % below : 0;
}

static void draw_octets(uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        octets[i] = (uint8_t)draw(256);
    }
}

/* ---- the meter --------------------------------------------------------------------------- */

static void make_meter(void)
{
    wk_dlms_meter_secure(&g_security);
    g_security.server_next = 1;
    g_security.server_reserved = RESERVE;
    g_meter = (struct wk_dlms_meter){.security = &g_security, .closed = true};
    g_table = wk_dlms_meter_table(&g_meter);
    const struct wk_session_config config = {.table = &g_table,
                                             .security = &g_security,
                                             .crypto = &g_crypto.hal,
                                             .zone = &wk_zone_central_europe,
                                             .max_pdu = 1024};
    for (int i = 0; i < SESSIONS; i++) {
        require(wk_session_init(&g_session[i], &config) == WK_OK, "a session");
    }
}

static struct wk_bytes_in tell(int session, uint16_t sap, const uint8_t *octets, size_t size)
{
    struct wk_bytes_out reply = wk_bytes_out_of(g_reply, sizeof g_reply);
    const struct wk_session_link link = {sap, WK_SESSION_SERVER_SAP};
    const wk_err err = wk_session_receive(&g_session[session], g_now_us, link,
                                          wk_bytes_in_of(octets, size), &reply);
    require(err == WK_OK || err == WK_E_NOT_FOUND, "the session serves");
    return wk_bytes_in_of(g_reply, reply.size);
}

/* ---- the honest client ------------------------------------------------------------------- */

static bool g_listening;

static void hear(const uint8_t *octets, size_t size, bool by_client)
{
    if (!g_listening || g_heard_count == HEARD || size > APDU) {
        return;
    }
    struct heard *heard = &g_heard[g_heard_count++];
    memcpy(heard->octets, octets, size);
    heard->size = size;
    heard->by_client = by_client;
}

static wk_err drop_value(void *self, const uint8_t *octets, size_t size)
{
    (void)self;
    (void)octets;
    (void)size;
    return WK_OK;
}

/* Produces the client's next APDU in g_apdu. */
static size_t produce(void)
{
    struct wk_bytes_out out = wk_bytes_out_of(g_apdu, sizeof g_apdu);
    return wk_client_output(&g_client, g_now_us, &out) == WK_OK ? out.size : 0;
}

static wk_err run_client(int session, uint16_t sap)
{
    while (wk_client_busy(&g_client)) {
        const size_t size = produce();
        if (size == 0) {
            break;
        }
        hear(g_apdu, size, true);
        const struct wk_bytes_in reply = tell(session, sap, g_apdu, size);
        hear(reply.data, reply.size, false);
        if (reply.size == 0) {
            return WK_E_CLOSED;
        }
        WK_TRY(wk_client_receive(&g_client, g_now_us, reply));
    }
    g_counter = g_client.counter > g_counter ? g_client.counter : g_counter;
    return g_client.outcome;
}

static struct wk_client_config honest(bool general)
{
    return (struct wk_client_config){.mechanism = WK_ASSOCIATION_HLS_GMAC,
                                     .crypto = &g_crypto.hal,
                                     .keys = g_security.setup[0].keys,
                                     .title = {'C', 'L', 'T', 0, 0, 0, 0, 9},
                                     .counter = g_counter,
                                     .ciphered = true,
                                     .general_glo = general,
                                     .max_pdu = 1024,
                                     .timeout_us = 5000000};
}

static wk_err open_with(const struct wk_client_config *config, int session, uint16_t sap)
{
    g_client = (struct wk_client){0};
    WK_TRY(wk_client_init(&g_client, config));
    WK_TRY(wk_client_open(&g_client));
    return run_client(session, sap);
}

static wk_err switch_supply(bool connect, int session)
{
    static const uint8_t k_zero[] = {WK_AXDR_INTEGER, 0};
    const struct wk_client_sink sink = {NULL, drop_value};
    const struct wk_apdu_target target = {
        .class_id = 70, .obis = {0, 0, 96, 3, 10, 255}, .id = connect ? 2 : 1};
    WK_TRY(wk_client_action(&g_client, &target, wk_bytes_in_of(k_zero, sizeof k_zero), sink));
    return run_client(session, 1);
}

static wk_err read_clock(int session)
{
    const struct wk_client_sink sink = {NULL, drop_value};
    const struct wk_apdu_target target = {.class_id = 8, .obis = {0, 0, 1, 0, 0, 255}, .id = 2};
    WK_TRY(wk_client_get(&g_client, &target, sink));
    return run_client(session, 1);
}

/* Sessions that the adversary listens to: open, read, switch off and on, release. */
static void record(void)
{
    g_listening = true;
    for (int general = 0; general < 2; general++) {
        const struct wk_client_config config = honest(general != 0);
        require(open_with(&config, 0, 1) == WK_OK, "the honest client gets in");
        require(read_clock(0) == WK_OK && switch_supply(false, 0) == WK_OK &&
                    switch_supply(true, 0) == WK_OK,
                "the honest client is served");
        require(wk_client_release(&g_client) == WK_OK && run_client(0, 1) == WK_OK,
                "the honest client releases");
        wk_session_close(&g_session[0]);
    }
    g_listening = false;
    require(g_heard_count >= 20 && g_meter.changes == 4 && g_meter.closed, "what was heard");
}

/* ---- what must not happen ---------------------------------------------------------------- */

struct state {
    uint32_t changes;
    bool closed;
    struct wk_cipher_keys keys;
    struct wk_session_secret password[WK_ROLE_COUNT];
};

static struct state state_now(void)
{
    struct state state;
    memset(&state, 0, sizeof state);
    state.changes = g_meter.changes;
    state.closed = g_meter.closed;
    memcpy(&state.keys, &g_security.setup[0].keys, sizeof state.keys);
    memcpy(state.password, g_security.password, sizeof state.password);
    return state;
}

static uint32_t g_accepted;
static uint64_t g_answered; /* replays that the meter answered at all */

static void note_success(const char *attack, uint64_t seed)
{
    g_accepted++;
    if (g_accepted <= 20) {
        printf("# %s succeeded, with the generator at %llu\n", attack,
               (unsigned long long)seed);
    }
}

/* Data in clear: a GET, SET or ACTION response, or one of ACCESS. */
static bool gives_data(struct wk_bytes_in reply)
{
    return reply.size > 3 && (reply.data[0] == 0xC4 || reply.data[0] == 0xC5 ||
                              reply.data[0] == 0xC7 || reply.data[0] == 0xDA);
}

static const struct heard *heard_of_client(void)
{
    const struct heard *heard = &g_heard[draw((uint32_t)g_heard_count)];
    while (!heard->by_client) {
        heard = &g_heard[draw((uint32_t)g_heard_count)];
    }
    return heard;
}

/* ---- attacks: each returns whether the meter gave in ---------------------------------------------- */

static bool is_in(int session)
{
    return wk_session_role(&g_session[session]) == WK_ROLE_MANAGEMENT;
}

/* What was heard, in its order or in any, to a fresh session; now and then to a meter that has come
 * back from a power cut with an old counter. */
static bool replay(void)
{
    bool in = false;
    uint32_t *counter = &g_security.setup[0].counter[WK_SHIELD_UNICAST];
    const uint32_t kept = *counter;
    *counter = draw(4) == 0 ? 0 : kept;
    const bool ordered = draw(2) == 0;
    const size_t first = draw((uint32_t)g_heard_count);
    for (size_t n = 0; n < 4; n++) {
        const struct heard *heard =
            ordered ? &g_heard[(first + n) % g_heard_count] : heard_of_client();
        const struct wk_bytes_in reply = tell(1, 1, heard->octets, heard->size);
        in = in || gives_data(reply) || is_in(1);
        g_answered += reply.size > 0 ? 1 : 0;
    }
    *counter = kept;
    wk_session_close(&g_session[1]);
    return in;
}

/* A request on its way is changed; the honest association is open. */
static bool change_octets(void)
{
    static int served = 0;
    if (wk_session_role(&g_session[2]) != WK_ROLE_MANAGEMENT || served++ % 64 == 0) {
        wk_session_close(&g_session[2]);
        const struct wk_client_config config = honest(draw(2) == 0);
        require(open_with(&config, 2, 1) == WK_OK, "the honest client gets in again");
    }
    const struct wk_client_sink sink = {NULL, drop_value};
    const struct wk_apdu_target target = {
        .class_id = 70, .obis = {0, 0, 96, 3, 10, 255}, .id = 1};
    static const uint8_t k_zero[] = {WK_AXDR_INTEGER, 0};
    const struct wk_client before = g_client;
    require(wk_client_action(&g_client, &target, wk_bytes_in_of(k_zero, sizeof k_zero), sink) ==
                WK_OK,
            "a request");
    const size_t size = produce();
    g_counter = g_client.counter > g_counter ? g_client.counter : g_counter;
    const uint32_t counter = g_client.counter;
    g_client = before; /* it never came to the meter as it was */
    g_client.counter = counter;
    uint8_t sent[APDU];
    memcpy(sent, g_apdu, size);
    while (memcmp(sent, g_apdu, size) == 0) { /* two changes may undo each other */
        for (uint32_t flips = 1 + draw(3); flips > 0; flips--) {
            g_apdu[draw((uint32_t)size)] ^= (uint8_t)(1 + draw(255));
        }
    }
    const size_t cut = draw(8) == 0 ? draw((uint32_t)size) : size;
    return gives_data(tell(2, 1, g_apdu, cut));
}

static bool use_wrong_keys(void)
{
    struct wk_client_config config = honest(draw(2) == 0);
    config.counter = g_counter + draw(1000000);
    if (draw(3) == 0) { /* one bit of one key */
        config.keys.ek.octets[draw(16)] ^= (uint8_t)(1U << draw(8));
    } else if (draw(2) == 0) {
        config.keys.ak.octets[draw(16)] ^= (uint8_t)(1U << draw(8));
    } else {
        draw_octets(config.keys.ek.octets, 16);
        draw_octets(config.keys.ak.octets, 16);
    }
    const uint32_t counter = g_counter;
    const bool in = open_with(&config, 3, 1) == WK_OK || is_in(3);
    g_counter = counter;
    wk_session_close(&g_session[3]);
    return in;
}

/* An AARQ that asks the management association for less, and requests in clear behind it. */
static bool downgrade(void)
{
    static const uint8_t k_initiate[] = {0x01, 0x00, 0x00, 0x00, 0x06, 0x5F, 0x1F,
                                         0x04, 0x00, 0x00, 0x7E, 0x1F, 0x04, 0x00};
    static const uint8_t k_action[] = {0xC3, 0x01, 0xC1, 0x00, 0x46, 0,    0,   96,
                                       3,    10,   255,  0x01, 0x01, 0x0F, 0x00};
    static const uint8_t k_get[] = {0xC0, 0x01, 0xC1, 0x00, 0x01, 0,   0,
                                    43,   1,    0,    255,  0x02, 0x00};
    uint8_t secret[64];
    uint8_t title[8] = {'C', 'L', 'T', 0, 0, 0, 0, 9};
    draw_octets(secret, sizeof secret);
    const struct wk_association_request request = {
        .context = (uint8_t)(1 + draw(4)),
        .mechanism = (uint8_t)draw(8),
        .title = {draw(2) == 0 ? title : NULL, 8},
        .secret = {draw(4) == 0 ? NULL
                                : (draw(2) == 0 ? (const uint8_t *)"Wattkeeper" : secret),
                   draw(2) == 0 ? 10 : 8 + draw(56)},
        .user_info = {k_initiate, sizeof k_initiate},
    };
    struct wk_association_request safe = request;
    if (safe.secret.data != secret && safe.secret.size > 10) {
        safe.secret.size = 10;
    }
    struct wk_bytes_out out = wk_bytes_out_of(g_apdu, sizeof g_apdu);
    wk_association_put_request(&out, &safe);
    if (out.fault == WK_OK) {
        (void)tell(4, 1, g_apdu, out.size);
    }
    bool in = is_in(4);
    in = gives_data(tell(4, 1, k_get, sizeof k_get)) || in;
    in = gives_data(tell(4, 1, k_action, sizeof k_action)) || in;
    wk_session_close(&g_session[4]);
    return in;
}

/* The meter's own answers, of this and other sessions, given back as if they were the client's. */
static bool reflect(void)
{
    const struct heard *opening = &g_heard[0]; /* an AARQ with its counter */
    uint8_t back[APDU];
    uint8_t opened[APDU];
    memcpy(opened, opening->octets, opening->size);
    if (draw(2) == 0) { /* the counter in clear, raised */
        for (size_t i = 0; i + 6 < opening->size; i++) {
            if (opened[i] == 0x21 && opened[i + 2] == 0x30) {
                opened[i + 3] = (uint8_t)draw(128);
                opened[i + 4] = (uint8_t)draw(256);
            }
        }
    }
    struct wk_bytes_in reply = tell(5, 1, opened, opening->size);
    bool in = is_in(5);
    for (int n = 0; n < 3 && reply.size > 0 && reply.size <= sizeof back; n++) {
        const size_t size = reply.size;
        memcpy(back, reply.data, size);
        if (draw(2) == 0 && back[0] >= 0xCC && back[0] <= 0xCF) {
            back[0] = (uint8_t)(back[0] - 4); /* a response dressed as a request */
        }
        reply = tell(5, 1, back, size);
        in = in || is_in(5) || gives_data(reply);
    }
    const struct heard *other = &g_heard[draw((uint32_t)g_heard_count)];
    reply = tell(5, 1, other->octets, other->size);
    in = in || is_in(5) || gives_data(reply);
    wk_session_close(&g_session[5]);
    return in;
}

/* What was heard, wrapped in headers of every kind, some of them twice. */
static bool nest(void)
{
    static const uint8_t k_tags[] = {0xDB, 0xDC, 0xDD, 0xDF, 0xC8,
                                     0xCB, 0xD0, 0xD3, 0x21, 0xE0};
    const struct heard *heard = heard_of_client();
    uint8_t inner[APDU];
    size_t size = heard->size;
    memcpy(inner, heard->octets, size);
    const uint32_t layers = 1 + draw(3);
    for (uint32_t layer = 0; layer < layers && size + 64 < sizeof inner; layer++) {
        struct wk_bytes_out out = wk_bytes_out_of(g_apdu, sizeof g_apdu);
        const uint8_t tag = k_tags[draw(sizeof k_tags)];
        wk_bytes_out_u8(&out, tag);
        if (tag == 0xDB || tag == 0xDC) {
            wk_axdr_put_length(&out, 8);
            wk_bytes_out_put(&out, "CLT\0\0\0\0\x09", 8);
        } else if (tag == 0xDD || tag == 0xDF) {
            wk_bytes_out_put(&out,
                             "\x00\x08"
                             "CLT\0\0\0\0\x09"
                             "\x00\x00\x00\x00",
                             14);
        }
        wk_axdr_put_length(&out, (uint32_t)size + (draw(2) == 0 ? 5 : 0));
        wk_bytes_out_u8(&out, (uint8_t)(draw(4) << 4));
        wk_bytes_out_u32be(&out, g_counter + draw(1000));
        wk_bytes_out_put(&out, inner, size);
        if (out.fault != WK_OK || out.size > sizeof inner) {
            break;
        }
        size = out.size;
        memcpy(inner, g_apdu, size);
    }
    const bool in = gives_data(tell(6, 1, inner, size)) || is_in(6);
    wk_session_close(&g_session[6]);
    return in;
}

/* The reader, who is let in, does what readers may not. */
static bool exceed_rights(void)
{
    if (wk_session_role(&g_session[7]) != WK_ROLE_READER) {
        struct wk_client_config config = {
            .mechanism = WK_ASSOCIATION_LLS,
            .password = {(const uint8_t *)"Wattkeeper", 10},
            .max_pdu = 1024,
            .timeout_us = 5000000,
        };
        const struct wk_client kept = g_client;
        require(open_with(&config, 7, 2) == WK_OK, "the reader gets in");
        g_client = kept;
    }
    const struct wk_object *object = &g_table.rows[draw((uint32_t)g_table.count)];
    struct wk_bytes_out out = wk_bytes_out_of(g_apdu, sizeof g_apdu);
    const bool sets = draw(2) == 0;
    wk_bytes_out_u8(&out, sets ? 0xC1 : 0xC3);
    wk_bytes_out_u8(&out, 0x01);
    wk_bytes_out_u8(&out, 0xC1);
    wk_bytes_out_u16be(&out, object->class_id);
    wk_bytes_out_put(&out, object->obis, sizeof object->obis);
    wk_bytes_out_u8(&out, (uint8_t)(1 + draw(10)));
    wk_bytes_out_u8(&out, sets ? 0 : 1);
    switch (draw(4)) {
    case 0:
        wk_axdr_put_integer(&out, (int8_t)draw(3));
        break;
    case 1:
        wk_axdr_put_octet_string(&out, "0123456789abcdef", draw(17));
        break;
    case 2:
        wk_axdr_put_structure(&out, 1);
        wk_axdr_put_enum(&out, (uint8_t)draw(4));
        break;
    default:
        wk_axdr_put_double_long_unsigned(&out, draw(1000000));
        break;
    }
    const struct wk_bytes_in reply = tell(7, 2, g_apdu, out.size);
    /* a SET or ACTION response with success */
    return reply.size > 3 && (reply.data[0] == 0xC5 || reply.data[0] == 0xC7) &&
           reply.data[3] == 0;
}

/* Many connections that begin and never go on; then the honest client must be let in. */
static bool stay_half_open(void)
{
    static uint32_t round;
    const int session = 8 + (int)draw(SESSIONS - 8);
    const struct heard *heard = draw(4) == 0 ? heard_of_client() : &g_heard[0];
    const struct wk_bytes_in reply =
        tell(session, (uint16_t)(draw(3) == 0 ? 16 : 1), heard->octets, heard->size);
    const bool in = is_in(session) || gives_data(reply);
    if (++round % 4096 == 0) {
        const struct wk_client_config config = honest(false);
        wk_session_close(&g_session[0]);
        require(open_with(&config, 0, 1) == WK_OK,
                "the honest client gets in among the others");
        require(read_clock(0) == WK_OK, "the honest client is served among the others");
        wk_session_close(&g_session[0]);
        wk_session_close(&g_session[2]);
    }
    return in;
}

/* The eyes of this test see what they must: an honest client that gets in, and a change. */
static void prove(void)
{
    const struct state before = state_now();
    const struct wk_client_config config = honest(false);
    require(open_with(&config, 3, 1) == WK_OK && is_in(3), "who has the keys is seen to be in");
    wk_session_close(&g_session[3]);
    require(!is_in(3), "who left is seen to be out");
    g_meter.changes++;
    const struct state after = state_now();
    require(memcmp(&before, &after, sizeof before) != 0, "a change is seen");
    g_meter.changes--;
    uint8_t answer[] = {0xC4, 0x01, 0xC1, 0x00};
    require(gives_data(wk_bytes_in_of(answer, sizeof answer)), "data are seen");
}

/* What the meter counted: the attacks came as far as its keys. */
static void print_counts(void)
{
    printf(
        "# the meter counted %u wrong logins, %u replays, %u APDUs that it could not decipher; "
        "it answered %llu replayed APDUs\n",
        g_security.failed_logins[WK_ROLE_MANAGEMENT], g_security.replays,
        g_security.not_deciphered, (unsigned long long)g_answered);
    require(g_security.failed_logins[WK_ROLE_MANAGEMENT] > 0 && g_security.replays > 0 &&
                g_security.not_deciphered > 0,
            "the attacks reach the keys");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool (*attack)(void);
    } k_attacks[] = {
        {"replay", replay},
        {"changed octets", change_octets},
        {"wrong keys", use_wrong_keys},
        {"downgrade", downgrade},
        {"reflected challenges", reflect},
        {"nested protection", nest},
        {"rights of others", exceed_rights},
        {"half-open connections", stay_half_open},
    };
    const size_t kinds = sizeof k_attacks / sizeof k_attacks[0];
    const unsigned long long attempts = argc > 1 ? strtoull(argv[1], NULL, 10) : ATTEMPTS;
    g_random = argc > 2 ? strtoull(argv[2], NULL, 10) : SEED;
    printf("# seed %llu\n", (unsigned long long)g_random);
    require(wk_crypto_init(&g_crypto) == WK_OK, "OpenSSL");
    make_meter();
    record();
    prove();
    const struct state before = state_now();
    for (size_t kind = 0; kind < kinds; kind++) {
        const uint32_t already = g_accepted;
        for (unsigned long long n = 0; n < attempts / kinds; n++) {
            const uint64_t seed = g_random;
            g_now_us += LATER_US;
            const bool in = k_attacks[kind].attack();
            const struct state after = state_now();
            if (in || memcmp(&before, &after, sizeof before) != 0) {
                note_success(k_attacks[kind].name, seed);
                g_meter.changes = before.changes;
                g_meter.closed = before.closed;
            }
        }
        printf("%s %zu - %s: nothing is accepted\n", g_accepted == already ? "ok" : "not ok",
               kind + 1, k_attacks[kind].name);
        fflush(stdout);
    }
    print_counts();
    printf("# figure {\"figure\":\"adversary: attempts accepted of %llu\",\"value\":%u,"
           "\"unit\":\"\",\"goal\":\"0\",\"holds\":%s,\"seed\":%llu}\n",
           attempts / kinds * kinds, g_accepted, g_accepted == 0 ? "true" : "false",
           (unsigned long long)SEED);
    printf("1..%zu\n", kinds);
    wk_crypto_close(&g_crypto);
    return g_accepted == 0 ? 0 : 1;
}
