# The SQL compiler is held against a real SQLite.
target_link_libraries(core_test PRIVATE SQLite::SQLite3 nlohmann_json::nlohmann_json)
