target_sources(data_bench PRIVATE data_rows.cpp data_writes.cpp data_bench_postgres.cpp)
target_link_libraries(data_bench PRIVATE SQLite::SQLite3 PostgreSQL::PostgreSQL)
target_compile_definitions(data_bench PRIVATE CONSILIA_BINARY_DIR="${PROJECT_BINARY_DIR}"
                                              CONSILIA_CLINIC_SQL="${CMAKE_CURRENT_SOURCE_DIR}/clinic/sqlite.sql")
