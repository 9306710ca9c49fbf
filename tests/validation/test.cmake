target_link_libraries(validation_test PRIVATE nlohmann_json::nlohmann_json PkgConfig::RE2)
