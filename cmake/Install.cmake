# cmake --install: command, libraries, header, manual pages, documents, pkg-config and CMake package files. The tree may be
# moved afterwards: nothing in it names its own place.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Elbo)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS elbo_shared EXPORT ElboTargets)
install(TARGETS elbo_static EXPORT ElboStaticTargets)
install(FILES include/elbo.h TYPE INCLUDE)
if(TARGET elbo_command)
    install(TARGETS elbo_command)
endif()
install(FILES README.md LICENSE TYPE DOC)
file(GLOB documents CONFIGURE_DEPENDS docs/*.md)
install(FILES ${documents} TYPE DOC)

# Manual pages and completions are made by the command itself, so they say what it does. It must be one that runs here.
if(TARGET elbo_command AND (NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR))
    set(manual ${PROJECT_BINARY_DIR}/manual)
    set(completion ${PROJECT_BINARY_DIR}/completion)
    add_custom_command(OUTPUT ${manual}/elbo.1
        COMMAND ${CMAKE_COMMAND} -E rm -rf ${manual} ${completion}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${manual} ${completion}
        COMMAND elbo_command completion bash > ${completion}/elbo
        COMMAND elbo_command completion zsh > ${completion}/_elbo
        COMMAND elbo_command completion fish > ${completion}/elbo.fish
        COMMAND elbo_command man --out ${manual}
        DEPENDS elbo_command COMMENT "Making manual pages and completions")
    add_custom_target(elbo_pages ALL DEPENDS ${manual}/elbo.1)
    install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
    install(FILES ${completion}/elbo DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
    install(FILES ${completion}/_elbo DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
    install(FILES ${completion}/elbo.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

# elbo.pc finds its prefix from its own place, unless a packager gave absolute folders.
macro(pkgconfig_path variable dir)
    if(IS_ABSOLUTE "${dir}")
        set(${variable} "${dir}")
    else()
        set(${variable} "\${prefix}/${dir}")
    endif()
endmacro()
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
    set(pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
    file(RELATIVE_PATH pc_up "/${pkgconfig_dir}" "/")
    string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${pc_up}")
endif()
pkgconfig_path(pc_libdir "${CMAKE_INSTALL_LIBDIR}")
pkgconfig_path(pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
configure_file(cmake/elbo.pc.in elbo.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/elbo.pc DESTINATION ${pkgconfig_dir})

configure_package_config_file(cmake/ElboConfig.cmake.in ElboConfig.cmake INSTALL_DESTINATION ${package_dir}
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(ElboConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ElboConfig.cmake ${PROJECT_BINARY_DIR}/ElboConfigVersion.cmake
    DESTINATION ${package_dir})
install(EXPORT ElboTargets NAMESPACE Elbo:: DESTINATION ${package_dir})
install(EXPORT ElboStaticTargets NAMESPACE Elbo:: DESTINATION ${package_dir})
