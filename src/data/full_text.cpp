#include "consilia/data/full_text.hpp"

#include <algorithm>

#include "consilia/core/error.hpp"
#include "full_text.hpp"
#include "query_run.hpp"

namespace consilia::data {
namespace {

std::string index_table(const Model& model) {
    return core::quote_identifier(model.table() + "_search");
}

/// What PostgreSQL searches in: the same text in the index and in the query, or the index does not serve.
std::string vector_sql(const Model& model, const std::string& qualifier) {
    std::string text;
    for (const std::string& column : model.full_text()) {
        text += (text.empty() ? "" : " || ' ' || ") + std::string("coalesce(") + qualifier +
                core::quote_identifier(column) + ", '')";
    }
    return "to_tsvector('simple'::regconfig, " + text + ")";
}

std::vector<std::string> sqlite_sql(const Model& model) {
    const std::string table = core::quote_identifier(model.table());
    const std::string index = index_table(model);
    const std::string key = core::quote_identifier(model.primary_key()->name);
    std::string columns;
    std::string fresh = "new." + key;
    std::string old = "old." + key;
    for (const std::string& column : model.full_text()) {
        const std::string name = core::quote_identifier(column);
        columns += name + ", ";
        fresh += ", new." + name;
        old += ", old." + name;
    }
    const std::string names = columns.substr(0, columns.size() - 2);
    const std::string add = "INSERT INTO " + index + "(rowid, " + names + ") VALUES (" + fresh + "); ";
    const std::string drop =
        "INSERT INTO " + index + "(" + index + ", rowid, " + names + ") VALUES ('delete', " + old + "); ";
    const auto trigger = [&](const char* suffix, const std::string& when, const std::string& body) {
        return "CREATE TRIGGER IF NOT EXISTS " + core::quote_identifier(model.table() + "_search_" + suffix) +
               " AFTER " + when + " ON " + table + " BEGIN " + body + "END";
    };
    return {"CREATE VIRTUAL TABLE IF NOT EXISTS " + index + " USING fts5(" + columns + "content='" +
                model.table() + "', content_rowid='" + model.primary_key()->name + "')",
            trigger("added", "INSERT", add), trigger("removed", "DELETE", drop),
            trigger("changed", "UPDATE OF " + key + ", " + names, drop + add)};
}

}  // namespace

std::vector<std::string> full_text_sql(const Model& model, core::SqlDialect dialect) {
    if (model.full_text().empty() || model.primary_key() == nullptr) {
        throw core::InvalidArgument("model.full_text",
                                    "a full-text index needs text columns and a primary key",
                                    {{"model", model.table()}});
    }
    if (dialect == core::SqlDialect::Sqlite) return sqlite_sql(model);
    return {"CREATE INDEX IF NOT EXISTS " + core::quote_identifier(model.table() + "_search") + " ON " +
            core::quote_identifier(model.table()) + " USING gin ((" + vector_sql(model, "") + "))"};
}

void create_full_text(Database& database, const Model& model) {
    Transaction transaction = database.begin();
    const core::SqlDialect dialect = dialect_of(transaction);
    for (const std::string& sql : full_text_sql(model, dialect)) transaction.execute(sql);
    if (dialect == core::SqlDialect::Sqlite) {
        const std::string index = index_table(model);
        transaction.execute("INSERT INTO " + index + "(" + index + ") VALUES ('rebuild')");
    }
    transaction.commit();
}

std::string match_sql(QueryWriter& writer, const QueryStep& search) {
    const Model& model = writer.model();
    const std::string key = writer.alias() + '.' + core::quote_identifier(model.primary_key()->name);
    if (writer.is_sqlite()) {
        const std::string index = index_table(model);
        writer.set_search_join(" JOIN " + index + " ON " + index + ".rowid = " + key);
        return index + " MATCH " + writer.bound_value({BoundPart::Kind::ExtraValue, search.position, 0});
    }
    return vector_sql(model, writer.alias() + '.') + " @@ plainto_tsquery('simple', " +
           writer.bound_value({BoundPart::Kind::ExtraValue, search.position, 1}) + ")";
}

std::string rank_sql(QueryWriter& writer, const QueryStep& search) {
    const Model& model = writer.model();
    if (writer.is_sqlite()) return "-bm25(" + index_table(model) + ")";  // There a smaller number is better.
    return "ts_rank(" + vector_sql(model, writer.alias() + '.') + ", plainto_tsquery('simple', " +
           writer.bound_value({BoundPart::Kind::ExtraValue, search.position, 1}) + "))::float8";
}

/// Words in quotes, which FTS5 joins with AND; what is no letter or digit ends a word, as its tokenizer has
/// it. Bytes past ASCII are taken for letters here; the tokenizer knows better, and a word of none matches
/// nothing.
Query Query::search(std::string_view text, const SearchOptions& options) const {
    if (last_->model->full_text().empty() || last_->extra || last_->has(StepKind::Search)) {
        throw core::InvalidArgument("query.search",
                                    "the model has no full-text index, or is searched already",
                                    {{"model", last_->model->table()}});
    }
    std::string pattern;
    std::string plain;
    std::size_t words = 0;
    bool is_inside = false;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_letter =
            byte >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (is_letter && !is_inside) {
            if (++words > kWordsMax) break;
            pattern += pattern.empty() ? "\"" : " \"";
            plain += plain.empty() ? "" : " ";
        }
        if (!is_letter && is_inside) pattern += '"';
        is_inside = is_letter;
        if (is_letter) {
            pattern += c;
            plain += c;
        }
    }
    if (is_inside && words <= kWordsMax) pattern += '"';
    if (words == 0) throw core::InvalidArgument("query.search", "the text has no word to search for");
    QueryStep step{.kind = StepKind::Search};
    step.text = options.rank_as;
    if (!options.rank_as.empty())
        (void)annotate(options.rank_as, core::Term(0.0));  // Refuses a name that cannot be.
    auto extra = std::make_shared<StepExtra>();
    extra->values = {core::Value(std::move(pattern)), core::Value(std::move(plain))};
    step.extra = std::move(extra);
    return QueryStep::query(QueryStep::append(last_, std::move(step)));
}

}  // namespace consilia::data
