// Operations as JSON, as migration files hold them. Expressions and defaults are in the text form of
// expressions.
#include <algorithm>
#include <array>
#include <charconv>

#include "consilia/core/error.hpp"
#include "core/hex.hpp"
#include "operation.hpp"

namespace consilia::data {
namespace {

using core::Expression;
using core::Value;
using core::ValueType;

constexpr std::array kTypes{ValueType::Bool, ValueType::Int64,     ValueType::Double,
                            ValueType::Text, ValueType::Blob,      ValueType::Date,
                            ValueType::Uuid, ValueType::Timestamp, ValueType::Json};
constexpr std::array<std::string_view, 3> kActions{"restrict", "cascade", "set null"};

[[noreturn]] void throw_file(const std::string& why) {
    throw core::InvalidArgument("migration.file", "a migration file " + why);
}

/// Blobs and documents have no literal of their own: they are texts, the former in hexadecimal digits.
std::string default_text(const Value& value) {
    if (const auto* json = value.if_as<core::Json>()) return core::to_text(Expression::literal(json->text));
    if (const auto* blob = value.if_as<core::Blob>()) {
        return core::to_text(Expression::literal(core::hex(blob->bytes)));
    }
    return core::to_text(Expression::literal(value));
}

Value default_value(const std::string& text, ValueType type) {
    const Expression literal = core::parse_expression(text);
    if (literal.op() != core::Operator::Literal) throw_file("has a default that is no literal");
    const auto* written = literal.value().if_as<std::string>();
    if (type == ValueType::Json && written != nullptr) return core::Json{*written};
    if (type != ValueType::Blob || written == nullptr) return literal.value();
    core::Blob blob;
    for (std::size_t i = 0; i < written->size(); i += 2) {
        unsigned byte = 0;
        const char* const end = written->data() + std::min(i + 2, written->size());
        const auto [stop, error] = std::from_chars(written->data() + i, end, byte, 16);
        if (error != std::errc() || stop != written->data() + i + 2) throw_file("has a blob without digits");
        blob.bytes.push_back(static_cast<std::byte>(byte));
    }
    return blob;
}

/// An object of which every member is asked for: what is left over is a mistake.
class Reader {
public:
    explicit Reader(const Json& json) : json_(json) {
        if (!json.is_object()) throw_file("has something else where an object is wanted");
    }

