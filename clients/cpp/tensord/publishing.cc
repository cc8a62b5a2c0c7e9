#include "clients/cpp/tensord/publishing.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "clients/cpp/tensord/session.h"
#include "clients/cpp/tensord/trace.h"
#include "clients/cpp/tensord/wire_time.h"

namespace tensord::client {
namespace {

constexpr size_t kMaxName = 256, kMaxPath = 256;  // bytes
// The daemon looks at the ends of waiting Lookups once a second.
constexpr absl::Duration kGrace = absl::Seconds(5);

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-' || c == '/';
}

// [A-Za-z0-9_.-]+(/…)*
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name.front() != '/' && name.back() != '/' &&
         name.find("//") == name.npos && std::all_of(name.begin(), name.end(), IsNameCharacter);
}

// A name behind a principal's, which may have any characters.
bool IsFullName(std::string_view name) {
  for (size_t at = name.find('/'); at != name.npos; at = name.find('/', at + 1)) {
    if (at > 0 && IsName(name.substr(at + 1))) return true;
  }
  return false;
}

absl::Status NoName(const char* what, std::string_view name, const char* wanted) {
  return absl::InvalidArgumentError(absl::StrCat(
      what, ": \"", std::string(name.substr(0, kMaxName)), name.size() > kMaxName ? "…" : "",
      "\" is no name of a publication: expected ", wanted,
      ", letters, digits, _ . - and / between pieces, at most ", kMaxName, " bytes"));
}

absl::Status CheckOwnName(const char* what, std::string_view name) {
  return IsName(name) ? absl::OkStatus() : NoName(what, name, "name/of/it");
}

absl::Status CheckLookup(std::string_view name, const LookupOptions& options) {
  if (!IsName(name) && !IsFullName(name)) {
    return NoName("lookup", name, "name/of/it or principal/name/of/it");
  }
  if (options.timeout > absl::ZeroDuration()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "lookup: timeout ", absl::FormatDuration(options.timeout), "; expected more than 0"));
}

absl::Status CheckPublish(const std::string& name, const PublishEntries& entries,
                          const PublishOptions& options) {
  if (absl::Status status = CheckOwnName("publish", name); !status.ok()) return status;
  if (options.ttl <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("publish: ttl ", absl::FormatDuration(options.ttl),
                     "; expected more than 0, or absl::InfiniteDuration() for no end"));
  }
  std::set<std::string_view> paths;
  for (const auto& [path, tensor] : entries) {
    if (path.size() > kMaxPath) {
      return absl::InvalidArgumentError(absl::StrCat("publish: a path of ", path.size(),
                                                     " bytes, at most ", kMaxPath, " are allowed"));
    }
    if (!paths.insert(path).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "publish: path \"", path, "\" is there twice; the paths of a publication differ"));
    }
  }
  return absl::OkStatus();
}

v1::Item PublishItem(const std::string& name, const PublishEntries& entries,
                     const PublishOptions& options) {
  v1::Item item;
  v1::Publish& publish = *item.mutable_publish();
  publish.set_name(name);
  for (const auto& [path, tensor] : entries) {
    v1::PublishEntry* entry = publish.add_entries();
    entry->set_path(path);
    entry->set_id(tensor.id());
  }
  if (IsLimit(options.ttl)) {
    publish.set_ttl_ms(static_cast<uint64_t>(
        std::max<int64_t>(absl::ToInt64Milliseconds(options.ttl + absl::Microseconds(500)), 1)));
  }
  publish.set_shared(options.shared);
  return item;
}

v1::Lookup LookupOf(const std::string& name, const LookupOptions& options) {
  v1::Lookup lookup;
  lookup.set_name(name);
  lookup.set_min_generation(options.generation);
  lookup.set_timeout_us(WireTimeout(options.timeout));
  return lookup;
}

Found FoundOf(const v1::Found& answer, const std::vector<Tensor>& tensors) {
  Found found{answer.name(), answer.generation(), {}, {}};
  for (int i = 0; i < answer.entries_size(); ++i) {
    const v1::FoundEntry& entry = answer.entries(i);
    found.tensors.emplace(entry.path(), tensors.at(static_cast<size_t>(i)));
    found.types.emplace(entry.path(), FromMessage(entry.type()));
  }
  return found;
}

