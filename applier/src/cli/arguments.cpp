// SPDX-License-Identifier: PostgreSQL
#include "cli/arguments.h"

#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <array>
#include <cctype>
#include <charconv>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

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

constexpr std::array<VerbHelp, 14> verbs = {{
    {Verb::run, "run", "Copy schema and data, then stream every change; goes on where it was", false},
    {Verb::precheck, "precheck", "Look whether everything is in place, and say what to do where it is not", true},
    {Verb::setup, "setup", "Run what precheck proposes: extension, settings, replica identities, grants", false},
    {Verb::objects, "objects",
     "List what the task takes: which objects, under which names they arrive, why, and what of them", true},
    {Verb::sequences, "sequences", "List the task's sequences with their values on both sides", true},
    {Verb::status, "status", "Show how far the task is", true},
    {Verb::pause, "pause", "Let the running task take no new work until it is resumed", false},
    {Verb::resume, "resume", "Let a paused task go on", false},
    {Verb::throttle, "throttle", "Limit the running task's rates, or show the limits", false},
    {Verb::stop, "stop", "End the running task at a transaction boundary", false},
    {Verb::verify, "verify", "Compare both sides, also while the task runs: rows, definitions, sequences", true},
    {Verb::repair, "repair", "Compare both sides, list what is to be done about each difference, and do it", true},
    {Verb::cutover, "cutover", "Stop writes at the source, apply the rest, hand over to the destination", false},
    {Verb::cleanup, "cleanup", "Remove slot and bookkeeping of the task; copied tables stay", false},
}};

constexpr const char *ddl_summary = "List the schema changes that the task has met; decide about one that failed";
constexpr std::array<VerbHelp, 3> ddl_verbs = {{
    {Verb::ddl_list, "list", "List the statements: what they are, what became of them", true},
    {Verb::ddl_skip, "skip", "Leave a statement out that failed", false},
    {Verb::ddl_done, "done", "Take a statement that failed for done: it was run by hand", false},
}};

constexpr const char *quarantine_summary =
    "List changes that met a conflict; apply or forget those that wait in quarantine";
constexpr std::array<VerbHelp, 3> quarantine_verbs = {{
    {Verb::quarantine_list, "list", "List the changes that wait in quarantine, or all that met a conflict", true},
    {Verb::quarantine_replay, "replay", "Apply one that waits, or all in their order, to what is there now", false},
    {Verb::quarantine_drop, "drop", "Forget one that met a conflict, or all, also those that wait", false},
}};

constexpr const char *table_summary =
    "Add a table to the task, remove one, or have one copied again; also while it runs";
constexpr std::array<VerbHelp, 3> table_verbs = {{
    {Verb::table_add, "add", "Create it at the destination, copy it, and follow it from then on", false},
    {Verb::table_remove, "remove", "Follow it no longer; at the destination it stays as it is", false},
    {Verb::table_recopy, "recopy", "Empty it at the destination, and copy it once more", false},
}};

constexpr const char *exit_codes =
    "Exit codes: 0 ok, 1 bad arguments, 2 bad task file, 3 wrong state, 4 error of a server,\n"
    "5 a change can't be applied, 6 source and 7 destination can't be reached,\n"
    "8 precheck found an error, 9 verify found a difference, 12 internal error.";

