// The decoder under libFuzzer: any bytes, as one or two frames, never make it read outside them or break an invariant.
//
// SPDX-License-Identifier: PostgreSQL
#include "decode/decoder.h"

#include <cstdint>
#include <cstdlib>

#include "decode/frame_builder.h"

namespace {

// Touches every byte of every value, so that the sanitizer sees a view that leads outside.
class Reader : public walferry::ChangeSink {
public:
    void on_begin(const walferry::Transaction &) override { require(!open_), open_ = true; }
    void on_commit() override { require(open_), open_ = false; }
    void on_stream_start(std::uint64_t, bool) override {}
    void on_stream_change(std::uint64_t, std::uint32_t, walferry::Change change) override { read(change); }
    void on_stream_abort(std::uint64_t, std::uint32_t) override {}
    void on_stream_commit(const walferry::Transaction &) override { require(!open_); }
    void on_heartbeat(walferry::Lsn, std::string_view content) override { touch(content); }
    void on_change(walferry::Change change) override {
        require(open_);
        read(change);
    }

private:
    void read(const walferry::Change &change) {
        require(change.relation != nullptr);
        for (const auto &tuple : {change.old_tuple, change.new_tuple}) {
            if (tuple.bytes().empty()) continue;
            tuple.split(values_);
            for (const auto &value : values_) {
                if (value.length > 0) touch({value.data, static_cast<std::size_t>(value.length)});
            }
        }
    }
    static void require(bool holds) {
        if (!holds) std::abort();
    }
    void touch(std::string_view bytes) {
        for (char c : bytes) sum_ = sum_ + static_cast<unsigned char>(c);
    }

    bool open_ = false;
    std::vector<walferry::Value> values_;
    volatile unsigned sum_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char *>(data), size);
    walferry::Decoder decoder;
    Reader reader;
    // A good beginning, so that the fuzzer gets past the hello and has a relation to send changes of.
    walferry::FrameBuilder builder;
    builder.hello().begin(walferry::test_transaction(1)).relation(walferry::test_relation());
    if (!decoder.decode(builder.frame(), reader)) std::abort();
    (void)decoder.decode(builder.frame() + std::string(input), reader).has_value();
    walferry::Decoder fresh;
    Reader other;
    (void)fresh.decode(input, other).has_value();
    return 0;
}
