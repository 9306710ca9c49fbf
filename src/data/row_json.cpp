// Rows as JSON, straight into a response body: what is the same for all rows is prepared once.
#include <array>
#include <charconv>
#include <cmath>

#include "consilia/core/clock.hpp"
#include "consilia/core/text.hpp"
#include "consilia/data/row_set.hpp"

namespace consilia::data {
namespace {

using core::ValueType;

template <class Number>
void append_number(std::string& out, Number number) {
    std::array<char, 32> digits{};  // Enough for the shortest form of any double (24) and int64 (20).
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

/// As `core::to_json` has it: null unless finite, and with a point or exponent.
void append_double(std::string& out, double number) {
    if (!std::isfinite(number)) {
        out += "null";
        return;
    }
    const std::size_t start = out.size();
    append_number(out, number);
    if (out.find_first_of(".e", start) == std::string::npos) out += ".0";
}

void append_escape(std::string& out, char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default: {
            constexpr std::string_view kHex = "0123456789abcdef";
            out += "\\u00";
            out += kHex[static_cast<unsigned char>(c) >> 4U];
            out += kHex[static_cast<unsigned char>(c) & 0xFU];
        }
    }
}

/// Copies runs of characters that need no escape.
void append_escaped(std::string& out, std::string_view text) {
    std::size_t run = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        out.append(text, run, i - run);
        append_escape(out, text[i]);
        run = i + 1;
    }
    out.append(text, run);
}

void append_text(std::string& out, std::string_view text) {
    out += '"';
    if (core::is_valid_utf8(text)) {
        append_escaped(out, text);
    } else {
        append_escaped(out, core::to_valid_utf8(text));
    }
    out += '"';
}

/// One member of an object: a column, or the columns [first, last) as an object of their own.
struct Member {
    std::string key;  ///< `"name":`, after a comma unless it is the first.
    std::size_t first = 0;
    std::size_t last = 0;
    std::vector<Member> members{};  ///< Empty: a column.
};

/// The members of columns [first, last), whose names all start with the same `prefix` bytes.
std::vector<Member> members_of(std::span<const RowColumn> columns, std::size_t first, std::size_t last,
                               std::size_t prefix) {
    std::vector<Member> members;
    for (std::size_t i = first; i < last;) {
        const std::string_view name = std::string_view(columns[i].name).substr(prefix);
        const std::size_t dot = name.find('.');
        std::size_t end = i + 1;
        if (dot != std::string_view::npos) {
            const std::string_view branch = std::string_view(columns[i].name).substr(0, prefix + dot + 1);
            while (end < last && columns[end].name.starts_with(branch)) ++end;
        }
        Member member;
        if (!members.empty()) member.key = ",";
        append_text(member.key, name.substr(0, dot));
        member.key += ':';
        member.first = i;
        member.last = end;
        if (dot != std::string_view::npos) member.members = members_of(columns, i, end, prefix + dot + 1);
        members.push_back(std::move(member));
        i = end;
    }
    return members;
}

void append_cell(std::string& out, const RowSet& rows, std::size_t row, std::size_t column) {
    switch (rows.type(row, column)) {
        case ValueType::Null:
            out += "null";
            return;
        case ValueType::Bool:
            out += rows.int64(row, column) != 0 ? "true" : "false";
            return;
        case ValueType::Int64:
            append_number(out, rows.int64(row, column));
            return;
        case ValueType::Double:
            append_double(out, rows.number(row, column));
            return;
        case ValueType::Text:
            append_text(out, rows.text(row, column));
            return;
        case ValueType::Json:
            out += rows.text(row, column);
            return;
        case ValueType::Timestamp:
            out += '"';
            out += core::to_iso8601(core::Timestamp{rows.int64(row, column)});
            out += '"';
            return;
        default:
            out += core::to_json(rows.value(row, column));
    }
}

void append_object(std::string& out, const RowSet& rows, std::size_t row,
                   const std::vector<Member>& members) {
    out += '{';
    for (const Member& member : members) {
        out += member.key;
        if (member.members.empty()) {
            append_cell(out, rows, row, member.first);
            continue;
        }
        bool is_absent = true;
        for (std::size_t i = member.first; i < member.last && is_absent; ++i)
            is_absent = rows.is_null(row, i);
        if (is_absent) {
            out += "null";
        } else {
            append_object(out, rows, row, member.members);
        }
    }
    out += '}';
}

}  // namespace

void append_json(std::string& out, const RowSet& rows, std::size_t row) {
    append_object(out, rows, row, members_of(rows.columns(), 0, rows.columns().size(), 0));
}

void append_json(std::string& out, const RowSet& rows) {
    const std::vector<Member> members = members_of(rows.columns(), 0, rows.columns().size(), 0);
    out += '[';
    for (std::size_t row = 0; row < rows.size(); ++row) {
        if (row != 0) out += ',';
        append_object(out, rows, row, members);
    }
    out += ']';
}

std::string to_json(const RowSet& rows) {
    std::string out;
    append_json(out, rows);
    return out;
}

}  // namespace consilia::data
