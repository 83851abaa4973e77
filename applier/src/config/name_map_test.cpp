// Goal: the map is a function with one answer each way; rules that would bring two names to one are refused.
//
// SPDX-License-Identifier: PostgreSQL
#include "config/name_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace walferry {
namespace {

using ::testing::HasSubstr;

NameMap shop_map() {
    NameMap map;
    EXPECT_EQ(map.add_schema("app_*", "tenant_*"), "");
    EXPECT_EQ(map.add_schema("app_main", "main"), "");
    EXPECT_EQ(map.add_schema("shop", "store"), "");
    EXPECT_EQ(
        map.add_table({{"shop", "orders"}, QualifiedName{"archive", "orders_2024"}, {{"mail", "email"}, {"a", "b"}}}),
        "");
    EXPECT_EQ(map.add_table({{"app_1", "t"}, QualifiedName{"", "u"}, {}}), "");
    return map;
}

TEST(NameMap, GivesEachNameItsDestination) {
    const NameMap map = shop_map();
    EXPECT_EQ(map.schema("shop"), "store");
    EXPECT_EQ(map.schema("app_7"), "tenant_7");
    EXPECT_EQ(map.schema("app_main"), "main");
    EXPECT_EQ(map.schema("app_"), "tenant_");
    EXPECT_EQ(map.schema("app"), "app");
    EXPECT_EQ(map.relation("shop", "item").text(), "store.item");
    EXPECT_EQ(map.relation("shop", "orders").text(), "archive.orders_2024");
    EXPECT_EQ(map.relation("app_1", "t").text(), "tenant_1.u");
    EXPECT_EQ(map.column({{"shop", "orders_p1"}, {"shop", "orders"}}, "mail"), "email");
    EXPECT_EQ(map.column({{"shop", "orders_p1"}}, "mail"), "mail");
}

TEST(NameMap, TellsWhatIsNotTheSources) {
    const NameMap map = shop_map();
    EXPECT_EQ(map.source_schema("store"), "shop");
    EXPECT_EQ(map.source_schema("tenant_main"), "tenant_main");  // as app_main goes elsewhere
    EXPECT_EQ(map.source_schema("shop"), std::nullopt);
    EXPECT_EQ(map.source_schema("other"), "other");
    EXPECT_EQ(map.source_relation("archive", "orders_2024")->text(), "shop.orders");
    EXPECT_EQ(map.source_relation("store", "orders"), std::nullopt);
    EXPECT_EQ(map.source_relation("archive", "other")->text(), "archive.other");
}

TEST(NameMap, LeavesTheSystemAlone) {
    NameMap map;
    EXPECT_EQ(map.add_schema("*", "copy_of_*"), "");
    EXPECT_EQ(map.schema("public"), "copy_of_public");
    for (const char *schema : {"pg_catalog", "information_schema", "walferry"}) EXPECT_EQ(map.schema(schema), schema);
    EXPECT_THAT(map.add_schema("pg_temp", "x"), HasSubstr("belongs to the system"));
}

TEST(NameMap, RefusesWhatHasTwoAnswers) {
    NameMap map = shop_map();
    EXPECT_THAT(map.add_schema("store2", "store"),
                HasSubstr("schemas \"shop\" and \"store2\" would arrive at one name"));
    EXPECT_THAT(map.add_schema("app_1_*", "x_*"), HasSubstr("match the same schema"));
    EXPECT_THAT(map.add_schema("b_*", "tenant_*_x"), HasSubstr("would arrive at one name"));
    EXPECT_THAT(map.add_schema("c_*", "c"), HasSubstr("one * on each side"));
    EXPECT_THAT(map.add_schema("c_*_*", "c_*"), HasSubstr("more than one *"));
    EXPECT_THAT(map.add_schema("", "c"), HasSubstr("an empty name"));
    EXPECT_THAT(map.add_table({{"shop", "other"}, QualifiedName{"archive", "orders_2024"}, {}}),
                HasSubstr("tables shop.orders and shop.other would arrive at one name: archive.orders_2024"));
    EXPECT_THAT(map.add_table({{"shop", "c"}, {}, {{"a", "x"}, {"b", "x"}}}), HasSubstr("columns \"a\" and \"b\""));
    EXPECT_EQ(map.text(), shop_map().text());  // nothing of these is kept
}

TEST(NameMap, FindsCollisionsOfNamesThatNoRuleNames) {
    const NameMap map = shop_map();
    EXPECT_EQ(name_collision(map, {{"shop", "a"}, {"app_1", "a"}, {"app_2", "a"}, {"public", ""}}), "");
    EXPECT_THAT(name_collision(map, {{"shop", ""}, {"store", ""}}),
                HasSubstr("schemas \"shop\" and \"store\" arrive at one name"));
    EXPECT_THAT(name_collision(map, {{"archive", "orders_2024"}, {"shop", "orders"}}),
                HasSubstr("archive.orders_2024"));
    EXPECT_THAT(name_collision(map, {{"app_" + std::string(57, 'x'), ""}}), HasSubstr("longer than 63 bytes"));
}

TEST(NameMap, SeesWhatAStatementMayConcern) {
    const NameMap map = shop_map();
    EXPECT_TRUE(map.may_concern("CREATE INDEX CONCURRENTLY i ON \"Shop\".t (x)"));
    EXPECT_TRUE(map.may_concern("drop index concurrently APP_3.i"));
    EXPECT_TRUE(map.may_concern("CREATE INDEX ON t (mail)"));
    EXPECT_TRUE(map.may_concern("CREATE INDEX ON U&\"\\0073hop\".t (x)"));
    EXPECT_FALSE(map.may_concern("CREATE INDEX CONCURRENTLY i ON public.total (x)"));
}

// Names over so few letters that rules and names often meet.
std::string some_name() { return *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('x', 'y'))); }

RC_GTEST_PROP(NameMap, NamesThatDoNotCollideComeBack, ()) {
    NameMap map;
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
        const bool star = *rc::gen::arbitrary<bool>();
        (void)map.add_schema(some_name() + (star ? "*" : ""), some_name() + (star ? "*" : ""));
    }
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
        std::optional<QualifiedName> destination;
        if (*rc::gen::arbitrary<bool>())
            destination = QualifiedName{*rc::gen::arbitrary<bool>() ? some_name() : "", some_name()};
        (void)map.add_table({{some_name(), some_name()}, destination, {}});
    }
    std::vector<QualifiedName> relations;
    for (int i = *rc::gen::inRange(1, 6); i > 0; --i) relations.push_back({some_name(), some_name()});
    if (!name_collision(map, relations).empty()) return;
    std::set<QualifiedName> here;
    for (const QualifiedName &relation : relations) here.insert(map.relation(relation));
    RC_ASSERT(here.size() == std::set<QualifiedName>(relations.begin(), relations.end()).size());
    for (const QualifiedName &relation : relations) {
        const auto source = map.source_schema(map.schema(relation.schema));
        RC_ASSERT(source.has_value());
        RC_ASSERT(map.schema(*source) == map.schema(relation.schema));
        const auto back = map.source_relation(map.relation(relation).schema, map.relation(relation).name);
        RC_ASSERT(back.has_value());
        RC_ASSERT(map.relation(*back) == map.relation(relation));
    }
}

}  // namespace
}  // namespace walferry
