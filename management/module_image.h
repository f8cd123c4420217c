/* SPDX-License-Identifier: Apache-2.0
 *
 * management/module_image - what happened to firmware goes into the logs. Part of the assembler,
 * private to it. */
#ifndef WK_MANAGEMENT_MODULE_IMAGE_H
#define WK_MANAGEMENT_MODULE_IMAGE_H

#include "management/module.h"

/** Logs the news of the image transfer, if there is one. */
WK_MUST_USE wk_err wk_module_image_settle(struct wk_module *module);

#endif