// What is typed, by verb.
const char *example_of(Verb verb) {
    switch (verb) {
        case Verb::run:
            return "walferry run shop.toml\nwalferry run --until now shop.toml     # for the switch, when writes have stopped";
        case Verb::status:
            return "walferry status --watch shop.toml";
        case Verb::throttle:
            return "walferry throttle --copy-mb 20 shop.toml\nwalferry throttle --off shop.toml";
        case Verb::verify:
            return "walferry verify shop.toml\nwalferry verify --mb 20 --html report.html shop.toml\n"
                   "walferry verify --jobs 4 shop.toml public.orders public.items";
        case Verb::repair:
            return "walferry repair --dry-run shop.toml public.orders";
        case Verb::ddl_list:
            return "walferry ddl list --json shop.toml";
        case Verb::ddl_skip:
            return "walferry ddl skip shop.toml 40344184";
        case Verb::ddl_done:
            return "walferry ddl done shop.toml 40344184";
        case Verb::quarantine_list:
            return "walferry quarantine list shop.toml\nwalferry quarantine list --all --json shop.toml";
        case Verb::quarantine_replay:
            return "walferry quarantine replay shop.toml 17\nwalferry quarantine replay shop.toml all";
        case Verb::quarantine_drop:
            return "walferry quarantine drop shop.toml 17";
        case Verb::table_add:
            return "walferry table add shop.toml public.orders";
        case Verb::table_remove:
            return "walferry table remove shop.toml public.orders";
        case Verb::table_recopy:
            return "walferry table recopy shop.toml 'public.\"Order Lines\"'";
        default:
            return nullptr;
    }
}

std::string check_until(const std::string &text) {
    if (text == "now" || Lsn::parse(text)) return {};
    return "must be \"now\" or an LSN such as 16/B374D848, not \"" + text + "\"";
}

std::string check_level(const std::string &text) {
    if (is_log_level(text)) return {};
    return "must be trace, debug, info, warn or error, not \"" + text + "\"";
}

std::optional<std::int64_t> parse_id(const std::string &text) {
    std::int64_t id = 0;
    const auto *const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, id);
    if (error != std::errc() || rest != end || id <= 0) return std::nullopt;
    return id;
}

std::string check_id(const std::string &text) {
    if (parse_id(text)) return {};
    return "must be a number that \"walferry ddl list\" shows, not \"" + text + "\"";
}

std::string check_change(const std::string &text) {
    if (text == "all" || parse_id(text)) return {};
    return "must be a number that \"walferry quarantine list\" shows, or \"all\", not \"" + text + "\"";
}

// "schema.table"; parts in double quotes may hold anything.
std::optional<std::pair<std::string, std::string>> parse_table(const std::string &text) {
    std::vector<std::string> parts(1);
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') {
            if (quoted && i + 1 < text.size() && text[i + 1] == '"') {
                parts.back() += text[++i];
            } else {
                quoted = !quoted;
            }
        } else if (text[i] == '.' && !quoted) {
            parts.emplace_back();
        } else {
            parts.back() += quoted ? text[i] : static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
        }
    }
    if (quoted || parts.size() != 2 || parts[0].empty() || parts[1].empty()) return std::nullopt;
    return std::pair{parts[0], parts[1]};
}

std::string check_table(const std::string &text) {
    if (parse_table(text)) return {};
    return "must be schema.table, not \"" + text + "\"";
}

// Options as they were given, that checks have approved.
struct Texts {
    std::string until;
    std::string id;
    std::string table;
    std::vector<std::string> tables;
};

// Verbs that compare: which tables, and how many at once.
void add_tables(CLI::App &command, Arguments &arguments, Texts &texts) {
    command.add_option("TABLE", texts.tables, "schema.table; none: all, with definitions and sequences")
        ->check(CLI::Validator(check_table, ""));
    command.add_option("--jobs", arguments.jobs, "Tables compared at once (2)")->check(CLI::Range(1, 64));
    command
        .add_option("--rows", arguments.rows,
                    "Rows that each server reads a second; 0: no limit (throttle.verify_rows)")
        ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1'000'000'000}));
    command.add_option("--mb", arguments.mb, "MB that each server reads a second; 0: no limit (throttle.verify_mb)")
        ->check(CLI::Range(0.0, 1e9));
}

void add_verify(CLI::App &command, Arguments &arguments) {
    command.add_flag("--restart", arguments.restart, "Begin anew, even if an earlier one was stopped in its middle");
    command.add_option("--html", arguments.html_file, "Also write the report to this file, for a browser");
}

