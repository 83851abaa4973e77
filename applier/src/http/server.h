// Serves a site over HTTP, by civetweb.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "http/site.h"

// civetweb's
struct mg_connection;
struct mg_context;

namespace walferry {

class HttpServer {
public:
    // `listen`: ADDRESS:PORT; port 0: any that is free. `site` must outlive it. Errors: ErrorKind::state, it can't listen there.
    static Result<std::unique_ptr<HttpServer>> start(const std::string &listen, const Site &site);
    HttpServer(const HttpServer &) = delete;
    HttpServer &operator=(const HttpServer &) = delete;
    ~HttpServer();

    int port() const;

private:
    explicit HttpServer(const Site &site) : site_(site) {}
    static int handle(mg_connection *connection, void *server);

    const Site &site_;
    mg_context *context_ = nullptr;
};

// Whether only this machine can reach an address "ADDRESS:PORT".
bool is_loopback(const std::string &listen);

}  // namespace walferry
