// SPDX-License-Identifier: PostgreSQL
#include "control/socket_path.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace walferry {

namespace {

constexpr std::size_t path_length_max = sizeof(sockaddr_un{}.sun_path) - 1;

// Tasks of one name may run between different servers. FNV-1a: short, and the same in every build.
std::uint32_t hash(const std::string &text) {
    std::uint32_t hash = 2166136261U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return hash;
}

std::string file_name(const Task &task) {
    return fmt::format("{}-{:08x}.sock", task.name, hash(task.source_conninfo + '\n' + task.destination_conninfo));
}

std::vector<std::string> folders() {
    std::vector<std::string> folders = {"/run/walferry"};
    const char *runtime = std::getenv("XDG_RUNTIME_DIR");
    if (runtime != nullptr && *runtime == '/') folders.push_back(std::string(runtime) + "/walferry");
    folders.push_back(fmt::format("/tmp/walferry-{}", geteuid()));
    return folders;
}

// Ours alone: in /tmp anybody might have made it before us. /run/walferry is made by whoever set the service up.
bool usable(const std::string &folder) {
    if (folder != folders().front() && mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return false;
    struct stat found = {};
    if (lstat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) return false;
    return found.st_uid == geteuid() && (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace

std::vector<std::string> socket_paths(const Task &task) {
    if (!task.control_socket.empty()) return {task.control_socket};
    std::vector<std::string> paths;
    for (const auto &folder : folders()) paths.push_back(folder + "/" + file_name(task));
    return paths;
}

Result<std::string> make_socket_path(const Task &task) {
    const std::string hint = "Set \"socket\" in [control] to a path in a folder of this account.";
    std::string path = task.control_socket;
    for (const auto &folder : folders()) {
        if (path.empty() && usable(folder)) path = folder + "/" + file_name(task);
    }
    if (path.empty()) return fail(ErrorKind::state, "no folder for the control socket can be used", hint);
    if (path.size() > path_length_max) {
        return fail(ErrorKind::config,
                    fmt::format("the control socket's path is longer than {} bytes: {}", path_length_max, path), hint);
    }
    return path;
}

}  // namespace walferry
