# SPDX-License-Identifier: Apache-2.0
# What makes a file smaller on the target beyond the flags of its room: found by trying flags one
# after the other and keeping those that took at least four octets off the program that links all
# of metrology (tools/report_size.py). Kept as data: any line may go, for some octets of flash.
#   wk_smaller(FILE flags ...)
#   wk_serves(FILE ...), wk_serving(TARGET ...)
# The same for all that serves COSEM, which is compiled as a whole on the target.
set(WK_SERVES -flto -ffat-lto-objects -fno-tree-dominator-opts -fira-algorithm=priority
    -fno-tree-coalesce-vars -fno-if-conversion -fno-schedule-insns2 -fno-caller-saves
    -fno-move-loop-invariants -fno-tree-loop-im -fno-reorder-blocks -fno-code-hoisting
    -fno-tree-sra -fno-tree-pre -fno-tree-forwprop -fno-section-anchors -mno-unaligned-access)
macro(wk_serves)
    if(WK_TARGET)
        set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS ${WK_SERVES})
    endif()
endmacro()
function(wk_serving)
    foreach(target ${ARGN})
        if(WK_TARGET)
            target_compile_options(${target} PRIVATE ${WK_SERVES})
        endif()
    endforeach()
endfunction()
macro(wk_smaller file)
    if(WK_TARGET)
        set_property(SOURCE ${file} APPEND PROPERTY COMPILE_OPTIONS ${ARGN})
    endif()
endmacro()
