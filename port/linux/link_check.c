/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/link_check.h"

#include <inttypes.h>
#include <stdio.h>

#define US_PER_MS  1000
#define SLOW_US    INT64_C(1500000)
#define UNEVEN     4 /* the slowest takes so many times the quickest */
#define UNEVEN_US  INT64_C(200000)
#define MOSTLY_ALL 19 /* of 20: one lost is no fault */

wk_err wk_link_check_begin(struct wk_link_check *check, uint8_t path, int64_t now_us)
{
    if (check->runs) {
        return WK_E_BUSY;
    }
    *check = (struct wk_link_check){.runs = true, .path = path, .next_us = now_us};
    return WK_OK;
}

bool wk_link_check_next(struct wk_link_check *check, int64_t now_us, uint8_t *number,
                        uint8_t *size)
{
    if (!check->runs || now_us < check->next_us) {
        return false;
    }
    if (check->tried == WK_LINK_CHECK_ECHOES) {
        check->runs = false;
        return false;
    }
    *number = check->tried++;
    *size = *number % 2 == 0 ? WK_LINK_CHECK_SHORT : WK_LINK_CHECK_LONG;
    check->next_us = now_us + (check->tried < WK_LINK_CHECK_ECHOES ? WK_LINK_CHECK_US
                                                                   : WK_LINK_CHECK_WAIT_US);
    return true;
}

void wk_link_check_sent(struct wk_link_check *check, uint8_t number, int64_t now_us)
{
    check->sent_us[number] = now_us;
    check->sent++;
}

void wk_link_check_back(struct wk_link_check *check, uint8_t number, int64_t now_us)
{
    if (!check->runs || number >= check->tried || check->sent_us[number] == 0 ||
        check->took_us[number] != 0) {
        return; /* of a test before, or a second time */
    }
    check->took_us[number] =
        now_us > check->sent_us[number] ? now_us - check->sent_us[number] : 1;
    check->back++;
    if (check->back == WK_LINK_CHECK_ECHOES) {
        check->runs = false;
    }
}

struct wk_link_check_times wk_link_check_times(const struct wk_link_check *check, bool longs)
{
    struct wk_link_check_times times = {0};
    int64_t sum_us = 0;
    int64_t count = 0;
    for (int n = longs ? 1 : 0; n < WK_LINK_CHECK_ECHOES; n += 2) {
        const int64_t took_us = check->took_us[n];
        if (took_us != 0) {
            times.least_us = count == 0 || took_us < times.least_us ? took_us : times.least_us;
            times.most_us = took_us > times.most_us ? took_us : times.most_us;
            sum_us += took_us;
            count++;
        }
    }
    times.mean_us = count > 0 ? sum_us / count : 0;
    return times;
}

void wk_link_check_words(const struct wk_link_check *check, char words[WK_LINK_CHECK_WORDS])
{
    const struct wk_link_check_times times = wk_link_check_times(check, false);
    const struct wk_link_check_times longs = wk_link_check_times(check, true);
    const int64_t most_us = times.most_us > longs.most_us ? times.most_us : longs.most_us;
    const int lost = check->sent - check->back;
    if (check->sent == 0) {
        snprintf(words, WK_LINK_CHECK_WORDS,
                 "Nothing could be sent: the path is down, see what it needs");
    } else if (check->back == 0) {
        snprintf(words, WK_LINK_CHECK_WORDS,
                 "Nothing came back of %u: the path is up no more, or the other end too old to "
                 "answer",
                 check->sent);
    } else if (check->back < MOSTLY_ALL * check->sent / WK_LINK_CHECK_ECHOES) {
        snprintf(
            words, WK_LINK_CHECK_WORDS,
            "%d of %u were lost: a better place for the antenna, another channel or another "
            "cell would help",
            lost, check->sent);
    } else if (times.mean_us > SLOW_US) {
        snprintf(words, WK_LINK_CHECK_WORDS,
                 "It works, slowly: %" PRId64
                 " ms there and back. Alarms are late on this path",
                 times.mean_us / US_PER_MS);
    } else if (most_us > UNEVEN_US && most_us > UNEVEN * times.least_us) {
        snprintf(words, WK_LINK_CHECK_WORDS,
                 "It works, unevenly: %" PRId64 " to %" PRId64
                 " ms there and back. Something else fills this path",
                 times.least_us / US_PER_MS, most_us / US_PER_MS);
    } else {
        snprintf(words, WK_LINK_CHECK_WORDS, "It works: %.1f ms there and back",
                 (double)times.mean_us / US_PER_MS);
    }
}
