/* SPDX-License-Identifier: Apache-2.0
 *
 * headend/source_dlms - a meter read by DLMS/COSEM over TCP (wrapper, logical names). */
#ifndef WK_HEADEND_SOURCE_DLMS_H
#define WK_HEADEND_SOURCE_DLMS_H

#include "headend/source.h"

/** As a wk_collector_maker wants it; `unused` may be NULL. WK_E_FULL: no memory. */
WK_MUST_USE wk_err wk_source_dlms_make(void *unused, struct wk_source *source);

#endif
