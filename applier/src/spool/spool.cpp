// A record: uint32 length of what follows; the change, its relations as this process's pointers.
//
// SPDX-License-Identifier: PostgreSQL
#include "spool/spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/bytes.h"

namespace walferry {

namespace {

constexpr std::size_t write_bytes = std::size_t{256} << 10;
constexpr std::size_t read_bytes = std::size_t{64} << 10;
constexpr std::size_t length_bytes = sizeof(std::uint32_t);

tl::unexpected<Error> system_error(const char *what) {
    return fail(
        ErrorKind::state, std::string(what) + ": " + std::strerror(errno),
        "Streamed transactions are kept in the folder apply.spool_folder until they end: see that it exists, can be "
        "written to and has room, or set apply.streaming = false.");
}

void append_bytes(std::string &out, std::string_view bytes) {
    append_integer(out, static_cast<std::uint32_t>(bytes.size()));
    out += bytes;
}

void append_relation(std::string &out, const Relation *relation) {
    append_integer(out, std::bit_cast<std::uint64_t>(relation));
}

const Relation *read_relation(ByteReader &reader) {
    return std::bit_cast<const Relation *>(reader.read<std::uint64_t>());
}

std::string_view read_string(ByteReader &reader) { return reader.read_bytes(reader.read<std::uint32_t>()); }

void append_change(std::string &out, const Change &change) {
    append_integer(out, static_cast<std::uint8_t>(change.kind));
    append_integer(out, static_cast<std::uint8_t>(change.old_kind));
    append_relation(out, change.relation);
    if (change.truncate) {
        append_integer(out, static_cast<std::uint8_t>(change.truncate->cascade));
        append_integer(out, static_cast<std::uint8_t>(change.truncate->restart_identity));
        append_integer(out, static_cast<std::uint8_t>(change.truncate->partial));
        append_integer(out, static_cast<std::uint32_t>(change.truncate->relations.size()));
        for (const Relation *relation : change.truncate->relations) append_relation(out, relation);
        return;
    }
    append_integer(out, change.keys.identity);
    append_integer(out, change.keys.new_identity);
    append_bytes(out, change.keys.unique);
    append_bytes(out, change.old_tuple.bytes());
    append_integer(out, static_cast<std::uint8_t>(change.new_tuple.lacks_values()));
    append_bytes(out, change.new_tuple.bytes());
}

Change read_change(ByteReader &reader) {
    Change change;
    change.kind = static_cast<ChangeKind>(reader.read<std::uint8_t>());
    change.old_kind = static_cast<OldTuple>(reader.read<std::uint8_t>());
    change.relation = read_relation(reader);
    if (change.kind == ChangeKind::truncate) {
        change.truncate = std::make_shared<Truncate>();
        change.truncate->cascade = reader.read<std::uint8_t>() != 0;
        change.truncate->restart_identity = reader.read<std::uint8_t>() != 0;
        change.truncate->partial = reader.read<std::uint8_t>() != 0;
        change.truncate->relations.resize(reader.read<std::uint32_t>());
        for (const Relation *&relation : change.truncate->relations) relation = read_relation(reader);
        return change;
    }
    change.keys.identity = reader.read<std::uint64_t>();
    change.keys.new_identity = reader.read<std::uint64_t>();
    change.keys.unique = read_string(reader);
    change.old_tuple = Tuple(read_string(reader));
    const bool lacks_values = reader.read<std::uint8_t>() != 0;
    change.new_tuple = Tuple(read_string(reader), lacks_values);
    return change;
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::create(const std::string &folder) {
    const int file = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0) return system_error(("can't make a file in " + folder).c_str());
    return std::unique_ptr<Spool>(new Spool(file));
}

Spool::~Spool() {
    set_size(0);
    close(file_);
}

void Spool::set_size(std::uint64_t size) {
    in_use_.fetch_add(size - size_, std::memory_order_relaxed);  // it wraps, and is right
    size_ = size;
}

Result<void> Spool::add(std::uint32_t subxid, const Change &change) {
    first_.try_emplace(subxid, bytes());
    const auto start = buffer_.size();
    append_integer<std::uint32_t>(buffer_, 0);
    append_change(buffer_, change);
    overwrite_integer(buffer_, start, static_cast<std::uint32_t>(buffer_.size() - start - length_bytes));
    return buffer_.size() < write_bytes ? Result<void>{} : write();
}

Result<void> Spool::write() {
    for (std::size_t done = 0; done < buffer_.size();) {
        const auto written =
            pwrite(file_, buffer_.data() + done, buffer_.size() - done, static_cast<off_t>(size_ + done));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return system_error("can't write a streamed transaction to disk");
        done += static_cast<std::size_t>(written);
    }
    set_size(size_ + buffer_.size());
    buffer_.clear();
    return {};
}

Result<void> Spool::abort(std::uint32_t subxid) {
    const auto found = first_.find(subxid);
    if (found == first_.end()) return {};
    const auto end = found->second;
    std::erase_if(first_, [end](const auto &entry) { return entry.second >= end; });
    if (end >= size_) {
        buffer_.resize(end - size_);
        return {};
    }
    buffer_.clear();
    set_size(end);
    if (ftruncate(file_, static_cast<off_t>(end)) != 0)
        return system_error("can't shorten a streamed transaction's file");
    return {};
}

Result<std::string> Spool::read() {
    if (!buffer_.empty()) WF_TRY(write());
    std::string out;
    std::size_t wanted = std::min<std::uint64_t>(read_bytes, size_ - read_);
    std::size_t whole = 0;  // bytes of whole records
    while (wanted > out.size()) {
        const auto before = out.size();
        out.resize(wanted);
        const auto got = pread(file_, out.data() + before, wanted - before, static_cast<off_t>(read_ + before));
        if (got < 0 && errno != EINTR) return system_error("can't read a streamed transaction from disk");
        out.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got == 0) return fail(ErrorKind::bug, "a streamed transaction's file is shorter than what was written");
        if (out.size() < wanted) continue;
        while (whole + length_bytes <= out.size()) {
            const auto next =
                whole + length_bytes + ByteReader(std::string_view(out).substr(whole)).read<std::uint32_t>();
            if (next > out.size()) {
                if (whole == 0) wanted = next;  // one record larger than the rest
                break;
            }
            whole = next;
        }
    }
    out.resize(whole);
    read_ += whole;
    return out;
}

void Spool::decode(std::string_view records, const std::function<void(Change)> &sink) {
    ByteReader reader(records);
    while (reader.remaining() > 0) {
        (void)reader.read<std::uint32_t>();
        sink(read_change(reader));
    }
}

}  // namespace walferry
