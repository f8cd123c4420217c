/* SPDX-License-Identifier: Apache-2.0
 *
 * Exactness of reading, with an APDU of every kind. Readers take it whole and nothing else: no
 * beginning of it, nothing behind it; what they take of its mutilations, writers write as it
 * was. */
#include "cosem/access.h"
#include "cosem/apdu.h"
#include "cosem/association.h"
#include "cosem/cosem_test.h"
#include "cosem/initiate.h"
#include "cosem/notification.h"
#include "cosem/samples_test.h"
#include "tests/wk_test.h"

#define ROOM 512

/* ---- readers and writers ----------------------------------------------------------------- */

/* Reads and, if that was right, writes again what was read. */
static wk_err read_request(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_apdu_request request;
    const wk_err err = wk_apdu_read_request(in, &request);
    if (err == WK_OK) {
        wk_apdu_put_request(out, &request);
    }
    return err;
}

static wk_err read_response(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_apdu_response response;
    const wk_err err = wk_apdu_read_response(in, &response);
    if (err == WK_OK) {
        wk_apdu_put_response(out, &response);
    }
    return err;
}

/* The list is taken apart and put together again, so its writer is seen, too. */
static wk_err read_access_request(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_access_request request;
    uint8_t room[ROOM];
    struct wk_bytes_out list = wk_bytes_out_of(room, sizeof room);
    const wk_err err = wk_access_read_request(in, &request);
    if (err != WK_OK) {
        return err;
    }
    for (uint32_t i = 0; i < request.count; i++) {
        struct wk_apdu_target target = {0};
        const wk_access_kind kind = wk_access_read_target(&request.list, &target);
        wk_access_put_target(&list,
                             kind == WK_ACCESS_GET_SELECTED   ? WK_ACCESS_GET
                             : kind == WK_ACCESS_SET_SELECTED ? WK_ACCESS_SET
                                                              : kind,
                             &target);
    }
    request.list = wk_bytes_in_of(room, list.size);
    wk_access_put_request(out, &request);
    return list.fault;
}

static wk_err read_access_response(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_access_response response;
    const wk_err err = wk_access_read_response(in, &response);
    if (err == WK_OK) {
        wk_access_put_response(out, &response);
    }
    return err;
}

static wk_err read_exception(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_apdu_exception exception;
    const wk_err err = wk_apdu_read_exception(in, &exception);
    if (err == WK_OK) {
        wk_apdu_put_exception(out, &exception);
    }
    return err;
}

static wk_err read_aarq(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_association_request request;
    const wk_err err = wk_association_read_request(in, &request);
    if (err == WK_OK) {
        wk_association_put_request(out, &request);
    }
    return err;
}

static wk_err read_aare(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_association_response response;
    const wk_err err = wk_association_read_response(in, &response);
    if (err == WK_OK) {
        wk_association_put_response(out, &response);
    }
    return err;
}

static wk_err read_release(struct wk_bytes_in *in, struct wk_bytes_out *out, uint8_t tag)
{
    struct wk_association_octets user_info;
    const wk_err err = wk_association_read_release(in, tag, &user_info);
    if (err == WK_OK) {
        wk_association_put_release(out, tag, user_info);
    }
    return err;
}

static wk_err read_initiate_request(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_initiate_request request;
    const wk_err err = wk_initiate_read_request(in, &request);
    if (err == WK_OK) {
        wk_initiate_put_request(out, &request);
    }
    return err;
}

static wk_err read_initiate_response(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_initiate_response response;
    uint8_t error = 0;
    const wk_err err = wk_initiate_read_response(in, &response, &error);
    if (err == WK_OK) {
        wk_initiate_put_response(out, &response);
    }
    if (err == WK_E_REFUSED) {
        wk_initiate_put_error(out, error);
        return WK_OK;
    }
    return err;
}

static wk_err read_confirm(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    uint32_t invoke = 0;
    const wk_err err = wk_notification_read_confirm(in, &invoke);
    if (err == WK_OK) {
        wk_notification_put_confirm(out, invoke, wk_bytes_in_of(NULL, 0));
    }
    return err;
}

