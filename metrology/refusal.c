/* SPDX-License-Identifier: Apache-2.0 */
#include "metrology/refusal.h"

#include <stddef.h>

#define TEXT(name, text) text,
/* A long text is one literal over two lines. NOLINTNEXTLINE(bugprone-suspicious-missing-comma) */
static const char *const k_texts[] = {"", WK_REFUSAL_LIST(TEXT)};
#undef TEXT

const char *wk_refusal_text(wk_refusal reason)
{
    const size_t at = (size_t)reason;
    return at < sizeof k_texts / sizeof k_texts[0] ? k_texts[at] : "";
}
