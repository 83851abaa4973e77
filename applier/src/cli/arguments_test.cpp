// Goal: the documented command lines are understood, others refused in words.
//
// SPDX-License-Identifier: PostgreSQL
#include "cli/arguments.h"

#include <gtest/gtest.h>

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
    EXPECT_EQ(parse({"cleanup", "a"})->verb, Verb::cleanup);
    EXPECT_EQ(parse({"run", "--until", "now", "a"})->until, "now");
}

TEST(Arguments, HelpAndVersionAreText) {
    EXPECT_EQ(parse({"--version"})->help, "walferry " WALFERRY_VERSION "\n");
    EXPECT_NE(parse({"--help"})->help.find("precheck"), std::string::npos);
    EXPECT_NE(parse({"run", "--help"})->help.find("--until"), std::string::npos);
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
    };
    for (const auto &words : wrong) {
        const auto arguments = parse(words);
        ASSERT_FALSE(arguments.has_value()) << (words.empty() ? "no words" : words.back());
        EXPECT_EQ(arguments.error().kind, ErrorKind::usage);
        EXPECT_FALSE(arguments.error().message.empty());
    }
}

}  // namespace
}  // namespace walferry
