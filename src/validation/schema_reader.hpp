#pragma once
// A form from JSON Schema: one reading of one document.
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "consilia/data/model.hpp"
#include "consilia/validation/form.hpp"
#include "validation/schema_node.hpp"

namespace consilia::validation {

using SchemaModels = std::span<const std::shared_ptr<const data::Model>>;

/// The kind of a schema and whether it may be null.
struct SchemaType {
    FieldKind kind = FieldKind::Json;
    bool is_nullable = false;
};

class SchemaReader {
public:
    SchemaReader(const SchemaJson& root, SchemaModels models) : root_(root), models_(models) {}

    Form form();

private:
    static void check_dialect(const SchemaNode& node, const std::string& dialect);
    SchemaNode extension_of(const SchemaNode& node) const;
    SchemaType type_of(const SchemaNode& node, const SchemaNode& extension) const;
    FieldKind kind_of_text(const SchemaNode& node, const SchemaNode& extension) const;
    static std::optional<SchemaType> type_of_choices(const SchemaNode& node);
    Form form_of(const SchemaNode& node, const SchemaNode& extension, FormOptions options, std::size_t depth);
    Field field_of(const SchemaNode& node, std::string name, std::size_t depth);
    void read_kind(Field& field, const SchemaNode& node, const SchemaNode& extension, std::size_t depth);
    static void read_text(Field& field, const SchemaNode& node, const SchemaNode& extension);
    static void read_number(Field& field, const SchemaNode& node);
    static void read_time(Field& field, const SchemaNode& node, const SchemaNode& extension);
    void read_list(Field& field, const SchemaNode& node, std::size_t depth);
    static void read_choices(Field& field, const SchemaNode& node);
    void read_extension(Field& field, const SchemaNode& extension);
    void read_options(FormOptions& options, const SchemaNode& node, const SchemaNode& extension);
    Rule rule_of(const SchemaNode& node) const;
    UniqueTogether unique_together_of(const SchemaNode& node) const;
    RowCheck row_check(const SchemaNode& extension, std::string_view key) const;
    std::shared_ptr<const data::Model> model(const SchemaNode& node) const;

    const SchemaJson& root_;
    SchemaModels models_;
    std::size_t fields_ = 0;
};

/// The text of a condition. @throws ValidationError (`form.schema`).
core::Expression schema_expression(const SchemaNode& node, std::string_view key);

}  // namespace consilia::validation
