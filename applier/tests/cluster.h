// Throwaway PostgreSQL clusters, by tools/cluster.sh, in one scratch folder that is removed however the tests end.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace walferry::testing {

// A folder for everything that the tests write. A guardian process destroys the clusters in it and removes it when
// this program has ended, even by SIGKILL.
const std::string &scratch_folder();

// The root of the project's sources; where its programs were built.
std::string source_path(const std::string &below);
// The program under test: $WALFERRY_BIN, or the one that was built with the tests.
std::string walferry_program();

class Cluster {
public:
    // Made and started; `settings` are NAME=VALUE. `name` tells clusters apart in the scratch folder. `pg_config` is of the
    // PostgreSQL that it runs; empty: the one in the PATH.
    explicit Cluster(const std::string &name, const std::vector<std::string> &settings = {},
                     const std::string &pg_config = {});
    // A standby of `primary`, which gets a slot "standby" for it.
    Cluster(const std::string &name, const Cluster &primary, const std::vector<std::string> &settings);
    Cluster(const Cluster &) = delete;
    Cluster &operator=(const Cluster &) = delete;
    ~Cluster();

    // As superuser, over the socket.
    std::string conninfo(const std::string &database = "postgres") const;
    // Over TCP, where a password is asked for.
    std::string tcp_conninfo(const std::string &database, const std::string &user) const;
    void stop(const std::string &mode);  // fast, immediate
    void start();

private:
    std::string folder_;
    std::string conninfo_;
};

// A source's sessions record their DDL.
std::vector<std::string> with_capture(std::vector<std::string> settings);

// The PostgreSQL of a pair's side: $WALFERRY_SOURCE_PG_CONFIG, $WALFERRY_DESTINATION_PG_CONFIG, or the one in the PATH.
std::string chosen_pg_config(Side side);
bool same_version();  // of both sides

struct Clusters {
    Clusters(const std::string &name, const std::vector<std::string> &source_settings,
             const std::vector<std::string> &destination_settings)
        : source(name + "-source", with_capture(source_settings), chosen_pg_config(Side::source)),
          destination(name + "-destination", destination_settings, chosen_pg_config(Side::destination)) {}
    Cluster source;
    Cluster destination;
};

// The pair that tests share which harm no server.
Clusters &shared_clusters();

}  // namespace walferry::testing
