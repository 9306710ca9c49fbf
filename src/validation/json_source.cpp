#include "validation/json_source.hpp"

#include <simdjson.h>

#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>
#include <utility>

namespace consilia::validation {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kDepthMax = 64;
constexpr int kJsonDepthMax = 32;        ///< Of a value that stays JSON.
constexpr std::size_t kStringsKept = 4;  ///< Documents of a thread that wait for the next.
constexpr std::size_t kBytesKept = std::size_t{64} << 10;

Input input_of(const dom::element& element, std::deque<dom::element>& kept) {
    Input input;
    switch (element.type()) {
        case dom::element_type::NULL_VALUE:
            input.kind = InputKind::Null;
            break;
        case dom::element_type::BOOL:
            input.kind = InputKind::Boolean;
            input.boolean = element.get_bool().value_unsafe();
            break;
        case dom::element_type::INT64:
            input.kind = InputKind::Integer;
            input.integer = element.get_int64().value_unsafe();
            break;
        case dom::element_type::UINT64:
            return Input::other("integer beyond 64 bits");
        case dom::element_type::DOUBLE:
            input.kind = InputKind::Number;
            input.number = element.get_double().value_unsafe();
            break;
        case dom::element_type::STRING:
            return Input::of(element.get_string().value_unsafe());
        case dom::element_type::OBJECT:
        case dom::element_type::ARRAY:
            input.kind = element.is_object() ? InputKind::Object : InputKind::List;
            input.node = &kept.emplace_back(element);
            break;
    }
    return input;
}

/// Whether every whole number fits into 64 bits with a sign, and nothing is deeper.
bool is_storable(const dom::element& element, int depth_left) {
    if (element.type() == dom::element_type::UINT64) return false;
    const bool is_array = element.is_array();
    if (!is_array && !element.is_object()) return true;
    if (depth_left == 0) return false;
    if (is_array) {
        const dom::array array = element.get_array().value_unsafe();
        for (const dom::element& each : array) {
            if (!is_storable(each, depth_left - 1)) return false;
        }
        return true;
    }
    const dom::object object = element.get_object().value_unsafe();
    for (const dom::key_value_pair& each : object) {
        if (!is_storable(each.value, depth_left - 1)) return false;
    }
    return true;
}

std::string_view reason_of(simdjson::error_code code) {
    switch (code) {
        case simdjson::UTF8_ERROR:
            return "encoding";
        case simdjson::DEPTH_ERROR:
            return "depth";
        case simdjson::NUMBER_ERROR:
            return "number";
        case simdjson::CAPACITY:
            return "too_large";
        default:
            return "syntax";
    }
}

/// Where it goes wrong; simdjson does not say.
std::size_t offset_of_error(std::string_view json) {
    try {
        const auto keep_nothing = [](int, nlohmann::json::parse_event_t, nlohmann::json&) { return false; };
        const auto nothing = nlohmann::json::parse(json, keep_nothing);
        static_cast<void>(nothing);
    } catch (const nlohmann::json::parse_error& error) {
        return error.byte == 0 ? 0 : error.byte - 1;
    } catch (const nlohmann::json::exception&) {
        return 0;
    }
    return 0;
}

}  // namespace

struct JsonSource::Document {
    dom::parser parser;
    std::vector<char> bytes;  ///< With the room behind that simdjson reads.
    dom::element root;
    std::deque<dom::element> elements;  ///< Objects and lists that were given out.

    void set(std::string_view json) {
        const std::size_t wanted = json.size() + simdjson::SIMDJSON_PADDING;
        if (bytes.size() < wanted) bytes.resize(wanted);
        std::memcpy(bytes.data(), json.data(), json.size());
        std::memset(bytes.data() + json.size(), ' ', simdjson::SIMDJSON_PADDING);
    }

    /// Those of this thread that nobody reads any more.
    static std::vector<std::unique_ptr<Document>>& idle() {
        thread_local std::vector<std::unique_ptr<Document>> documents;
        return documents;
    }
    static std::shared_ptr<Document> take() {
        std::unique_ptr<Document> taken;
        if (auto& waiting = idle(); !waiting.empty()) {
            taken = std::move(waiting.back());
            waiting.pop_back();
        } else {
            taken = std::make_unique<Document>();
        }
        return {taken.release(), [](Document* used) {
                    std::unique_ptr<Document> document(used);
                    document->elements.clear();
                    if (document->bytes.size() <= kBytesKept && idle().size() < kStringsKept)
                        idle().push_back(std::move(document));
                }};
    }
};

JsonSource::JsonSource(std::string_view json, std::uint64_t bytes_max) {
    if (json.size() > bytes_max) {
        problem_ = JsonProblem{"too_large", 0};
        return;
    }
    document_ = Document::take();
    document_->set(json);
    simdjson::error_code error = simdjson::SUCCESS;
    if (document_->parser.capacity() < json.size() || document_->parser.max_depth() != kDepthMax)
        error = document_->parser.allocate(std::max<std::size_t>(json.size(), 1'024), kDepthMax);
    if (error == simdjson::SUCCESS)
        error = document_->parser.parse(document_->bytes.data(), json.size(), false).get(document_->root);
    if (error == simdjson::MEMALLOC) throw std::bad_alloc();
    if (error != simdjson::SUCCESS) problem_ = JsonProblem{reason_of(error), offset_of_error(json)};
}

JsonSource::~JsonSource() = default;

Input JsonSource::root() {
    return input_of(document_->root, document_->elements);
}

std::shared_ptr<const void> JsonSource::document() const {
    return document_;
}

void JsonSource::read_object(const Input& object, const FormShape& shape, std::span<Input> slots,
                             StrayNames& strays) {
    const dom::object members = static_cast<const dom::element*>(object.node)->get_object().value_unsafe();
    std::size_t guess = 0;
    for (const auto& [name, element] : members) {
        const std::size_t place = shape.find(name, guess);
        if (place == shape.size()) {
            if (strays.unknown.size() < StrayNames::kMax) strays.unknown.emplace_back(name);
            continue;
        }
        if (slots[place].kind != InputKind::Absent) {
            if (strays.repeated.size() < StrayNames::kMax) strays.repeated.emplace_back(name);
        } else {
            slots[place] = input_of(element, document_->elements);
        }
        guess = place + 1;
    }
}

std::size_t JsonSource::read_list(const Input& list, std::size_t limit, std::vector<Input>& elements) {
    const dom::array array = static_cast<const dom::element*>(list.node)->get_array().value_unsafe();
    std::size_t count = 0;
    for (const dom::element element : array) {
        if (++count <= limit) elements.push_back(input_of(element, document_->elements));
    }
    return count;
}

std::string JsonSource::to_json(const Input& value) {
    switch (value.kind) {
        case InputKind::Object:
        case InputKind::List: {
            const auto& element = *static_cast<const dom::element*>(value.node);
            return is_storable(element, kJsonDepthMax) ? simdjson::minify(element) : std::string();
        }
        case InputKind::Other:
            return {};
        default:
            return core::to_json(to_value(value));
    }
}

}  // namespace consilia::validation
