// Goal: a task takes what its patterns say, now and later, tells what that is, and doesn't overlook one that is mistyped.
//
// SPDX-License-Identifier: PostgreSQL
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compare.h"

namespace walferry::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

void make_objects(const Pair &pair) {
    pair.source().exec(
        "CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('ok'); CREATE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS 'SELECT $1';"
        "CREATE TABLE app.orders (id serial PRIMARY KEY, m app.mood, region text); INSERT INTO app.orders (m) VALUES ('ok');"
        "CREATE TABLE app.log_1 (id int PRIMARY KEY); CREATE TABLE app.log_old (id int PRIMARY KEY);"
        "CREATE VIEW app.view AS SELECT * FROM app.orders; CREATE TABLE secret (v text)");
}

TEST(Objects, RegularExpressionsChooseLaterTablesToo) {
    const Pair pair;
    make_objects(pair);
    const Task task(
        pair, {.more = "[objects]\ninclude = ['app./orders|log_\\d+/', '/public/.*']\nexclude = ['*./sec.*/']\n"});
    task.run_until_now();
    pair.source().exec(
        "CREATE TABLE app.log_22 (id int PRIMARY KEY, v text); INSERT INTO app.log_22 VALUES (1, 'a');"
        "CREATE TABLE app.log_x (id int); CREATE TABLE app.orders2 (id int); CREATE TABLE public.secrets (id int);"
        "CREATE TABLE public.open (id int PRIMARY KEY); INSERT INTO public.open VALUES (1)");
    task.run_until_now();
    EXPECT_EQ(
        pair.destination().value(
            "SELECT string_agg(schemaname || '.' || relname || ':' || n_live, ' ' ORDER BY schemaname, relname) FROM"
            " (SELECT schemaname, relname, (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I.%I',"
            "  schemaname, relname), false, true, '')))[1]::text AS n_live FROM pg_stat_user_tables"
            "  WHERE schemaname IN ('app', 'public')) t"),
        "app.log_1:0 app.log_22:1 app.orders:1 public.open:1");
}

TEST(Objects, APatternThatMatchesNothingIsAnError) {
    const Pair pair;
    make_objects(pair);
    const Task mistyped(pair, {.more = "[objects]\nexclude = ['public.secrt']\n"});
    const auto refused = mistyped.call({"run", "--until", "now"});
    EXPECT_EQ(refused.exit_code, 3);
    EXPECT_THAT(refused.errors, AllOf(HasSubstr("nothing is matched by public.secrt"), HasSubstr("allow_unmatched")));
    const Task allowed(pair, {.more = "[objects]\nexclude = ['public.secrt']\nallow_unmatched = true\n"});
    EXPECT_EQ(allowed.call({"precheck"}).exit_code, 0) << allowed.call({"precheck"}).output;
    const Task broken(pair, {.more = "[objects]\nexclude = ['public./(/']\n"});
    EXPECT_THAT(broken.call({"precheck"}).output, HasSubstr("parentheses () not balanced"));
}

TEST(Objects, AreListed) {
    const Pair pair;
    make_objects(pair);
    const Task task(pair, {.more = "[objects]\ninclude = ['app.*', 'nowhere.*']\nexclude = ['app.log_old']\n"
                                   "[[tables]]\nname = 'app.orders'\nwhere = 'id > 0'\nset = { region = \"NULL\" }\n"});
    const auto listed = task.call({"objects"});
    EXPECT_EQ(listed.exit_code, 0) << listed.errors;
    EXPECT_THAT(listed.output, AllOf(ContainsRegex("table +app.orders +app\\.\\* +where id > 0; region = NULL\n"),
                                     ContainsRegex("table +app.log_1 +app\\.\\* +all rows\n"),
                                     ContainsRegex("sequence +app.orders_id_seq +with app.orders +value\n"),
                                     ContainsRegex("view +app.view +app\\.\\* +definition\n"),
                                     ContainsRegex("enum +app.mood +with the schema +definition\n"),
                                     ContainsRegex("function +app.f\\(integer\\) +with the schema"),
                                     HasSubstr("pattern nowhere.* matches nothing\n"),
                                     HasSubstr("left out: app.log_old\n"), HasSubstr("left out: public.secret\n")));
    EXPECT_THAT(task.call({"objects", "--json"}).output,
                AllOf(HasSubstr("\"unmatched\": [\n    \"nowhere.*\"\n  ]"), Not(HasSubstr("all rows\n"))));
}

}  // namespace
}  // namespace walferry::testing
