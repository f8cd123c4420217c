/* SPDX-License-Identifier: Apache-2.0 */
#include "management/session_part.h"

#include "generated/session_parts.h" /* from model/objects.txt */
