#include "clients/cpp/tensord/address.h"

#include <grpcpp/create_channel.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tensord::client {
namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string ConfigPath() {
  if (std::string given = FromEnvironment("TENSORD_CLIENT_CONFIG"); !given.empty()) return given;
  std::string base = FromEnvironment("XDG_CONFIG_HOME");
  if (base.empty()) base = FromEnvironment("HOME") + "/.config";
  return base + "/tensord/client.conf";
}

constexpr const char* kConfigNames[] = {"address", "token", "ca", "cert", "key"};

std::string Trimmed(const std::string& text) {
  return std::string(absl::StripAsciiWhitespace(text));
}

// The value of a name in the config file; empty when it is not there. # begins a comment.
absl::StatusOr<std::string> FromConfig(const std::string& wanted) {
  const std::string path = ConfigPath();
  std::ifstream file(path);
  std::string line, found;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string content = Trimmed(line.substr(0, line.find('#')));
    if (content.empty()) continue;
    const size_t equals = content.find('=');
    const std::string name = Trimmed(content.substr(0, equals));
    const auto known = std::find(std::begin(kConfigNames), std::end(kConfigNames), name);
    if (equals == content.npos || known == std::end(kConfigNames)) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": expected `name = value` with a name of ",
                       absl::StrJoin(kConfigNames, ", "), "; not ", content));
    }
    if (name == wanted) found = Trimmed(content.substr(equals + 1));
  }
  return found;
}

bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (!text->starts_with(prefix)) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// What is given, else from the environment, else from the config file.
absl::StatusOr<std::string> ValueOr(const std::string& given, const char* variable,
                                    const std::string& name) {
  if (!given.empty()) return given;
  if (std::string found = FromEnvironment(variable); !found.empty()) return found;
  return FromConfig(name);
}

absl::StatusOr<std::string> TextOf(const std::string& path, const char* what) {
  std::ostringstream text;
  const std::ifstream file(path);
  if (file.good()) text << file.rdbuf();
  if (!text.str().empty()) return text.str();
  return absl::NotFoundError(
      absl::StrCat("can't read ", path, " (", what, "): expected a file of PEM text"));
}

}  // namespace

absl::StatusOr<Target> ParseAddress(const std::string& address) {
  std::string_view text = address;
  if (ConsumePrefix(&text, "unix://") || ConsumePrefix(&text, "unix:")) {
    if (text.starts_with("/")) {
      return Target{absl::StrCat("unix://", std::string(text)), std::string(text)};
    }
    return absl::InvalidArgumentError(
        absl::StrCat("address \"", address,
                     "\": a socket path must be absolute, as in unix:///run/tensord.sock"));
  }
  const bool tls = ConsumePrefix(&text, "tls://");
  if (!tls) ConsumePrefix(&text, "tcp://");
  const size_t colon = text.rfind(':');
  if (colon == text.npos || colon == 0 || colon + 1 == text.size() || text.find('/') != text.npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "address \"", address, "\": expected unix:///path, tls://host:port or host:port"));
  }
  return Target{std::string(text), "", tls};
}

absl::StatusOr<std::string> AddressOr(const std::string& address) {
  if (!address.empty()) return address;
  if (std::string given = FromEnvironment("TENSORD_ADDR"); !given.empty()) return given;
  absl::StatusOr<std::string> configured = FromConfig("address");
  if (!configured.ok() || !configured->empty()) return configured;
  const std::string runtime = FromEnvironment("XDG_RUNTIME_DIR");
  const std::string own = runtime + "/tensord.sock";
  struct stat found;
  if (runtime.starts_with("/") && stat(own.c_str(), &found) == 0) return "unix://" + own;
  return "unix:///run/tensord/tensord.sock";
}

absl::StatusOr<std::string> TokenOr(const std::string& token) {
  return ValueOr(token, "TENSORD_TOKEN", "token");
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsOr(
    const std::shared_ptr<grpc::ChannelCredentials>& given, const Target& target, TlsFiles files) {
  if (given != nullptr) return given;
  if (!target.tls) {
    if (files.ca.empty() && files.cert.empty() && files.key.empty()) return nullptr;
    return absl::InvalidArgumentError(absl::StrCat("CA and certificate are for TLS: say tls://",
                                                   target.grpc, ", or leave them out"));
  }
  struct File {
    std::string path;
    const char *variable, *name;
    std::string* text;
  };
  grpc::SslCredentialsOptions options;
  const File wanted[] = {{files.ca, "TENSORD_CA", "ca", &options.pem_root_certs},
                         {files.cert, "TENSORD_CERT", "cert", &options.pem_cert_chain},
                         {files.key, "TENSORD_KEY", "key", &options.pem_private_key}};
  for (const File& file : wanted) {
    absl::StatusOr<std::string> path = ValueOr(file.path, file.variable, file.name);
    if (!path.ok()) return path.status();
    if (path->empty()) continue;
    absl::StatusOr<std::string> text = TextOf(*path, file.name);
    if (!text.ok()) return text.status();
    *file.text = *std::move(text);
  }
  if (options.pem_cert_chain.empty() != options.pem_private_key.empty()) {
    return absl::InvalidArgumentError("a certificate and its key go together: give both or none");
  }
  return grpc::SslCredentials(options);
}

absl::Status Explained(const absl::Status& status) {
  if (!absl::StrContains(status.message(), "andshake failed")) return status;
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(),
                   "; look at the daemon's address (does it listen with tls:// there?), at the CA "
                   "(`ca`, $TENSORD_CA) and at the host's name (is it in the certificate?)"));
}

std::shared_ptr<grpc::Channel> MakeChannel(
    const Target& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  // A connection that is lost is made anew soon: gRPC's own pauses grow to two minutes. What it
  // calls the least pause is how long an attempt may take: a busy daemon needs more than a pause.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(
      target.grpc, credentials == nullptr ? grpc::InsecureChannelCredentials() : credentials,
      arguments);
}

}  // namespace tensord::client
