target_sources(access_bench PRIVATE access_pages.cpp)
target_link_libraries(access_bench PRIVATE SQLite::SQLite3)
target_compile_definitions(access_bench PRIVATE CONSILIA_BINARY_DIR="${PROJECT_BINARY_DIR}"
                                                CONSILIA_CLINIC_SQL="${CMAKE_CURRENT_SOURCE_DIR}/clinic/sqlite.sql")
