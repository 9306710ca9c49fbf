#pragma once
// Values for which conditions hold, or the proof that there are none: what the analysis of policies asks.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "consilia/access/policy_document.hpp"
#include "consilia/core/export.hpp"
#include "consilia/core/expression.hpp"

namespace consilia::access {

/// Values of the fields and parameters of conditions. A field that is absent is null; every parameter is
/// there.
struct Assignment {
    core::Parameters fields;
    core::Parameters parameters;
};

/// What a condition is wanted to be, in three-valued logic.
enum class Wanted : std::uint8_t { True, False, NotTrue, NotFalse };

struct Requirement {
    core::Expression condition;
    Wanted wanted = Wanted::True;
};

struct WitnessOptions {
    NamedTypes fields = {};      ///< A field that is not declared may hold a value of any type.
    NamedTypes parameters = {};  ///< As `fields`.
    /// Most branches and trials of the search.
    std::uint64_t max_steps = 20'000;
};

enum class WitnessAnswer : std::uint8_t {
    Found,
    Impossible,  ///< Proved: no values do.
    Unknown,     ///< The steps are used up, or what was found for functions turned out not to hold.
};

/// The lower-case name: `impossible`.
CONSILIA_API std::string_view to_string(WitnessAnswer answer) noexcept;

struct Witness {
    WitnessAnswer answer = WitnessAnswer::Unknown;
    Assignment values = {};   ///< Where found: `core::evaluate` has confirmed them.
    std::string reason = {};  ///< Why it is not known; empty otherwise.
    std::uint64_t steps = 0;
};

/// Finds values that fulfil all requirements at once.
///
/// Complete for comparisons, `in`, `between` and null tests of fields, parameters and literals under `and`,
/// `or`, `not`: such conditions have a witness if they have one among few values of each type, namely the
/// literals, between and around them as many values as there are terms that are compared with each other, and
/// null (the small-model property of linear orders). What a function gives is at first taken for a value of
/// its own: if even that has no witness, there is none; otherwise values made from its literals are tried.
/// A search by case distinction with propagation over these finite domains, as in constraint programming.
/// Dates and timestamps are those of the years 1 to 9999.
CONSILIA_API Witness find_witness(std::span<const Requirement> requirements,
                                  const WitnessOptions& options = {});
CONSILIA_API Witness find_witness(const core::Expression& condition, const WitnessOptions& options = {});

}  // namespace consilia::access
