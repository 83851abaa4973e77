// SPDX-License-Identifier: PostgreSQL
#include "process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "cluster.h"

namespace walferry::testing {

namespace {

std::system_error last_error(const std::string &what) { return {errno, std::generic_category(), what}; }

std::string joined(const std::vector<std::string> &words) {
    std::string text;
    for (const auto &word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

void open_as(const std::string &path, int descriptor) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || dup2(file, descriptor) < 0) _exit(126);
}

[[noreturn]] void become(const std::vector<std::string> &command, const Environment &environment,
                         const std::string &output_file, const std::string &errors_file) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0) _exit(126);
    open_as(output_file, STDOUT_FILENO);
    open_as(errors_file, STDERR_FILENO);
    for (const auto &[name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    std::vector<char *> arguments;
    for (const auto &word : command) arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
}

}  // namespace

Process::Process(const std::vector<std::string> &command, const Environment &environment) : command_(joined(command)) {
    static int number = 0;
    const std::string base = scratch_folder() + "/process" + std::to_string(++number);
    output_file_ = base + ".out";
    errors_file_ = base + ".err";
    pid_ = fork();
    if (pid_ < 0) throw last_error("fork");
    if (pid_ == 0) become(command, environment, output_file_, errors_file_);
    pid_file_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (pid_file_ < 0) throw last_error("pidfd_open");
}

Process::Process(Process &&other) noexcept
    : command_(std::move(other.command_)),
      output_file_(std::move(other.output_file_)),
      errors_file_(std::move(other.errors_file_)),
      pid_(std::exchange(other.pid_, -1)),
      pid_file_(std::exchange(other.pid_file_, -1)),
      ended_(other.ended_),
      exit_code_(other.exit_code_) {}

Process::~Process() {
    if (pid_ < 0) return;
    if (!ended_) {
        ::kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    close(pid_file_);
}

bool Process::reap(std::chrono::milliseconds time) {
    if (ended_) return true;
    pollfd waiting{pid_file_, POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(time.count())) <= 0) return false;
    int status = 0;
    if (waitpid(pid_, &status, 0) != pid_) throw last_error("waitpid");
    ended_ = true;
    exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

bool Process::running() { return !reap(0ms); }

bool Process::ends_within(std::chrono::milliseconds time) { return reap(time); }

void Process::signal(int number) {
    if (!ended_) ::kill(pid_, number);
}

void Process::kill() {
    signal(SIGKILL);
    (void)wait();
}

int Process::wait(std::chrono::seconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!reap(100ms)) {
        if (std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("still running after " + std::to_string(limit.count()) + " s: " + command_ + "\n" +
                                     errors());
        }
    }
    return exit_code_;
}

std::string Process::output() const { return read_file(output_file_); }
std::string Process::errors() const { return read_file(errors_file_); }

Outcome run(const std::vector<std::string> &command, const Environment &environment, std::chrono::seconds limit) {
    Process process(command, environment);
    const int exit_code = process.wait(limit);
    return {exit_code, process.output(), process.errors()};
}

std::string run_or_throw(const std::vector<std::string> &command, const Environment &environment,
                         std::chrono::seconds limit) {
    auto outcome = run(command, environment, limit);
    if (outcome.exit_code != 0) {
        throw std::runtime_error(joined(command) + " ended with " + std::to_string(outcome.exit_code) + ":\n" +
                                 outcome.errors);
    }
    return std::move(outcome.output);
}

std::string read_file(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::string &path, const std::string &text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (!file.flush()) throw std::runtime_error("can't write " + path);
}

}  // namespace walferry::testing