void add_throttle(CLI::App &command, ThrottleWishes &wishes) {
    const auto add = [&command](const char *name, std::optional<double> &wish, const char *what) {
        return command.add_option(name, wish, what)->check(CLI::Range(0.0, 1e9));
    };
    auto *const off = command.add_flag("--off", wishes.off, "No limits any more");
    add("--stream-rows", wishes.stream_rows, "Changes applied a second; 0: no limit")->excludes(off);
    add("--stream-mb", wishes.stream_mb, "MB of changes applied a second; 0: no limit")->excludes(off);
    add("--copy-rows", wishes.copy_rows, "Rows copied a second; 0: no limit")->excludes(off);
    add("--copy-mb", wishes.copy_mb, "MB copied a second; 0: no limit")->excludes(off);
}

void add_setup(CLI::App &command, Arguments &arguments) {
    command.add_flag("--dry-run", arguments.dry_run, "List the statements, and run none");
    command.add_option("--source", arguments.source_conninfo, "Connection of an administrator of the source");
    command.add_option("--destination", arguments.destination_conninfo,
                       "Connection of an administrator of the destination");
}

void add_cutover(CLI::App &command, Arguments &arguments) {
    command.add_flag("--dry-run", arguments.dry_run, "Look whether it could be done, and list what would be done");
    command.add_flag("--reverse", arguments.reverse, "Arm the way back, so that one can return");
    command.add_option("--reverse-file", arguments.reverse_file,
                       "Its task file (FILE_back.toml); written if it isn't there");
    command.add_flag("--writes-stopped", arguments.writes_stopped,
                     "You have stopped all writes at the source yourself");
    command.add_flag("--no-verify", arguments.no_verify, "Don't compare all tables first");
    command
        .add_option("--max-drain-seconds", arguments.drain_seconds_max,
                    "Don't begin if there is more to apply than takes so long (10)")
        ->check(CLI::Range(1, 86400));
    command.add_option("--jobs", arguments.jobs, "Tables compared at once (2)")->check(CLI::Range(1, 64));
    command.add_flag("--abort", arguments.abort,
                     "Only undo what one that was killed has left: let the source take writes");
}

void add_verb(CLI::App &app, const VerbHelp &help, Arguments &arguments, Texts &texts) {
    auto *command = app.add_subcommand(help.name, help.summary);
    if (const char *example = example_of(help.verb)) {
        command->footer(fmt::format("Examples:\n{}\n\n{}", example, exit_codes));
    }
    command->add_option("FILE", arguments.file, "The task file (TOML)")->required();
    if (help.verb == Verb::ddl_skip || help.verb == Verb::ddl_done) {
        command->add_option("ID", texts.id, "The statement's number")->required()->check(CLI::Validator(check_id, ""));
    }
    if (help.verb == Verb::quarantine_replay || help.verb == Verb::quarantine_drop) {
        command->add_option("ID", texts.id, "The change's number, or: all")
            ->required()
            ->check(CLI::Validator(check_change, ""));
    }
    if (help.verb == Verb::quarantine_list) {
        command->add_flag("--all", arguments.all, "Also those that were skipped, overwritten or replayed");
    }
    if (help.verb == Verb::table_add || help.verb == Verb::table_remove || help.verb == Verb::table_recopy) {
        command->add_option("TABLE", texts.table, "schema.table")->required()->check(CLI::Validator(check_table, ""));
    }
    if (help.verb == Verb::verify || help.verb == Verb::repair) add_tables(*command, arguments, texts);
    if (help.verb == Verb::verify) add_verify(*command, arguments);
    if (help.verb == Verb::precheck || help.verb == Verb::run || help.verb == Verb::setup) {
        command
            ->add_option("--ignore", arguments.ignore,
                         "A check of precheck to ignore, by its name; as often as need be")
            ->allow_extra_args(false);
    }
    if (help.verb == Verb::setup) add_setup(*command, arguments);
    if (help.verb == Verb::cutover) add_cutover(*command, arguments);
    if (help.verb == Verb::repair) command->add_flag("--dry-run", arguments.dry_run, "List it, and do nothing");
    if (help.has_json) command->add_flag("--json", arguments.json, "Print JSON instead of text");
    if (help.verb == Verb::status) {
        command->add_flag("--watch", arguments.watch, "Show it again every second, until interrupted");
    }
    if (help.verb == Verb::throttle) add_throttle(*command, arguments.throttle);
    if (help.verb == Verb::run) {
        command
            ->add_option("--until", texts.until,
                         "Exit when everything up to this place in the source's WAL is applied: now, or an LSN")
            ->check(CLI::Validator(check_until, ""));
    }
    command->callback([&arguments, &help] { arguments.verb = help.verb; });
}

