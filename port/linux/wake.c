/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/wake.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MS_PER_S  1000
#define NS_PER_MS 1000000L

/* The kernel looks at 32 bits: the low ones, which change with every count. */
static uint32_t *low_word(_Atomic uint64_t *count)
{
    uint32_t *words = (uint32_t *)(uintptr_t)count;
    return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? words + 1 : words;
}

void wk_wake_all(_Atomic uint64_t *count)
{
    (void)syscall(SYS_futex, low_word(count), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void wk_wake_wait(_Atomic uint64_t *count, uint64_t seen, int most_ms)
{
    const struct timespec most = {.tv_sec = most_ms / MS_PER_S,
                                  .tv_nsec = (long)(most_ms % MS_PER_S) * NS_PER_MS};
    if (atomic_load(count) == seen) {
        (void)syscall(SYS_futex, low_word(count), FUTEX_WAIT, (uint32_t)seen, &most, NULL, 0);
    }
}
