// What is answered over HTTP: the dashboard, the status, metrics. Without sockets, so that tests can ask it.
//
//   GET /                the dashboard, with its files
//   GET /status.json     the object of `walferry status --json`, with "ddl" (of `walferry ddl list --json`) and "steerable"
//   GET /history.json    ?after=N: observe/history.h
//   GET /metrics         for Prometheus
//   GET /healthz         200 while the task works, 503 while attempts fail
//   POST /control        a request of control/requests.h, but for a token: only if there is one
//
// The page may load nothing but from its own server, which the browser is told to see to. What comes in may come from anybody:
// names that lead here by a foreign DNS are refused where only this machine should ask; and a foreign page can send neither
// the token nor the content type.
//
// SPDX-License-Identifier: PostgreSQL
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "control/requests.h"
#include "observe/history.h"
#include "observe/watcher.h"

namespace walferry {

struct HttpRequest {
    std::string method;
    std::string path;
    std::string query;
    std::string host;  // headers
    std::string content_type;
    std::string authorization;
    std::string body;
};

struct HttpResponse {
    int code = 200;
    std::string content_type;
    std::string body;
};

// Goes with each response.
const std::vector<std::pair<std::string, std::string>> &security_headers();

// Thread: any, several. References must outlive it.
class Site {
public:
    // `token`: empty: nothing can be steered. `only_here`: it listens on this machine's own addresses.
    Site(const Requests &requests, const History &history, std::function<Watched()> watched, std::string token,
         bool only_here)
        : requests_(requests),
          history_(history),
          watched_(std::move(watched)),
          token_(std::move(token)),
          only_here_(only_here) {}

    HttpResponse answer(const HttpRequest &request) const;

private:
    HttpResponse get(const HttpRequest &request) const;
    HttpResponse control(const HttpRequest &request) const;
    HttpResponse health() const;
    std::string status() const;

    const Requests &requests_;
    const History &history_;
    const std::function<Watched()> watched_;
    const std::string token_;
    const bool only_here_;
};

}  // namespace walferry
