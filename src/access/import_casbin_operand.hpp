#pragma once
// What Casbin's matchers compare.
#include <string>

#include "access/import_casbin.hpp"

namespace consilia::access {

/// A constant, or a part of the request.
struct CasbinOperand {
    enum class Kind { Constant, Subject, Object, Action, SubjectAttribute, ObjectAttribute };

    Kind kind = Kind::Constant;
    core::Value value = {};  ///< Of a constant.
    std::string name = {};   ///< Of an attribute.
    ImportToken token = {};

    [[nodiscard]] bool is_attribute() const noexcept {
        return kind == Kind::SubjectAttribute || kind == Kind::ObjectAttribute;
    }
    /// As `AttributeTypes` knows it.
    [[nodiscard]] std::string key() const {
        return (kind == Kind::SubjectAttribute ? "principal." : "resource.") + name;
    }
};

/// Reads operands; those of `p` are the constants of a row. Threading: confined.
class CasbinOperands {
public:
    CasbinOperands(const CasbinModel& model, const CasbinRow& row, CasbinUses& uses, TokenReader& reader)
        : model_(model), row_(row), uses_(uses), reader_(reader) {}
    /// @throws ValidationError (`import.casbin`).
    CasbinOperand read();

private:
    CasbinOperand number(const ImportToken& token, bool is_negative);
    CasbinOperand named(const ImportToken& token);
    CasbinOperand of_policy(const ImportToken& part);

    const CasbinModel& model_;
    const CasbinRow& row_;
    CasbinUses& uses_;
    TokenReader& reader_;
};

/// The comparison that is true where this one is false.
core::Operator opposite(core::Operator op) noexcept;
/// The comparison that says the same of its operands in the other order.
core::Operator mirrored(core::Operator op) noexcept;

}  // namespace consilia::access