static wk_err read_notification(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_notification notification;
    const wk_err err = wk_notification_read(in, &notification);
    if (err == WK_OK) {
        wk_notification_put_head(out, notification.invoke, notification.time);
        wk_bytes_out_put(out, notification.body.data, notification.body.size);
    }
    return err;
}

static wk_err read_event(struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    struct wk_notification_event event;
    const wk_err err = wk_notification_read_event(in, &event);
    if (err == WK_OK) {
        wk_notification_put_event(out, &event);
    }
    return err;
}

static wk_err read_by(wk_sample_reader which, struct wk_bytes_in *in, struct wk_bytes_out *out)
{
    switch (which) {
    case REQUEST:
        return read_request(in, out);
    case RESPONSE:
        return read_response(in, out);
    case ACCESS_REQUEST:
        return read_access_request(in, out);
    case ACCESS_RESPONSE:
        return read_access_response(in, out);
    case EXCEPTION:
        return read_exception(in, out);
    case AARQ:
        return read_aarq(in, out);
    case AARE:
        return read_aare(in, out);
    case RLRQ:
    case RLRE:
        return read_release(in, out, which == RLRQ ? WK_APDU_RLRQ : WK_APDU_RLRE);
    case INITIATE_REQUEST:
        return read_initiate_request(in, out);
    case INITIATE_RESPONSE:
        return read_initiate_response(in, out);
    case CONFIRM:
        return read_confirm(in, out);
    case NOTIFICATION:
        return read_notification(in, out);
    case EVENT:
        return read_event(in, out);
    case NONE:
        break;
    }
    return WK_E_UNSUPPORTED;
}

/* Readers of ACSE pass over fields that DLMS does not use, in any order, and take what is written
 * by rules of BER. */
static bool is_written_alike(wk_sample_reader which)
{
    return which < AARQ || which > RLRE;
}

typedef enum verdict {
    REFUSED = 0,
    SAME,  /* taken, and written as it stands there */
    TAKEN, /* taken, and what is written says the same */
    WRONG  /* taken, and something else is written */
} verdict;

static bool is_same(const struct wk_bytes_out *one, const uint8_t *octets, size_t size)
{
    return one->fault == WK_OK && one->size == size && memcmp(one->data, octets, size) == 0;
}

static verdict read_whole(const struct wk_sample *sample, const uint8_t *octets, size_t size)
{
    struct wk_bytes_in in = wk_bytes_in_of(octets, size);
    uint8_t room[ROOM];
    uint8_t again[ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    struct wk_bytes_out second = wk_bytes_out_of(again, sizeof again);
    if (sample->reader == NONE || read_by(sample->reader, &in, &out) != WK_OK) {
        return REFUSED;
    }
    if (is_same(&out, octets, size)) {
        return SAME;
    }
    in = wk_bytes_in_of(room, out.size);
    return read_by(sample->reader, &in, &second) == WK_OK && is_same(&second, room, out.size)
               ? TAKEN
               : WRONG;
}

static void expect(const struct wk_sample *sample, const uint8_t *octets, size_t size,
                   verdict least, verdict most)
{
    const verdict got = read_whole(sample, octets, size);
    if (got >= least && got <= most) {
        return;
    }
    printf("# verdict %d:", (int)got);
    for (size_t i = 0; i < size; i++) {
        printf(" %02X", octets[i]);
    }
    printf("\n");
    EXPECT(false);
}

static void what_is_whole_is_read_and_written_back(void)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_samples[i].hex);
        const verdict most = is_written_alike(k_samples[i].reader) ? SAME : TAKEN;
        if (k_samples[i].reader != NONE) {
            expect(&k_samples[i], octets.data, octets.size, SAME, most);
        }
    }
}

static void no_beginning_is_taken_and_nothing_behind_the_end(void)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        struct wk_test_octets octets = wk_test_hex(k_samples[i].hex);
        EXPECT(octets.size < sizeof octets.data);
        octets.data[octets.size] = 0;
        for (size_t size = 0; size < octets.size; size++) {
            expect(&k_samples[i], octets.data, size, REFUSED, REFUSED);
        }
        expect(&k_samples[i], octets.data, octets.size + 1, REFUSED, REFUSED);
    }
}

