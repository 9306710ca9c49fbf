# Installs the C++ layers, the C library, the backends and a package file for find_package(consilia).
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/consilia")
get_property(layers GLOBAL PROPERTY CONSILIA_LAYERS)
list(TRANSFORM layers PREPEND consilia_ OUTPUT_VARIABLE targets)

install(TARGETS ${targets} consilia_c EXPORT consilia COMPONENT development)
install(DIRECTORY include/consilia TYPE INCLUDE COMPONENT development)
install(FILES capi/include/consilia.h TYPE INCLUDE COMPONENT development)
install(DIRECTORY capi/include/consilia TYPE INCLUDE COMPONENT development)
install(EXPORT consilia NAMESPACE consilia:: FILE consiliaTargets.cmake DESTINATION "${package_dir}"
        COMPONENT development)
configure_package_config_file(src/cmake/consiliaConfig.cmake.in "${PROJECT_BINARY_DIR}/consiliaConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/consiliaConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/consiliaConfig.cmake" "${PROJECT_BINARY_DIR}/consiliaConfigVersion.cmake"
              src/cmake/FindConsiliaOpenCV.cmake
        DESTINATION "${package_dir}" COMPONENT development)
