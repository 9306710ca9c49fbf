# Ensembles beside a plain loop over libtorch, found where the torch backend finds it.
add_executable(ensemble ensemble.cpp)
target_link_libraries(ensemble PRIVATE consilia_inference nlohmann_json::nlohmann_json)
target_compile_options(ensemble PRIVATE ${CONSILIA_WARNINGS})
if(CONSILIA_TORCH)
  get_target_property(torch_includes consilia_backend_torch INCLUDE_DIRECTORIES)
  get_target_property(torch_libraries consilia_backend_torch LINK_LIBRARIES)
  get_target_property(torch_rpath consilia_backend_torch BUILD_RPATH)
  add_executable(torch_loop torch_loop.cpp)
  target_include_directories(torch_loop SYSTEM PRIVATE ${torch_includes})
  target_link_libraries(torch_loop PRIVATE ${torch_libraries} nlohmann_json::nlohmann_json)
  set_target_properties(torch_loop PROPERTIES BUILD_RPATH "${torch_rpath}")
endif()

# The dispatcher under three times the load that it can serve.
add_executable(overload overload.cpp)
target_link_libraries(overload PRIVATE consilia_inference nlohmann_json::nlohmann_json)
target_compile_options(overload PRIVATE ${CONSILIA_WARNINGS})
