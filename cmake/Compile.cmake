# How elbo's C is compiled: the build type, the flags of every target, and the flags a source file asks for itself.

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo" FORCE)
endif()
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}") # -O3 is for kernels, below

if(ELBO_SANITIZE)
    set(sanitize_flags -fsanitize=${ELBO_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -g)
    set(sanitize_definition ELBO_SANITIZED)
endif()

# Results must not depend on the compiler's taste: no contraction of a*b+c. Nothing in elbo reads errno or the exception
# flags after arithmetic, so both may be given up, which lets loops vectorise.
set(arithmetic_flags -ffp-contract=off -fno-math-errno -fno-trapping-math)
# Messages and names are cut at the size of their buffer on purpose, which gcc would warn of. A term of a loss is written with
# the fields it has, the others are zero; clang would warn of those.
set(warning_flags -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation> $<$<C_COMPILER_ID:Clang>:-Wno-missing-field-initializers> $<$<BOOL:${ELBO_WERROR}>:-Werror>)
set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)

function(elbo_apply_flags target)
    set_target_properties(${target} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
    target_compile_definitions(${target} PRIVATE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE ${sanitize_definition})
    target_compile_options(${target} PRIVATE ${warning_flags} ${arithmetic_flags} ${sanitize_flags}
        -fstack-protector-strong -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
    if(NOT ELBO_SANITIZE)
        target_compile_options(${target} PRIVATE $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=2>)
    endif()
    elbo_apply_link_flags(${target})
endfunction()

function(elbo_apply_link_flags target)
    target_link_options(${target} PRIVATE ${sanitize_flags})
    if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
        target_link_options(${target} PRIVATE LINKER:-z,relro LINKER:-z,now)
        if(NOT ELBO_SANITIZE) # sanitizers leave their own names undefined in a shared library
            target_link_options(${target} PRIVATE LINKER:-z,defs)
        endif()
    endif()
endfunction()

# Kernels, the optimisers, the random numbers, the Gaussian's fit and the resizing and measuring of data are compiled with -O3,
# where no sanitizer slows compilation. Beyond that a source file may ask for flags in a line of its own,
#     /* cflags: -fno-tree-vectorize */    or, for one kind of processor,    /* cflags x86_64: -mavx2 -mfma */
# On another kind of processor the line is nothing, and the file must still compile.
function(elbo_apply_file_flags)
    foreach(source ${ARGN})
        if(source MATCHES "/src/(kernels/|base/philox\\.c$|nn/optim\\.c$|stats/gaussian\\.c$|data/(array|fit)\\.c$)" AND NOT ELBO_SANITIZE)
            set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS $<$<NOT:$<CONFIG:Debug>>:-O3>)
        endif()
        if(source MATCHES "/src/kernels/")
            set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
            file(STRINGS ${source} lines REGEX "^/\\* cflags[^:]*: .+ \\*/$")
            foreach(line ${lines})
                string(REGEX MATCH "^/\\* cflags ?([^:]*): (.+) \\*/$" matched "${line}")
                if(CMAKE_MATCH_1 STREQUAL "" OR CMAKE_MATCH_1 STREQUAL CMAKE_SYSTEM_PROCESSOR)
                    separate_arguments(flags UNIX_COMMAND "${CMAKE_MATCH_2}")
                    set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS ${flags})
                endif()
            endforeach()
        endif()
    endforeach()
endfunction()

# Makes a static library of all objects linked into one, in which names with hidden visibility are local. Where that cannot
# be done (no objcopy, sanitizers) the objects go in as they are, and elbo_names_local is off.
set(elbo_names_local ON)
if(ELBO_SANITIZE OR NOT CMAKE_OBJCOPY OR NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    set(elbo_names_local OFF)
endif()

function(elbo_one_object library objects)
    if(NOT elbo_names_local)
        target_sources(${library} PRIVATE $<TARGET_OBJECTS:${objects}>)
        return()
    endif()
    set(one ${PROJECT_BINARY_DIR}/${library}.o)
    add_custom_command(OUTPUT ${one}
        COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${one} $<TARGET_OBJECTS:${objects}>
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${one}
        DEPENDS ${objects} $<TARGET_OBJECTS:${objects}>
        COMMAND_EXPAND_LISTS VERBATIM COMMENT "Linking ${library}.o, internal names local")
    target_sources(${library} PRIVATE ${one})
endfunction()
