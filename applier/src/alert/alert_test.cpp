// Goal: an alert is raised when its condition holds, once in a window, and delivered until it is taken.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>

#include "alert/alerter.h"
#include "alert/conditions.h"
#include "alert/deliver.h"
#include "alert/window.h"

namespace walferry {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AlertTest : public ::testing::Test {
protected:
    AlertTest() {
        std::string name = "/tmp/walferry-test.XXXXXX";
        folder_ = mkdtemp(name.data());
    }
    ~AlertTest() override { std::filesystem::remove_all(folder_); }
    std::string path(const std::string &name) const { return folder_ + "/" + name; }
    std::vector<std::string> lines(const std::string &name) const {
        std::vector<std::string> out;
        std::ifstream in(path(name));
        for (std::string line; std::getline(in, line);) out.push_back(line);
        return out;
    }
    Task task(const std::string &command) const {
        Task task;
        task.name = "shop";
        task.control_socket = path("socket");  // beside it, the window is remembered
        task.alerts.command = command;
        return task;
    }

private:
    std::string folder_;
};

Status with_lag(std::chrono::seconds lag) {
    Status status;
    status.live.emplace();
    status.live->lag_us = std::chrono::microseconds(lag).count();
    return status;
}

AlertOptions limits(std::int64_t lag_seconds, std::int64_t lag_for_seconds, std::uint64_t slot_retained_bytes) {
    AlertOptions options;
    options.lag_seconds = lag_seconds;
    options.lag_for_seconds = lag_for_seconds;
    options.slot_retained_bytes = slot_retained_bytes;
    return options;
}

const AlertConditions::Clock::time_point begin{1h};

TEST_F(AlertTest, LagHasToLast) {
    AlertConditions conditions(limits(10, 60, 0));
    EXPECT_THAT(conditions.look(with_lag(11s), begin), IsEmpty());
    EXPECT_THAT(conditions.look(with_lag(11s), begin + 59s), IsEmpty());
    EXPECT_THAT(conditions.look(with_lag(9s), begin + 59s), IsEmpty()) << "it begins anew";
    EXPECT_THAT(conditions.look(with_lag(11s), begin + 100s), IsEmpty());
    const auto alerts = conditions.look(with_lag(12s), begin + 160s);
    ASSERT_THAT(alerts, SizeIs(1));
    EXPECT_EQ(alerts[0].kind, AlertKind::lag);
    EXPECT_THAT(alerts[0].message, HasSubstr("12 s late"));
    AlertConditions off(limits(0, 0, 0));
    EXPECT_THAT(off.look(with_lag(1000s), begin), IsEmpty());
}

TEST_F(AlertTest, VerifyHasFoundADifference) {
    AlertConditions conditions(limits(0, 0, 0));
    Status status;
    status.verification.emplace();
    status.verification->under_way.emplace();
    EXPECT_THAT(conditions.look(status, begin), IsEmpty());
    status.verification->differing_tables = 1;
    status.verification->differing_rows = 2;
    status.verification->differing = {{"shop", "item", "2 missing", ""}};
    const auto alerts = conditions.look(status, begin);
    ASSERT_THAT(alerts, SizeIs(1));
    EXPECT_EQ(alerts[0].kind, AlertKind::difference);
    EXPECT_THAT(alerts[0].message, HasSubstr("2 rows in 1 table differ"));
    EXPECT_THAT(alerts[0].detail, HasSubstr("shop.item: 2 missing"));
    EXPECT_THAT(alerts[0].detail, HasSubstr("walferry repair"));
}

TEST_F(AlertTest, SlotKeepsTooMuchOrIsInDanger) {
    AlertConditions conditions(limits(0, 0, 1000));
    Status status;
    status.source.emplace();
    status.source->slot = Slot{"s", "walferry", "shop", true, {}, "reserved", {}, {}, 1000, {}};
    EXPECT_THAT(conditions.look(status, begin), IsEmpty());
    status.source->slot->retained_bytes = 1001;
    EXPECT_THAT(conditions.look(status, begin), SizeIs(1));
    status.source->slot->retained_bytes = 0;
    status.source->slot->wal_status = "extended";
    EXPECT_THAT(conditions.look(status, begin), IsEmpty());
    for (const char *bad : {"unreserved", "lost"}) {
        status.source->slot->wal_status = bad;
        const auto alerts = conditions.look(status, begin);
        ASSERT_THAT(alerts, SizeIs(1)) << bad;
        EXPECT_EQ(alerts[0].kind, AlertKind::slot);
    }
}

TEST_F(AlertTest, WindowIsRemembered) {
    const AlertWindow::Time now{1000h};
    AlertWindow window(path("w"), 60s);
    EXPECT_TRUE(window.is_open(AlertKind::lag, now));
    window.close(AlertKind::lag, now);
    for (const auto &same : {window, AlertWindow(path("w"), 60s)}) {
        EXPECT_FALSE(same.is_open(AlertKind::lag, now + 59s));
        EXPECT_TRUE(same.is_open(AlertKind::lag, now + 60s));
        EXPECT_TRUE(same.is_open(AlertKind::slot, now));
    }
    window.open(AlertKind::lag);
    EXPECT_TRUE(AlertWindow(path("w"), 60s).is_open(AlertKind::lag, now));
    { std::ofstream(path("w")) << "no JSON"; }
    EXPECT_TRUE(AlertWindow(path("w"), 60s).is_open(AlertKind::lag, now));
}

TEST_F(AlertTest, CommandGetsJsonOnceInAWindow) {
    const Task one = task("cat >> " + path("got"));
    for (int run = 0; run < 3; ++run) {
        Alerter alerter(one);
        alerter.raise(alert_of(Error{ErrorKind::conflict, {}, "23505", "duplicate \"key\"", {}, "mend it", {}}));
        alerter.raise({AlertKind::difference, "rows differ", ""});
    }
    const auto got = lines("got");
    ASSERT_THAT(got, SizeIs(2));
    const auto json = nlohmann::json::parse(got[0]);
    EXPECT_EQ(json["task"], "shop");
    EXPECT_EQ(json["kind"], "conflict");
    EXPECT_EQ(json["message"], "the task has stopped: duplicate \"key\"");
    EXPECT_THAT(json["detail"].get<std::string>(), HasSubstr("mend it"));
    EXPECT_EQ(nlohmann::json::parse(got[1])["kind"], "difference");
}

TEST_F(AlertTest, IsDeliveredAgainUntilItIsTaken) {
    const Task one = task("echo >> " + path("attempts") + "; test $(wc -l < " + path("attempts") + ") -ge 3");
    {
        Alerter alerter(one);
        alerter.raise({AlertKind::failure, "down", ""});
    }
    EXPECT_THAT(lines("attempts"), SizeIs(3));
}

TEST_F(AlertTest, CommandThatHangsIsKilled) {
    const auto result = run_alert_command("sleep 1000 & wait", "", 200ms);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, HasSubstr("still running"));
    EXPECT_THAT(run_alert_command("exit 3", "", 10s).error().message, HasSubstr("ended with 3"));
    EXPECT_TRUE(run_alert_command("test \"$(cat)\" = x", "x", 10s));
}

