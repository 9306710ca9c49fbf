/* Stands for a second copy of SQLite in the process: what tells copies apart is the address of this text. */
__attribute__((visibility("default"))) const char* sqlite3_sourceid(void);

const char* sqlite3_sourceid(void) {
    static const char kSource[] = "a second copy";
    return kSource;
}
