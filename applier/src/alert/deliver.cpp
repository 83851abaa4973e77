// SPDX-License-Identifier: PostgreSQL
#include "alert/deliver.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

namespace walferry {

namespace {

tl::unexpected<Error> failed(const std::string &what) { return fail(ErrorKind::transient, what); }

// The exit code, or 128 + the signal; nothing in time: killed.
Result<int> wait_for_end(pid_t pid, std::chrono::milliseconds time) {
    const int pid_file = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    pollfd ended{pid_file, POLLIN, 0};
    const bool in_time = pid_file >= 0 && poll(&ended, 1, static_cast<int>(time.count())) > 0;
    if (pid_file >= 0) close(pid_file);
    if (!in_time) kill(-pid, SIGKILL);  // with whatever it has started
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!in_time) return failed(fmt::format("the command was still running after {} s", time.count() / 1000));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

Result<void> run_alert_command(const std::string &command, const std::string &input, std::chrono::milliseconds time) {
    const int file = memfd_create("alert", MFD_CLOEXEC);
    if (file < 0) return failed(fmt::format("no file for the command's input: {}", strerror(errno)));
    const bool written = write(file, input.data(), input.size()) == static_cast<ssize_t>(input.size());
    lseek(file, 0, SEEK_SET);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, file, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);  // ours is for reports
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const char *const argv[] = {"/bin/sh", "-c", command.c_str(), nullptr};
    pid_t pid = 0;
    const int error =
        written ? posix_spawn(&pid, argv[0], &actions, &attributes, const_cast<char *const *>(argv), environ) : EIO;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(file);
    if (error != 0) return failed(fmt::format("can't run the command: {}", strerror(error)));
    WF_ASSIGN(const int code, wait_for_end(pid, time));
    if (code != 0) return failed(fmt::format("the command ended with {}", code));
    return {};
}

Result<void> post_alert(const std::string &url, const std::string &json, std::chrono::milliseconds time) {
    const std::unique_ptr<CURL, void (*)(CURL *)> curl(curl_easy_init(), curl_easy_cleanup);
    if (!curl) return failed("no libcurl handle");
    const std::unique_ptr<curl_slist, void (*)(curl_slist *)> headers(
        curl_slist_append(nullptr, "Content-Type: application/json"), curl_slist_free_all);
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, json.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(json.size()));
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(time.count()));
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION,
                     static_cast<curl_write_callback>([](char *, std::size_t size, std::size_t count, void *) {
                         return size * count;  // what it says doesn't matter
                     }));
    const CURLcode code = curl_easy_perform(curl.get());
    if (code != CURLE_OK) return failed(fmt::format("the webhook can't be reached: {}", curl_easy_strerror(code)));
    long answer = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer);
    if (answer < 200 || answer > 299) return failed(fmt::format("the webhook answers {}", answer));
    return {};
}

}  // namespace walferry
