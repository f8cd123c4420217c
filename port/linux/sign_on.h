/* SPDX-License-Identifier: Apache-2.0
 *
 * port/linux/sign_on - a client's sign-on to a meter by IEC 62056-21, mode E, on a serial device
 * (an optical head): from 300 baud 7E1 to HDLC with 8N1. What the meter says: cosem/mode_e. */
#ifndef WK_PORT_LINUX_SIGN_ON_H
#define WK_PORT_LINUX_SIGN_ON_H

#include <stdint.h>

#include "base/err.h"

#define WK_SIGN_ON_ERROR 192

/** `file` is open with 300 baud 7E1. `*baud`: the highest rate wanted, 0 = the meter's; afterwards
 *  what was agreed. `deadline_us`: of the steady clock. WK_E_TIMEOUT no answer, WK_E_UNSUPPORTED
 *  the meter does not offer HDLC, WK_E_FORMAT it said something else, WK_E_IO; `error` tells. */
WK_MUST_USE wk_err wk_sign_on(int file, uint32_t *baud, int64_t deadline_us,
                              char error[WK_SIGN_ON_ERROR]);

#endif
