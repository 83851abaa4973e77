// SPDX-License-Identifier: PostgreSQL
#include "cluster.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "process.h"

namespace walferry::testing {

namespace {

// Waits for the end of its standard input, that is of the tests, and cleans up.
const char *const guardian_script = R"(
read -r _
for cluster in "$2"/*/; do [ -d "$cluster" ] && "$1" destroy "$cluster"; done
rm -rf -- "$2"
)";

std::string cluster_script() { return source_path("tools/cluster.sh"); }

class Scratch {
public:
    Scratch() {
        char name[] = "/tmp/wf-test.XXXXXX";
        if (mkdtemp(name) == nullptr) throw std::runtime_error("can't make a folder in /tmp");
        folder_ = name;
        // The servers' account passes through to its clusters.
        chmod(name, 0711);                              // NOLINT(google-readability-casting)
        const std::string runtime = folder_ + "/.run";  // for the sockets of tasks
        mkdir(runtime.c_str(), 0700);                   // NOLINT(google-readability-casting)
        setenv("XDG_RUNTIME_DIR", runtime.c_str(), 1);
        start_guardian();
    }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    ~Scratch() {
        close(alive_);
        waitpid(guardian_, nullptr, 0);
    }

    const std::string &folder() const { return folder_; }

private:
    void start_guardian() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("can't make a pipe");
        const std::string script = cluster_script();
        guardian_ = fork();
        if (guardian_ < 0) throw std::runtime_error("can't fork");
        if (guardian_ == 0) {
            setsid();  // an interrupt from the terminal is not for it
            dup2(ends[0], STDIN_FILENO);
            execl("/bin/bash", "bash", "-c", guardian_script, "guardian", script.c_str(), folder_.c_str(), nullptr);
            _exit(127);
        }
        close(ends[0]);
        alive_ = ends[1];
    }

    std::string folder_;
    pid_t guardian_ = -1;
    int alive_ = -1;
};

std::string first_line(const std::string &text) { return text.substr(0, text.find('\n')); }

std::unique_ptr<Clusters> &shared() {
    static std::unique_ptr<Clusters> clusters;
    return clusters;
}

class StopShared : public ::testing::Environment {
public:
    void TearDown() override { shared().reset(); }
};

const auto *const stop_shared = ::testing::AddGlobalTestEnvironment(new StopShared);

}  // namespace

const std::string &scratch_folder() {
    static const Scratch scratch;
    return scratch.folder();
}

std::string source_path(const std::string &below) { return std::string(WALFERRY_SOURCE_DIR) + "/" + below; }

std::string walferry_program() {
    const char *chosen = std::getenv("WALFERRY_BIN");
    return chosen != nullptr ? chosen : std::string(WALFERRY_BINARY_DIR) + "/walferry";
}

Cluster::Cluster(const std::string &name, const std::vector<std::string> &settings, const std::string &pg_config)
    : folder_(scratch_folder() + "/" + name) {
    std::vector<std::string> command = {cluster_script(), "create", folder_};
    command.insert(command.end(), settings.begin(), settings.end());
    Environment environment;
    if (!pg_config.empty()) environment.emplace_back("PG_CONFIG", pg_config);
    conninfo_ = first_line(run_or_throw(command, environment));
}

Cluster::Cluster(const std::string &name, const Cluster &primary, const std::vector<std::string> &settings)
    : folder_(scratch_folder() + "/" + name) {
    std::vector<std::string> command = {cluster_script(), "standby", folder_, primary.folder_};
    command.insert(command.end(), settings.begin(), settings.end());
    conninfo_ = first_line(run_or_throw(command));
}

Cluster::~Cluster() {
    const auto outcome = run({cluster_script(), "destroy", folder_});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
}

std::string Cluster::conninfo(const std::string &database) const { return conninfo_ + " dbname=" + database; }

std::string Cluster::tcp_conninfo(const std::string &database, const std::string &user) const {
    const auto port = conninfo_.substr(conninfo_.find("port="));
    return "host=127.0.0.1 " + port.substr(0, port.find(' ')) + " user=" + user + " dbname=" + database;
}

void Cluster::stop(const std::string &mode) { run_or_throw({cluster_script(), "stop", folder_, mode}); }

void Cluster::start() { run_or_throw({cluster_script(), "start", folder_}); }

std::vector<std::string> with_capture(std::vector<std::string> settings) {
    settings.emplace_back("session_preload_libraries=walferry");
    return settings;
}

std::string chosen_pg_config(Side side) {
    const char *chosen =
        std::getenv(side == Side::source ? "WALFERRY_SOURCE_PG_CONFIG" : "WALFERRY_DESTINATION_PG_CONFIG");
    return chosen == nullptr ? std::string() : chosen;
}

bool same_version() { return chosen_pg_config(Side::source) == chosen_pg_config(Side::destination); }

Clusters &shared_clusters() {
    auto &clusters = shared();
    if (!clusters) {
        clusters = std::make_unique<Clusters>("shared", std::vector<std::string>{"max_prepared_transactions=10"},
                                              std::vector<std::string>{"max_prepared_transactions=10"});
    }
    return *clusters;
}

}  // namespace walferry::testing
