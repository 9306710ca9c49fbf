target_sources(data_bench PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/data_bench_postgres.cpp")
target_link_libraries(data_bench PRIVATE SQLite::SQLite3 PostgreSQL::PostgreSQL)
target_compile_definitions(data_bench PRIVATE CONSILIA_BINARY_DIR="${PROJECT_BINARY_DIR}")
