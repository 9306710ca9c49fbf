// From tables to tables: which operations, in which order.
#include <algorithm>
#include <set>

#include "consilia/core/error.hpp"
#include "operation.hpp"

namespace consilia::data {
namespace {

/// The names of tables so that what one refers to comes before it, and its history before that; and the
/// references that a circle of tables has to wait with.
class Order {
public:
    Order(const Tables& tables, const std::set<std::string>& names) : tables_(tables), names_(names) {
        for (const std::string& name : names_) visit(name);
    }

    std::vector<std::string> sorted;
    std::vector<std::pair<std::string, TableReference>> postponed;

private:
    void visit(const std::string& name) {
        if (!seen_.insert(name).second) return;
        const Table& table = tables_.find(name)->second;
        if (table.has_history && names_.contains(name + "_history")) visit(name + "_history");
        for (const TableReference& reference : table.references) {
            if (!names_.contains(reference.target) || reference.target == name) continue;
            visit(reference.target);
            if (std::find(sorted.begin(), sorted.end(), reference.target) == sorted.end()) {
                postponed.emplace_back(name, reference);
            }
        }
        sorted.push_back(name);
    }

    const Tables& tables_;
    const std::set<std::string>& names_;
    std::set<std::string> seen_;
};

class Differ {
public:
    Differ(Tables before, const Tables& after, std::vector<RenameOf> renames)
        : now_(std::move(before)), after_(after), renames_(std::move(renames)) {}

    std::vector<Operation> run() {
        follow_histories();
        rename_tables();
        std::set<std::string> created;
        std::set<std::string> kept;
        std::set<std::string> dropped;
        for (const auto& [name, table] : after_) (now_.contains(name) ? kept : created).insert(name);
        for (const auto& [name, table] : now_) {
            if (!after_.contains(name)) dropped.insert(name);
        }
        create(created);
        for (const std::string& name : Order(after_, kept).sorted) change(name);
        drop(dropped);
        if (used_renames_ != renames_.size()) {
            throw core::InvalidArgument("migration.rename",
                                        "a rename names a table that is not there before and after");
        }
        return std::move(operations_);
    }

private:
    void add(Operation operation) {
        apply_operation(now_, operation);
        operations_.push_back(std::move(operation));
    }

    /// What happens to a name happens to the one in the history.
    void follow_histories() {
        const auto has_history = [](const Tables& tables, const std::string& name) {
            const auto found = tables.find(name);
            return found != tables.end() && found->second.has_history;
        };
        std::vector<RenameOf> all;
        for (const RenameOf& rename : renames_) {
            const std::string& new_table = rename.column.empty() ? rename.to : rename.table;
            if (has_history(now_, rename.table) || has_history(now_, old_table(rename.table))) {
                if (has_history(after_, new_table)) {
                    all.push_back({rename.table + "_history", rename.column,
                                   rename.column.empty() ? rename.to + "_history" : rename.to});
                }
            }
            all.push_back(rename);
        }
        renames_ = std::move(all);
    }

    std::string old_table(const std::string& name) const {
        for (const RenameOf& rename : renames_) {
            if (rename.column.empty() && rename.to == name) return rename.table;
        }
        return name;
    }

    void rename_tables() {
        for (const RenameOf& rename : renames_) {
            if (!rename.column.empty()) continue;
            const bool fits = now_.contains(rename.table) && !now_.contains(rename.to) &&
                              !after_.contains(rename.table) && after_.contains(rename.to);
            if (!fits) {
                throw core::InvalidArgument("migration.rename",
                                            "table `" + rename.table + "` cannot become `" + rename.to + '`',
                                            {{"from", rename.table}, {"to", rename.to}});
            }
            add(RenameTable{rename.table, rename.to});
            ++used_renames_;
        }
    }

    void create(const std::set<std::string>& names) {
        const Order order(after_, names);
        for (const std::string& name : order.sorted) {
            Table table = after_.find(name)->second;
            std::erase_if(table.references, [&](const TableReference& reference) {
                return std::any_of(order.postponed.begin(), order.postponed.end(), [&](const auto& waiting) {
                    return waiting.first == name && waiting.second == reference;
                });
            });
            add(CreateTable{std::move(table)});
        }
        for (const auto& [name, reference] : order.postponed) {
            add(TableChange{.table = name, .added_references = {reference}});
        }
    }

    void change(const std::string& name) {
        std::vector<ColumnRename> columns;
        for (const RenameOf& rename : renames_) {
            if (rename.column.empty() || rename.table != name) continue;
            columns.emplace_back(rename.column, rename.to);
            ++used_renames_;
        }
        const Table& before = now_.find(name)->second;
        const Table& after = after_.find(name)->second;
        check_key(before, after, columns);
        TableChange change = change_between(before, after, columns);
        if (!change.is_empty()) add(std::move(change));
    }

    static void check_key(const Table& before, const Table& after, const std::vector<ColumnRename>& renames) {
        const auto key = [](const Table& table) {
            return table.primary_key() == nullptr ? std::string() : table.primary_key()->name;
        };
        std::string expected = key(before);
        for (const auto& [from, to] : renames) {
            if (from == expected) expected = to;
        }
        if (key(after) == expected) return;
        throw core::InvalidArgument("migration.key",
                                    "the primary key of `" + before.name + "` cannot become another column",
                                    {{"table", before.name}});
    }

    void drop(const std::set<std::string>& names) {
        const Order order(now_, names);
        for (const auto& [name, reference] : order.postponed) {
            add(TableChange{.table = name, .dropped_references = {reference}});
        }
        for (auto name = order.sorted.rbegin(); name != order.sorted.rend(); ++name) add(DropTable{*name});
    }

    Tables now_;
    const Tables& after_;
    std::vector<RenameOf> renames_;
    std::size_t used_renames_ = 0;
    std::vector<Operation> operations_;
};

}  // namespace

std::vector<Operation> operations_between(const Tables& before, const Tables& after,
                                          const std::vector<RenameOf>& renames) {
    return Differ(before, after, renames).run();
}

}  // namespace consilia::data
