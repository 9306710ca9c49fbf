target_sources(data_bench PRIVATE data_rows.cpp data_writes.cpp data_bench_postgres.cpp)
target_link_libraries(data_bench PRIVATE SQLite::SQLite3 PostgreSQL::PostgreSQL)
target_compile_definitions(data_bench PRIVATE CONSILIA_BINARY_DIR="${PROJECT_BINARY_DIR}"
                                              CONSILIA_CLINIC_SQL="${CMAKE_CURRENT_SOURCE_DIR}/clinic/sqlite.sql")

add_executable(soak_sqlite soak_sqlite.cpp)
target_link_libraries(soak_sqlite PRIVATE consilia_data)
target_include_directories(soak_sqlite PRIVATE "${PROJECT_SOURCE_DIR}/tests")
target_compile_options(soak_sqlite PRIVATE ${CONSILIA_WARNINGS})
