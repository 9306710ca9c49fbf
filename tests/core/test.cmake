# The SQL compiler is held against a real SQLite, with the functions that connections of `data` have.
target_link_libraries(core_test PRIVATE consilia_data SQLite::SQLite3 nlohmann_json::nlohmann_json)
