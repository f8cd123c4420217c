/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/wk_test - a table of named tests that prints TAP, on Linux and on a Cortex-M.
 *
 * A test's name is a sentence the code promises. A failed EXPECT ends its test; the others go
 * on. The exit status is 1 if any failed. WK_TEST_FIGURE reports a measured figure, which
 * ./test collects in build/report/figures.jsonl. Include from one .c file per program. */
#ifndef WK_TESTS_WK_TEST_H
#define WK_TESTS_WK_TEST_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

struct wk_test {
    const char *name;
    void (*run)(void);
};

static bool wk_test_failed_;

#define T(function)                                                                            \
    {                                                                                          \
#function, function                                                                    \
    }

#define WK_TEST_FAIL_(...)                                                                     \
    do {                                                                                       \
        wk_test_failed_ = true;                                                                \
        printf("# %s:%d: ", __FILE__, __LINE__);                                               \
        printf(__VA_ARGS__);                                                                   \
        printf("\n");                                                                          \
        return;                                                                                \
    } while (0)

#define EXPECT(condition)                                                                      \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            WK_TEST_FAIL_("expected %s", #condition);                                          \
        }                                                                                      \
    } while (0)

#define EXPECT_ERR(wanted, call)                                                               \
    do {                                                                                       \
        const wk_err got_ = (call);                                                            \
        if (got_ != (wanted)) {                                                                \
            WK_TEST_FAIL_("%s gave %s, not %s", #call, wk_err_name(got_),                      \
                          wk_err_name(wanted));                                                \
        }                                                                                      \
    } while (0)

#define EXPECT_OK(call) EXPECT_ERR(WK_OK, call)

#define EXPECT_I64(wanted, value)                                                              \
    do {                                                                                       \
        const int64_t want_ = (int64_t)(wanted);                                               \
        const int64_t got_ = (int64_t)(value);                                                 \
        if (want_ != got_) {                                                                   \
            WK_TEST_FAIL_("%s is %" PRId64 ", not %" PRId64, #value, got_, want_);             \
        }                                                                                      \
    } while (0)

/* |value - wanted| <= tolerance */
#define EXPECT_NEAR(wanted, value, tolerance)                                                  \
    do {                                                                                       \
        const double want_ = (double)(wanted);                                                 \
        const double got_ = (double)(value);                                                   \
        const double off_ = got_ > want_ ? got_ - want_ : want_ - got_;                        \
        if (!(off_ <= (double)(tolerance))) {                                                  \
            WK_TEST_FAIL_("%s is %.9g, not %.9g +/- %.3g", #value, got_, want_,                \
                          (double)(tolerance));                                                \
        }                                                                                      \
    } while (0)

#define EXPECT_BYTES(wanted, value, size)                                                      \
    do {                                                                                       \
        if (memcmp((wanted), (value), (size)) != 0) {                                          \
            WK_TEST_FAIL_("%s differs from %s", #value, #wanted);                              \
        }                                                                                      \
    } while (0)

/* `goal` is text such as "<= 0.001"; `holds` says whether the value meets it. */
#define WK_TEST_FIGURE(name, value, unit, goal, holds, seed)                                   \
    printf("# figure {\"figure\":\"%s\",\"value\":%.9g,\"unit\":\"%s\",\"goal\":\"%s\","       \
           "\"holds\":%s,\"seed\":%lld}\n",                                                    \
           name, (double)(value), unit, goal, (holds) ? "true" : "false", (long long)(seed))

static int wk_test_main_(const struct wk_test *tests, int count)
{
    int failed = 0;
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        wk_test_failed_ = false;
        tests[i].run();
        failed += wk_test_failed_ ? 1 : 0;
        printf("%sok %d - %s\n", wk_test_failed_ ? "not " : "", i + 1, tests[i].name);
        fflush(stdout);
    }
    return failed == 0 ? 0 : 1;
}

#define WK_TEST_MAIN(...)                                                                      \
    int main(void)                                                                             \
    {                                                                                          \
        static const struct wk_test k_tests_[] = {__VA_ARGS__};                                \
        return wk_test_main_(k_tests_, (int)(sizeof k_tests_ / sizeof k_tests_[0]));           \
    }

#endif
