// SPDX-License-Identifier: PostgreSQL
#include "config/connections.h"

namespace walferry {

pq::Settings exact_settings() {
    return {
        {"search_path", ""},
        {"datestyle", "ISO"},
        {"intervalstyle", "postgres"},
        {"extra_float_digits", "3"},
        {"bytea_output", "hex"},
        {"timezone", "UTC"},
        {"lc_monetary", "C"},
        {"xmloption", "content"},
        {"array_nulls", "on"},
        {"row_security", "off"},  // an error instead of rows that a policy hides
        {"statement_timeout", "0"},
        {"lock_timeout", "0"},
        {"idle_in_transaction_session_timeout", "0"},
        {"idle_session_timeout", "0"},
        {"default_transaction_isolation", "read committed"},
        {"default_transaction_deferrable", "off"},
        {"default_transaction_read_only", "off"},  // a cut-over sets it for the database
        {"standard_conforming_strings", "on"},
        {"jit", "off"},  // queries of catalogs are many and small, but look expensive to the planner
    };
}

namespace {

pq::ConnectOptions connection(const Task &task, Side side, const std::string &purpose, const std::string &encoding,
                              const StopFlag *stop) {
    pq::ConnectOptions options;
    options.conninfo = side == Side::source ? task.source_conninfo : task.destination_conninfo;
    options.side = side;
    options.application_name = "walferry " + task.name + ": " + purpose;
    options.settings = exact_settings();
    options.settings.emplace_back("client_encoding", encoding);
    options.stop = stop;
    return options;
}

}  // namespace

pq::ConnectOptions control_connection(const Task &task, Side side, const std::string &purpose, const StopFlag *stop) {
    return connection(task, side, purpose, "UTF8", stop);
}

pq::ConnectOptions data_connection(const Task &task, Side side, const std::string &purpose, const std::string &encoding,
                                   const StopFlag *stop) {
    return connection(task, side, purpose, encoding, stop);
}

std::string origin_name(const Task &task) { return "walferry_" + task.name; }

pq::ConnectOptions apply_connection(const Task &task, const std::string &purpose, const std::string &encoding,
                                    const StopFlag *stop) {
    auto options = data_connection(task, Side::destination, purpose, encoding, stop);
    options.settings.emplace_back("session_replication_role", "replica");
    if (task.local) options.origin = origin_name(task);
    return options;
}

pq::ConnectOptions worker_connection(const Task &task, const std::string &purpose, const std::string &encoding,
                                     const StopFlag *stop) {
    auto options = apply_connection(task, purpose, encoding, stop);
    const pq::Settings settings = {
        {"synchronous_commit", "off"},  // the checkpointer sees to durability
        // An older group may wait for a lock of a younger one, which waits for the older at the turnstile, where the server
        // sees no deadlock.
        {"lock_timeout", "500ms"},
        // Batches are joined to their table row by row through its index, whatever the statistics say: their rows come
        // sorted by key, and a plan is made once, perhaps while the table is still empty.
        {"plan_cache_mode", "force_generic_plan"},
        {"enable_seqscan", "off"},
        {"enable_hashjoin", "off"},
        {"enable_mergejoin", "off"},
    };
    options.settings.insert(options.settings.end(), settings.begin(), settings.end());
    return options;
}

}  // namespace walferry
