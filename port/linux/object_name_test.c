/* SPDX-License-Identifier: Apache-2.0 */
#include "port/linux/object_name.h"

#include <string.h>

#include "tests/wk_test.h"

static bool is(const char *text, const char *name, size_t size)
{
    return size == strlen(text) && memcmp(text, name, size) == 0;
}

static void objects_and_classes_have_the_names_of_the_text(void)
{
    static const uint8_t k_clock[] = {0, 0, 1, 0, 0, 255};
    static const uint8_t k_import[] = {1, 0, 1, 8, 0, 255};
    static const uint8_t k_none[] = {9, 9, 9, 9, 9, 9};
    EXPECT(strcmp(wk_object_name(k_clock), "clock") == 0);
    EXPECT(strcmp(wk_object_name(k_import), "active energy import") == 0);
    EXPECT(wk_object_name(k_none) == NULL);
    EXPECT(strcmp(wk_object_name_class(7), "Profile generic") == 0);
    EXPECT(wk_object_name_class(9999) == NULL);
}

static void attributes_and_methods_are_named_by_number(void)
{
    const char *name = NULL;
    size_t size = wk_object_name_attribute(3, 1, &name);
    EXPECT(is("logical_name", name, size));
    size = wk_object_name_attribute(3, 3, &name);
    EXPECT(is("scaler_unit", name, size));
    size = wk_object_name_method(70, 2, &name);
    EXPECT(is("remote_reconnect", name, size));
    EXPECT_I64(0, wk_object_name_attribute(3, 0, &name));
    EXPECT_I64(0, wk_object_name_attribute(3, 4, &name));
    EXPECT_I64(0, wk_object_name_method(1, 1, &name));
    EXPECT_I64(0, wk_object_name_method(9999, 1, &name));
}

WK_TEST_MAIN(T(objects_and_classes_have_the_names_of_the_text),
             T(attributes_and_methods_are_named_by_number))
