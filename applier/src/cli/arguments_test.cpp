// Goal: the documented command lines are understood, others refused in words.
//
// SPDX-License-Identifier: PostgreSQL
#include "cli/arguments.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace walferry {
namespace {

Result<Arguments> parse(std::vector<const char *> words) {
    words.insert(words.begin(), "walferry");
    return parse_arguments(static_cast<int>(words.size()), words.data());
}

TEST(Arguments, TakesTheVerbsAndTheirOptions) {
    const auto run = parse({"run", "--until", "16/B374D848", "shop.toml"});
    ASSERT_TRUE(run.has_value());
    EXPECT_EQ(run->verb, Verb::run);
    EXPECT_EQ(run->file, "shop.toml");
    EXPECT_EQ(run->until, "16/B374D848");
    EXPECT_EQ(run->log_level, "info");

    const auto status = parse({"status", "shop.toml", "--json", "--log-level", "debug"});
    ASSERT_TRUE(status.has_value());
    EXPECT_EQ(status->verb, Verb::status);
    EXPECT_TRUE(status->json);
    EXPECT_EQ(status->log_level, "debug");
    EXPECT_FALSE(status->until);

    EXPECT_EQ(parse({"--log-level", "warn", "precheck", "a"})->verb, Verb::precheck);
    EXPECT_EQ(parse({"verify", "a"})->verb, Verb::verify);
    const auto verify = parse({"verify", "--rows", "5000", "--mb", "0.5", "--restart", "--html", "r.html", "a", "s.t"});
    ASSERT_TRUE(verify);
    EXPECT_EQ(verify->rows, 5000U);
    EXPECT_EQ(verify->mb, 0.5);
    EXPECT_TRUE(verify->restart);
    EXPECT_EQ(verify->html_file, "r.html");
    EXPECT_EQ(parse({"repair", "--mb", "20", "a"})->mb, 20);
    EXPECT_FALSE(parse({"repair", "--restart", "a"}));
    EXPECT_EQ(parse({"objects", "--json", "a"})->verb, Verb::objects);
    EXPECT_EQ(parse({"sequences", "--json", "a"})->verb, Verb::sequences);
    EXPECT_EQ(parse({"cleanup", "a"})->verb, Verb::cleanup);
    EXPECT_EQ(parse({"run", "--until", "now", "a"})->until, "now");
}

TEST(Arguments, TakesTheVerbsForARunningTask) {
    EXPECT_TRUE(parse({"status", "--watch", "a"})->watch);
    EXPECT_EQ(parse({"pause", "a"})->verb, Verb::pause);
    EXPECT_EQ(parse({"resume", "a"})->verb, Verb::resume);
    EXPECT_EQ(parse({"stop", "a"})->verb, Verb::stop);
    const auto throttle = parse({"throttle", "a", "--stream-rows", "1000", "--copy-mb", "0.5"});
    ASSERT_TRUE(throttle.has_value());
    EXPECT_EQ(throttle->verb, Verb::throttle);
    EXPECT_EQ(throttle->throttle.stream_rows, 1000);
    EXPECT_EQ(throttle->throttle.copy_mb, 0.5);
    EXPECT_FALSE(throttle->throttle.stream_mb || throttle->throttle.copy_rows || throttle->throttle.off);
    EXPECT_TRUE(parse({"throttle", "--off", "a"})->throttle.off);
    EXPECT_FALSE(parse({"throttle", "--off", "--stream-rows", "1", "a"}));
    EXPECT_FALSE(parse({"throttle", "--stream-rows", "-1", "a"}));
    EXPECT_FALSE(parse({"throttle", "--stream-rows", "many", "a"}));
}

TEST(Arguments, TakesTheVerbsOfDdl) {
    const auto list = parse({"ddl", "list", "shop.toml", "--json"});
    ASSERT_TRUE(list.has_value()) << list.error().text();
    EXPECT_EQ(list->verb, Verb::ddl_list);
    EXPECT_EQ(list->file, "shop.toml");
    EXPECT_TRUE(list->json);

    const auto skip = parse({"ddl", "skip", "shop.toml", "9223372036854775807", "--log-level", "debug"});
    ASSERT_TRUE(skip.has_value()) << skip.error().text();
    EXPECT_EQ(skip->verb, Verb::ddl_skip);
    EXPECT_EQ(skip->file, "shop.toml");
    EXPECT_EQ(skip->id, INT64_MAX);
    EXPECT_EQ(skip->log_level, "debug");

    const auto done = parse({"ddl", "done", "shop.toml", "010"});
    ASSERT_TRUE(done.has_value()) << done.error().text();
    EXPECT_EQ(done->verb, Verb::ddl_done);
    EXPECT_EQ(done->id, 10);
}

TEST(Arguments, TakesTheVerbsOfTable) {
    const auto add = parse({"table", "add", "shop.toml", "Public.\"Big \"\"Table\""});
    ASSERT_TRUE(add.has_value()) << add.error().text();
    EXPECT_EQ(add->verb, Verb::table_add);
    EXPECT_EQ(add->schema, "public");
    EXPECT_EQ(add->name, "Big \"Table");
    EXPECT_EQ(parse({"table", "remove", "shop.toml", "a.b"})->verb, Verb::table_remove);
    EXPECT_EQ(parse({"table", "recopy", "shop.toml", "a.b"})->verb, Verb::table_recopy);
    for (const char *bad : {"b", "a.b.c", "a.", ".b", "a.\"b"}) {
        EXPECT_FALSE(parse({"table", "add", "shop.toml", bad})) << bad;
    }
}

TEST(Arguments, HelpAndVersionAreText) {
    EXPECT_EQ(parse({"--version"})->help, "walferry " WALFERRY_VERSION "\n");
    EXPECT_NE(parse({"--help"})->help.find("precheck"), std::string::npos);
    EXPECT_NE(parse({"run", "--help"})->help.find("--until"), std::string::npos);
    EXPECT_NE(parse({"ddl", "--help"})->help.find("skip"), std::string::npos);
    EXPECT_EQ(parse({"help", "run"})->help, parse({"run", "--help"})->help);
    EXPECT_EQ(parse({"help"})->help, parse({"--help"})->help);
    EXPECT_NE(parse({"help", "ddl", "skip"})->help.find("walferry ddl skip shop.toml"), std::string::npos);
    EXPECT_NE(parse({"ddl", "skip", "--help"})->help.find("ID"), std::string::npos);
}

TEST(Arguments, RefusesWhatItDoesNotKnow) {
    const std::vector<std::vector<const char *>> wrong = {
        {},
        {"fly"},
        {"run"},
        {"run", "a", "b"},
        {"run", "--json", "a"},
        {"status", "--until", "now", "a"},
        {"run", "--until", "tomorrow", "a"},
        {"run", "--until", "", "a"},
        {"run", "--until", "0/", "a"},
        {"--log-level", "loud", "run", "a"},
        {"ddl"},
        {"ddl", "fly"},
        {"ddl", "a", "list"},
        {"ddl", "list"},
        {"ddl", "list", "a", "1"},
        {"ddl", "skip", "a"},
        {"ddl", "skip", "a", "1", "2"},
        {"ddl", "skip", "a", "0"},
        {"ddl", "skip", "a", "-1"},
        {"ddl", "skip", "a", "0x10"},
        {"ddl", "skip", "a", "1.5"},
        {"ddl", "done", "a", "9223372036854775808"},
        {"ddl", "done", "--json", "a", "1"},
        {"skip", "a", "1"},
    };
    for (const auto &words : wrong) {
        const auto arguments = parse(words);
        ASSERT_FALSE(arguments.has_value()) << (words.empty() ? "no words" : words.back());
        EXPECT_EQ(arguments.error().kind, ErrorKind::usage);
        EXPECT_FALSE(arguments.error().message.empty());
    }
}

TEST(Arguments, NamesAnUnknownVerb) {
    EXPECT_EQ(parse({"fly"}).error().message, "unknown verb \"fly\"");
    EXPECT_EQ(parse({"ddl", "fly", "a"}).error().message, "unknown verb \"ddl fly\"");
    EXPECT_NE(parse({"ddl", "skip", "a", "first"}).error().message.find("not \"first\""), std::string::npos);
}

}  // namespace
}  // namespace walferry