// Answers one request with `status`; what came.
std::string serve_once(int listener, const std::string &status) {
    const int client = accept(listener, nullptr, nullptr);
    std::string got;
    std::array<char, 4096> buffer;
    while (got.find("{}") == std::string::npos) {
        const auto size = recv(client, buffer.data(), buffer.size(), 0);
        if (size <= 0) break;
        got.append(buffer.data(), static_cast<std::size_t>(size));
    }
    const std::string answer = "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    (void)send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    close(client);
    return got;
}

TEST_F(AlertTest, WebhookGetsAPostAndHasToTakeIt) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr *>(&address), length), 0);
    ASSERT_EQ(listen(listener, 1), 0);
    ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr *>(&address), &length), 0);
    const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/hook";
    auto taken = std::async(std::launch::async, serve_once, listener, "204 No Content");
    EXPECT_TRUE(post_alert(url, "{}", 10s));
    const std::string got = taken.get();
    EXPECT_THAT(got, ::testing::StartsWith("POST /hook HTTP/1.1"));
    EXPECT_THAT(got, HasSubstr("Content-Type: application/json"));
    auto refused = std::async(std::launch::async, serve_once, listener, "500 Oops");
    const auto result = post_alert(url, "{}", 10s);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message, "the webhook answers 500");
    (void)refused.get();
    close(listener);
}

TEST_F(AlertTest, WebhookThatIsAwayIsNotNamed) {
    const auto result = post_alert("http://127.0.0.1:1/secret", "{}", 5s);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, ::testing::Not(HasSubstr("secret")));
    EXPECT_FALSE(post_alert("file:///etc/hostname", "{}", 5s));
}

}  // namespace
}  // namespace walferry
