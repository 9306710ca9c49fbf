# One target a layer, and the direction of dependencies between layers.
#
# consilia_layer(<name> DEPENDS <lower layers> LIBRARIES <third-party targets>) makes the static library
# consilia::<name> from src/<name>/*.cpp. Configuring fails if a file of the layer includes a header of a layer
# that it does not depend on, directly or through others.

set(CONSILIA_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual)
if(CONSILIA_DEVELOPER)
  list(APPEND CONSILIA_WARNINGS -Werror)
endif()

if(CONSILIA_SANITIZE)
  add_compile_options(-fsanitize=${CONSILIA_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CONSILIA_SANITIZE})
  # With sanitizers gcc takes parts of a std::variant for uninitialised; its manual warns of it.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()

# Sets out to `layer` and everything below it.
function(consilia_layer_closure layer out)
  set(closure ${layer})
  foreach(lower IN LISTS CONSILIA_DEPENDS_${layer})
    consilia_layer_closure(${lower} below)
    list(APPEND closure ${below})
  endforeach()
  list(REMOVE_DUPLICATES closure)
  set(${out} ${closure} PARENT_SCOPE)
endfunction()

function(consilia_check_includes layer)
  consilia_layer_closure(${layer} allowed)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/consilia/${layer}/*.hpp"
       "${PROJECT_SOURCE_DIR}/src/${layer}/*.hpp" "${PROJECT_SOURCE_DIR}/src/${layer}/*.cpp")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${files})
  foreach(file IN LISTS files)
    file(STRINGS "${file}" includes REGEX "^[ \t]*#[ \t]*include[ \t]+\"consilia/[a-z_]+/")
    foreach(line IN LISTS includes)
      string(REGEX REPLACE ".*\"consilia/([a-z_]+)/.*" "\\1" included "${line}")
      if(NOT included IN_LIST allowed AND NOT included STREQUAL "c")
        message(FATAL_ERROR "layer `${layer}` may not include `${included}`: ${file}: ${line}\n"
                            "It may include: ${allowed}. The directions are in src/CMakeLists.txt.")
      endif()
    endforeach()
  endforeach()
endfunction()

function(consilia_layer layer)
  cmake_parse_arguments(PARSE_ARGV 1 LAYER "" "" "DEPENDS;LIBRARIES")
  set(CONSILIA_DEPENDS_${layer} ${LAYER_DEPENDS})
  set(CONSILIA_DEPENDS_${layer} ${LAYER_DEPENDS} PARENT_SCOPE)
  set_property(GLOBAL APPEND PROPERTY CONSILIA_LAYERS ${layer})
  consilia_check_includes(${layer})

  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${layer}/*.cpp")
  add_library(consilia_${layer} STATIC ${sources})
  add_library(consilia::${layer} ALIAS consilia_${layer})
  set_target_properties(consilia_${layer} PROPERTIES EXPORT_NAME ${layer})
  target_compile_features(consilia_${layer} PUBLIC cxx_std_20)
  target_compile_options(consilia_${layer} PRIVATE ${CONSILIA_WARNINGS})
  target_include_directories(
    consilia_${layer}
    PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/capi/include>
           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
  list(TRANSFORM LAYER_DEPENDS PREPEND consilia_ OUTPUT_VARIABLE lower_targets)
  target_link_libraries(consilia_${layer} PUBLIC ${lower_targets} PRIVATE ${LAYER_LIBRARIES})
endfunction()
