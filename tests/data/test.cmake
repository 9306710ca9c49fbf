target_link_libraries(data_test PRIVATE nlohmann_json::nlohmann_json)

# Each case of compile_fail_cases.cpp must be refused, with the message that says why; case 0 must be accepted.
set(compile_fail ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only "-I${PROJECT_SOURCE_DIR}/include"
                 "-I${PROJECT_SOURCE_DIR}/tests" "${CMAKE_CURRENT_SOURCE_DIR}/data/compile_fail_cases.cpp")
set(another_type "this field is compared with, or set to, a value of another type")
set(compile_fail_messages
    "${another_type}" "${another_type}" "${another_type}" "use is_null" "have no order" "only a text field"
    "of this type cannot be stored" "colour.* is not a member|no member named .colour" "${another_type}"
    "${another_type}" "conversion|convert" "only numbers are calculated with" "only numbers are calculated with"
    "only integers have a remainder" "${another_type}" "${another_type}" "${another_type}" "cannot be null"
    "a member of another struct" "a member of another struct" "derived_from" "a step of a path is a reference"
    "${another_type}" "grouped by a reference")
add_test(NAME data.Compile.AcceptsWhatIsRight COMMAND ${compile_fail} -DCASE=0)
set(number 0)
foreach(message IN LISTS compile_fail_messages)
  math(EXPR number "${number} + 1")
  add_test(NAME data.Compile.RefusesCase${number} COMMAND ${compile_fail} -DCASE=${number})
  set_tests_properties(data.Compile.RefusesCase${number} PROPERTIES PASS_REGULAR_EXPRESSION "${message}")
endforeach()

add_library(data_test_second_sqlite MODULE "${CMAKE_CURRENT_SOURCE_DIR}/data/second_sqlite.c")
add_dependencies(data_test data_test_second_sqlite)
target_compile_definitions(data_test PRIVATE SECOND_SQLITE="$<TARGET_FILE:data_test_second_sqlite>")
target_link_libraries(data_test PRIVATE ${CMAKE_DL_LIBS})
