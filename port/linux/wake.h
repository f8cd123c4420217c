/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/wake - waiting for a counter to move, within a process or over shared memory.
 *
 * The counter is the message; waking only spares the waiter its looking. A waker that was killed
 * before it woke anybody costs a timeout, never a lost count. */
#ifndef WK_PORT_LINUX_WAKE_H
#define WK_PORT_LINUX_WAKE_H

#include <stdatomic.h>
#include <stdint.h>

/** Wakes all who wait for `count`, in this process and in others that share its memory. */
void wk_wake_all(_Atomic uint64_t *count);

/** Returns when *count is not `seen`, after `most_ms`, or now and then for no reason. */
void wk_wake_wait(_Atomic uint64_t *count, uint64_t seen, int most_ms);

#endif
