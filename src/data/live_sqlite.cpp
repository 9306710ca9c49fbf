// SQLite's catalogue: pragmas, and the text of CREATE TABLE for what no pragma tells.
#include <algorithm>
#include <cctype>

#include "live.hpp"

namespace consilia::data {
namespace {

using core::Value;

/// Walks over the words, names and brackets of a statement of SQLite's catalogue.
class Scanner {
public:
    explicit Scanner(std::string_view sql) : sql_(sql) {}

    /// The next token; empty at the end. Comments and blanks are skipped, quoted names keep their quotes.
    std::string_view next() {
        skip_blanks();
        const std::size_t start = at_;
        if (at_ >= sql_.size()) return {};
        const char c = sql_[at_];
        if (c == '\'' || c == '"' || c == '`' || c == '[') {
            skip_quoted(c == '[' ? ']' : c);
        } else if (is_word(c)) {
            while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
        } else {
            ++at_;
        }
        return sql_.substr(start, at_ - start);
    }

    /// What stands between the bracket that was read and its partner.
    std::string_view bracketed() {
        const std::size_t start = at_;
        std::size_t end = at_;
        for (int depth = 1; depth > 0;) {
            end = at_;
            const std::string_view token = next();
            if (token.empty()) break;
            if (token == "(") ++depth;
            if (token == ")") {
                end = at_ - 1;
                --depth;
            }
        }
        return sql_.substr(start, end - start);
    }

    [[nodiscard]] std::string_view rest() const { return sql_.substr(std::min(at_, sql_.size())); }

private:
    static bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

    void skip_blanks() {
        while (at_ < sql_.size()) {
            if (std::isspace(static_cast<unsigned char>(sql_[at_])) != 0) {
                ++at_;
            } else if (sql_.substr(at_, 2) == "--") {
                at_ = std::min(sql_.find('\n', at_), sql_.size());
            } else if (sql_.substr(at_, 2) == "/*") {
                const std::size_t end = sql_.find("*/", at_ + 2);
                at_ = end == std::string_view::npos ? sql_.size() : end + 2;
            } else {
                return;
            }
        }
    }

    void skip_quoted(char close) {
        for (++at_; at_ < sql_.size(); ++at_) {
            if (sql_[at_] != close) continue;
            if (at_ + 1 < sql_.size() && sql_[at_ + 1] == close && close != ']') {
                ++at_;
                continue;
            }
            ++at_;
            return;
        }
    }

    std::string_view sql_;
    std::size_t at_ = 0;
};

std::string upper(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return result;
}

std::string unquoted(std::string_view token) {
    if (token.size() < 2 || (token[0] != '"' && token[0] != '`' && token[0] != '['))
        return std::string(token);
    std::string name;
    for (std::size_t i = 1; i + 1 < token.size(); ++i) {
        name += token[i];
        if (token[0] != '[' && token[i] == token[0]) ++i;
    }
    return name;
}

std::map<std::string, std::string> read_checks(std::string_view create_sql) {
    std::map<std::string, std::string> checks;
    Scanner scanner(create_sql);
    std::string name;
    for (std::string_view token = scanner.next(); !token.empty(); token = scanner.next()) {
        const std::string word = upper(token);
        if (word == "CONSTRAINT") {
            name = unquoted(scanner.next());
        } else if (word == "CHECK" && scanner.next() == "(") {
            const std::string key = name.empty() ? "unnamed " + std::to_string(checks.size() + 1) : name;
            checks.try_emplace(key, scanner.bracketed());
            name.clear();
        } else {
            name.clear();
        }
    }
    return checks;
}

/// The condition of a partial index: what follows the first WHERE outside brackets.
std::string read_where(std::string_view create_sql) {
    Scanner scanner(create_sql);
    for (std::string_view token = scanner.next(); !token.empty(); token = scanner.next()) {
        if (token == "(") {
            (void)scanner.bracketed();
        } else if (upper(token) == "WHERE") {
            const std::string_view rest = scanner.rest();
            return std::string(rest.substr(std::min(rest.find_first_not_of(" \n\t\r"), rest.size())));
        }
    }
    return {};
}

OnDelete on_delete(std::string_view action) {
    if (action == "CASCADE") return OnDelete::Cascade;
    return action == "SET NULL" ? OnDelete::SetNull : OnDelete::Restrict;
}

void read_columns(const Session& session, LiveTable& table) {
    const RowSet rows = session.query(
        "SELECT name, type, \"notnull\", ifnull(dflt_value, ''), pk FROM pragma_table_xinfo(?) "
        "WHERE hidden = 0 ORDER BY cid",
        std::vector<Value>{table.name});
    const auto key_size = [&] {
        std::int64_t count = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) count += rows.int64(i, 4) != 0 ? 1 : 0;
        return count;
    }();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        table.columns.push_back({.name = std::string(rows.text(i, 0)),
                                 .sql_type = upper(rows.text(i, 1)),
                                 .is_not_null = rows.int64(i, 2) != 0,
                                 .is_primary_key = rows.int64(i, 4) != 0 && key_size == 1,
                                 .default_sql = std::string(rows.text(i, 3))});
    }
}

