// Goal: a comparison reads well, and only equal tables and objects make it equal.
//
// SPDX-License-Identifier: PostgreSQL
#include "verify/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "verify/html_report.h"
#include "verify/object_comparison.h"

namespace walferry {
namespace {

TableComparison table(const std::string &name, std::int64_t source, std::int64_t destination) {
    TableComparison out;
    out.table = name;
    out.key = {"id"};
    out.source = TableSum{source, 1};
    out.destination = TableSum{destination, 1};
    return out;
}

Comparison sample() {
    Comparison comparison;
    comparison.tables.push_back(table("shop.item", 1000, 1000));
    auto orders = table("shop.\"Order\"", 2, 1);
    orders.rows.push_back({RowFault::missing, {"7"}, {}, 1});
    orders.rows.push_back({RowFault::differing, {"8"}, {"price", "name"}, 1});
    comparison.tables.push_back(orders);
    auto visits = table("shop.visit", 5, 7);
    visits.key.clear();
    visits.rows.push_back({RowFault::extra, {"(a,1)"}, {}, 2});
    comparison.tables.push_back(visits);
    TableComparison gone;
    gone.table = "shop.t";
    gone.problem = "the destination has no such table";
    comparison.tables.push_back(gone);
    comparison.objects.push_back({"index", "shop.i", "CREATE INDEX i ON shop.item USING btree (n)", "", {}});
    comparison.notes.emplace_back("shop.old: at the destination alone");
    return comparison;
}

TEST(Comparison, AsText) {
    EXPECT_EQ(comparison_as_text(sample()),
              "table                 source     destination  verdict\n"
              "shop.item               1000            1000  equal\n"
              "shop.\"Order\"               2               1  1 missing, 1 differing\n"
              "    missing (id) = (7)\n"
              "    differing (id) = (8): price, name\n"
              "shop.visit                 5               7  2 extra\n"
              "    2 x extra row (a,1)\n"
              "shop.t                     -               -  the destination has no such table\n"
              "index shop.i differs\n"
              "    source:      CREATE INDEX i ON shop.item USING btree (n)\n"
              "    destination: none\n"
              "note: shop.old: at the destination alone\n"
              "1 of 4 tables equal; 1007 rows at the source, 1008 at the destination; 1 differing objects\n");
}

TEST(Comparison, AsJson) {
    const auto json = nlohmann::json::parse(comparison_as_json(sample()));
    EXPECT_EQ(json["equal"], false);
    EXPECT_EQ(json["tables"][0]["source"]["rows"], 1000);
    EXPECT_EQ(json["tables"][1]["differences"][0]["kind"], "missing");
    EXPECT_EQ(json["tables"][1]["differences"][1]["key"]["id"], "8");
    EXPECT_EQ(json["tables"][1]["differences"][1]["columns"][0], "price");
    EXPECT_EQ(json["tables"][2]["differences"][0]["count"], 2);
    EXPECT_TRUE(json["tables"][3]["source"].is_null());
    EXPECT_EQ(json["objects"][0]["name"], "shop.i");
    EXPECT_EQ(json["notes"].size(), 1U);
}

TEST(Comparison, IsEqualOnlyWhenEverythingIs) {
    auto comparison = sample();
    comparison.tables.resize(1);
    EXPECT_FALSE(comparison.equal());
    comparison.objects.clear();
    EXPECT_TRUE(comparison.equal());
    comparison.tables[0].rows.push_back({RowFault::missing, {"7"}, {}, 1});
    EXPECT_FALSE(comparison.equal());
}

// Both forms are PostgreSQL's own, before and after a dump.
TEST(SettledDefinition, IsThatOfTheRestoredOne) {
    const std::string before =
        "CHECK (((v)::text = ANY ((ARRAY['a, b'::character varying, 'it''s'::character varying])::text[])))";
    const std::string after =
        "CHECK (((v)::text = ANY (ARRAY[('a, b'::character varying)::text, ('it''s'::character varying)::text])))";
    EXPECT_EQ(settled_definition(before), after);
    EXPECT_EQ(settled_definition(after), after);
    EXPECT_EQ(settled_definition("(n + 1)"), "(n + 1)");
}

TEST(Comparison, AsHtml) {
    auto comparison = sample();
    comparison.tables[1].rows[0].key = {"<script>alert(\"1\")</script>"};
    const std::string html = comparison_as_html(comparison, "shop & co", {});
    EXPECT_NE(html.find("<title>walferry verify: shop &amp; co</title>"), std::string::npos);
    EXPECT_NE(html.find("ended at 1970-01-01 00:00:00 UTC"), std::string::npos);
    EXPECT_NE(html.find("3 of 4 tables and 1 other objects differ"), std::string::npos);
    EXPECT_NE(html.find("walferry repair"), std::string::npos);
    EXPECT_NE(html.find("<td>shop.&quot;Order&quot;</td>"), std::string::npos);
    EXPECT_LT(html.find("shop.visit"), html.find("shop.item")) << "what differs comes first";
    EXPECT_EQ(html.find("<script"), std::string::npos) << "values are text";
    EXPECT_NE(html.find("CREATE INDEX i ON shop.item"), std::string::npos);
    // It asks nobody for anything.
    for (const char *request : {"src=", "href=", "url(", "@import", "http:", "https:"}) {
        EXPECT_EQ(html.find(request), std::string::npos) << request;
    }
    EXPECT_NE(html.find("prefers-color-scheme: dark"), std::string::npos);
    EXPECT_NE(comparison_as_html({}, "shop", {}).find("Nothing differs"), std::string::npos);
}

}  // namespace
}  // namespace walferry
