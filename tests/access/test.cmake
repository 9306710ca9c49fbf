target_link_libraries(access_test PRIVATE nlohmann_json::nlohmann_json OpenSSL::Crypto)
