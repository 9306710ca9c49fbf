target_link_libraries(access_test PRIVATE SQLiteCpp SQLite::SQLite3)
