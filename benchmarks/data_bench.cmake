target_link_libraries(data_bench PRIVATE SQLite::SQLite3)
