#pragma once
// The prepared statements of one connection by their text, least recently used out first.
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace consilia::data {

/// `S` has a `text` and an `is_in_use`, and lets go of its statement when it is destroyed.
template <class S>
class StatementCache {
public:
    explicit StatementCache(std::size_t statements_max) : statements_max_(statements_max) {}

    /// The statement of a text, or null if it is not there or is running already.
    [[nodiscard]] S* find(std::string_view text) {
        if (!statements_.empty() && statements_.front().text == text) {  // Without a hash: for loops.
            S& newest = statements_.front();
            return newest.is_in_use ? nullptr : &newest;
        }
        const auto found = by_text_.find(text);
        if (found == by_text_.end() || found->second->is_in_use) return nullptr;
        statements_.splice(statements_.begin(), statements_, found->second);
        return &*found->second;
    }

    /// Keeps a statement, and drops the oldest that are not running. One whose text is there already is a
    /// twin, which is not found by it.
    S& add(S statement) {
        for (auto oldest = statements_.end();
             statements_.size() >= statements_max_ && oldest != statements_.begin();) {
            if (!(--oldest)->is_in_use) oldest = erase(oldest);
        }
        statements_.push_front(std::move(statement));
        try {
            by_text_.try_emplace(statements_.front().text, statements_.begin());
        } catch (...) {
            statements_.pop_front();
            throw;
        }
        return statements_.front();
    }

    /// Drops a statement, which must not be touched afterwards.
    void drop(const S& statement) {
        for (auto at = statements_.begin(); at != statements_.end(); ++at) {
            if (&*at != &statement) continue;
            erase(at);
            return;
        }
    }

private:
    using Statements = std::list<S>;

    typename Statements::iterator erase(typename Statements::iterator at) {
        const auto known = by_text_.find(at->text);
        if (known != by_text_.end() && known->second == at) by_text_.erase(known);
        return statements_.erase(at);
    }

    Statements statements_;  ///< Most recently used first.
    std::unordered_map<std::string_view, typename Statements::iterator> by_text_;
    std::size_t statements_max_;
};

}  // namespace consilia::data
