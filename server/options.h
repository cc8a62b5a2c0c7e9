// The daemon's configuration: one table of options, read from flags, environment and file.
//
//   tensord --listen=unix:///run/me.sock --drain-delay=10s
//   TENSORD_DRAIN_DELAY=10s tensord
//   tensord --config=tensord.conf          # lines of `drain-delay = 10s`
//
// A flag beats the environment, the environment beats the file, the file beats the default. Unknown
// flags and file keys are errors. Unknown TENSORD_* variables are only reported: container
// platforms inject such names for a service that is called tensord.
//
// A new option is a field below and a row in options.cc.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tensord::server {

struct Options {
  // Where to listen: "unix:///path", "tcp://127.0.0.1:port" or "tls://host:port". Never empty once
  // resolved.
  std::vector<std::string> listen;
  std::vector<std::string> device;               // names; empty: every device there is
  std::string cache_dir;                         // "" keeps nothing on disk
  int64_t cache_memory = int64_t{1} << 30;       // bytes of plans, and of kernels; 0: no limit
  int64_t cache_disk = int64_t{8} << 30;         // bytes of both in cache_dir; 0: no limit
  int64_t principal_cache = int64_t{256} << 20;  // of each, made by one principal; 0: no limit
  std::string metrics_listen;                    // "host:port", "" is off
  std::string token_file;
  std::string jwt_key_file, jwt_secret_file;  // "" for none
  std::string jwt_issuer, jwt_audience;
  std::string jwt_principal_claim = "sub";
  std::string tls_cert, tls_key, tls_client_ca;  // PEM files, "" for none
  int64_t threads = 0;       // compute threads; 0: the cores this process may use
  int64_t io_threads = 0;    // transport threads per lane; 0: by the cores
  int64_t memory_limit = 0;  // bytes of host memory for values; 0: by the cgroup
  absl::Duration drain_delay = absl::Seconds(5);
  absl::Duration drain_timeout = absl::Seconds(30);
  absl::Duration lease = absl::Seconds(60);  // of a detached session
  bool exit_with_parent = false;
  int64_t max_sessions = 10000;                 // of the daemon
  int64_t max_calls = 1024;                     // unary calls and watchers at one time
  int64_t max_transfers = 256;                  // uploads and downloads at one time
  int64_t principal_sessions = 1024;            // sessions of one principal
  int64_t principal_nodes = int64_t{16} << 20;  // living graph nodes of one principal; 0: no limit
  int64_t principal_in_flight = 65536;          // its commands that have not ended; 0: no limit
  int64_t principal_compiles = 3;               // its functions compiled at a time, of 4 in all
  std::string otlp_endpoint;                    // "" is off
  absl::Duration slow_command = absl::ZeroDuration();  // zero is off
  int64_t max_new_connections = 1024;                  // that have not begun a call
  absl::Duration first_call = absl::Seconds(10);       // how long such a connection may take
  std::string log_level = "info";
  std::string log_format = "text";

  // What to do instead of serving.
  enum class Mode { kServe, kPrintConfig, kCheckConfig, kHelp, kVersion };
  Mode mode = Mode::kServe;

  std::map<std::string, std::string>
      origin;                         // option → "flag", "environment" or "file"; else default
  std::vector<std::string> warnings;  // unknown environment variables
};

// Reads all three places. `args` are without the program's name; `environment` is "NAME=value"
// entries. Validates, and fills in defaults that depend on the machine (socket, cache folder).
absl::StatusOr<Options> ParseOptions(std::span<const std::string_view> args,
                                     std::span<const std::string> environment);

// The text of a config file that means these options, each line with where its value comes from.
std::string PrintConfig(const Options& options);

// What --help prints.
std::string HelpText();

// The names of options whose values differ.
std::vector<std::string> DifferingOptions(const Options& a, const Options& b);

// Carries threads, cache folder and log settings over to the engine's own settings table.
void ApplyToEngine(const Options& options);

// A listen address taken apart. Refused: a relative path, a host that is not loopback without TLS.
struct Address {
  enum class Kind { kUnix, kTcp, kTls };
  Kind kind = Kind::kUnix;
  std::string path;  // kUnix
  std::string
      host;      // kTcp: "127.0.0.1", "::1" or "localhost"; kTls: any, "0.0.0.0" and "::" for all
  int port = 0;  // kTcp, kTls; 0 picks a free one

  std::string ToString() const;
};
absl::StatusOr<Address> ParseAddress(std::string_view text);

}  // namespace tensord::server