    [[nodiscard]] const Json* find(const char* name) {
        const auto found = json_.find(name);
        if (found == json_.end()) return nullptr;
        ++read_;
        return &*found;
    }
    [[nodiscard]] std::string text(const char* name) {
        const Json* found = find(name);
        if (found == nullptr) throw_file("lacks `" + std::string(name) + '`');
        return found->get<std::string>();
    }
    [[nodiscard]] std::string text_or_none(const char* name) {
        const Json* found = find(name);
        return found == nullptr ? std::string() : found->get<std::string>();
    }
    [[nodiscard]] bool flag(const char* name) {
        const Json* found = find(name);
        return found != nullptr && found->get<bool>();
    }
    template <class F>
    auto list(const char* name, const F& read) {
        std::vector<decltype(read(json_))> result;
        if (const Json* found = find(name)) {
            for (const Json& each : *found) result.push_back(read(each));
        }
        return result;
    }
    void finish() const {
        if (read_ != json_.size())
            throw_file("has a member that is not known in " + json_.dump().substr(0, 80));
    }

private:
    const Json& json_;
    std::size_t read_ = 0;
};

Expression expression_from(const std::string& text) {
    return text.empty() ? Expression() : core::parse_expression(text);
}

Json to_json(const Column& column) {
    Json json{{"name", column.name}, {"type", core::to_string(column.type)}};
    if (column.is_primary_key) json["primary_key"] = true;
    if (column.is_nullable) json["nullable"] = true;
    if (!column.default_value.is_null()) json["default"] = default_text(column.default_value);
    if (column.defaults_to_now) json["default_now"] = true;
    if (column.length_max != 0) json["length_max"] = column.length_max;
    if (!column.choices.empty()) json["choices"] = column.choices;
    if (!column.check.is_always_true()) json["check"] = core::to_text(column.check);
    return json;
}

Column column_from(const Json& json) {
    Reader reader(json);
    Column column{.name = reader.text("name")};
    const std::string type = reader.text("type");
    const auto known =
        std::find_if(kTypes.begin(), kTypes.end(), [&](ValueType t) { return core::to_string(t) == type; });
    if (known == kTypes.end()) throw_file("has the type `" + type.substr(0, 40) + "`, which is not known");
    column.type = *known;
    column.is_primary_key = reader.flag("primary_key");
    column.is_nullable = reader.flag("nullable");
    if (const Json* value = reader.find("default")) {
        column.default_value = default_value(value->get<std::string>(), column.type);
    }
    column.defaults_to_now = reader.flag("default_now");
    if (const Json* length = reader.find("length_max")) column.length_max = length->get<std::int64_t>();
    if (const Json* choices = reader.find("choices")) {
        column.choices = choices->get<std::vector<std::string>>();
    }
    column.check = expression_from(reader.text_or_none("check"));
    reader.finish();
    return column;
}

Json to_json(const TableReference& reference) {
    Json json{{"relation", reference.relation},
              {"column", reference.column},
              {"target", reference.target},
              {"target_key", reference.target_key}};
    if (reference.on_delete != OnDelete::Restrict) {
        json["on_delete"] = kActions[static_cast<std::size_t>(reference.on_delete)];
    }
    return json;
}

TableReference reference_from(const Json& json) {
    Reader reader(json);
    TableReference reference{reader.text("relation"), reader.text("column"), reader.text("target"),
                             reader.text("target_key")};
    if (const Json* action = reader.find("on_delete")) {
        const auto known = std::find(kActions.begin(), kActions.end(), action->get<std::string>());
        if (known == kActions.end()) throw_file("has an `on_delete` that is not known");
        reference.on_delete = static_cast<OnDelete>(known - kActions.begin());
    }
    reader.finish();
    check_schema_name(reference.relation);
    check_schema_name(reference.target);
    check_schema_name(reference.target_key);
    return reference;
}

Json to_json(const TableIndex& index) {
    Json json{{"columns", index.columns}};
    if (index.is_unique) json["unique"] = true;
    if (!index.where.is_always_true()) json["where"] = core::to_text(index.where);
    return json;
}

TableIndex index_from(const Json& json) {
    Reader reader(json);
    TableIndex index;
    index.columns = reader.list("columns", [](const Json& each) { return each.get<std::string>(); });
    index.is_unique = reader.flag("unique");
    index.where = expression_from(reader.text_or_none("where"));
    reader.finish();
    return index;
}

Json to_json(const Expression& check) {
    return core::to_text(check);
}

Expression check_from(const Json& json) {
    return core::parse_expression(json.get<std::string>());
}

std::string text_from(const Json& json) {
    return json.get<std::string>();
}

template <class T>
void put(Json& json, const char* name, const std::vector<T>& values) {
    if (values.empty()) return;
    Json list = Json::array();
    for (const T& value : values) {
        if constexpr (std::is_same_v<T, std::string>) {
            list.push_back(value);
        } else {
            list.push_back(to_json(value));
        }
    }
    json[name] = std::move(list);
}

struct Writer {
    Json operator()(const CreateTable& create) const {
        const Table& table = create.table;
        Json json{{"op", "create_table"}, {"table", table.name}};
        put(json, "columns", table.columns);
        put(json, "references", table.references);
        put(json, "indexes", table.indexes);
        put(json, "checks", table.checks);
        if (table.has_history) json["history"] = true;
        return json;
    }
    Json operator()(const DropTable& drop) const { return {{"op", "drop_table"}, {"table", drop.table}}; }
    Json operator()(const RenameTable& rename) const {
        return {{"op", "rename_table"}, {"table", rename.from}, {"to", rename.to}};
    }
    Json operator()(const TableChange& change) const {
        Json json{{"op", "change_table"}, {"table", change.table}};
        put(json, "drop_references", change.dropped_references);
        put(json, "drop_indexes", change.dropped_indexes);
        put(json, "drop_checks", change.dropped_checks);
        for (const auto& [from, to] : change.renamed_columns) json["rename_columns"][from] = to;
        put(json, "drop_columns", change.dropped_columns);
        put(json, "change_columns", change.changed_columns);
        put(json, "add_columns", change.added_columns);
        put(json, "add_checks", change.added_checks);
        put(json, "add_references", change.added_references);
        put(json, "add_indexes", change.added_indexes);
        if (change.begins_history) json["begin_history"] = true;
        if (change.ends_history) json["end_history"] = true;
        return json;
    }
    Json operator()(const RunSql& run) const {
        Json json{{"op", "sql"}};
        const auto put_texts = [&](const char* name, const RunSql::Texts& texts) {
            json[name] = {{"up", texts.up}, {"down", texts.down}};
        };
        put_texts("sqlite", run.sqlite);
        put_texts("postgresql", run.postgresql);
        return json;
    }
};

Table table_from(Reader& reader) {
    Table table{.name = reader.text("table")};
    table.columns = reader.list("columns", column_from);
    table.references = reader.list("references", reference_from);
    table.indexes = reader.list("indexes", index_from);
    table.checks = reader.list("checks", check_from);
    table.has_history = reader.flag("history");
    return table;
}

TableChange change_from(Reader& reader) {
    TableChange change{.table = reader.text("table")};
    change.dropped_references = reader.list("drop_references", reference_from);
    change.dropped_indexes = reader.list("drop_indexes", index_from);
    change.dropped_checks = reader.list("drop_checks", check_from);
    if (const Json* renames = reader.find("rename_columns")) {
        for (const auto& [from, to] : renames->items()) {
            change.renamed_columns.emplace_back(from, to.get<std::string>());
        }
    }
    change.dropped_columns = reader.list("drop_columns", text_from);
    change.changed_columns = reader.list("change_columns", column_from);
    change.added_columns = reader.list("add_columns", column_from);
    change.added_checks = reader.list("add_checks", check_from);
    change.added_references = reader.list("add_references", reference_from);
    change.added_indexes = reader.list("add_indexes", index_from);
    change.begins_history = reader.flag("begin_history");
    change.ends_history = reader.flag("end_history");
    return change;
}

RunSql run_from(Reader& reader) {
    const auto texts = [&](const char* name) {
        RunSql::Texts result;
        const Json* found = reader.find(name);
        if (found == nullptr) return result;
        Reader inner(*found);
        result.up = inner.list("up", text_from);
        result.down = inner.list("down", text_from);
        inner.finish();
        return result;
    };
    RunSql run;
    run.sqlite = texts("sqlite");
    run.postgresql = texts("postgresql");
    return run;
}

Operation read_operation(Reader& reader) {
    const std::string name = reader.text("op");
    if (name == "create_table") return CreateTable{table_from(reader)};
    if (name == "drop_table") return DropTable{reader.text("table")};
    if (name == "rename_table") return RenameTable{reader.text("table"), reader.text("to")};
    if (name == "change_table") return change_from(reader);
    if (name == "sql") return run_from(reader);
    throw_file("has the operation `" + name.substr(0, 40) + "`, which is not known");
}

}  // namespace

Json to_json(const Operation& operation) {
    return std::visit(Writer{}, operation);
}

Operation operation_from(const Json& json) {
    try {
        Reader reader(json);
        Operation operation = read_operation(reader);
        reader.finish();
        return operation;
    } catch (const nlohmann::json::exception&) {
        throw_file("has a member of another type than is wanted");
    }
}

}  // namespace consilia::data
