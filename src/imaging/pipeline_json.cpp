// The JSON form of a pipeline, both ways. Every key is checked: a misspelt one must not fall back to a
// default.
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>

#include "consilia/core/error.hpp"
#include "imaging/pipeline_steps.hpp"

namespace consilia::imaging {
namespace {

using nlohmann::json;

/// Reads the keys of one step.
class StepReader {
public:
    StepReader(std::size_t index, const json& object, std::string operation)
        : index_(index), object_(object), operation_(std::move(operation)) {}

    void allow(std::initializer_list<std::string_view> keys) const {
        for (const auto& [key, value] : object_.items()) {
            if (key == "op") continue;
            if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
                fail("pipeline.unknown", key, "is not a key of this operation");
            }
        }
    }

    [[nodiscard]] double number(const char* key, double otherwise) const {
        const json* value = find(key);
        if (value == nullptr) return otherwise;
        if (!value->is_number()) fail_type(key, "must be a number");
        return value->get<double>();
    }

    [[nodiscard]] std::int32_t integer(const char* key, std::optional<std::int32_t> otherwise) const {
        const json* value = find(key);
        if (value == nullptr && otherwise) return *otherwise;
        if (value == nullptr) fail_type(key, "is missing");
        return to_integer(key, *value);
    }

    [[nodiscard]] std::array<std::int32_t, 2> integers(const char* key,
                                                       std::array<std::int32_t, 2> otherwise) const {
        const json* value = find(key);
        if (value == nullptr) return otherwise;
        if (!value->is_array() || value->size() != 2) fail_type(key, "must be a list of two integers");
        return {to_integer(key, (*value)[0]), to_integer(key, (*value)[1])};
    }

    [[nodiscard]] std::vector<double> numbers(const char* key) const {
        const json* value = find(key);
        if (value == nullptr) fail_type(key, "is missing");
        if (!value->is_array()) fail_type(key, "must be a list of numbers");
        std::vector<double> result;
        for (const json& each : *value) {
            if (!each.is_number()) fail_type(key, "must be a list of numbers");
            result.push_back(each.get<double>() + 0.0);  // -0 and 0 are the same step
        }
        return result;
    }

    /// The index of the text among `choices`, of which the first is the default.
    [[nodiscard]] std::size_t choice(const char* key, std::initializer_list<std::string_view> choices) const {
        const json* value = find(key);
        if (value == nullptr) return 0;
        if (!value->is_string()) fail_type(key, "must be text");
        const auto found = std::find(choices.begin(), choices.end(), value->get_ref<const std::string&>());
        if (found == choices.end()) fail("pipeline.step", key, "is none of the known values");
        return static_cast<std::size_t>(found - choices.begin());
    }

private:
    [[nodiscard]] const json* find(const char* key) const {
        const auto found = object_.find(key);
        return found == object_.end() ? nullptr : &*found;
    }
    [[nodiscard]] std::int32_t to_integer(const char* key, const json& value) const {
        if (!value.is_number_integer()) fail_type(key, "must be an integer");
        const bool is_large =
            value.is_number_unsigned() &&
            value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int32_t>::max()};
        if (is_large || value.get<std::int64_t>() < 0) fail("pipeline.step", key, "is out of range");
        return value.get<std::int32_t>();
    }
    [[noreturn]] void fail(const char* code, std::string_view key, const std::string& rule) const {
        const std::string shown(key.substr(0, 32));
        throw_step(code, index_, operation_, shown, "`" + shown + "` " + rule);
    }
    [[noreturn]] void fail_type(std::string_view key, const std::string& rule) const {
        fail("pipeline.type", key, rule);
    }

    std::size_t index_;
    const json& object_;
    std::string operation_;
};

