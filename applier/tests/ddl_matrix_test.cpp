// Goal: every kind of DDL statement that is to be replicated has the same result at the destination, from wherever it is
// issued, rights and owners included.
// Method: all cases of ddl_cases.h are issued in each of eight ways, each in a schema of its own. Then the task follows, and
// both sides are compared. What can't be applied is left out, so that one run names all cases that fail.
//
// SPDX-License-Identifier: PostgreSQL
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "compare.h"
#include "ddl_cases.h"

namespace walferry::testing {
namespace {

enum class Way { plainly, do_block, function, trigger, several, transaction, savepoint, replica };

const std::vector<std::string> names_of_ways = {"Plainly",   "InDoBlock",     "ByFunction",     "ByTrigger",
                                                "InAString", "InTransaction", "AfterSavepoint", "AsReplica"};

// Placeholders, see DdlCase.
std::string filled_in(std::string text, const DdlCase &c, Way way) {
    const auto replace = [&text](const std::string &what, const std::string &by) {
        for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
            text.replace(at, what.size(), by);
        }
    };
    const auto suffix = std::string(c.name) + "_" + std::to_string(static_cast<int>(way));
    replace("{s}", c.name);
    replace("{n}", suffix);
    replace("{role}", "matrix_" + suffix);
    return text;
}

// The case whose name, being the name of its schema, occurs in `text`; the longest, as names may begin alike.
std::string case_in(const std::string &text) {
    std::string found;
    for (const auto &c : ddl_cases()) {
        const std::string name = c.name;
        if (name.size() > found.size() && text.find(name) != std::string::npos) found = name;
    }
    return found.empty() ? "unknown case" : found;
}

// Roles at both servers. They are of the servers, so they go behind the pair's databases.
class Roles {
public:
    Roles(Clusters &clusters, std::set<std::string> names) : clusters_(clusters), names_(std::move(names)) {
        drop();
        for (const auto &name : names_) {
            Session(clusters_.source.conninfo()).exec("CREATE ROLE " + name);
            Session(clusters_.destination.conninfo()).exec("CREATE ROLE " + name);
        }
    }
    Roles(const Roles &) = delete;
    Roles &operator=(const Roles &) = delete;
    ~Roles() {
        try {
            drop();
        } catch (const std::exception &error) {
            ADD_FAILURE() << "can't drop the roles: " << error.what();
        }
    }

private:
    void drop() {
        for (const auto &name : names_) {
            Session(clusters_.source.conninfo()).exec("DROP ROLE IF EXISTS " + name);
            Session(clusters_.destination.conninfo()).exec("DROP ROLE IF EXISTS " + name);
        }
    }

    Clusters &clusters_;
    std::set<std::string> names_;
};

// The same of a tablespace, which lies in the server's own folder.
class Tablespace {
public:
    explicit Tablespace(Clusters &clusters) : clusters_(clusters) {
        for (auto *cluster : {&clusters_.source, &clusters_.destination}) {
            Session session(cluster->conninfo());
            session.exec("SET allow_in_place_tablespaces = on");
            session.exec("DROP TABLESPACE IF EXISTS matrix_space");
            session.exec("CREATE TABLESPACE matrix_space LOCATION ''");
        }
    }
    Tablespace(const Tablespace &) = delete;
    Tablespace &operator=(const Tablespace &) = delete;
    ~Tablespace() {
        try {
            for (auto *cluster : {&clusters_.source, &clusters_.destination}) {
                Session(cluster->conninfo()).exec("DROP TABLESPACE matrix_space");
            }
        } catch (const std::exception &error) {
            ADD_FAILURE() << "can't drop the tablespace: " << error.what();
        }
    }

private:
    Clusters &clusters_;
};

std::set<std::string> roles_of(Way way) {
    std::set<std::string> names = {"matrix_a", "matrix_b"};
    for (const auto &c : ddl_cases()) {
        auto texts = c.statements;
        texts.push_back(c.before);
        for (const std::string text : texts) {
            if (text.find("{role}") != std::string::npos) names.insert(filled_in("{role}", c, way));
        }
    }
    return names;
}

// Issues the statements of cases at the source.
class Issuer {
public:
    Issuer(const Pair &pair, Way way) : pair_(pair), source_(pair.source()), way_(way) {
        source_.exec(
            "CREATE SCHEMA matrix; CREATE TABLE matrix.statement (sql text);"
            "CREATE FUNCTION matrix.run(sql text) RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE sql; END';"
            "CREATE FUNCTION matrix.run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE new.sql; RETURN new; END';"
            "CREATE TRIGGER run BEFORE INSERT ON matrix.statement FOR EACH ROW EXECUTE FUNCTION matrix.run();"
            "GRANT USAGE ON SCHEMA matrix TO PUBLIC; GRANT INSERT ON matrix.statement TO PUBLIC");
    }

