#include "consilia/c/data/model.h"

#include "consilia/data/full_text.hpp"
#include "consilia/data/schema.hpp"
#include "data.hpp"

namespace core = consilia::core;
namespace data = consilia::data;
using consilia::capi::borrow;
using consilia::capi::cleared;
using consilia::capi::copy_options;
using consilia::capi::enumerator;
using consilia::capi::guard;
using consilia::capi::in_use;
using consilia::capi::items;
using consilia::capi::list_of;
using consilia::capi::require;
using consilia::capi::row_set;
using consilia::capi::texts_of;
using consilia::capi::view;

static_assert(offsetof(consilia_column_t, default_value) == 40 && offsetof(consilia_column_t, check) == 96);
static_assert(offsetof(consilia_reference_t, on_delete) == 48);
static_assert(offsetof(consilia_index_t, where) == 32);
static_assert(static_cast<int>(data::OnDelete::SetNull) == CONSILIA_ON_DELETE_SET_NULL);

struct consilia_schema {
    data::Schema schema;
};

namespace {

/// The model while it may be changed.
data::Model& declared(consilia_model_t* model) {
    if (require(model, "model").declared == nullptr || model->is_in_use) {
        throw core::InvalidArgument("model.in_use", "a model that is in use does not change",
                                    {{"model", model->model->table()}});
    }
    return *model->declared;
}

/// An expression, or the one that restricts nothing.
core::Expression condition_of(consilia_str_t text) {
    const std::string_view given = view(text);
    return given.empty() ? core::Expression() : core::parse_expression(given);
}

data::Column column_of(const consilia_column_t& given) {
    return {.name = std::string(view(given.name)),
            .type = given.is_primary_key != 0 && given.type == CONSILIA_TYPE_NULL
                        ? core::ValueType::Int64
                        : consilia::capi::type_of(given.type),
            .is_nullable = given.is_nullable != 0,
            .is_unique = given.is_unique != 0,
            .is_primary_key = given.is_primary_key != 0,
            .default_value = consilia::capi::value_of(given.default_value),
            .defaults_to_now = given.defaults_to_now != 0,
            .length_max = given.length_max,
            .choices = texts_of(given.choices, given.choice_count, "choices"),
            .check = condition_of(given.check)};
}

void add_mixins(data::Model& model, int32_t mixins) {
    using core::ValueType;
    if ((mixins & CONSILIA_TIMESTAMPS) != 0) {
        model.add_column({.name = "created_at", .type = ValueType::Timestamp});
        model.add_column({.name = "updated_at", .type = ValueType::Timestamp});
    }
    if ((mixins & CONSILIA_SOFT_DELETE) != 0) {
        model.add_column({.name = "is_deleted", .type = ValueType::Bool, .default_value = false});
        model.add_column({.name = "deleted_at", .type = ValueType::Timestamp, .is_nullable = true});
        model.add_column({.name = "deleted_by", .type = ValueType::Int64, .is_nullable = true});
    }
    if ((mixins & CONSILIA_AUDIT) != 0) {
        model.add_column({.name = "created_by", .type = ValueType::Int64, .is_nullable = true});
        model.add_column({.name = "updated_by", .type = ValueType::Int64, .is_nullable = true});
    }
    if ((mixins & CONSILIA_HISTORY) != 0) model.keep_history();
}

void append_text(data::RowSet& rows, std::string_view text) {
    rows.append_bytes(core::ValueType::Text, text);
}

std::string_view name_of(data::OnDelete on_delete) {
    switch (on_delete) {
        case data::OnDelete::Cascade:
            return "cascade";
        case data::OnDelete::SetNull:
            return "set_null";
        case data::OnDelete::Restrict:
            break;
    }
    return "restrict";
}

data::RowSet described(const data::Model& model) {
    using core::ValueType;
    data::RowSet rows({{"name", ValueType::Text},
                       {"type", ValueType::Text},
                       {"is_nullable", ValueType::Bool},
                       {"is_unique", ValueType::Bool},
                       {"is_primary_key", ValueType::Bool},
                       {"default_value", ValueType::Json},
                       {"length_max", ValueType::Int64},
                       {"choices", ValueType::Json},
                       {"check", ValueType::Text},
                       {"relation", ValueType::Text},
                       {"target", ValueType::Text},
                       {"on_delete", ValueType::Text}});
    for (const data::Column& column : model.columns()) {
        append_text(rows, column.name);
        append_text(rows, core::to_string(column.type));
        for (const bool flag : {column.is_nullable, column.is_unique, column.is_primary_key})
            rows.append_int64(ValueType::Bool, flag ? 1 : 0);
        rows.append_bytes(ValueType::Json, core::to_json(column.default_value));
        rows.append_int64(ValueType::Int64, column.length_max);
        rows.append_bytes(ValueType::Json, consilia::capi::json_list(column.choices));
        append_text(rows, column.check.is_always_true() ? "" : core::to_text(column.check));
        const data::Reference* reference = nullptr;
        for (const data::Reference& other : model.references())
            if (other.column == column.name) reference = &other;
        append_text(rows, reference == nullptr ? "" : reference->relation);
        append_text(rows, reference == nullptr ? "" : reference->target->table());
        append_text(rows, reference == nullptr ? "" : name_of(reference->on_delete));
    }
    return rows;
}

}  // namespace

