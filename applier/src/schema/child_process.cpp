// SPDX-License-Identifier: PostgreSQL
#include "schema/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace walferry {

namespace {

class Fd {
public:
    explicit Fd(int fd = -1) : fd_(fd) {}
    Fd(const Fd &) = delete;
    Fd &operator=(const Fd &) = delete;
    ~Fd() { reset(-1); }
    void reset(int fd) {
        if (fd_ >= 0) close(fd_);
        fd_ = fd;
    }
    int get() const { return fd_; }

private:
    int fd_;
};

// Read what there is; false at the end.
bool drain(int fd, std::string &out) {
    std::array<char, 65536> buffer;
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got > 0) out.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && errno == EINTR);
}

}  // namespace

Result<ProcessOutput> run_process(const std::vector<std::string> &arguments,
                                  const std::vector<std::pair<std::string, std::string>> &environment) {
    std::vector<std::string> variables;
    for (char **variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
    for (const auto &[name, value] : environment) variables.push_back(name + "=" + value);

    const auto pointers = [](const std::vector<std::string> &strings) {
        std::vector<char *> out;
        for (const auto &string : strings) out.push_back(const_cast<char *>(string.c_str()));
        out.push_back(nullptr);
        return out;
    };
    const auto argv = pointers(arguments);
    const auto envp = pointers(variables);

    int out_pipe[2];
    int err_pipe[2];
    if (pipe2(out_pipe, O_CLOEXEC) != 0) return fail(ErrorKind::bug, "no pipe: " + std::string(strerror(errno)));
    Fd out_read(out_pipe[0]), out_write(out_pipe[1]);
    if (pipe2(err_pipe, O_CLOEXEC) != 0) return fail(ErrorKind::bug, "no pipe: " + std::string(strerror(errno)));
    Fd err_read(err_pipe[0]), err_write(err_pipe[1]);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out_write.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err_write.get(), STDERR_FILENO);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        return fail(ErrorKind::state, "can't run " + arguments[0] + ": " + strerror(error));
    }
    out_write.reset(-1);
    err_write.reset(-1);

    ProcessOutput result;
    bool out_open = true;
    bool err_open = true;
    while (out_open || err_open) {
        pollfd fds[2] = {{out_open ? out_read.get() : -1, POLLIN, 0}, {err_open ? err_read.get() : -1, POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
        if (fds[0].revents != 0) out_open = drain(out_read.get(), result.output);
        if (fds[1].revents != 0) err_open = drain(err_read.get(), result.errors);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

}  // namespace walferry
