// A first pass over the changes follows each row, and finds the tables that must stay in source order. A second one,
// over the rows, lists and sorts what they come to; only then changes are copied, one for each net change.
//
// SPDX-License-Identifier: PostgreSQL
#include "apply/fold.h"

#include <algorithm>
#include <boost/sort/pdqsort/pdqsort.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <span>
#include <utility>

#include "apply/net_row.h"
#include "apply/row_key.h"
#include "apply/statement.h"

namespace walferry {

namespace {

struct Table;

struct Row {
    Table *table;
    RowKey key;
    std::uint64_t key_start;  // its first eight bytes
    NetRow net;
    bool held = false;
};

// Sorted in place of its row or a whole change.
struct Item {
    std::uint64_t key_bytes;  // eight of them
    const Row *row;
};

struct NetItems {
    std::vector<Item> removes;
    std::vector<Item> updates;
    std::vector<Item> inserts;
};

struct Table {
    Table(const Relation &described, bool exact) : relation(&described), key(described), ordered(exact) {
        rows_known = described.identity_hashed && !key.empty();
        may_need_replacement = std::any_of(
            described.columns.begin(), described.columns.end(),
            [&](const Column &column) { return column.identity_always && !tells_rows_apart(described, column); });
    }

    const Relation *relation;
    KeyColumns key;
    bool rows_known = false;            // changes tell their row; else it stays in source order
    bool may_need_replacement = false;  // by an update that keeps the key
    bool ordered;
    NetItems free;
    NetItems held;
};

struct RowId {
    std::uint32_t relid;
    std::uint64_t identity;

    bool operator==(const RowId &) const = default;
};

struct RowIdHash {
    std::size_t operator()(const RowId &id) const { return id.identity ^ (std::uint64_t{id.relid} << 32); }
};

// Rows whose keys begin with as many equal bytes lie near each other anyway.
constexpr std::size_t sorted_bytes_max = 128;

// By the bytes of their keys from `offset` on, of which the items hold the first eight.
void sort_by_key(std::span<Item> items, std::size_t offset = 0) {
    const auto less = [](const Item &a, const Item &b) { return a.key_bytes < b.key_bytes; };
    boost::sort::pdqsort_branchless(items.begin(), items.end(), less);
    offset += sizeof(Item::key_bytes);
    if (offset >= sorted_bytes_max) return;
    for (auto first = items.begin(); first != items.end();) {
        const auto last = std::find_if(first, items.end(), [&](const Item &item) { return less(*first, item); });
        if (last - first > 1) {
            for (auto item = first; item != last; ++item) item->key_bytes = item->row->key.eight_bytes(offset);
            sort_by_key({first, last}, offset);
        }
        first = last;
    }
}

class Folder {
public:
    Folder(const std::vector<PlannedChange> &changes, const std::function<bool(const Relation &)> &exact)
        : changes_(changes), exact_(exact), before_(changes.size(), NetRow::none) {
        rows_.reserve(changes.size());
        row_numbers_.reserve(changes.size());
    }

    FoldedGroup fold();

private:
    // First pass; changes go by their index.
    void add(std::uint32_t at);
    bool fold_into_row(Table &table, std::uint32_t at);
    bool foldable(const Table &table, const Change &change);
    Row *find_row(Table &table, std::uint32_t at);
    Row *add_row(Table &table, std::uint32_t at);
    Table &table_of(const Relation &relation);
    Table &find_table(const Relation &relation);

    // Second pass.
    void list_net_changes();
    FoldedTable write(Table &table);
    NetChanges write(NetItems &items);
    template <typename Write>
    static std::vector<Change> write_sorted(std::vector<Item> &items, Write write);
    std::vector<const PlannedChange *> ordered();

