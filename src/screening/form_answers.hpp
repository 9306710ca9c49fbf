#pragma once
// What a service answers where a form or a unique column refuses what it was given.
#include <string>
#include <vector>

#include "consilia/core/error.hpp"
#include "consilia/data/records.hpp"
#include "consilia/validation/form.hpp"

namespace consilia::screening {

/// Refuses a field of a form, naming it and never its content.
[[noreturn]] inline void refuse(const char* code, const char* name, const char* rule) {
    throw core::ValidationError(code, std::string("`") + name + "` " + rule, {{"field", core::Value(name)}});
}

/// The clean values, under the code of this form for what is none: the first field, and all errors.
inline std::vector<data::Assignment> require_valid(const validation::Report& report, const char* code) {
    if (report.is_valid()) return report.assignments();
    const validation::FieldError& first = report.errors().front();
    throw core::ValidationError(code, "`" + first.path + "` " + first.message,
                                {{"field", first.path}, {"errors", core::Json{report.errors_json()}}});
}

/// Gives what `write` gives; a value that is taken is a Conflict with this code.
template <class Write>
auto unless_taken(const char* code, const char* message, const Write& write) {
    try {
        return write();
    } catch (const core::Conflict& error) {
        if (error.code() != "database.unique") throw;
        throw core::Conflict(code, message);
    }
}

}  // namespace consilia::screening