    // Not what PostgreSQL refuses.
    bool is_possible(const DdlCase &c) const {
        const bool executed = way_ == Way::do_block || way_ == Way::function || way_ == Way::trigger;
        const bool in_one = executed || way_ == Way::several || way_ == Way::transaction || way_ == Way::savepoint;
        return !((c.refused & in_transaction) != 0 && in_one) && !((c.refused & by_execute) != 0 && executed);
    }

    void issue(const DdlCase &c) {
        try {
            prepare(c);
            begin(c);
            run(c);
            end(c);
            source_.exec("DISCARD ALL");
        } catch (const std::exception &error) {
            ADD_FAILURE() << c.name << ", at the source: " << error.what();
            source_ = pair_.source();
        }
        ++cases;
        statements += c.statements.size();
    }

    std::size_t cases = 0;
    std::size_t statements = 0;

private:
    void exec(const DdlCase &c, const std::string &text) {
        if (!text.empty()) source_.exec(filled_in(text, c, way_));
    }

    void prepare(const DdlCase &c) {
        exec(c,
             "CREATE SCHEMA {s}; SET search_path = {s}, public; CREATE TABLE t (id int PRIMARY KEY, v text, n int);"
             "CREATE TABLE log (n int); ALTER TABLE log REPLICA IDENTITY FULL;"
             "INSERT INTO t SELECT n, 'row ' || n, n % 7 FROM generate_series(1, 20) n");
        exec(c, c.before);
    }

    // What is around the statements.
    void begin(const DdlCase &c) {
        if (way_ == Way::replica) source_.exec("SET session_replication_role = replica");
        if (way_ == Way::transaction) {
            source_.exec("BEGIN");
            exec(c, changes);
        }
        if (way_ == Way::savepoint) {
            source_.exec("BEGIN; SAVEPOINT before");
            run(c);
            if ((c.refused & use_in_same_transaction) == 0) exec(c, c.after);
            source_.exec("ROLLBACK TO SAVEPOINT before");
            exec(c, changes);
        }
    }

    void end(const DdlCase &c) {
        const bool in_same = way_ == Way::transaction && (c.refused & use_in_same_transaction) == 0;
        if (in_same) exec(c, c.after);
        if (way_ == Way::transaction) {
            exec(c, changes_of_log);
            source_.exec("COMMIT");
        }
        if (way_ == Way::savepoint) source_.exec("COMMIT");
        if (!in_same) exec(c, c.after);
        if (way_ == Way::replica) source_.exec("RESET session_replication_role");
    }

    void run(const DdlCase &c) {
        const auto role = c.role == nullptr ? std::string() : "SET ROLE " + std::string(c.role);
        if (way_ == Way::several) {
            std::string text = changes + ";" + role + ";";
            for (const std::string statement : c.statements) text += statement + ";";
            return exec(c, text + "RESET ROLE; " + changes_of_log);
        }
        exec(c, role);
        for (const std::string statement : c.statements) exec(c, wrapped(statement));
        source_.exec("RESET ROLE");
    }

    std::string wrapped(const std::string &statement) const {
        const auto literal = "$walferry_matrix$" + statement + "$walferry_matrix$";
        if (way_ == Way::do_block) return "DO $walferry_do$ BEGIN EXECUTE " + literal + "; END $walferry_do$";
        if (way_ == Way::function) return "SELECT matrix.run(" + literal + ")";
        if (way_ == Way::trigger) return "INSERT INTO matrix.statement VALUES (" + literal + ")";
        return statement;
    }

    const std::string changes_of_log = "INSERT INTO {s}.log VALUES (3); UPDATE {s}.log SET n = n + 1";
    const std::string changes = changes_of_log + "; UPDATE {s}.t SET n = n + 100 WHERE id < 4";

