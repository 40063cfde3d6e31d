# What elbo needs: jansson, libpng, zlib, threads; libjpeg where there is one; and oneDNN's header where there is one (the
# library itself is opened at run time, so a program runs without it). The list elbo_libraries is what libelbo links.

find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PNG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.10)

set(elbo_libraries PkgConfig::JANSSON PNG::PNG ZLIB::ZLIB Threads::Threads m ${CMAKE_DL_LIBS})

find_package(JPEG)
if(JPEG_FOUND)
    list(APPEND elbo_libraries JPEG::JPEG)
    add_compile_definitions(ELBO_HAVE_JPEG=1)
    set(pc_jpeg ", libjpeg")
else()
    message(STATUS "libjpeg: not found, so JPEG pictures cannot be read (install libjpeg-dev and configure again)")
endif()

set(elbo_onednn OFF)
if(NOT ELBO_WITH_ONEDNN STREQUAL "OFF")
    find_path(ELBO_ONEDNN_INCLUDE_DIR dnnl.h DOC "Where oneDNN's dnnl.h is")
    mark_as_advanced(ELBO_ONEDNN_INCLUDE_DIR)
    if(ELBO_ONEDNN_INCLUDE_DIR)
        set(elbo_onednn ON)
        message(STATUS "oneDNN: header found in ${ELBO_ONEDNN_INCLUDE_DIR}; the library is opened at run time")
    elseif(ELBO_WITH_ONEDNN STREQUAL "AUTO")
        message(STATUS "oneDNN: no dnnl.h, so the built-in products and convolutions are used, which are slower "
            "(install libdnnl-dev, or oneDNN, and configure again)")
    else()
        message(FATAL_ERROR "ELBO_WITH_ONEDNN=${ELBO_WITH_ONEDNN}, but dnnl.h was not found. Install libdnnl-dev (or set "
            "ELBO_ONEDNN_INCLUDE_DIR), or configure with -DELBO_WITH_ONEDNN=OFF.")
    endif()
endif()
