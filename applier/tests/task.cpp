// SPDX-License-Identifier: PostgreSQL
#include "task.h"

#include <gtest/gtest.h>

#include <exception>
#include <utility>

namespace walferry::testing {

namespace {

// Backslashes and quotes as TOML has them in a basic string.
std::string toml_string(const std::string &text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "\"";
}

void drop_database(const Cluster &cluster, const std::string &name) {
    {
        Session inside(cluster.conninfo(name));
        const auto prepared = inside.exec("SELECT gid FROM pg_prepared_xacts WHERE database = current_database()");
        for (int i = 0; i < prepared.count(); ++i) inside.exec("ROLLBACK PREPARED '" + prepared.text(i, 0) + "'");
    }
    Session session(cluster.conninfo());
    session.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name + "'");
    wait_until("slots of " + name + " are free", [&] {
        return session.holds("SELECT NOT EXISTS (SELECT FROM pg_replication_slots WHERE database = '" + name +
                             "' AND active)");
    });
    session.exec("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '" + name +
                 "'");
    session.exec("DROP DATABASE " + name + " WITH (FORCE)");
}

void create_database(const Cluster &cluster, const std::string &name, const std::string &encoding) {
    Session(cluster.conninfo()).exec("CREATE DATABASE " + name + " ENCODING '" + encoding + "' TEMPLATE template0");
}

}  // namespace

Pair::Pair(Clusters &clusters, const Encodings &encodings) : clusters_(clusters) {
    static int number = 0;
    name_ = "pair" + std::to_string(++number);
    create_database(clusters.source, name_, encodings.source);
    create_database(clusters.destination, name_, encodings.destination);
    source().exec("CREATE EXTENSION walferry");
}

Pair::~Pair() {
    try {
        drop_database(clusters_.source, name_);
        drop_database(clusters_.destination, name_);
    } catch (const std::exception &error) {
        ADD_FAILURE() << "can't drop " << name_ << ": " << error.what();
    }
}

void Pair::run_at_source(const std::string &file) const {
    run_or_throw({"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", source_path("applier/tests/data/" + file),
                  source_conninfo()},
                 {{"PGOPTIONS", "-c client_min_messages=warning"}, {"PGCLIENTENCODING", "UTF8"}});
}

Task::Task(const Pair &pair, const TaskOptions &options)
    : destination_(options.destination_conninfo.value_or(pair.destination_conninfo())),
      name_(options.name.empty() ? pair.name() : options.name) {
    static int number = 0;
    file_ = scratch_folder() + "/task" + std::to_string(++number) + ".toml";
    write_file(file_,
               "[task]\nname = " + toml_string(name_) + "\n" +
                   (options.stages.empty() ? "" : "stages = " + options.stages + "\n") +  //
                   "[source]\nconninfo = " + toml_string(options.source_conninfo.value_or(pair.source_conninfo())) +
                   "\n" + options.source_more + "\n[destination]\nconninfo = " + toml_string(destination_) +
                   "\n[retry]\nconnection_seconds = " + std::to_string(options.retry_seconds) + "\n" + options.more);
}

Outcome Task::call(std::vector<std::string> verb_and_options, std::chrono::seconds limit,
                   const std::vector<std::string> &more) const {
    verb_and_options.insert(verb_and_options.begin(), walferry_program());
    verb_and_options.push_back(file_);
    verb_and_options.insert(verb_and_options.end(), more.begin(), more.end());
    return run(verb_and_options, {}, limit);
}

Process Task::start(const Environment &environment) const {
    return Process({walferry_program(), "run", file_}, environment);
}

void Task::run_until_now(std::chrono::seconds limit) const {
    run_or_throw({walferry_program(), "run", "--until", "now", file_}, {}, limit);
}

std::string Task::phase() const {
    Session destination(destination_);
    if (!destination.holds("SELECT to_regclass('walferry.task') IS NOT NULL")) return {};
    return destination.value("SELECT phase FROM walferry.task WHERE name = '" + name_ + "'");
}

void Task::wait_for_slot(Process &process, Session &source) const {
    wait_while_running(process, "the slot is being made", [&] {
        return source.holds("SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '" + slot() + "')");
    });
}

void Task::wait_for_stream(Process &process, std::chrono::seconds limit) const {
    wait_while_running(
        process, "phase is stream", [&] { return phase() == "stream"; }, limit);
}

}  // namespace walferry::testing