void read_indexes(const Session& session, LiveTable& table) {
    const RowSet rows = session.query(
        "SELECT l.name, l.\"unique\", ifnull(m.sql, ''), x.name, x.\"desc\" "
        "FROM pragma_index_list(?) AS l JOIN pragma_index_xinfo(l.name) AS x "
        "LEFT JOIN sqlite_schema AS m ON m.type = 'index' AND m.name = l.name "
        "WHERE l.origin <> 'pk' AND x.key = 1 ORDER BY l.name, x.seqno",
        std::vector<Value>{table.name});
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::string_view name = rows.text(i, 0);
        if (table.indexes.empty() || table.indexes.back().name != name) {
            table.indexes.push_back({.name = std::string(name),
                                     .columns = {},
                                     .is_unique = rows.int64(i, 1) != 0,
                                     .where_sql = read_where(rows.text(i, 2))});
        }
        std::string column(rows.is_null(i, 3) ? std::string_view() : rows.text(i, 3));
        table.indexes.back().columns.push_back(rows.int64(i, 4) != 0 ? '-' + column : column);
    }
}

void read_references(const Session& session, LiveTable& table) {
    const RowSet rows = session.query(
        "SELECT id, \"table\", \"from\", ifnull(\"to\", ''), on_delete FROM pragma_foreign_key_list(?) "
        "ORDER BY id, seq",
        std::vector<Value>{table.name});
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (i == 0 || rows.int64(i, 0) != rows.int64(i - 1, 0)) {
            table.references.push_back({.columns = {},
                                        .target = std::string(rows.text(i, 1)),
                                        .target_columns = {},
                                        .on_delete = on_delete(rows.text(i, 4))});
        }
        table.references.back().columns.emplace_back(rows.text(i, 2));
        table.references.back().target_columns.emplace_back(rows.text(i, 3));
    }
}

}  // namespace

LiveTables read_live_sqlite(const Session& session) {
    LiveTables tables;
    const RowSet rows = session.query(
        "SELECT t.name, m.sql FROM pragma_table_list AS t JOIN sqlite_schema AS m "
        "ON m.type = 'table' AND m.name = t.name "
        "WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
    for (std::size_t i = 0; i < rows.size(); ++i) {
        LiveTable table{.name = std::string(rows.text(i, 0))};
        table.checks = read_checks(rows.text(i, 1));
        read_columns(session, table);
        read_indexes(session, table);
        read_references(session, table);
        tables.emplace(table.name, std::move(table));
    }
    const RowSet triggers = session.query("SELECT tbl_name, name FROM sqlite_schema WHERE type = 'trigger'");
    for (std::size_t i = 0; i < triggers.size(); ++i) {
        const auto table = tables.find(triggers.text(i, 0));
        if (table != tables.end()) table->second.triggers.emplace_back(triggers.text(i, 1));
    }
    // A reference that names no column means the primary key.
    for (auto& [name, table] : tables) {
        for (LiveReference& reference : table.references) {
            const auto target = tables.find(reference.target);
            if (target == tables.end() || !reference.target_columns.front().empty()) continue;
            for (const LiveColumn& column : target->second.columns) {
                if (column.is_primary_key) reference.target_columns.front() = column.name;
            }
        }
    }
    return tables;
}

}  // namespace consilia::data
