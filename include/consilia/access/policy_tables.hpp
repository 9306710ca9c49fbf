#pragma once
// A policy in tables, so that an administrator edits its rules as rows.
#include <memory>

#include "consilia/access/policy_document.hpp"
#include "consilia/access/policy_store.hpp"
#include "consilia/core/export.hpp"
#include "consilia/data/database.hpp"
#include "consilia/data/model.hpp"

namespace consilia::access {

/// `consilia_policy_roles`: position, name (unique), inherits (JSON list of roles).
CONSILIA_API std::shared_ptr<const data::Model> policy_role_model();

/// `consilia_policy_rules`: position, name (unique, may be null), effect (`allow`, `deny`), role, permission,
/// condition (text, null: always), fields (JSON list of paths). A row with `fields` is a field rule, which
/// has no name. Positions need no order of their own: rows stand by position, then by id.
CONSILIA_API std::shared_ptr<const data::Model> policy_rule_model();

/// `consilia_policy_settings`: key (unique), value (JSON): `resources`, `separations`, `delegable`, `never`
/// and `attributes`, each as it stands in the JSON form of a document.
CONSILIA_API std::shared_ptr<const data::Model> policy_setting_model();

/// Creates what is missing of the three tables.
CONSILIA_API void create_policy_tables(data::Database& database);

/// Replaces the policy in the tables, in the caller's transaction.
/// @throws as `Policy` for a document that makes none, before anything is changed.
CONSILIA_API void save_policy(data::Transaction& transaction, const PolicyDocument& document);

/// The policy in the tables, read by one statement, so that it is of one moment; empty tables give an empty
/// document, under which everything is denied. `load_policy` after `save_policy` gives the same document.
/// @throws ValidationError (`policy.syntax`) naming table, row and column of what cannot be read, such as
///         `consilia_policy_rules[id=12].condition`.
CONSILIA_API PolicyDocument load_policy(const data::Session& session);

/// Gives a store the policy in the tables; see `PolicyStore`. Each look reads the rows, and parses them where
/// they are others than before. `database` must outlive the loader, which throws what `load_policy` throws.
CONSILIA_API PolicyLoader policy_tables(data::Database& database);

}  // namespace consilia::access