using FoundWaiter = std::function<void(absl::StatusOr<Found>)>;

void Bind(Connection& connection, v1::Lookup lookup, const std::vector<std::string>& paths,
          FoundWaiter done) {
  lookup.mutable_paths()->Assign(paths.begin(), paths.end());
  connection.AskToBind(
      paths.size(),
      [&](uint64_t first, v1::Item* item) {
        lookup.set_first_id(first);
        *item->mutable_lookup() = std::move(lookup);
      },
      [done = std::move(done)](const Answer& answer, const std::vector<Tensor>& tensors) {
        if (!answer.ok()) return done(answer.status());
        done(FoundOf(answer->found(), tensors));
      });
}

// Asks for the list first. What it names is there: the second time nothing has to be waited for.
void BindAll(const std::shared_ptr<Connection>& connection, v1::Lookup lookup,
             const FoundWaiter& done) {
  v1::Item item;
  *item.mutable_lookup() = lookup;
  const Trace trace = TraceScope::Current();
  connection->Ask(std::move(item), [=, lookup = std::move(lookup)](Answer answer) mutable {
    const TraceScope scope(trace);
    if (!answer.ok()) return done(answer.status());
    std::vector<std::string> paths;
    for (const v1::FoundEntry& entry : answer->found().entries()) paths.push_back(entry.path());
    if (paths.empty()) return done(FoundOf(answer->found(), {}));
    lookup.clear_min_generation();
    Bind(*connection, std::move(lookup), paths, done);
  });
}

}  // namespace

// ------------------------------------------------------------------ Session's

void Session::PublishAsync(const std::string& name, const PublishEntries& entries,
                           std::function<void(absl::StatusOr<Publication>)> done,
                           const PublishOptions& options) {
  absl::Status status = CheckPublish(name, entries, options);
  for (const auto& [path, tensor] : entries) {
    if (status.ok()) status = connection_->Owns(tensor, "publish");
  }
  if (!status.ok()) return done(status);
  connection_->Ask(PublishItem(name, entries, options),
                   [done = std::move(done)](const Answer& answer) {
                     if (!answer.ok()) return done(answer.status());
                     const v1::Published& made = answer->published();
                     done(Publication{made.name(), made.generation()});
                   });
}

absl::StatusOr<Publication> Session::Publish(const std::string& name, const PublishEntries& entries,
                                             const PublishOptions& options) {
  return connection_->Await<Publication>(absl::InfiniteDuration(), [&](auto done) {
    PublishAsync(name, entries, std::move(done), options);
  });
}

void Session::LookupAsync(const std::string& name, const std::vector<std::string>& paths,
                          std::function<void(absl::StatusOr<Found>)> done,
                          const LookupOptions& options) {
  if (absl::Status status = CheckLookup(name, options); !status.ok()) return done(status);
  if (paths.empty()) return BindAll(connection_, LookupOf(name, options), done);
  Bind(*connection_, LookupOf(name, options), paths, std::move(done));
}

absl::StatusOr<Found> Session::Lookup(const std::string& name,
                                      const std::vector<std::string>& paths,
                                      const LookupOptions& options) {
  return connection_->Await<Found>(options.timeout + kGrace, [&](auto done) {
    LookupAsync(name, paths, std::move(done), options);
  });
}

void Session::UnpublishAsync(const std::string& name, std::function<void(absl::Status)> done) {
  const std::string own = welcome().principal() + "/";
  const std::string bare = name.starts_with(own) ? name.substr(own.size()) : name;
  if (absl::Status status = CheckOwnName("unpublish", bare); !status.ok()) return done(status);
  v1::Item item, barrier;
  item.mutable_unpublish()->set_name(bare);
  barrier.mutable_barrier();
  connection_->Tell(std::move(item), std::move(barrier),
                    [this, done = std::move(done)](const Answer& answer) {
                      // A failure is told to one Barrier: the next one of the user's.
                      if (answer.ok() && answer->barrier_done().any_poisoned()) failed_ = true;
                      done(answer.status());
                    });
}

absl::Status Session::Unpublish(const std::string& name) {
  return connection_->AwaitStatus(absl::InfiniteDuration(),
                                  [&](auto done) { UnpublishAsync(name, std::move(done)); });
}

}  // namespace tensord::client