Step read_step(std::size_t index, const json& object) {
    if (!object.is_object()) throw_step("pipeline.type", index, "?", "op", "must be an object");
    const auto op = object.find("op");
    if (op == object.end() || !op->is_string())
        throw_step("pipeline.type", index, "?", "op", "`op` must be text");
    const std::string operation = op->get<std::string>();
    const StepReader reader(index, object, operation);
    if (operation == "grayscale") {
        reader.allow({});
        return Grayscale{};
    }
    if (operation == "clahe") {
        reader.allow({"clip_limit", "tiles"});
        const Clahe defaults;
        const auto [x, y] = reader.integers("tiles", {defaults.tiles_x, defaults.tiles_y});
        return Clahe{reader.number("clip_limit", defaults.clip_limit), x, y};
    }
    if (operation == "resize") {
        reader.allow({"width", "height", "interpolation"});
        const bool is_area = reader.choice("interpolation", {"area", "bilinear"}) == 0;
        return Resize{reader.integer("width", {}), reader.integer("height", {}),
                      is_area ? Interpolation::Area : Interpolation::Bilinear};
    }
    if (operation == "normalize") {
        reader.allow({"mean", "std"});
        return Normalize{reader.numbers("mean"), reader.numbers("std")};
    }
    if (operation == "tensor") {
        reader.allow({"layout", "channels"});
        const bool is_chw = reader.choice("layout", {"CHW", "HWC"}) == 0;
        return ToTensor{is_chw ? Layout::Chw : Layout::Hwc, reader.integer("channels", ToTensor{}.channels)};
    }
    throw_step("pipeline.unknown", index, operation, "op", "this operation is not known");
}

json to_json(const Grayscale&) {
    return json::object();
}
json to_json(const Clahe& s) {
    return {{"clip_limit", s.clip_limit}, {"tiles", {s.tiles_x, s.tiles_y}}};
}
json to_json(const Resize& s) {
    return {{"width", s.width},
            {"height", s.height},
            {"interpolation", s.interpolation == Interpolation::Area ? "area" : "bilinear"}};
}
json to_json(const Normalize& s) {
    return {{"mean", s.mean}, {"std", s.deviation}};
}
json to_json(const ToTensor& s) {
    return {{"layout", s.layout == Layout::Chw ? "CHW" : "HWC"}, {"channels", s.channels}};
}

}  // namespace

std::vector<Step> parse_steps(std::string_view text) {
    if (text.size() > Pipeline::kMaxJsonBytes) {
        throw core::InvalidArgument("pipeline.syntax", "the pipeline is longer than 65536 bytes",
                                    {{"limit", static_cast<std::int64_t>(Pipeline::kMaxJsonBytes)}});
    }
    const json document = json::parse(text, nullptr, false);
    if (document.is_discarded() || !document.is_object()) {
        throw core::InvalidArgument("pipeline.syntax", "a pipeline must be a JSON object");
    }
    for (const auto& [key, value] : document.items()) {
        if (key != "version" && key != "steps") {
            throw core::InvalidArgument("pipeline.unknown",
                                        "`" + key.substr(0, 32) + "` is not a key of a pipeline",
                                        {{"key", key.substr(0, 32)}});
        }
    }
    const auto version = document.find("version");
    if (version == document.end() || *version != Pipeline::kDocumentVersion ||
        !version->is_number_integer()) {
        throw core::InvalidArgument("pipeline.version", "`version` must be 1", {{"key", "version"}});
    }
    const auto steps = document.find("steps");
    if (steps == document.end() || !steps->is_array()) {
        throw core::InvalidArgument("pipeline.type", "`steps` must be a list", {{"key", "steps"}});
    }
    std::vector<Step> result;
    for (std::size_t i = 0; i < steps->size(); ++i) result.push_back(read_step(i, (*steps)[i]));
    return result;
}

std::string canonical_json(const std::vector<Step>& steps) {
    json list = json::array();
    for (const Step& step : steps) {
        json object = std::visit([](const auto& s) { return to_json(s); }, step);
        object["op"] = operation_of(step);
        list.push_back(std::move(object));
    }
    return json{{"version", Pipeline::kDocumentVersion}, {"steps", std::move(list)}}.dump();
}

}  // namespace consilia::imaging
