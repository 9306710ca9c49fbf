target_sources(data_bench PRIVATE data_rows.cpp)
target_link_libraries(data_bench PRIVATE SQLite::SQLite3)
