/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/source_dlms - a meter read by DLMS/COSEM over TCP (wrapper, logical names). */
#ifndef WK_HEADEND_SOURCE_DLMS_H
#define WK_HEADEND_SOURCE_DLMS_H

#include "headend/source.h"

/** WK_E_FULL: no memory. */
WK_MUST_USE wk_err wk_source_dlms_make(struct wk_source *source);

#endif
