# Tests: one cmocka program per tests/test_*.c, and scripts tests/test_*.sh that drive the command. A file with the line
# "/* ctest: slow */" (in a script: "# ctest: slow") has no label; all others are `fast`: ctest -L fast.
# A script finds the command in $ELBO; a C test in the macro ELBO_COMMAND, and its files in ELBO_TEST_DIR.

find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)

function(elbo_label_test name source)
    file(STRINGS ${source} slow REGEX "^(/\\*|#) ctest: slow")
    if(slow)
        set_tests_properties(${name} PROPERTIES TIMEOUT 600)
    else()
        set_tests_properties(${name} PROPERTIES LABELS fast TIMEOUT 120)
    endif()
    if(CMAKE_C_FLAGS MATCHES "--coverage") # not optimised, and counting, they are slow
        set_tests_properties(${name} PROPERTIES TIMEOUT 3000)
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
endfunction()

file(GLOB test_sources CONFIGURE_DEPENDS tests/test_*.c)
if(CMOCKA_FOUND)
    foreach(source ${test_sources})
        cmake_path(GET source STEM name)
        add_executable(${name} ${source})
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
        target_link_libraries(${name} PRIVATE elbo_internal PkgConfig::CMOCKA m)
        target_compile_definitions(${name} PRIVATE ELBO_TEST_DIR="${PROJECT_SOURCE_DIR}/tests"
            ELBO_COMMAND="$<IF:$<TARGET_EXISTS:elbo_command>,${PROJECT_BINARY_DIR}/elbo,>")
        elbo_apply_flags(${name})
        add_test(NAME ${name} COMMAND ${name})
        elbo_label_test(${name} ${source})
    endforeach()
else()
    message(WARNING "cmocka was not found: the C tests are left out. Install libcmocka-dev, or set ELBO_BUILD_TESTS=OFF.")
endif()

# The seeds of a fuzzer are the files of fuzz/seeds/NAME and fuzz/seeds/NAME-*.
foreach(source ${fuzz_sources})
    cmake_path(GET source STEM name)
    string(REGEX REPLACE "^fuzz_" "" subject ${name})
    file(GLOB seeds CONFIGURE_DEPENDS fuzz/seeds/${subject} fuzz/seeds/${subject}-*)
    elbo_add_fuzzer(replay_${subject} ${source} fuzz/replay/replay.c)
    set_target_properties(replay_${subject} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
    add_test(NAME replay_${subject} COMMAND replay_${subject} ${seeds})
    set_tests_properties(replay_${subject} PROPERTIES LABELS fast TIMEOUT 120)
endforeach()

file(GLOB test_scripts CONFIGURE_DEPENDS tests/test_*.sh)
if(TARGET elbo_command)
    foreach(script ${test_scripts})
        cmake_path(GET script STEM name)
        add_test(NAME ${name} COMMAND sh ${script})
        set_tests_properties(${name} PROPERTIES ENVIRONMENT "ELBO=$<TARGET_FILE:elbo_command>" SKIP_RETURN_CODE 77)
        elbo_label_test(${name} ${script})
    endforeach()
endif()

# What is installed serves programs outside this tree. A library with sanitizers would ask the same of its users.
if(NOT ELBO_SANITIZE)
    add_test(NAME install COMMAND ${PROJECT_SOURCE_DIR}/scripts/check-install ${PROJECT_BINARY_DIR})
    set_tests_properties(install PROPERTIES TIMEOUT 300)
endif()

# Each example is a test too: it runs in a folder of its own.
foreach(source ${example_sources})
    cmake_path(GET source STEM name)
    set(folder ${PROJECT_BINARY_DIR}/examples/run-${name})
    file(MAKE_DIRECTORY ${folder})
    add_test(NAME example_${name} COMMAND example_${name} WORKING_DIRECTORY ${folder})
    set_tests_properties(example_${name} PROPERTIES TIMEOUT 300)
endforeach()
