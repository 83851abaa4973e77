// Goal: SECURITY LABEL, which needs a provider at both servers, is carried over.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include "compare.h"

namespace walferry::testing {
namespace {

const char *const labels =
    "SELECT string_agg(concat_ws(' ', objtype, objnamespace::regnamespace, objname, label), '; ' ORDER BY objtype, objname)"
    " FROM pg_seclabels WHERE provider = 'walferry_test' AND objtype <> 'database'";

TEST(DdlLabels, Arrive) {
    Clusters clusters("labels", {}, {"session_preload_libraries=" WALFERRY_BINARY_DIR "/label_provider.so"});
    const Pair pair(clusters);
    auto source = pair.source();
    source.exec("LOAD '" WALFERRY_BINARY_DIR "/label_provider.so'");
    source.exec(
        "CREATE SCHEMA app; CREATE TABLE app.a (id int PRIMARY KEY, v text); SECURITY LABEL ON TABLE app.a IS 'at first'");
    const Task task(pair);
    task.run_until_now();
    source.exec(
        "SECURITY LABEL ON TABLE app.a IS 'secret ''x'''; SECURITY LABEL FOR walferry_test ON COLUMN app.a.v IS 'v';"
        "SECURITY LABEL ON SCHEMA app IS 's'; SECURITY LABEL ON COLUMN app.a.id IS 'gone'");
    source.exec(
        "CREATE VIEW app.w AS SELECT 1 AS one; CREATE FUNCTION app.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';"
        "CREATE TYPE app.e AS ENUM (); CREATE SEQUENCE app.q; CREATE AGGREGATE app.sum_of(int) (SFUNC = int4pl, STYPE = int)");
    source.exec(
        "SECURITY LABEL ON VIEW app.w IS 'w'; SECURITY LABEL ON FUNCTION app.f(int) IS 'f'; SECURITY LABEL ON TYPE app.e IS 'e';"
        "SECURITY LABEL ON SEQUENCE app.q IS 'q'; SECURITY LABEL ON AGGREGATE app.sum_of(int) IS 'agg';"
        "SECURITY LABEL ON COLUMN app.a.id IS NULL; INSERT INTO app.a VALUES (1, 'x')");
    source.exec("DO $$ BEGIN EXECUTE 'SECURITY LABEL ON ROUTINE app.f IS ''by DO'''; END $$");
    task.run_until_now();
    EXPECT_EQ(compare(pair), "");
    EXPECT_NE(source.value(labels), "");
    EXPECT_EQ(pair.destination().value(labels), source.value(labels));
}

}  // namespace
}  // namespace walferry::testing