    const std::vector<PlannedChange> &changes_;
    const std::function<bool(const Relation &)> &exact_;
    std::map<std::uint32_t, Table> tables_;  // by relid
    Table *last_table_ = nullptr;
    std::vector<Row> rows_;
    boost::unordered_flat_map<RowId, std::uint32_t, RowIdHash> row_numbers_;
    std::vector<std::uint32_t> before_;  // see NetWriter
    ChangeValues values_;
    FoldedGroup folded_;
    NetWriter writer_{changes_, before_, folded_.merged};
};

FoldedGroup Folder::fold() {
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        if (!changes_[i].undecided) add(static_cast<std::uint32_t>(i));
    }
    list_net_changes();
    for (auto &[relid, table] : tables_) {
        FoldedTable folded = write(table);
        if (!folded.free.empty() || !folded.held.empty()) folded_.tables.push_back(std::move(folded));
    }
    folded_.ordered = ordered();
    return std::move(folded_);
}

void Folder::add(std::uint32_t at) {
    const Change &change = changes_[at].change;
    if (change.kind == ChangeKind::truncate) {
        for (const Relation *relation : change.truncate->relations) table_of(*relation).ordered = true;
        return;
    }
    Table &table = table_of(*change.relation);
    if (!table.ordered && !fold_into_row(table, at)) table.ordered = true;
}

// False: that can't be done.
bool Folder::fold_into_row(Table &table, std::uint32_t at) {
    const PlannedChange &planned = changes_[at];
    if (!foldable(table, planned.change)) return false;
    Row *row = find_row(table, at);
    if (row == nullptr) return false;
    before_[at] = row->net.last();
    row->held |= planned.held;
    return row->net.add(planned.change.kind, at);
}

bool Folder::foldable(const Table &table, const Change &change) {
    if (!table.rows_known) return change.kind == ChangeKind::insert;
    if (change.keys.identity == 0 || !table.key.carried_by(change)) return false;
    if (change.kind != ChangeKind::update) return true;
    if (!table.key.kept_by(change)) return false;
    if (!table.may_need_replacement) return true;
    values_.split(change);
    return !needs_replacement(change, values_);
}

// Null: another row has the same hash.
Row *Folder::find_row(Table &table, std::uint32_t at) {
    if (!table.rows_known) return add_row(table, at);
    const Change &change = changes_[at].change;
    const RowId id{table.relation->relid, change.keys.identity};
    const auto [found, added] = row_numbers_.try_emplace(id, static_cast<std::uint32_t>(rows_.size()));
    if (added) return add_row(table, at);
    Row &row = rows_[found->second];
    return row.key.same(table.key.of(change)) ? &row : nullptr;
}

Row *Folder::add_row(Table &table, std::uint32_t at) {
    const Change &change = changes_[at].change;
    const RowKey key = table.key.of(change);
    return &rows_.emplace_back(Row{&table, key, table.rows_known ? key.eight_bytes(0) : 0, NetRow(change.kind, at)});
}

Table &Folder::table_of(const Relation &relation) {
    if (last_table_ == nullptr || last_table_->relation != &relation) last_table_ = &find_table(relation);
    return *last_table_;
}

Table &Folder::find_table(const Relation &relation) {
    const auto found = tables_.find(relation.relid);
    if (found == tables_.end()) {
        return tables_.try_emplace(relation.relid, relation, exact_(relation)).first->second;
    }
    if (found->second.relation != &relation) found->second.ordered = true;  // described twice
    return found->second;
}

void Folder::list_net_changes() {
    for (const Row &row : rows_) {
        if (row.table->ordered) continue;
        NetItems &net = row.held ? row.table->held : row.table->free;
        const Item item{row.key_start, &row};
        if (row.net.removed()) net.removes.push_back(item);
        if (row.net.updated()) net.updates.push_back(item);
        if (row.net.inserted()) net.inserts.push_back(item);
    }
}

FoldedTable Folder::write(Table &table) { return {table.relation, write(table.free), write(table.held)}; }

NetChanges Folder::write(NetItems &items) {
    return {write_sorted(items.removes, [this](const NetRow &row) { return writer_.remove(row); }),
            write_sorted(items.updates, [this](const NetRow &row) { return writer_.update(row); }),
            write_sorted(items.inserts, [this](const NetRow &row) { return writer_.insert(row); })};
}

template <typename Write>
std::vector<Change> Folder::write_sorted(std::vector<Item> &items, Write write) {
    if (!items.empty() && items.front().row->table->rows_known) sort_by_key(items);
    std::vector<Change> changes;
    changes.reserve(items.size());
    for (const Item &item : items) changes.push_back(write(item.row->net));
    return changes;
}

std::vector<const PlannedChange *> Folder::ordered() {
    std::vector<const PlannedChange *> ordered;
    const auto is_ordered = [](const auto &table) { return table.second.ordered; };
    if (std::none_of(tables_.begin(), tables_.end(), is_ordered)) return ordered;
    for (const PlannedChange &planned : changes_) {
        if (!planned.undecided && table_of(*planned.change.relation).ordered) ordered.push_back(&planned);
    }
    return ordered;
}

}  // namespace

FoldedGroup fold(const Group &group, const std::function<bool(const Relation &)> &exact) {
    return Folder(group.changes, exact).fold();
}

}  // namespace walferry