/* Every octet becomes each of those that end, begin or lengthen something. BOOLEAN has 255 ways
 * to be true, and lengths may be longer than they need be: such are written otherwise, but must
 * then say the same. */
static void what_is_taken_of_mutilations_is_written_as_it_was_understood(void)
{
    static const uint8_t k_octets[] = {0x00, 0x01, 0x02, 0x04, 0x06, 0x09, 0x0D, 0x7F,
                                       0x80, 0x81, 0x82, 0x83, 0xA2, 0xFE, 0xFF};
    for (size_t i = 0; i < SAMPLES; i++) {
        struct wk_test_octets octets = wk_test_hex(k_samples[i].hex);
        for (size_t at = 0; at < octets.size; at++) {
            const uint8_t right = octets.data[at];
            for (size_t j = 0; j < sizeof k_octets; j++) {
                octets.data[at] = k_octets[j];
                expect(&k_samples[i], octets.data, octets.size, REFUSED, TAKEN);
            }
            octets.data[at] = right;
        }
    }
}

/* Rooms of every size up to what is needed. */
static void what_does_not_fit_is_refused_whole(void)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct wk_test_octets octets = wk_test_hex(k_samples[i].hex);
        uint8_t room[ROOM];
        for (size_t size = 0; size < octets.size && is_written_alike(k_samples[i].reader) &&
                              k_samples[i].reader != NONE;
             size++) {
            struct wk_bytes_in in = wk_test_in(&octets);
            struct wk_bytes_out out = wk_bytes_out_of(room, size);
            EXPECT_OK(read_by(k_samples[i].reader, &in, &out));
            EXPECT_ERR(WK_E_FULL, out.fault);
            EXPECT(out.size <= size);
        }
    }
}

/* ---- words ------------------------------------------------------------------------------- */

/* Numbers as the standard has them: each has words of its own, all others share some. */
static void expect_words(const char *(*text)(uint8_t number), const uint8_t *numbers,
                         size_t count, uint8_t unknown)
{
    for (size_t i = 0; i < count; i++) {
        EXPECT(strcmp(text(numbers[i]), text(unknown)) != 0);
        for (size_t j = 0; j < i; j++) {
            EXPECT(strcmp(text(numbers[i]), text(numbers[j])) != 0);
        }
    }
    EXPECT(text(unknown)[0] != '\0');
}

static void every_result_has_words_of_its_own(void)
{
    static const uint8_t k_access[] = {0, 1, 2, 3, 4, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19};
    static const uint8_t k_service[] = {1, 2, 4, 5, 6};
    static const uint8_t k_diagnostic[] = {0, 2, 3, 11, 12, 13, 14};
    expect_words(wk_apdu_access_text, k_access, sizeof k_access, 250);
    expect_words(wk_apdu_service_error_text, k_service, sizeof k_service, 3);
    expect_words(wk_association_diagnostic_text, k_diagnostic, sizeof k_diagnostic, 1);
}

static void services_that_do_not_exist_are_not_written(void)
{
    uint8_t room[ROOM];
    struct wk_bytes_out out = wk_bytes_out_of(room, sizeof room);
    wk_apdu_put_request(&out, &(struct wk_apdu_request){.service = (wk_apdu_service)0xC0FF});
    EXPECT_ERR(WK_E_ARGUMENT, out.fault);
    out = wk_bytes_out_of(room, sizeof room);
    wk_apdu_put_response(&out, &(struct wk_apdu_response){.service = (wk_apdu_service)0xC4FF});
    EXPECT_ERR(WK_E_ARGUMENT, out.fault);
}

WK_TEST_MAIN(T(what_is_whole_is_read_and_written_back),
             T(no_beginning_is_taken_and_nothing_behind_the_end),
             T(what_is_taken_of_mutilations_is_written_as_it_was_understood),
             T(what_does_not_fit_is_refused_whole), T(every_result_has_words_of_its_own),
             T(services_that_do_not_exist_are_not_written))
