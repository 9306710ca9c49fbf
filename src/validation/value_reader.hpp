#pragma once
// Named values as the input of a form.
#include <span>
#include <string>
#include <vector>

#include "consilia/validation/input.hpp"
#include "consilia/validation/report.hpp"

namespace consilia::validation {

/// Values that must outlive it.
class ValueReader final : public InputReader {
public:
    explicit ValueReader(std::span<const NamedValue> values) : values_(values) {}
    [[nodiscard]] Input root() const;

    void read_object(const Input& object, const FormShape& shape, std::span<Input> slots,
                     StrayNames& strays) override;
    std::size_t read_list(const Input& list, std::size_t limit, std::vector<Input>& elements) override;
    std::string to_json(const Input& value) override;
    [[nodiscard]] bool has_rich_types() const noexcept override { return true; }

private:
    std::span<const NamedValue> values_;
};

}  // namespace consilia::validation
