// Goal: the dashboard works in a real browser: its charts move, it complains of nothing and asks nobody but its own server, on a
// large screen and on a phone, light and dark. Needs chromium with its driver (make check-dashboard).
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include "browser.h"
#include "dashboard.h"
#include "load.h"

namespace walferry::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string last_points =
    "return charts.map((chart) => chart.data.labels.at(-1) + ':' + chart.data.datasets[0].data.at(-1))";

// $WALFERRY_SCREENSHOTS: a folder for pictures to look at.
void keep_picture(Browser &browser, const std::string &name) {
    const char *folder = std::getenv("WALFERRY_SCREENSHOTS");
    if (folder != nullptr) browser.screenshot(std::string(folder) + "/" + name + ".png");
}

void look(Process &run, const std::string &address, int width, int height, bool dark, const std::string &name) {
    Browser browser(width, height, dark);
    browser.open(address);
    wait_while_running(run, "the page has changes in its chart", [&] {
        return browser.evaluate("return charts[1].data.datasets[0].data.filter((rate) => rate > 0).length > 3") == true;
    });
    // All series get new points.
    const auto before = browser.evaluate(last_points);
    wait_while_running(run, "the charts move", [&] {
        const auto now = browser.evaluate(last_points);
        for (std::size_t i = 0; i < now.size(); ++i) {
            if (now[i] == before[i]) return false;
        }
        return true;
    });
    EXPECT_EQ(browser.evaluate("return document.getElementById('state').textContent"), "running");
    wait_while_running(run, "the conflict is shown", [&] {
        return browser.evaluate(
                   "const facts = document.getElementById('stream').textContent;"
                   "return facts.includes('update_missing, quarantine1') && facts.includes('in quarantine1')") == true;
    });
    EXPECT_EQ(browser.evaluate("return document.getElementById('phase').textContent"), "stream");
    EXPECT_EQ(browser.evaluate("return document.getElementById('alarm').hidden"), true);
    EXPECT_EQ(browser.evaluate("return matchMedia('(prefers-color-scheme: dark)').matches"), dark);
    EXPECT_EQ(browser.evaluate("return document.documentElement.scrollWidth <= innerWidth"), true)
        << "no sideways scrolling";
    wait_while_running(run, "the page has what differs", [&] {
        return browser.evaluate("return document.getElementById('verify-list').textContent")
                   .get<std::string>()
                   .find("shop.customer1 extra") == 0;
    });
    EXPECT_EQ(browser.evaluate("return document.getElementById('verify-state').textContent"), "differs");
    keep_picture(browser, name);
    EXPECT_THAT(browser.complaints(), IsEmpty());
    const auto requests = browser.requests();
    EXPECT_GT(requests.size(), 8U);
    for (const auto &url : requests) {
        if (url == "data:,") continue;  // the driver's empty page
        EXPECT_THAT(url, StartsWith(address));
    }
}

TEST(Dashboard, MovesInARealBrowser) {
    if (!Browser::installed()) GTEST_SKIP() << "no chromium with chromium-driver here";
    const Pair pair;
    make_load_tables(pair, 1);
    pair.source().exec(
        "CREATE SCHEMA shop; CREATE TABLE shop.customer (id int PRIMARY KEY, name text);"
        "CREATE TABLE shop.visit (id int PRIMARY KEY, page text); INSERT INTO shop.visit VALUES (1, 'x')");
    const Task task(pair, {.name = pair.name() + "_shop",
                           .more = "[http]\nlisten = '127.0.0.1:0'\n[conflict]\nupdate_missing = 'quarantine'\n"});
    auto run = task.start();
    task.wait_for_stream(run);
    pair.source().exec("ALTER TABLE shop.customer ADD COLUMN email text; CREATE INDEX ON shop.customer (email)");
    pair.destination().exec("DELETE FROM shop.visit");
    pair.source().exec("UPDATE shop.visit SET page = 'missing'");
    Load load(pair, 60);
    wait_while_running(run, "the column has arrived", [&] {
        return pair.destination().holds(
            "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'shop.customer'::regclass"
            " AND attname = 'email')");
    });
    pair.destination().exec("INSERT INTO shop.customer VALUES (-1, 'nobody')");
    EXPECT_EQ(task.call({"verify"}).exit_code, 9);
    const auto address = dashboard_address(run);
    look(run, address, 1280, 1500, false, "light");
    look(run, address, 1280, 1500, true, "dark");
    look(run, address, 500, 1800, true, "phone");
    run.signal(SIGTERM);
    EXPECT_EQ(run.wait(30s), 0) << run.errors();
}

}  // namespace
}  // namespace walferry::testing
