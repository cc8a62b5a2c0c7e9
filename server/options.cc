#include "server/options.h"

#include <optional>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "engine/base/file.h"
#include "engine/base/settings.h"
#include "engine/base/status.h"
#include "engine/base/strings.h"
#include "server/option_values.h"

namespace tensord::server {
namespace {

// One option: how its text becomes a value and back. A repeatable option takes the values of one
// place only: flags replace what the environment said, they do not add to it.
struct OptionRow {
  std::string_view name;
  std::string_view value;  // how the value looks, for --help
  std::string_view doc;
  absl::Status (*set)(Options& options, std::string_view text);
  std::string (*get)(const Options& options);
  bool is_bool = false;
  bool repeatable = false;
};

#define TEXT(field)                                                     \
  [](Options& o, std::string_view t) { return ReadText(t, &o.field); }, \
      [](const Options& o) { return o.field; }
#define CHOICE(field, ...)                                                               \
  [](Options& o, std::string_view t) { return ReadChoice(t, {__VA_ARGS__}, &o.field); }, \
      [](const Options& o) { return o.field; }
#define NUMBER(field, low, high)                                                  \
  [](Options& o, std::string_view t) { return ReadInt(t, low, high, &o.field); }, \
      [](const Options& o) { return StrCat(o.field); }
#define BYTES(field)                                                     \
  [](Options& o, std::string_view t) { return ReadBytes(t, &o.field); }, \
      [](const Options& o) { return StrCat(o.field); }
#define DURATION(field)                                                     \
  [](Options& o, std::string_view t) { return ReadDuration(t, &o.field); }, \
      [](const Options& o) { return absl::FormatDuration(o.field); }

// clang-format off
const OptionRow kOptions[] = {
    {"listen", "ADDRESS", "unix:///path, tcp://127.0.0.1:port or tls://host:port; may be repeated",
     [](Options& o, std::string_view t) { return ReadAddress(t, &o.listen); },
     [](const Options& o) { return absl::StrJoin(o.listen, ","); }, false, true},
    {"device", "NAMES", "devices to open, separated by commas; all when not given",
     [](Options& o, std::string_view t) { return ReadNames(t, &o.device); },
     [](const Options& o) { return absl::StrJoin(o.device, ","); }},
    {"cache-dir", "DIR|off", "where compiled kernels and plans are kept, of mode 0700", TEXT(cache_dir)},
    {"cache-memory", "BYTES", "of plans kept in memory, and as many of kernels; 0 is no limit", BYTES(cache_memory)},
    {"cache-disk", "BYTES", "of plans and kernels kept in cache-dir; 0 is no limit", BYTES(cache_disk)},
    {"metrics-listen", "HOST:PORT|off", "serves Prometheus metrics at /metrics", TEXT(metrics_listen)},
    {"token-file", "FILE", "lines of `name token`, mode 0600; read again when it changes", TEXT(token_file)},
    {"jwt-key-file", "FILE", "public keys whose JWTs are taken, PEM: RSA (RS256), P-256 (ES256), Ed25519 (EdDSA)", TEXT(jwt_key_file)},
    {"jwt-secret-file", "FILE", "secrets whose JWTs (HS256) are taken, one a line, mode 0600", TEXT(jwt_secret_file)},
    {"jwt-audience", "TEXT", "what `aud` of a JWT must hold; wanted with JWT keys", TEXT(jwt_audience)},
    {"jwt-issuer", "TEXT", "what `iss` of a JWT must be; any when not given", TEXT(jwt_issuer)},
    {"jwt-principal-claim", "NAME", "the claim of a JWT that names the principal", TEXT(jwt_principal_claim)},
    {"tls-cert", "FILE", "the certificate chain of tls:// listeners, PEM; read again when it changes", TEXT(tls_cert)},
    {"tls-key", "FILE", "its private key, PEM, mode 0600", TEXT(tls_key)},
    {"tls-client-ca", "FILE", "tls:// clients must show a certificate that these vouch for (mTLS)", TEXT(tls_client_ca)},
    {"threads", "N", "compute threads; 0 takes the cores this process may use", NUMBER(threads, 0, 1024)},
    {"io-threads", "N", "transport threads per lane; 0 decides by the cores", NUMBER(io_threads, 0, 64)},
    {"memory-limit", "BYTES", "host memory for values, as 4096, 512M or 8G; 0 decides by the cgroup",
     BYTES(memory_limit)},
    {"drain-delay", "TIME", "after SIGTERM, how long to serve as NOT_SERVING before refusing", DURATION(drain_delay)},
    {"drain-timeout", "TIME", "how long sessions get to finish after that", DURATION(drain_timeout)},
    {"lease", "TIME", "how long a session lives without a stream", DURATION(lease)},
    {"exit-with-parent", "", "exits when the parent process dies or a piped stdin closes",
     [](Options& o, std::string_view t) { return ReadBool(t, &o.exit_with_parent); },
     [](const Options& o) { return std::string(o.exit_with_parent ? "true" : "false"); }, true},
    {"max-sessions", "N", "session streams at one time", NUMBER(max_sessions, 1, 1000000)},
    {"max-calls", "N", "unary calls and watchers at one time", NUMBER(max_calls, 1, 1000000)},
    {"max-transfers", "N", "uploads and downloads at one time", NUMBER(max_transfers, 1, 1000000)},
    {"principal-sessions", "N", "sessions of one principal, detached ones included", NUMBER(principal_sessions, 1, 1000000)},
    {"principal-nodes", "N", "living graph nodes of one principal, large attributes as several; 0 is no limit", NUMBER(principal_nodes, 0, int64_t{1} << 40)},
    {"principal-in-flight", "N", "commands of one principal that have not ended; 0 is no limit", NUMBER(principal_in_flight, 0, int64_t{1} << 40)},
    {"principal-compiles", "N", "functions of one principal compiled at a time, of 4 in all", NUMBER(principal_compiles, 1, 4)},
    {"principal-cache", "BYTES", "of each cache, what one principal has made and no other used; 0 is no limit", BYTES(principal_cache)},
    {"otlp-endpoint", "HOST:PORT|off", "sends the spans of sampled traces to this OTLP/gRPC collector",
     [](Options& o, std::string_view t) { return ReadOtlpEndpoint(t, &o.otlp_endpoint); },
     [](const Options& o) { return o.otlp_endpoint; }},
    {"slow-command", "TIME", "logs what takes at least this long, by its stages; 0 logs none", DURATION(slow_command)},
    {"max-new-connections", "N", "connections without a call yet; the oldest makes room", NUMBER(max_new_connections, 1, 1000000)},
    {"first-call", "TIME", "how long a connection may take to begin its first call", DURATION(first_call)},
    {"log-level", "LEVEL", "debug, info, warning, error or off", CHOICE(log_level, "debug", "info", "warning", "error", "off")},
    {"log-format", "FORMAT", "text or json", CHOICE(log_format, "text", "json")},
};
// clang-format on

const OptionRow* FindOption(std::string_view name) {
  for (const OptionRow& row : kOptions) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string EnvironmentName(std::string_view option) {
  std::string name = "TENSORD_";
  for (const char c : option) name += c == '-' ? '_' : absl::ascii_toupper(c);
  return name;
}

// The values one place gives, in order.
struct Entry {
  std::string name;
  std::string value;
  std::string where;  // for messages: "--threads", "tensord.conf:3"
};

absl::Status Apply(std::span<const Entry> entries, std::string_view origin, Options& options) {
  for (const Entry& entry : entries) {
    const OptionRow* row = FindOption(entry.name);
    if (row == nullptr) {
      return InvalidArgument(entry.where, ": no option is called ", entry.name, "; see --help");
    }
    std::string& seen = options.origin[entry.name];
    if (row->repeatable && seen != origin && entry.name == "listen") options.listen.clear();
    seen = std::string(origin);
    RETURN_IF_ERROR(Annotate(row->set(options, entry.value), StrCat(entry.where, ": ")));
  }
  return absl::OkStatus();
}

// What the flags say besides options.
struct Flags {
  std::vector<Entry> entries;
  std::string config;
  Options::Mode mode = Options::Mode::kServe;
};

bool ReadMode(std::string_view name, Options::Mode* mode) {
  if (name == "print-config") return *mode = Options::Mode::kPrintConfig, true;
  if (name == "check-config") return *mode = Options::Mode::kCheckConfig, true;
  if (name == "help") return *mode = Options::Mode::kHelp, true;
  if (name == "version") return *mode = Options::Mode::kVersion, true;
  return false;
}

absl::StatusOr<Flags> ReadFlags(std::span<const std::string_view> args) {
  Flags flags;
  for (size_t i = 0; i < args.size(); ++i) {
    std::string_view arg = args[i];
    if (!ConsumePrefix(&arg, "--")) {
      return InvalidArgument("unexpected argument '", arg, "'; options begin with --");
    }
    const size_t equals = arg.find('=');
    const std::string name(arg.substr(0, equals));
    if (ReadMode(name, &flags.mode)) continue;
    std::string value(equals == arg.npos ? "" : arg.substr(equals + 1));
    const OptionRow* row = FindOption(name);
    if (equals == arg.npos) {
      if (row != nullptr && row->is_bool) {
        value = "true";
      } else if (row != nullptr || name == "config") {
        if (++i == args.size()) return InvalidArgument("--", name, " wants a value");
        value = std::string(args[i]);
      }
    }
    if (name == "config") {
      flags.config = value;
    } else {
      flags.entries.push_back({name, value, StrCat("--", name)});
    }
  }
  return flags;
}

std::optional<std::string> FromEnvironment(std::span<const std::string> environment,
                                           std::string_view name) {
  for (std::string_view entry : environment) {
    if (ConsumePrefix(&entry, name) && ConsumePrefix(&entry, "=")) {
      return std::string(entry);
    }
  }
  return std::nullopt;
}

std::vector<Entry> ReadEnvironment(std::span<const std::string> environment) {
  std::vector<Entry> entries;
  for (const OptionRow& row : kOptions) {
    const std::string name = EnvironmentName(row.name);
    std::optional<std::string> value = FromEnvironment(environment, name);
    if (!value) continue;
    std::vector<std::string_view> parts = {*value};
    if (row.repeatable) parts = Split(*value, ",");
    for (std::string_view part : parts) {
      entries.push_back({std::string(row.name), std::string(part), name});
    }
  }
  return entries;
}

std::string_view Trimmed(std::string_view text) {
  return FromAbsl(absl::StripAsciiWhitespace(ToAbsl(text)));
}

absl::StatusOr<std::vector<Entry>> ReadConfigFile(const std::string& path) {
  std::vector<Entry> entries;
  if (path.empty()) return entries;
  ASSIGN_OR_RETURN(std::string text, base::ReadFile(path, 1 << 20));
  int number = 0;
  std::istringstream lines(text);
  for (std::string whole; std::getline(lines, whole);) {
    ++number;
    const std::string_view line = Trimmed(std::string_view(whole).substr(0, whole.find('#')));
    if (line.empty()) continue;
    const std::string where = StrCat(path, ":", number);
    const size_t equals = line.find('=');
    if (equals == line.npos) return InvalidArgument(where, ": expected `name = value`");
    entries.push_back({std::string(Trimmed(line.substr(0, equals))),
                       std::string(Trimmed(line.substr(equals + 1))), where});
  }
  return entries;
}

std::vector<std::string> UnknownVariables(std::span<const std::string> environment) {
  std::vector<std::string> names = {"TENSORD_ADDR", "TENSORD_TOKEN", "TENSORD_CA",
                                    "TENSORD_CERT", "TENSORD_KEY",   "TENSORD_CONFIG"};
  for (const OptionRow& row : kOptions) names.push_back(EnvironmentName(row.name));
  std::vector<std::string_view> known(names.begin(), names.end());
  return base::UnknownSettings(environment, known);
}

// The user's own runtime folder, else the system's.
std::string DefaultSocket(std::span<const std::string> environment) {
  std::optional<std::string> runtime = FromEnvironment(environment, "XDG_RUNTIME_DIR");
  if (runtime && runtime->starts_with("/")) {
    return StrCat("unix://", *runtime, "/tensord.sock");
  }
  return "unix:///run/tensord/tensord.sock";
}

// systemd's CacheDirectory=, else the user's cache folder; "" when there is neither.
std::string DefaultCacheDir(std::span<const std::string> environment) {
  if (auto dir = FromEnvironment(environment, "CACHE_DIRECTORY")) return *dir;
  if (auto dir = FromEnvironment(environment, "XDG_CACHE_HOME"); dir && dir->starts_with("/"))
    return StrCat(*dir, "/tensord");
  if (auto home = FromEnvironment(environment, "HOME"); home && home->starts_with("/"))
    return StrCat(*home, "/.cache/tensord");
  return "";
}

bool TakesTokens(const Options& options) {
  return !options.token_file.empty() || !options.jwt_key_file.empty() ||
         !options.jwt_secret_file.empty();
}

absl::Status CheckTokens(const Options& options) {
  const bool jwt = !options.jwt_key_file.empty() || !options.jwt_secret_file.empty();
  if (jwt && options.jwt_audience.empty()) {
    return InvalidArgument(
        "JWT keys without --jwt-audience: tokens that the issuer made for other ",
        "services would be good here");
  }
  if (options.jwt_principal_claim.empty()) {
    return InvalidArgument("--jwt-principal-claim must name a claim, as in sub");
  }
  return absl::OkStatus();
}

// Whether whoever connects there can prove who they are.
absl::Status CheckListener(const Address& address, const Options& options) {
  if (address.kind == Address::Kind::kUnix) return absl::OkStatus();
  if (address.kind == Address::Kind::kTcp) {
    if (TakesTokens(options)) return absl::OkStatus();
    return InvalidArgument("any local user could connect over TCP; give --token-file or ",
                           "--jwt-key-file, or listen on unix:///path");
  }
  if (options.tls_cert.empty() || options.tls_key.empty()) {
    return InvalidArgument("TLS wants --tls-cert and --tls-key");
  }
  if (TakesTokens(options) || !options.tls_client_ca.empty()) return absl::OkStatus();
  return InvalidArgument("anybody could connect; give --tls-client-ca, --token-file or ",
                         "--jwt-key-file");
}

absl::Status Resolve(std::span<const std::string> environment, Options& options) {
  if (options.listen.empty()) options.listen.push_back(DefaultSocket(environment));
  if (!options.origin.contains("cache-dir")) options.cache_dir = DefaultCacheDir(environment);
  if (options.cache_dir == "off") options.cache_dir.clear();
  if (options.metrics_listen == "off") options.metrics_listen.clear();
  RETURN_IF_ERROR(CheckTokens(options));
  for (const std::string& listen : options.listen) {
    ASSIGN_OR_RETURN(Address address, ParseAddress(listen));
    RETURN_IF_ERROR(Annotate(CheckListener(address, options), StrCat("listen ", listen, ": ")));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Options> ParseOptions(std::span<const std::string_view> args,
                                     std::span<const std::string> environment) {
  Options options;
  ASSIGN_OR_RETURN(Flags flags, ReadFlags(args));
  options.mode = flags.mode;
  if (options.mode == Options::Mode::kHelp || options.mode == Options::Mode::kVersion) {
    return options;
  }
  if (flags.config.empty()) {
    flags.config = FromEnvironment(environment, "TENSORD_CONFIG").value_or("");
  }
  ASSIGN_OR_RETURN(std::vector<Entry> file, ReadConfigFile(flags.config));
  RETURN_IF_ERROR(Apply(file, "file", options));
  RETURN_IF_ERROR(Apply(ReadEnvironment(environment), "environment", options));
  RETURN_IF_ERROR(Apply(flags.entries, "flag", options));
  options.warnings = UnknownVariables(environment);
  RETURN_IF_ERROR(Resolve(environment, options));
  return options;
}

std::string PrintConfig(const Options& options) {
  std::string text;
  for (const OptionRow& row : kOptions) {
    const auto origin = options.origin.find(std::string(row.name));
    const std::string from = origin == options.origin.end() ? "default" : origin->second;
    const std::string value = row.get(options);
    std::vector<std::string_view> lines = {value};
    if (row.repeatable) lines = Split(value, ",");
    for (std::string_view line : lines) {
      const std::string setting = StrCat(line.empty() ? "# " : "", row.name, " = ", line);
      StrAppend(&text, setting, "  # ", from, "\n");
    }
  }
  return text;
}

std::vector<std::string> DifferingOptions(const Options& a, const Options& b) {
  std::vector<std::string> names;
  for (const OptionRow& row : kOptions) {
    if (row.get(a) != row.get(b)) names.emplace_back(row.name);
  }
  return names;
}

std::string HelpText() {
  std::string text =
      "tensord: serves tensor computations on this machine's devices over gRPC.\n\n"
      "Each option is also the environment variable TENSORD_NAME and a line `name = value` of the\n"
      "file that --config names; a flag beats the environment, which beats the file.\n\n";
  for (const OptionRow& row : kOptions) {
    const std::string left = StrCat("  --", row.name, row.value.empty() ? "" : "=", row.value);
    StrAppend(&text, left, std::string(left.size() < 34 ? 34 - left.size() : 1, ' '), row.doc,
              "\n");
  }
  StrAppend(
      &text, "\n  --config=FILE  --print-config  --check-config  --help  --version\n",
      "\nExit codes: 0 ended as asked, 1 could not start, 2 bad usage. --check-config answers "
      "the\n",
      "same: 1 when the options are sound but this machine refuses them (files and their modes,\n",
      "folders, addresses, devices). SIGTERM drains; SIGHUP reads log-level, log-format and\n",
      "slow-command again.\n");
  return text;
}

void ApplyToEngine(const Options& options) {
  base::Settings settings = base::GetSettings();
  settings.threads = options.threads;
  settings.cache_dir = options.cache_dir;
  settings.log_level = options.log_level;
  settings.log_format = options.log_format;
  base::OverrideSettings(settings);
}

std::string Address::ToString() const {
  if (kind == Kind::kUnix) return StrCat("unix://", path);
  const bool v6 = host.find(':') != host.npos;
  return StrCat(kind == Kind::kTls ? "tls://" : "tcp://", v6 ? "[" : "", host, v6 ? "]" : "", ":",
                port);
}

}  // namespace tensord::server
