# SPDX-License-Identifier: Apache-2.0
# wk_ui_assets(PAGE ROOM HEADER TABLE COUNT USES): the built page ui/PAGE/dist as a room
find_package(Python3 REQUIRED COMPONENTS Interpreter)
function(wk_ui_assets page room header table count uses)
    set(dist ${PROJECT_SOURCE_DIR}/ui/${page}/dist)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/assets_${page}.c)
    file(GLOB files CONFIGURE_DEPENDS ${dist}/*)
    add_custom_command(OUTPUT ${out}
        COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/embed.py ${dist} ${out}
                ${header} ${table} ${count}
        DEPENDS ${files} ${PROJECT_SOURCE_DIR}/tools/embed.py)
    wk_room(${room} HOST SOURCES ${out} USES ${uses})
endfunction()