    const Pair &pair_;
    Session source_;
    Way way_;
};

// Lines of pg_dump by what they define, with owners and rights; without walferry's own.
std::map<std::string, std::string> definitions(const std::string &conninfo) {
    std::istringstream dump(dumped_schema(conninfo));
    std::map<std::string, std::string> found;
    std::string what;
    for (std::string line; std::getline(dump, line);) {
        if (line.starts_with("-- Name: ")) {
            what = line.substr(9, line.find("; Owner:") - 9);
        } else if (!line.empty() && !line.starts_with("--") && what.find("walferry") == std::string::npos) {
            if (!what.empty() && !line.starts_with("\\")) found[what] += line + "\n";
        }
    }
    return found;
}

// What materialized views hold, which compare() doesn't look at.
std::map<std::string, std::string> materialized(Session session) {
    const auto views = session.exec("SELECT format('%I.%I', schemaname, matviewname), ispopulated FROM pg_matviews");
    std::map<std::string, std::string> rows;
    for (int i = 0; i < views.count(); ++i) {
        const auto name = views.text(i, 0);
        rows["rows of " + name] =
            views.boolean(i, 1)
                ? session.value("SELECT string_agg(m::text, ' ' ORDER BY m::text COLLATE \"C\") FROM " + name + " m")
                : "none";
    }
    return rows;
}

// One failure for each case that differs.
void expect_equal(std::map<std::string, std::string> source, std::map<std::string, std::string> destination) {
    for (const auto &[what, text] : source) destination.try_emplace(what);
    std::map<std::string, std::string> differences;
    for (const auto &[what, text] : destination) {
        const auto &expected = source[what];
        if (expected == text) continue;
        const auto schema = what.find("Schema: ");
        const bool has_schema = schema != std::string::npos && what[schema + 8] != '-';
        differences[case_in(has_schema ? what.substr(schema) : what + expected + text)] +=
            "-- " + what + "\n-- source:\n" + expected + "-- destination:\n" + text;
    }
    for (const auto &[name, text] : differences) ADD_FAILURE() << name << " differs:\n" << text;
}

class DdlMatrix : public ::testing::TestWithParam<Way> {
protected:
    // To the end. What can't be applied is named, and left out.
    static bool run_all(const Pair &pair, const Task &task) {
        constexpr int failures_max = 60;
        static const std::regex failed("DDL statement ([0-9]+) can't be applied");
        for (int failures = 0; failures < failures_max; ++failures) {
            const auto outcome = task.call({"run", "--until", "now"});
            if (outcome.exit_code == 0) return true;
            std::smatch match;
            const auto message =
                outcome.errors.substr(std::min(outcome.errors.find("walferry: "), outcome.errors.size()));
            if (!std::regex_search(message, match, failed)) {
                ADD_FAILURE() << case_in(message) << " ends the run: " << message;
                return false;
            }
            const auto id = match[1].str();
            ADD_FAILURE() << case_in(place_of(pair, id)) << ": " << message;
            run_or_throw({walferry_program(), "ddl", "skip", task.file(), id});
        }
        ADD_FAILURE() << "more than " << failures_max << " failures";
        return false;
    }

private:
    static std::string place_of(const Pair &pair, const std::string &id) {
        return pair.source().value(
            "SELECT coalesce(search_path::text, '') || ' ' || statement FROM walferry.ddl_log WHERE id = " + id);
    }
};

TEST_P(DdlMatrix, ResultIsEqual) {
    const auto way = GetParam();
    const Roles roles(shared_clusters(), roles_of(way));
    const Tablespace tablespace(shared_clusters());
    const Pair pair;
    const Task task(
        pair, {.more = "[schema]\nowners = true\ngrants = true\n[ddl]\nroles = \"replicate\"\n"
                       "publications = \"replicate\"\nevent_triggers = \"replicate\"\nforeign_data = \"replicate\"\n"});
    std::size_t left_out = 0;
    {
        Issuer issuer(pair, way);
        task.run_until_now();
        for (const auto &c : ddl_cases()) {
            if (issuer.is_possible(c)) {
                issuer.issue(c);
            } else {
                ++left_out;
            }
        }
        std::cout << issuer.cases << " cases, " << issuer.statements << " statements, " << left_out
                  << " left out in this way" << std::endl;
    }
    if (!run_all(pair, task)) return;
    expect_equal(definitions(pair.source_conninfo()), definitions(pair.destination_conninfo()));
    expect_equal(materialized(pair.source()), materialized(pair.destination()));
    EXPECT_EQ(compare(pair), "");
}

// All schemas have other names at the destination; of a third of the cases the table t lies in another schema, with other columns, of
// another third it has another name, and of the last the table log is not selected.
struct MappedCases {
    std::string rules = "[map]\nschemas = { public = \"public\", \"*\" = \"m_*\" }\n";
    std::string exclude;
    std::string unmap;  // at the destination: the source's names again
    std::string forget_log;
};

MappedCases mapped_cases() {
    MappedCases out;
    int number = 0;
    for (const auto &c : ddl_cases()) {
        const std::string name = c.name;
        const auto table = [&](const std::string &keys) {
            out.rules += "[[tables]]\nname = \"" + name + ".t\"\n" + keys + "\n";
        };
        switch (number++ % 3) {
            case 0:
                table("rename = \"e_" + name + ".renamed\"\nrename_columns = { v = \"w_v\", n = \"w_n\" }");
                out.unmap += "CALL pg_temp.give_back('e_" + name + "', 'm_" + name + "', 'renamed');";
                break;
            case 1:
                table("rename = \"t_renamed\"");
                out.unmap += "CALL pg_temp.give_back('m_" + name + "', 'm_" + name + "', 't_renamed');";
                break;
            default:
                out.exclude += ", \"" + name + ".log\"";
                out.forget_log += "DROP TABLE IF EXISTS " + name + ".log CASCADE;";
        }
    }
    return out;
}

const char *const give_back_sql = R"(
CREATE PROCEDURE pg_temp.give_back(from_schema text, to_schema text, from_name text) LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    IF to_regclass(format('%I.%I', from_schema, from_name)) IS NOT NULL THEN
        FOR found IN SELECT attname FROM pg_attribute WHERE attrelid = format('%I.%I', from_schema, from_name)::regclass
                     AND attname IN ('w_v', 'w_n') AND NOT attisdropped LOOP
            EXECUTE format('ALTER TABLE %I.%I RENAME %I TO %I', from_schema, from_name, found.attname, substr(found.attname, 3));
        END LOOP;
        EXECUTE format('ALTER TABLE %I.%I RENAME TO t', from_schema, from_name);
        IF from_schema <> to_schema THEN
            EXECUTE format('ALTER TABLE %I.t SET SCHEMA %I', from_schema, to_schema);
        END IF;
    END IF;
    IF from_schema <> to_schema THEN EXECUTE format('DROP SCHEMA IF EXISTS %I', from_schema); END IF;
END $$;)";

