/* SPDX-License-Identifier: Apache-2.0
 *
 * management/image_work - verification and staging, step by step: private to management/image. */
#ifndef WK_MANAGEMENT_IMAGE_WORK_H
#define WK_MANAGEMENT_IMAGE_WORK_H

#include "management/image.h"

void wk_image_begin_verification(struct wk_image *image);

/** What was verified is still newer than all that ran, then begins. WK_E_BUSY: it has begun;
 *  WK_E_REFUSED: it is too old by now. */
WK_MUST_USE wk_err wk_image_begin_staging(struct wk_image *image);

/** Sets and keeps the status. */
WK_MUST_USE wk_err wk_image_set_status(struct wk_image *image, wk_image_status status,
                                       wk_image_refusal refusal);

/** Reads the head of the image in the area again, as after a restart; whether there is one. */
bool wk_image_know_header(struct wk_image *image);

/** The image runs and is confirmed: nothing older is accepted any more. */
WK_MUST_USE wk_err wk_image_keep(struct wk_image *image);

#endif
