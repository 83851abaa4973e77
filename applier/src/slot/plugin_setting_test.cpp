// Goal: the command that allows the plugin keeps what the setting lists already.
//
// SPDX-License-Identifier: PostgreSQL
#include "slot/plugin_setting.h"

#include <gtest/gtest.h>

namespace walferry {
namespace {

TEST(PluginSetting, FindsWalferryAmongOthers) {
    EXPECT_TRUE(lists_walferry("pgoutput, test_decoding,walferry"));
    EXPECT_TRUE(lists_walferry("\"walferry\""));
    EXPECT_FALSE(lists_walferry("pgoutput, walferry_old"));
    EXPECT_FALSE(lists_walferry(""));
}

TEST(PluginSetting, KeepsWhatIsThere) {
    EXPECT_EQ(allow_walferry_sql("wal2json"),
              "ALTER SYSTEM SET output_plugin_libraries = 'wal2json', 'walferry'; SELECT pg_reload_conf();");
    EXPECT_EQ(allow_walferry_sql(""),
              "ALTER SYSTEM SET output_plugin_libraries = 'pgoutput', 'test_decoding', 'walferry'; "
              "SELECT pg_reload_conf();");
}

}  // namespace
}  // namespace walferry