extern "C" {

consilia_status_t consilia_model_new(consilia_str_t table, consilia_model_t** out_model,
                                     consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_model_t*& out = cleared(out_model, "out_model");
        auto made = std::make_shared<data::Model>(std::string(view(table)));
        out = new consilia_model_t{made, made};
    });
}

void consilia_model_free(consilia_model_t* model) {
    delete model;
}

consilia_status_t consilia_model_add_column(consilia_model_t* model, const consilia_column_t* column,
                                            consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { declared(model).add_column(column_of(copy_options(&require(column, "column")))); });
}

consilia_status_t consilia_model_add_reference(consilia_model_t* model, const consilia_reference_t* reference,
                                               consilia_error_t** out_error) {
    return guard(out_error, [&] {
        data::Model& to = declared(model);
        const consilia_reference_t given = copy_options(&require(reference, "reference"));
        const bool is_self = given.target == nullptr || given.target == model;
        const std::string relation(view(given.relation));
        const bool is_named = given.column.size != 0;
        data::Reference made{.relation = relation,
                             .column = is_named ? std::string(view(given.column)) : relation + "_id",
                             .target = is_self ? to.self() : in_use(given.target),
                             .on_delete = enumerator(given.on_delete, data::OnDelete::SetNull, "on_delete")};
        if (!is_named && to.find_column(made.column) == nullptr) {
            to.add_column(
                {.name = made.column, .type = core::ValueType::Int64, .is_nullable = given.is_nullable != 0});
        }
        to.add_reference(std::move(made));
    });
}

consilia_status_t consilia_model_add_index(consilia_model_t* model, const consilia_index_t* index,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        const consilia_index_t given = copy_options(&require(index, "index"));
        declared(model).add_index({.columns = texts_of(given.columns, given.column_count, "columns"),
                                   .is_unique = given.is_unique != 0,
                                   .where = condition_of(given.where),
                                   .ignores_deleted = given.ignores_deleted != 0});
    });
}

consilia_status_t consilia_model_add_check(consilia_model_t* model, consilia_str_t condition,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] { declared(model).add_check(core::parse_expression(view(condition))); });
}

consilia_status_t consilia_model_add_scope(consilia_model_t* model, consilia_str_t name,
                                           consilia_str_t condition, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        declared(model).add_scope(std::string(view(name)),
                                  [where = core::parse_expression(view(condition))](
                                      const data::Query& query, const core::Parameters& parameters) {
                                      return query.where(where, parameters);
                                  });
    });
}

