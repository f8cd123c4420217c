# SPDX-License-Identifier: Apache-2.0
# What makes a file smaller on the target beyond the flags of its room: found by trying flags one
# after the other and keeping those that took at least four octets off the program that links all
# of metrology (tools/report_size.py). Kept as data: any line may go, for some octets of flash.
#   wk_smaller(FILE flags ...)
macro(wk_smaller file)
    if(WK_TARGET)
        set_property(SOURCE ${file} APPEND PROPERTY COMPILE_OPTIONS ${ARGN})
    endif()
endmacro()
