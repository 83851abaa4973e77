// SPDX-License-Identifier: PostgreSQL
#include "precheck/setup.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "config/connections.h"
#include "pq/connection.h"
#include "precheck/precheck.h"

namespace walferry {

namespace {

constexpr int rounds_max = 4;

class Setup {
public:
    Setup(const Task &task, const SetupOptions &options, const StopFlag &stop,
          const std::function<void(const std::string &)> &print)
        : task_(task), options_(options), stop_(stop), print_(print) {}

    Result<std::vector<Finding>> run() {
        for (int round = 0;; ++round) {
            WF_ASSIGN(auto findings, precheck(task_, &stop_, options_.ignored));
            bool anything = false;
            for (const Finding &finding : findings) {
                if (!finding.automatic || finding.ignored) continue;
                for (const Statement &statement : finding.statements) {
                    // What was of no use once won't be so again.
                    if (!seen_.insert({statement.side, statement.sql}).second) continue;
                    anything = true;
                    print_(fmt::format("{}: {};\n", to_string(statement.side), statement.sql));
                    if (!options_.dry_run) WF_TRY(execute(statement));
                }
            }
            if (options_.dry_run || !anything || round == rounds_max) return findings;
        }
    }

private:
    Result<void> execute(const Statement &statement) {
        const bool at_source = statement.side == Side::source;
        auto &connection = at_source ? source_ : destination_;
        if (!connection) {
            auto settings = control_connection(task_, statement.side, "setup", &stop_);
            const auto &administrator = at_source ? options_.source_conninfo : options_.destination_conninfo;
            if (!administrator.empty()) settings.conninfo = administrator;
            settings.settings.emplace_back("lock_timeout", "5s");  // who waits for a table's lock holds everybody up
            WF_ASSIGN(connection, pq::Connection::open(settings));
        }
        const auto done = connection->exec(statement.sql);
        if (done) return {};
        if (done.error().kind == ErrorKind::interrupted || done.error().sqlstate.empty()) return fail(done.error());
        print_(fmt::format("    failed: {}\n", done.error().message));
        return {};
    }

    const Task &task_;
    const SetupOptions &options_;
    const StopFlag &stop_;
    const std::function<void(const std::string &)> &print_;
    std::optional<pq::Connection> source_;
    std::optional<pq::Connection> destination_;
    std::set<std::pair<Side, std::string>> seen_;
};

}  // namespace

Result<std::vector<Finding>> set_up(const Task &task, const SetupOptions &options, const StopFlag &stop,
                                    const std::function<void(const std::string &)> &print) {
    return Setup(task, options, stop, print).run();
}

}  // namespace walferry
