// SPDX-License-Identifier: PostgreSQL
#include "http/server.h"

#include <civetweb.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <exception>

namespace walferry {

namespace {

constexpr std::size_t body_bytes_max = 65536;

std::string header(mg_connection *connection, const char *name) {
    const char *value = mg_get_header(connection, name);
    return value == nullptr ? std::string{} : std::string{value};
}

std::string text(const char *value) { return value == nullptr ? std::string{} : std::string{value}; }

std::string read_body(mg_connection *connection) {
    std::string body;
    std::array<char, 4096> buffer;
    while (body.size() <= body_bytes_max) {
        const int size = mg_read(connection, buffer.data(), buffer.size());
        if (size <= 0) break;
        body.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return body;
}

void send(mg_connection *connection, const HttpResponse &response, bool with_body) {
    std::string head =
        fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n", response.code,
                    mg_get_response_code_text(connection, response.code), response.content_type, response.body.size());
    for (const auto &[name, value] : security_headers()) head += name + ": " + value + "\r\n";
    head += "\r\n";
    mg_write(connection, head.data(), head.size());
    if (with_body) mg_write(connection, response.body.data(), response.body.size());
}

int log(const mg_connection *, const char *message) {
    spdlog::debug("http: {}", message);
    return 1;
}

}  // namespace

int HttpServer::handle(mg_connection *connection, void *server) {
    const mg_request_info *info = mg_get_request_info(connection);
    HttpResponse response{500, "text/plain", "internal error\n"};
    try {
        HttpRequest request;
        request.method = text(info->request_method);
        request.path = text(info->local_uri);
        request.query = text(info->query_string);
        request.host = header(connection, "Host");
        request.content_type = header(connection, "Content-Type");
        request.authorization = header(connection, "Authorization");
        if (request.method == "POST") request.body = read_body(connection);
        response = static_cast<HttpServer *>(server)->site_.answer(request);
    } catch (const std::exception &exception) {
        spdlog::error("http: {}", exception.what());
    }
    send(connection, response, text(info->request_method) != "HEAD");
    return response.code;
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string &listen, const Site &site) {
    std::unique_ptr<HttpServer> server(new HttpServer(site));
    mg_init_library(0);
    mg_callbacks callbacks = {};
    callbacks.log_message = log;
    const std::array<const char *, 9> options = {"listening_ports",
                                                 listen.c_str(),
                                                 "num_threads",
                                                 "3",
                                                 "request_timeout_ms",
                                                 "5000",
                                                 "tcp_nodelay",
                                                 "1",
                                                 nullptr};
    std::array<char, 256> reason = {};
    mg_error_data error = {};
    error.text = reason.data();
    error.text_buffer_size = reason.size();
    mg_init_data init = {};
    init.callbacks = &callbacks;
    init.user_data = server.get();
    auto settings = options;
    init.configuration_options = settings.data();
    server->context_ = mg_start2(&init, &error);
    if (server->context_ == nullptr) {
        return fail(ErrorKind::state, fmt::format("can't listen on {}: {}", listen, reason.data()),
                    "Set \"listen\" in [http] to an address of this machine and a port that is free.");
    }
    mg_set_request_handler(server->context_, "**", handle, server.get());
    return server;
}

HttpServer::~HttpServer() {
    if (context_ != nullptr) mg_stop(context_);
    mg_exit_library();
}

int HttpServer::port() const {
    mg_server_port port = {};
    return mg_get_server_ports(context_, 1, &port) == 1 ? port.port : 0;
}

bool is_loopback(const std::string &listen) {
    return listen.starts_with("127.") || listen.starts_with("[::1]:") || listen.starts_with("localhost:");
}

}  // namespace walferry
