#include "validation/value_reader.hpp"

#include "validation/form_check.hpp"

namespace consilia::validation {

Input ValueReader::root() const {
    Input input;
    input.kind = InputKind::Object;
    return input;
}

void ValueReader::read_object(const Input&, const FormShape& shape, std::span<Input> slots,
                              StrayNames& strays) {
    std::size_t guess = 0;
    for (const auto& [name, value] : values_) {
        const std::size_t place = shape.find(name, guess);
        if (place == shape.size()) {
            if (strays.unknown.size() < StrayNames::kMax) strays.unknown.push_back(name);
            continue;
        }
        guess = place + 1;
        if (shape.names()[place].is_list && value.type() != core::ValueType::Null) {
            slots[place].kind = InputKind::List;
            slots[place].node = &shape.names()[place].text;
        } else if (slots[place].kind != InputKind::Absent) {
            if (strays.repeated.size() < StrayNames::kMax) strays.repeated.push_back(name);
        } else {
            slots[place] = to_input(value);
        }
    }
}

std::size_t ValueReader::read_list(const Input& list, std::size_t limit, std::vector<Input>& elements) {
    std::size_t count = 0;
    for (const auto& [name, value] : values_) {
        if (name != *static_cast<const std::string*>(list.node)) continue;
        if (++count <= limit) elements.push_back(to_input(value));
    }
    return count;
}

std::string ValueReader::to_json(const Input& value) {
    if (value.kind == InputKind::Other || value.kind == InputKind::List) return {};
    std::string json;
    append_json(json, value);
    return json;
}

}  // namespace consilia::validation
