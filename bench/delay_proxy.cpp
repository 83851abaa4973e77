// SPDX-License-Identifier: PostgreSQL
// delay_proxy LISTEN FORWARD MS: a socket whose other end is far away.
//
// Takes connections at the Unix socket LISTEN and passes their bytes on to the Unix socket FORWARD and back, each byte
// MS milliseconds after it has come. Only time is added, not a limit on how much is under way: like a long line, not
// like a thin one. One thread; ends with SIGTERM or SIGINT.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using Socket = asio::local::stream_protocol::socket;
using Endpoint = asio::local::stream_protocol::endpoint;
using Clock = std::chrono::steady_clock;

constexpr std::size_t read_size = std::size_t{256} * 1024;

// Bytes under way in one direction.
struct Line {
    struct Piece {
        Clock::time_point due;
        std::vector<char> bytes;  // empty: the sender has closed
    };
    explicit Line(const asio::any_io_executor &executor) : timer(executor, Clock::time_point::max()) {}

    std::deque<Piece> pieces;
    asio::steady_timer timer;  // until the first piece is due; cancelled when one has come
};

asio::awaitable<void> take(std::shared_ptr<Socket> from, std::shared_ptr<Line> line, Clock::duration delay) {
    while (true) {
        std::vector<char> bytes(read_size);
        boost::system::error_code error;
        bytes.resize(co_await from->async_read_some(asio::buffer(bytes), asio::redirect_error(use_awaitable, error)));
        if (error) bytes.clear();
        bytes.shrink_to_fit();
        line->pieces.push_back({Clock::now() + delay, std::move(bytes)});
        line->timer.cancel();
        if (error) co_return;
    }
}

asio::awaitable<void> give(std::shared_ptr<Line> line, std::shared_ptr<Socket> to) {
    while (true) {
        boost::system::error_code error;
        if (line->pieces.empty() || line->pieces.front().due > Clock::now()) {
            line->timer.expires_at(line->pieces.empty() ? Clock::time_point::max() : line->pieces.front().due);
            co_await line->timer.async_wait(asio::redirect_error(use_awaitable, error));
            continue;
        }
        const auto piece = std::move(line->pieces.front());
        line->pieces.pop_front();
        if (!piece.bytes.empty()) {
            co_await asio::async_write(*to, asio::buffer(piece.bytes), asio::redirect_error(use_awaitable, error));
        }
        if (error || piece.bytes.empty()) {
            to->shutdown(Socket::shutdown_send, error);
            co_return;
        }
    }
}

void join(const std::shared_ptr<Socket> &from, const std::shared_ptr<Socket> &to, Clock::duration delay) {
    const auto executor = from->get_executor();
    const auto line = std::make_shared<Line>(executor);
    asio::co_spawn(executor, take(from, line, delay), asio::detached);
    asio::co_spawn(executor, give(line, to), asio::detached);
}

asio::awaitable<void> serve(asio::local::stream_protocol::acceptor acceptor, Endpoint forward, Clock::duration delay) {
    while (true) {
        const auto near = std::make_shared<Socket>(co_await acceptor.async_accept(use_awaitable));
        const auto far = std::make_shared<Socket>(acceptor.get_executor());
        boost::system::error_code error;
        far->connect(forward, error);
        if (error) continue;  // closes the near end: as if nobody listened
        join(near, far, delay);
        join(far, near, delay);
    }
}

}  // namespace

int main(int argc, char **argv) try {
    if (argc != 4) {
        std::fputs("usage: delay_proxy LISTEN FORWARD MILLISECONDS\n", stderr);
        return 2;
    }
    const std::chrono::milliseconds delay(std::stol(argv[3]));
    asio::io_context context(1);
    asio::signal_set signals(context, SIGTERM, SIGINT);
    signals.async_wait([&](const boost::system::error_code &, int) { context.stop(); });
    asio::co_spawn(context, serve({context, Endpoint(argv[1])}, Endpoint(argv[2]), delay),
                   [](std::exception_ptr error) {
                       if (error) std::rethrow_exception(error);
                   });
    context.run();
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "delay_proxy: %s\n", error.what());
    return 1;
}
