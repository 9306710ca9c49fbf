// Rows as JSON, straight into a response body: what is the same for all rows is prepared once.
#include <vector>

#include "consilia/data/row_set.hpp"
#include "data/json_sink.hpp"

namespace consilia::data {
namespace {

using core::ValueType;

/// How the rows of a result are written: steps in the order of their text, over keys that are escaped
/// already.
class Plan {
public:
    explicit Plan(const RowSet& rows) : rows_(rows) {
        const std::size_t count = rows.columns().size();
        steps_.reserve(count * 2);
        add_members(0, count, 0);
    }

    void write(JsonSink& out, std::size_t row) const {
        out.put('{');
        for (std::size_t i = 0; i < steps_.size(); ++i) {
            const Step& step = steps_[i];
            if (step.kind == Step::Kind::Close) {
                out.put('}');
                continue;
            }
            out.raw(std::string_view(keys_).substr(step.key, step.key_size));
            if (step.kind == Step::Kind::Cell) {
                write_cell(out, row, step.first);
            } else if (is_absent(row, step)) {
                out.raw("null");
                i = step.close;
            } else {
                out.put('{');
            }
        }
        out.put('}');
    }

private:
    struct Step {
        enum class Kind : std::uint8_t { Cell, Open, Close };
        Kind kind = Kind::Close;
        std::size_t key = 0;  ///< `"name":` in `keys_`, after a comma unless it is the first of its object.
        std::size_t key_size = 0;
        std::size_t first = 0;  ///< The column, or the columns [first, last) of an object of their own.
        std::size_t last = 0;
        std::size_t close = 0;  ///< Of Open: the step that closes it.
    };

    /// Plans the columns [first, last), whose names all start with the same `prefix` bytes.
    void add_members(std::size_t first, std::size_t last, std::size_t prefix) {
        const auto columns = rows_.columns();
        for (std::size_t i = first; i < last;) {
            const std::string_view whole = columns[i].name;
            const std::string_view name = whole.substr(prefix);
            const std::size_t dot = name.find('.');
            const bool is_branch = dot != std::string_view::npos;
            std::size_t end = i + 1;
            if (is_branch) {
                const std::string_view branch = whole.substr(0, prefix + dot + 1);
                while (end < last && columns[end].name.starts_with(branch)) ++end;
            }
            Step step{is_branch ? Step::Kind::Open : Step::Kind::Cell, keys_.size(), 0, i, end, 0};
            append_key(name.substr(0, dot), i != first);
            step.key_size = keys_.size() - step.key;
            const std::size_t place = steps_.size();
            steps_.push_back(step);
            if (is_branch) {
                add_members(i, end, prefix + dot + 1);
                steps_[place].close = steps_.size();
                steps_.emplace_back();
            }
            i = end;
        }
    }

    void append_key(std::string_view name, bool has_comma) {
        JsonSink sink(keys_);
        if (has_comma) sink.put(',');
        sink.text(name);
        sink.put(':');
        sink.flush();
    }

    [[nodiscard]] bool is_absent(std::size_t row, const Step& step) const {
        for (std::size_t i = step.first; i < step.last; ++i) {
            if (!rows_.column(i).is_null(row)) return false;
        }
        return true;
    }

    void write_cell(JsonSink& out, std::size_t row, std::size_t column) const {
        const ColumnData& cells = rows_.column(column);
        switch (cells.type(row)) {
            case ValueType::Null:
                return out.raw("null");
            case ValueType::Bool:
                return out.raw(cells.int64(row) != 0 ? "true" : "false");
            case ValueType::Int64:
                return out.integer(cells.int64(row));
            case ValueType::Double:
                return out.number(cells.number(row));
            case ValueType::Text:
                return out.text(cells.bytes(row));
            case ValueType::Json:
                return out.raw(cells.bytes(row));
            case ValueType::Date:
                return out.date(cells.date(row));
            case ValueType::Timestamp:
                return out.timestamp({cells.int64(row)});
            case ValueType::Uuid:
            case ValueType::Blob:
                return out.raw(core::to_json(rows_.value(row, column)));
        }
    }

    const RowSet& rows_;
    std::vector<Step> steps_;
    std::string keys_;
};

}  // namespace

void append_json(std::string& out, const RowSet& rows, std::size_t row) {
    JsonSink sink(out);
    Plan(rows).write(sink, row);
    sink.flush();
}

void append_json(std::string& out, const RowSet& rows) {
    const Plan plan(rows);
    JsonSink sink(out);
    sink.put('[');
    for (std::size_t row = 0; row < rows.size(); ++row) {
        if (row != 0) sink.put(',');
        plan.write(sink, row);
    }
    sink.put(']');
    sink.flush();
}

std::string to_json(const RowSet& rows) {
    std::string out;
    append_json(out, rows);
    return out;
}

}  // namespace consilia::data