const char *const rename_schemas_sql = R"(
DO $$
DECLARE
    schema record;
BEGIN
    FOR schema IN SELECT nspname FROM pg_namespace WHERE nspname LIKE 'm\_%' LOOP
        EXECUTE format('ALTER SCHEMA %I RENAME TO %I', schema.nspname, substr(schema.nspname, 3));
    END LOOP;
END $$;)";

class DdlMatrixMapped : public DdlMatrix {};

TEST_P(DdlMatrixMapped, ResultIsEqual) {
    const auto way = GetParam();
    const Roles roles(shared_clusters(), roles_of(way));
    const Tablespace tablespace(shared_clusters());
    const Pair pair;
    const auto mapped = mapped_cases();
    const Task task(
        pair, {.more = "[schema]\nowners = true\ngrants = true\n[ddl]\nroles = \"replicate\"\n"
                       "publications = \"replicate\"\nevent_triggers = \"replicate\"\nforeign_data = \"replicate\"\n"
                       "[objects]\nallow_unmatched = true\nexclude = [" +
                       mapped.exclude.substr(2) + "]\n" + mapped.rules});
    {
        Issuer issuer(pair, way);
        task.run_until_now();
        for (const auto &c : ddl_cases()) {
            if (issuer.is_possible(c)) issuer.issue(c);
        }
    }
    if (!run_all(pair, task)) return;
    pair.source().exec("SET walferry.capture_ddl = off; SET client_min_messages = error;" + mapped.forget_log);
    auto destination = pair.destination();
    destination.exec(give_back_sql);
    destination.exec(mapped.unmap);
    destination.exec(rename_schemas_sql);
    expect_equal(definitions(pair.source_conninfo()), definitions(pair.destination_conninfo()));
    expect_equal(materialized(pair.source()), materialized(pair.destination()));
    EXPECT_EQ(compare(pair), "");
}

INSTANTIATE_TEST_SUITE_P(DdlMatrix, DdlMatrixMapped, ::testing::Values(Way::plainly),
                         [](const auto &way) { return names_of_ways[static_cast<std::size_t>(way.param)]; });

INSTANTIATE_TEST_SUITE_P(DdlMatrix, DdlMatrix,
                         ::testing::Values(Way::plainly, Way::do_block, Way::function, Way::trigger, Way::several,
                                           Way::transaction, Way::savepoint, Way::replica),
                         [](const auto &way) { return names_of_ways[static_cast<std::size_t>(way.param)]; });

}  // namespace
}  // namespace walferry::testing
