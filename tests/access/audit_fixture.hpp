#pragma once
// What the tests of the audit log share: a log on a fresh database, a clock that they move, and somebody with
// all rights who means ill.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "consilia/access/audit_log.hpp"
#include "consilia/core/clock.hpp"
#include "consilia/core/error.hpp"
#include "consilia/data/database.hpp"
#include "data/fresh_database.hpp"

namespace consilia::test {

inline constexpr const char* kAuditKey = "0123456789abcdef0123456789abcdef";

/// The code of the error that `body` ends with; empty: none.
template <class F>
std::string code_of(F&& body) {
    try {
        static_cast<void>(body());
        return {};
    } catch (const core::Error& error) {
        return error.code();
    }
}

class OnAuditLog : public OnBothDatabases {
protected:
    OnAuditLog() { log.create_schema(); }

    static access::AuditEvent read_of(int record, int user = 7) {
        access::AuditEvent event;
        event.user_id = user;
        event.user_name = "Ada";
        event.roles = "staff";
        event.action = "read";
        event.resource = "prediction";
        event.record_id = record;
        event.rule = "staff_reads";
        event.reason = "allowed by rule `staff_reads`";
        event.address = "192.0.2.7";
        return event;
    }
    /// Entries about the records 1 to `count`, a second apart.
    void fill(int count) {
        for (int i = 1; i <= count; ++i) {
            clock.advance(std::chrono::seconds(1));
            log.append(read_of(i));
        }
    }
    /// Takes the triggers away, as somebody with all rights in the database can.
    void disarm() {
        for (const char* table : {"consilia_audit", "consilia_audit_head"}) {
            const std::string name(table);
            if (!fresh.is_sqlite()) {
                database.execute("ALTER TABLE " + name + " DISABLE TRIGGER USER");
                continue;
            }
            for (const char* event : {"update", "delete", "insert"})
                database.execute("DROP TRIGGER " + name + "_no_" + event);
        }
    }
    [[nodiscard]] access::AuditFault fault() { return log.verify().fault; }

    core::ManualClock clock{core::parse_timestamp("2026-03-01T08:00:00Z")};
    data::Database database{fresh.url()};
    access::AuditLog log{database, {.key = kAuditKey, .clock = &clock}};
};

}  // namespace consilia::test
