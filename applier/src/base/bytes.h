// Reading big-endian bytes that nobody vouches for: every read is checked, and after the first one that would pass the
// end the reader stays failed and yields zeros, so a parser reads a whole message and asks once.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace walferry {

class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

    template <std::integral T>
    T read() {
        using U = std::make_unsigned_t<T>;
        if (!require(sizeof(T))) return T{};
        U value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            value = static_cast<U>((std::uint64_t{value} << 8) | static_cast<unsigned char>(bytes_[at_ + i]));
        }
        at_ += sizeof(T);
        return static_cast<T>(value);
    }

    // The next `length` bytes, a view into the input.
    std::string_view read_bytes(std::size_t length) {
        if (!require(length)) return {};
        const auto view = bytes_.substr(at_, length);
        at_ += length;
        return view;
    }

    // A string of the change format: uint16 length, bytes.
    std::string_view read_string() { return read_bytes(read<std::uint16_t>()); }

    std::size_t position() const { return at_; }
    std::size_t remaining() const { return bytes_.size() - at_; }
    bool failed() const { return failed_; }
    bool finished() const { return !failed_ && remaining() == 0; }  // read to the end, and not past it

private:
    bool require(std::size_t length) {
        if (failed_ || remaining() < length) failed_ = true;
        return !failed_;
    }

    std::string_view bytes_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

// Append an integer in network order.
template <std::integral T>
void append_integer(std::string &out, T value) {
    const auto bits = static_cast<std::make_unsigned_t<T>>(value);
    char bytes[sizeof(T)];
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        bytes[i] = static_cast<char>((std::uint64_t{bits} >> (8 * (sizeof(T) - 1 - i))) & 0xFF);
    }
    out.append(bytes, sizeof(T));
}

// Put one where there is room for it already.
template <std::integral T>
void overwrite_integer(std::string &out, std::size_t at, T value) {
    const auto bits = static_cast<std::make_unsigned_t<T>>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        out[at + i] = static_cast<char>((std::uint64_t{bits} >> (8 * (sizeof(T) - 1 - i))) & 0xFF);
    }
}

}  // namespace walferry