template <std::size_t count>
void add_group(CLI::App &app, const char *name, const char *summary, const std::array<VerbHelp, count> &group,
               Arguments &arguments, Texts &texts) {
    auto *command = app.add_subcommand(name, summary);
    command->require_subcommand(1);
    for (const auto &help : group) add_verb(*command, help, arguments, texts);
}

std::string unknown_verb(const CLI::App &app) {
    const auto left = app.remaining(true);
    const auto verbs_given = app.get_subcommands();
    if (left.empty()) return {};
    if (verbs_given.empty()) return left.front();
    const std::string group = verbs_given.front()->get_name();
    const bool grouped = group == "ddl" || group == "quarantine" || group == "table";
    return grouped && verbs_given.front()->get_subcommands().empty() ? group + " " + left.front() : std::string{};
}

}  // namespace

Result<Arguments> parse_arguments(int argc, const char *const *argv) {
    // "help VERB" is "VERB --help".
    std::vector<const char *> words(argv, argv + argc);
    if (argc > 1 && std::string_view(argv[1]) == "help") {
        words.erase(words.begin() + 1);
        words.push_back("--help");
    }
    Arguments arguments;
    Texts texts;
    CLI::App app("Keeps a PostgreSQL database equal to another one: schema, data, then every change.", "walferry");
    app.footer(exit_codes);
    app.require_subcommand(1);
    app.fallthrough();  // --log-level may stand behind the verb too
    app.set_version_flag("--version", "walferry " WALFERRY_VERSION);
    app.add_option("--log-level", arguments.log_level, "trace, debug, info, warn or error (info)")
        ->check(CLI::Validator(check_level, ""));
    for (const auto &help : verbs) add_verb(app, help, arguments, texts);
    add_group(app, "ddl", ddl_summary, ddl_verbs, arguments, texts);
    add_group(app, "quarantine", quarantine_summary, quarantine_verbs, arguments, texts);
    add_group(app, "table", table_summary, table_verbs, arguments, texts);
    try {
        app.parse(static_cast<int>(words.size()), words.data());
    } catch (const CLI::CallForVersion &version) {
        arguments.verb = Verb::help;
        arguments.help = std::string(version.what()) + "\n";
    } catch (const CLI::CallForHelp &) {
        arguments.verb = Verb::help;
        arguments.help = app.help();
    } catch (const CLI::ParseError &error) {
        if (const auto verb = unknown_verb(app); !verb.empty()) {
            return fail(ErrorKind::usage, "unknown verb \"" + verb + "\"", "Try \"walferry --help\".");
        }
        return fail(ErrorKind::usage, error.what(), "Try \"walferry --help\" or \"walferry VERB --help\".");
    }
    if (!texts.until.empty()) arguments.until = texts.until;
    arguments.id = parse_id(texts.id);
    for (const auto &table : texts.tables)
        arguments.tables.push_back(parse_table(table).value_or(std::pair<std::string, std::string>{}));
    if (const auto table = parse_table(texts.table)) std::tie(arguments.schema, arguments.name) = *table;
    return arguments;
}

}  // namespace walferry
