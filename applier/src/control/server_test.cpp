// Goal: requests are answered on a socket that is this account's alone; a live process's socket stays its own, and a dead one's is
// taken over.
//
// SPDX-License-Identifier: PostgreSQL
#include "control/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "control/client.h"
#include "control/socket_path.h"

namespace walferry {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

class Folder {
public:
    Folder() {
        std::string name = "/tmp/walferry-test.XXXXXX";
        path_ = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string path(const std::string &name) const { return path_ + "/" + name; }

private:
    std::string path_;
};

std::string echo(std::string_view line) { return R"({"ok": true, "line": )" + json(line).dump() + "}"; }

Task with_socket(const std::string &path) {
    Task task;
    task.control_socket = path;
    return task;
}

TEST(ControlServer, Answers) {
    const Folder folder;
    const Task task = with_socket(folder.path("s"));
    {
        const ControlServer server(task.control_socket, echo);
        struct stat found = {};
        ASSERT_EQ(stat(task.control_socket.c_str(), &found), 0);
        EXPECT_EQ(found.st_mode & 0777U, 0600U);
        for (int i = 0; i < 3; ++i) {
            const auto answer = ask(task, {{"verb", i}});
            ASSERT_TRUE(answer && *answer);
            EXPECT_EQ((*answer)->at("line"), json({{"verb", i}}).dump());
        }
    }
    EXPECT_FALSE(std::filesystem::exists(task.control_socket));
    const auto gone = ask(task, {});
    EXPECT_TRUE(gone && !*gone);
}

TEST(ControlServer, TellsWhatWasRefused) {
    const Folder folder;
    const Task task = with_socket(folder.path("s"));
    const ControlServer server(task.control_socket, [](auto) { return R"({"ok": false, "error": "not now"})"; });
    const auto answer = ask(task, {});
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().message, "not now");
    EXPECT_EQ(answer.error().kind, ErrorKind::state);
}

// By hand: pieces of lines, several lines at once, a client that says nothing, and one that never ends its line.
TEST(ControlServer, TakesWhatComesInPieces) {
    const Folder folder;
    const ControlServer server(folder.path("s"), echo);
    const auto connect_client = [&] {
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, folder.path("s").c_str());
        EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
        return fd;
    };
    const int silent = connect_client();
    const int endless = connect_client();
    const std::string much(1 << 20, 'x');
    (void)send(endless, much.data(), much.size(), MSG_NOSIGNAL);
    const int client = connect_client();
    ASSERT_EQ(send(client, "a", 1, 0), 1);
    ASSERT_EQ(send(client, "b\nc\n", 4, 0), 4);
    const std::string expected = echo("ab") + "\n" + echo("c") + "\n";
    std::string got;
    std::array<char, 256> buffer;
    while (got.size() < expected.size()) {
        const auto size = recv(client, buffer.data(), buffer.size(), 0);
        ASSERT_GT(size, 0);
        got.append(buffer.data(), static_cast<std::size_t>(size));
    }
    EXPECT_EQ(got, expected);
    for (const int fd : {silent, endless, client}) close(fd);
}

TEST(ControlServer, LeavesALiveOneItsSocketAndFollowsIt) {
    const Folder folder;
    const Task task = with_socket(folder.path("s"));
    std::optional<ControlServer> first;
    first.emplace(task.control_socket, [](auto) { return R"({"ok": true, "who": 1})"; });
    const ControlServer second(task.control_socket, [](auto) { return R"({"ok": true, "who": 2})"; });
    EXPECT_EQ(ask(task, {}).value()->at("who"), 1);
    first.reset();
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (!ask(task, {}).value() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(20ms);
    EXPECT_EQ(ask(task, {}).value()->at("who"), 2);
}

TEST(ControlServer, TakesOverADeadOnesSocket) {
    const Folder folder;
    const Task task = with_socket(folder.path("s"));
    const int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, task.control_socket.c_str());
    ASSERT_EQ(bind(dead, reinterpret_cast<const sockaddr *>(&address), sizeof(address)), 0);
    close(dead);
    const ControlServer server(task.control_socket, echo);
    EXPECT_TRUE(ask(task, {}).value());
}

TEST(ControlServer, NeverReplacesAFile) {
    const Folder folder;
    const Task task = with_socket(folder.path("s"));
    { std::ofstream(task.control_socket) << "precious"; }
    const ControlServer server(task.control_socket, echo);
    EXPECT_EQ(std::filesystem::file_size(task.control_socket), 8U);
}

TEST(SocketPath, TellsTasksApart) {
    Task one;
    one.name = "shop";
    one.destination_conninfo = "host=a";
    Task other = one;
    EXPECT_EQ(socket_paths(one), socket_paths(other));
    other.destination_conninfo = "host=b";
    EXPECT_NE(socket_paths(one), socket_paths(other));
    EXPECT_EQ(make_socket_path(with_socket("/x/y")).value(), "/x/y");
    EXPECT_EQ(make_socket_path(with_socket(std::string(200, 'x'))).error().kind, ErrorKind::config);
}

}  // namespace
}  // namespace walferry
