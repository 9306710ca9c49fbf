#pragma once
// What a form is given, whatever it is made of: the seam between the rules and JSON, values and Python.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/core/export.hpp"
#include "consilia/core/value.hpp"

namespace consilia::validation {

class FormShape;

enum class InputKind : std::uint8_t {
    Absent,
    Null,
    Boolean,
    Integer,
    Number,
    Text,
    Date,
    Timestamp,
    Uuid,
    Object,
    List,
    Json,   ///< `text` is the document; of no field but Json.
    Other,  ///< What no field takes; `text` says what it is.
};

struct CleanItems;

/// One value, borrowed from whoever gave it. As a clean value it has `node` only where it is as it was given
/// and its reader `gives_objects`.
struct Input {
    InputKind kind = InputKind::Absent;
    union {
        std::int64_t integer;
        bool boolean;
        double number;
        core::Date date;
        core::Timestamp timestamp;
    };
    union {
        std::string_view text;
        core::Uuid uuid;
        const CleanItems* items;  ///< Of a clean object or list.
    };
    const void* node = nullptr;  ///< What its reader knows it by.

    Input() noexcept : integer(0), text() {}
    static Input of(std::string_view text, const void* node = nullptr) noexcept {
        Input input;
        input.kind = InputKind::Text;
        input.text = text;
        input.node = node;
        return input;
    }
    static Input other(std::string_view what) noexcept {
        Input input = of(what);
        input.kind = InputKind::Other;
        return input;
    }
};

/// The clean values of an object, one for each field of its form and Absent where there is none; or of a
/// list, where `shape` is null.
struct CleanItems {
    const FormShape* shape = nullptr;
    std::span<const Input> values;
};

/// Names of an object that the form does not know, and names that came twice: as many as are reported.
struct StrayNames {
    static constexpr std::size_t kMax = 20;
    std::vector<std::string> unknown;
    std::vector<std::string> repeated;
};

/// Names of the fields of a form, and their places.
class CONSILIA_API FormShape {
public:
    struct Name {
        std::string text;
        bool is_list = false;
    };
    FormShape(std::vector<Name> names, std::vector<std::string> ignored);

    [[nodiscard]] std::span<const Name> names() const noexcept { return names_; }
    /// The place of a name; `size()` for one that is no field. Names in the order of the form are found at
    /// once: `guess` is the place after the last one.
    [[nodiscard]] std::size_t find(std::string_view name, std::size_t guess = 0) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
    /// Whether an unknown name is let pass.
    [[nodiscard]] bool is_ignored(std::string_view name) const noexcept;
    /// A number that no other shape of the process has.
    [[nodiscard]] std::uint64_t identity() const noexcept { return identity_; }

private:
    std::vector<Name> names_;
    std::vector<std::string> ignored_;
    std::vector<std::uint16_t> slots_;  ///< By hash: a place, or `size()`.
    std::uint64_t identity_;
};

/// Reads objects and lists of one kind of source. What it gives stays valid until the check has ended.
class InputReader {
public:
    virtual ~InputReader() = default;
    /// Fills one slot for each name of the shape; those that are not there stay Absent.
    virtual void read_object(const Input& object, const FormShape& shape, std::span<Input> slots,
                             StrayNames& strays) = 0;
    /// Appends the elements of a list, not more than `limit` + 1. @return how many there are.
    virtual std::size_t read_list(const Input& list, std::size_t limit, std::vector<Input>& elements) = 0;
    /// The whole value as JSON; empty for what JSON cannot say, or is deeper than 32.
    virtual std::string to_json(const Input& value) = 0;
    /// Whether dates, timestamps and UUIDs have types of their own, so that a strict form refuses texts.
    [[nodiscard]] virtual bool has_rich_types() const noexcept = 0;
    /// Whether a `node` is an object of the caller, which outlives the check.
    [[nodiscard]] virtual bool gives_objects() const noexcept { return false; }
    /// Nothing is read any more; tables are asked next, if they are.
    virtual void finish() {}
};

}  // namespace consilia::validation
