target_link_libraries(inference_test PRIVATE nlohmann_json::nlohmann_json)

# With real torch: its own program, over packages that a fixture makes with the Python that has torch.
if(CONSILIA_TORCH)
  find_package(Python REQUIRED COMPONENTS Interpreter)
  set(torch_members "${CMAKE_CURRENT_BINARY_DIR}/torch_members")
  add_executable(inference_torch_test inference/torch/torch_backend_test.cpp)
  target_link_libraries(inference_torch_test PRIVATE consilia_inference GTest::gtest_main ${CMAKE_DL_LIBS})
  target_compile_options(inference_torch_test PRIVATE ${CONSILIA_WARNINGS})
  target_compile_definitions(inference_torch_test PRIVATE CONSILIA_TORCH_MEMBERS="${torch_members}")
  add_dependencies(inference_torch_test consilia_backend_torch)
  set(with_openvino)
  if(TARGET consilia_backend_openvino)
    set(with_openvino --openvino)
  endif()
  add_test(NAME inference.torch_members
           COMMAND "${Python_EXECUTABLE}" "${CMAKE_CURRENT_SOURCE_DIR}/inference/make_torch_members.py"
                   "${torch_members}" ${with_openvino})
  set_tests_properties(inference.torch_members PROPERTIES FIXTURES_SETUP torch_members TIMEOUT 300)
  gtest_discover_tests(inference_torch_test TEST_PREFIX "inference." DISCOVERY_MODE PRE_TEST
                       PROPERTIES FIXTURES_REQUIRED torch_members LABELS torch TIMEOUT 300)
endif()
