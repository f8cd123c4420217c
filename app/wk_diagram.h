/* SPDX-License-Identifier: Apache-2.0
 *
 * app/wk_diagram - a verdict of the installation check as text and as a page, from its JSON
 * (daemon/diagnosis). */
#ifndef WK_APP_WK_DIAGRAM_H
#define WK_APP_WK_DIAGRAM_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

void wk_diagram_text(const json_t *verdict, FILE *file);

/** A self-contained page with the vector diagram. False: it cannot be written. */
bool wk_diagram_page(const json_t *verdict, const char *path);

#endif
