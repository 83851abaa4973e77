// SPDX-License-Identifier: PostgreSQL
#include "cli/arguments.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <array>

#include "base/lsn.h"
#include "observe/log.h"

namespace walferry {

namespace {

struct VerbHelp {
    Verb verb;
    const char *name;
    const char *summary;
    bool has_json;
};

constexpr std::array<VerbHelp, 5> verbs = {{
    {Verb::run, "run", "Copy schema and data, then stream every change; goes on where it was", false},
    {Verb::precheck, "precheck", "Look whether everything is in place, and say what to do where it is not", true},
    {Verb::status, "status", "Show how far the task is", true},
    {Verb::verify, "verify", "Compare the tables of both sides: row counts and checksums", true},
    {Verb::cleanup, "cleanup", "Remove slot and bookkeeping of the task; copied tables stay", false},
}};

constexpr const char *exit_codes =
    "Exit codes: 0 ok, 1 bad arguments, 2 bad task file, 3 wrong state, 4 error of a server,\n"
    "5 a change can't be applied, 6 source and 7 destination can't be reached,\n"
    "8 precheck found an error, 9 verify found a difference, 12 internal error.";

std::string check_until(const std::string &text) {
    if (text == "now" || Lsn::parse(text)) return {};
    return "must be \"now\" or an LSN such as 16/B374D848, not \"" + text + "\"";
}

std::string check_level(const std::string &text) {
    if (is_log_level(text)) return {};
    return "must be trace, debug, info, warn or error, not \"" + text + "\"";
}

void add_verb(CLI::App &app, const VerbHelp &help, Arguments &arguments, std::string &until) {
    auto *command = app.add_subcommand(help.name, help.summary);
    command->add_option("FILE", arguments.file, "The task file (TOML)")->required();
    if (help.has_json) command->add_flag("--json", arguments.json, "Print JSON instead of text");
    if (help.verb == Verb::run) {
        command
            ->add_option("--until", until,
                         "Exit when everything up to this place in the source's WAL is applied: now, or an LSN")
            ->check(CLI::Validator(check_until, ""));
    }
    command->callback([&arguments, &help] { arguments.verb = help.verb; });
}

}  // namespace

Result<Arguments> parse_arguments(int argc, const char *const *argv) {
    Arguments arguments;
    std::string until;
    CLI::App app("Keeps a PostgreSQL database equal to another one: schema, data, then every change.", "walferry");
    app.footer(exit_codes);
    app.require_subcommand(1);
    app.fallthrough();  // --log-level may stand behind the verb too
    app.set_version_flag("--version", "walferry " WALFERRY_VERSION);
    app.add_option("--log-level", arguments.log_level, "trace, debug, info, warn or error (info)")
        ->check(CLI::Validator(check_level, ""));
    for (const auto &help : verbs) add_verb(app, help, arguments, until);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForVersion &version) {
        arguments.verb = Verb::help;
        arguments.help = std::string(version.what()) + "\n";
    } catch (const CLI::CallForHelp &) {
        arguments.verb = Verb::help;
        arguments.help = app.help();
    } catch (const CLI::ParseError &error) {
        const auto left = app.remaining();
        if (app.get_subcommands().empty() && !left.empty()) {  // CLI11 would only say that a verb is missing
            return fail(ErrorKind::usage, "unknown verb \"" + left.front() + "\"", "Try \"walferry --help\".");
        }
        return fail(ErrorKind::usage, error.what(), "Try \"walferry --help\" or \"walferry VERB --help\".");
    }
    if (!until.empty()) arguments.until = until;
    return arguments;
}

}  // namespace walferry
