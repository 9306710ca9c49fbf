#pragma once
// JSON as the input of a form.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "consilia/validation/input.hpp"
#include "validation/form_check.hpp"

namespace consilia::validation {

/// A parsed document. The texts that it gives lie in `document()`.
class JsonSource final : public InputReader {
public:
    JsonSource(std::string_view json, std::uint64_t bytes_max);
    ~JsonSource() override;
    JsonSource(const JsonSource&) = delete;
    JsonSource& operator=(const JsonSource&) = delete;

    [[nodiscard]] std::optional<JsonProblem> problem() const noexcept { return problem_; }
    [[nodiscard]] Input root();
    [[nodiscard]] std::shared_ptr<const void> document() const;

    void read_object(const Input& object, const FormShape& shape, std::span<Input> slots,
                     StrayNames& strays) override;
    std::size_t read_list(const Input& list, std::size_t limit, std::vector<Input>& elements) override;
    std::string to_json(const Input& value) override;
    [[nodiscard]] bool has_rich_types() const noexcept override { return false; }

private:
    struct Document;
    std::shared_ptr<Document> document_;
    std::optional<JsonProblem> problem_;
};

}  // namespace consilia::validation
