// Goal: a comparison reads well, and only equal tables make it equal.
//
// SPDX-License-Identifier: PostgreSQL
#include "verify/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace walferry {
namespace {

Comparison sample() {
    Comparison comparison;
    comparison.tables.push_back({"shop.item", TableSum{1000, "42"}, TableSum{1000, "42"}, ""});
    comparison.tables.push_back({"shop.\"Order\"", TableSum{2, "7"}, TableSum{1, "3"}, "the destination lacks 1 rows"});
    comparison.tables.push_back({"shop.t", std::nullopt, std::nullopt, "the destination has no such table"});
    comparison.notes.emplace_back("shop.old: at the destination alone");
    return comparison;
}

TEST(Comparison, AsText) {
    EXPECT_EQ(comparison_as_text(sample()),
              "table                 source     destination  verdict\n"
              "shop.item               1000            1000  equal\n"
              "shop.\"Order\"               2               1  the destination lacks 1 rows\n"
              "shop.t                     -               -  the destination has no such table\n"
              "note: shop.old: at the destination alone\n"
              "1 of 3 tables equal; 1002 rows at the source, 1001 at the destination\n");
}

TEST(Comparison, AsJson) {
    const auto json = nlohmann::json::parse(comparison_as_json(sample()));
    EXPECT_EQ(json["equal"], false);
    EXPECT_EQ(json["tables"][0]["source"]["rows"], 1000);
    EXPECT_EQ(json["tables"][1]["destination"]["checksum"], "3");
    EXPECT_TRUE(json["tables"][2]["source"].is_null());
    EXPECT_EQ(json["notes"].size(), 1U);
}

TEST(Comparison, IsEqualOnlyWhenAllTablesAre) {
    auto comparison = sample();
    EXPECT_FALSE(comparison.equal());
    comparison.tables.resize(1);
    EXPECT_TRUE(comparison.equal());
}

}  // namespace
}  // namespace walferry
