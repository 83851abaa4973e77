// SPDX-License-Identifier: PostgreSQL
#include "control/server.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace walferry {

namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::size_t request_bytes_max = 65536;
constexpr std::chrono::seconds listen_again{1};

// One client, kept alive by the operation that it waits for.
class Client : public std::enable_shared_from_this<Client> {
public:
    Client(Protocol::socket socket, const ControlServer::Answer &answer)
        : socket_(std::move(socket)), answer_(answer) {}

    void read() {
        asio::async_read_until(socket_, asio::dynamic_buffer(received_, request_bytes_max), '\n',
                               [self = shared_from_this()](const error_code &error, std::size_t length) {
                                   if (!error) self->write(length);
                               });
    }

private:
    void write(std::size_t length) {
        answer_line_ = answer_(std::string_view(received_).substr(0, length - 1)) + "\n";
        received_.erase(0, length);
        asio::async_write(socket_, asio::buffer(answer_line_),
                          [self = shared_from_this()](const error_code &error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    Protocol::socket socket_;
    const ControlServer::Answer &answer_;
    std::string received_;
    std::string answer_line_;
};

}  // namespace

class ControlServer::Impl {
public:
    Impl(std::string path, Answer answer) : path_(std::move(path)), answer_(std::move(answer)) {
        listen();
        thread_ = std::jthread([this]() noexcept {
            try {
                context_.run();
            } catch (const std::exception &exception) {
                spdlog::error("the control socket is not served any more: {}", exception.what());
            }
        });
    }
    ~Impl() {
        context_.stop();
        thread_.join();
        if (acceptor_) unlink(path_.c_str());
    }

private:
    void listen() {
        const auto failed = try_to_listen();
        if (!failed) {
            accept();
            return;
        }
        if (!std::exchange(complained_, true)) spdlog::warn("no control socket at {} yet: {}", path_, *failed);
        timer_.expires_after(listen_again);
        timer_.async_wait([this](const error_code &error) {
            if (!error) listen();
        });
    }

    // Why not, if not.
    std::optional<std::string> try_to_listen() {
        error_code error;
        const Protocol::endpoint endpoint(path_);
        Protocol::socket other(context_);
        other.connect(endpoint, error);
        if (!error) return "another process serves it";
        struct stat found = {};
        if (error == asio::error::connection_refused && lstat(path_.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
            unlink(path_.c_str());  // its process is dead
        }
        Protocol::acceptor acceptor(context_);
        acceptor.open(endpoint.protocol(), error);
        // The file is made with the socket's own mode: at no moment it is open to others.
        if (!error && fchmod(acceptor.native_handle(), S_IRUSR | S_IWUSR) != 0) {
            error.assign(errno, boost::system::system_category());
        }
        if (!error) acceptor.bind(endpoint, error);
        if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
        if (error) return error.message();
        acceptor_ = std::move(acceptor);
        return std::nullopt;
    }

    void accept() {
        acceptor_->async_accept([this](const error_code &error, Protocol::socket socket) {
            if (!error) std::make_shared<Client>(std::move(socket), answer_)->read();
            accept();
        });
    }

    const std::string path_;
    const Answer answer_;
    asio::io_context context_;
    asio::steady_timer timer_{context_};
    std::optional<Protocol::acceptor> acceptor_;
    bool complained_ = false;
    std::jthread thread_;
};

ControlServer::ControlServer(std::string path, Answer answer)
    : impl_(std::make_unique<Impl>(std::move(path), std::move(answer))) {}

ControlServer::~ControlServer() = default;

}  // namespace walferry
