#pragma once
// What is behind the handles of the access layer, and how its questions cross.
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "consilia/access/policy.hpp"
#include "consilia/c/access.h"
#include "data.hpp"

struct consilia_policy {
    consilia::access::Policy policy;
};

struct consilia_subject {
    consilia::access::Subject subject;
};

namespace consilia::capi {

inline const access::Policy& policy_of(const consilia_policy_t* policy) {
    return require(policy, "policy").policy;
}
inline const access::Principal& principal_of(const consilia_subject_t* subject) {
    return require(subject, "subject").subject.principal();
}

/// The fields of the caller's objects, as conditions ask for them. Borrows what the caller lends for the
/// call.
class ObjectFields {
public:
    explicit ObjectFields(const consilia_access_object_t* given)
        : given_(copy_options(given)), fields_(items(given_.fields, given_.field_count, "object.fields")) {}
    /// @throws InvalidArgument (`access.missing_field`), Cancelled (`access.cancelled`).
    [[nodiscard]] core::Value value(std::size_t index, std::string_view path) const;

private:
    consilia_access_object_t given_;
    std::span<const consilia_parameter_t> fields_;
};

/// One object as a policy reads it; without one every field is null. Lives for a call.
class ObjectSource {
public:
    explicit ObjectSource(const consilia_access_object_t* given) {
        if (given == nullptr) return;
        fields_.emplace(given);
        source_ = [this](std::string_view path) { return fields_->value(0, path); };
    }
    ObjectSource(const ObjectSource&) = delete;
    ObjectSource& operator=(const ObjectSource&) = delete;
    [[nodiscard]] const core::FieldSource& source() const noexcept {
        return fields_ ? source_ : access::Policy::nothing();
    }

private:
    std::optional<ObjectFields> fields_;
    core::FieldSource source_;
};

/// The caller's context; without one, now. Lives for a call.
class AskedContext {
public:
    explicit AskedContext(const consilia_access_context_t* given);
    [[nodiscard]] const access::Context& context() const noexcept {
        return context_ ? *context_ : access::Policy::now();
    }

private:
    std::optional<access::Context> context_;
};

}  // namespace consilia::capi