consilia_status_t consilia_model_set_full_text(consilia_model_t* model, const consilia_str_t* columns,
                                               size_t column_count, consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { declared(model).set_full_text(texts_of(columns, column_count, "columns")); });
}

consilia_status_t consilia_model_add_mixins(consilia_model_t* model, int32_t mixins,
                                            consilia_error_t** out_error) {
    return guard(out_error, [&] {
        constexpr int32_t kAll =
            CONSILIA_TIMESTAMPS | CONSILIA_SOFT_DELETE | CONSILIA_AUDIT | CONSILIA_HISTORY;
        if ((mixins & ~kAll) != 0) {
            throw core::InvalidArgument("c_api.enum", "`mixins` is no sum of its list", {{"number", mixins}});
        }
        add_mixins(declared(model), mixins);
    });
}

consilia_str_t consilia_model_table(const consilia_model_t* model) {
    return model == nullptr ? consilia_str_t{"", 0} : borrow(model->model->table());
}

consilia_status_t consilia_model_columns(const consilia_model_t* model, consilia_row_set_t** out_rows,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(described(*require(model, "model").model));
    });
}

consilia_status_t consilia_model_create_sql(const consilia_model_t* model, int32_t dialect,
                                            consilia_row_set_t** out_rows, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        out = row_set(
            list_of("sql", data::create_sql(*require(model, "model").model,
                                            enumerator(dialect, core::SqlDialect::PostgreSql, "dialect"))));
    });
}

consilia_status_t consilia_database_create_tables(consilia_database_t* database,
                                                  const consilia_model_t* const* models, size_t model_count,
                                                  consilia_error_t** out_error) {
    return guard(out_error, [&] {
        std::vector<const data::Model*> made;
        for (const consilia_model_t* model : items(models, model_count, "models"))
            made.push_back(in_use(model).get());
        data::create_tables(*require(database, "database").database, made);
    });
}

consilia_status_t consilia_database_create_full_text(consilia_database_t* database,
                                                     const consilia_model_t* model,
                                                     consilia_error_t** out_error) {
    return guard(out_error,
                 [&] { data::create_full_text(*require(database, "database").database, *in_use(model)); });
}

consilia_status_t consilia_schema_reflect(consilia_session_t* session, consilia_schema_t** out_schema,
                                          consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_schema_t*& out = cleared(out_schema, "out_schema");
        out = new consilia_schema_t{data::reflect(consilia::capi::session_of(session))};
    });
}

void consilia_schema_free(consilia_schema_t* schema) {
    delete schema;
}

consilia_status_t consilia_schema_tables(const consilia_schema_t* schema, consilia_row_set_t** out_rows,
                                         consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        data::RowSet rows({{"table", core::ValueType::Text}});
        for (const auto& model : require(schema, "schema").schema.models()) append_text(rows, model->table());
        out = row_set(std::move(rows));
    });
}

consilia_status_t consilia_schema_left_out(const consilia_schema_t* schema, consilia_row_set_t** out_rows,
                                           consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_row_set_t*& out = cleared(out_rows, "out_rows");
        data::RowSet rows({{"table", core::ValueType::Text},
                           {"part", core::ValueType::Text},
                           {"reason", core::ValueType::Text}});
        for (const data::LeftOut& left : require(schema, "schema").schema.left_out()) {
            for (const std::string& text : {left.table, left.part, left.reason}) append_text(rows, text);
        }
        out = row_set(std::move(rows));
    });
}

consilia_status_t consilia_schema_model(const consilia_schema_t* schema, consilia_str_t table,
                                        consilia_model_t** out_model, consilia_error_t** out_error) {
    return guard(out_error, [&] {
        consilia_model_t*& out = cleared(out_model, "out_model");
        out = new consilia_model_t{require(schema, "schema").schema.require(view(table))};
    });
}

}  // extern "C"
