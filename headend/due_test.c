/* SPDX-License-Identifier: Apache-2.0 */
#include "headend/due.h"

#include <stdlib.h>

#include "tests/wk_test.h"

#define ROOM   257
#define ROUNDS 20000

/* Against a search through all of them. */
static void the_first_is_the_earliest_of_all_that_wait(void)
{
    const unsigned seed = 11;
    int64_t model[ROOM];
    struct wk_due due;
    srand(seed);
    printf("# seed %u\n", seed);
    EXPECT_OK(wk_due_init(&due, ROOM));
    for (size_t i = 0; i < ROOM; i++) {
        model[i] = WK_DUE_NEVER;
    }
    for (int round = 0; round < ROUNDS; round++) {
        const size_t number = (size_t)rand() % ROOM;
        const int64_t at = rand() % 4 == 0 ? WK_DUE_NEVER : rand() % 1000;
        int64_t earliest = WK_DUE_NEVER;
        size_t first = ROOM;
        model[number] = at;
        wk_due_set(&due, number, at);
        for (size_t i = 0; i < ROOM; i++) {
            earliest = model[i] < earliest ? model[i] : earliest;
        }
        EXPECT_I64(earliest, wk_due_first(&due, &first));
        EXPECT(earliest == WK_DUE_NEVER || model[first] == earliest);
    }
    wk_due_free(&due);
}

WK_TEST_MAIN(T(the_first_is_the_earliest_of_all_that_wait))
