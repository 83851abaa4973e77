// SPDX-License-Identifier: PostgreSQL
#include "schema/pg_tool.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <vector>

namespace walferry {

namespace {

namespace fs = std::filesystem;

std::string shell_quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') out += "'\\'";
        out += c;
    }
    return out + "'";
}

std::optional<int> major_of(const std::string &path) {
    struct Close {
        void operator()(std::FILE *pipe) const { pclose(pipe); }
    };
    const auto command = shell_quoted(path) + " --version 2>/dev/null";
    const std::unique_ptr<std::FILE, Close> pipe(popen(command.c_str(), "re"));
    std::array<char, 256> line{};
    if (!pipe || std::fgets(line.data(), static_cast<int>(line.size()), pipe.get()) == nullptr) return std::nullopt;
    return parse_tool_major(line.data());
}

// Debian's stands for all versions, and takes one by its own lights when it is run; those are looked at themselves.
bool is_wrapper(const std::string &path) {
    std::error_code error;
    const auto file = fs::canonical(path, error);
    return !error && file.filename() == "pg_wrapper";
}

std::vector<std::string> path_folders() {
    const char *path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "" : path;
    std::vector<std::string> out;
    while (!rest.empty()) {
        const auto colon = std::min(rest.find(':'), rest.size());
        if (colon > 0) out.emplace_back(rest.substr(0, colon));
        rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    return out;
}

// Newest first.
std::vector<std::string> debian_folders() {
    std::vector<std::pair<int, std::string>> found;
    std::error_code ignored;
    for (const auto &entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
        const std::string version = entry.path().filename().string();
        int major = 0;
        std::from_chars(version.data(), version.data() + version.size(), major);
        found.emplace_back(major, (entry.path() / "bin").string());
    }
    std::sort(found.rbegin(), found.rend());
    std::vector<std::string> out;
    for (auto &[major, folder] : found) out.push_back(std::move(folder));
    return out;
}

std::vector<std::string> folders(const Task &task) {
    if (!task.pg_bin.empty()) return {task.pg_bin};
    auto out = path_folders();
    const auto debian = debian_folders();
    out.insert(out.end(), debian.begin(), debian.end());
    return out;
}

}  // namespace

std::optional<int> parse_tool_major(std::string_view version_text) {
    static constexpr std::string_view product = "(PostgreSQL) ";
    const auto at = version_text.find(product);
    if (at == std::string_view::npos) return std::nullopt;
    version_text.remove_prefix(at + product.size());
    int major = 0;
    const auto [end, error] = std::from_chars(version_text.data(), version_text.data() + version_text.size(), major);
    if (error != std::errc{}) return std::nullopt;
    return major;
}

PgToolVersion tool_version(const pq::Connection &source, const pq::Connection &destination) {
    const int least = source.server_version() / 10000;
    return {least, std::max(least, destination.server_version() / 10000)};
}

Result<std::string> find_pg_tool(const Task &task, const std::string &tool, PgToolVersion version) {
    struct Found {
        std::string path;
        int major = 0;
    };
    const auto is_better = [&](int major, int than) {
        if (major >= version.best) return than < version.best || major < than;
        return major > than;
    };
    Found found;
    std::string too_old;
    for (const auto &folder : folders(task)) {
        const std::string path = (fs::path(folder) / tool).string();
        if (access(path.c_str(), X_OK) != 0 || is_wrapper(path)) continue;
        const auto major = major_of(path);
        if (!major) continue;
        if (*major < version.least) {
            if (too_old.empty()) too_old = fmt::format("; {} is of version {}", path, *major);
        } else if (is_better(*major, found.major)) {
            found = {path, *major};
            if (*major == version.best) break;
        }
    }
    if (!found.path.empty()) return found.path;
    const auto kind = task.pg_bin.empty() ? ErrorKind::state : ErrorKind::config;
    const auto where = task.pg_bin.empty() ? std::string{} : fmt::format(" in {}", task.pg_bin);
    return fail(
        kind, fmt::format("{} of version {} or newer was not found{}{}", tool, version.least, where, too_old),
        fmt::format("Install postgresql-client-{}, or name the folder that holds {}: key \"pg_bin\" in [schema].",
                    version.best, tool));
}

}  // namespace walferry
