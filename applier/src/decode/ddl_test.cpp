// Goal: a row of walferry.ddl_log is read as it was written; one that can't be such a row is refused.
//
// SPDX-License-Identifier: PostgreSQL
#include "decode/ddl.h"

#include <gtest/gtest.h>

#include "decode/decoder.h"
#include "decode/frame_builder.h"
#include "wire.h"

namespace walferry {
namespace {

// What the decoder makes of one inserted row.
class Reader final : public ChangeSink {
public:
    Result<Ddl> read(const TestRow &row) {
        FrameBuilder builder;
        const auto frame = builder.hello()
                               .begin(test_transaction(1))
                               .relation(test_ddl_log())
                               .insert(16400, row)
                               .commit(test_transaction(1), 1)
                               .frame();
        if (auto decoded = decoder_.decode(frame, *this); !decoded) return fail(std::move(decoded).error());
        return std::move(ddl_);
    }

private:
    void on_begin(const Transaction &) override {}
    void on_change(Change change) override { ddl_ = read_ddl(change); }
    void on_commit() override {}
    void on_heartbeat(Lsn, std::string_view) override {}
    void on_stream_start(std::uint64_t, bool) override {}
    void on_stream_change(std::uint64_t, std::uint32_t, Change) override {}
    void on_stream_abort(std::uint64_t, std::uint32_t) override {}
    void on_stream_commit(const Transaction &) override {}

    Decoder decoder_;
    Result<Ddl> ddl_;
};

TEST(ReadDdl, TakesEveryColumn) {
    TestDdl row;
    row.id = 7;
    row.flags = 4;
    row.settings = {"DateStyle", "ISO, MDY"};
    row.objects = {"C", "table", "public", "a", "{public,a}", "{}", "{}",         "16390",
                   "D", "view",  "s",      "v", "{s,v}",      "{}", "{public,a}", "16392"};
    row.rewritten = {"16390", "public.a", "t", "public", "a", "16391", "public.b", "f", "public", "b"};
    const auto ddl = Reader().read(test_ddl_row(row));
    ASSERT_TRUE(ddl) << ddl.error().text();
    EXPECT_EQ(ddl->id, 7);
    EXPECT_EQ(ddl->lsn, 0x1234U);
    EXPECT_EQ(ddl->captured, 1'000'000);
    EXPECT_EQ(ddl->role, "alice");
    EXPECT_EQ(ddl->tag, "CREATE TABLE");
    EXPECT_EQ(ddl->flags, 4U);
    EXPECT_EQ(ddl->statements, std::vector<std::string>{row.statement});
    EXPECT_EQ(ddl->search_path, std::vector<std::string>{"public"});
    ASSERT_EQ(ddl->settings.size(), 1U);
    EXPECT_EQ(ddl->settings[0].second, "ISO, MDY");
    ASSERT_EQ(ddl->objects.size(), 2U);
    EXPECT_EQ(ddl->objects[1].operation, 'D');
    EXPECT_EQ(ddl->objects[1].type, "view");
    EXPECT_EQ(ddl->objects[1].schema, "s");
    EXPECT_EQ(ddl->objects[1].name, "v");
    EXPECT_EQ(ddl->objects[1].names, "{s,v}");
    EXPECT_EQ(ddl->objects[1].relid, 16392U);
    ASSERT_EQ(ddl->rewritten.size(), 2U);
    EXPECT_EQ(ddl->rewritten[0].relid, 16390U);
    EXPECT_TRUE(ddl->rewritten[0].rows_needed);
    EXPECT_FALSE(ddl->rewritten[1].rows_needed);
}

TEST(ReadDdl, StatementsStandForTheText) {
    TestDdl row;
    row.statements = {"one", "", "three"};
    const auto ddl = Reader().read(test_ddl_row(row));
    ASSERT_TRUE(ddl);
    EXPECT_EQ(ddl->statements, row.statements);
}

TEST(ReadDdl, NothingToRunIsNotTheText) {
    TestDdl row;
    row.flags = WF_DDL_SKIP;
    row.note = "not selected: public.b";
    const auto ddl = Reader().read(test_ddl_row(row));
    ASSERT_TRUE(ddl);
    EXPECT_TRUE(ddl->statements.empty());
    EXPECT_EQ(ddl->note, row.note);
}

TEST(ReadDdl, RefusesWhatIsNotWhole) {
    const auto refused = [](const TestRow &row) {
        const auto ddl = Reader().read(row);
        return !ddl && ddl.error().kind == ErrorKind::protocol;
    };
    TestDdl row;
    row.objects = {"C", "table"};
    EXPECT_TRUE(refused(test_ddl_row(row)));
    row.objects = {"", "table", "public", "a", "{public,a}", "{}", "{}", "0"};
    EXPECT_TRUE(refused(test_ddl_row(row)));
    row.objects = {};
    row.rewritten = {"1"};
    EXPECT_TRUE(refused(test_ddl_row(row)));
    row.rewritten = {};
    row.settings = {"DateStyle"};
    EXPECT_TRUE(refused(test_ddl_row(row)));
    row.settings = {};
    for (std::size_t length = 1; length < test_text_array(row.search_path).size(); ++length) {
        auto cut = test_ddl_row(row);
        cut[9] = cut[9]->substr(0, length);
        EXPECT_TRUE(refused(cut)) << length;
    }
}

}  // namespace
}  // namespace walferry
