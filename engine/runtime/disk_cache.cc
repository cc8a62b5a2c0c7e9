#include "engine/runtime/disk_cache.h"

#include "engine/base/bytes.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/status.h"

namespace tensord::runtime {
namespace {

constexpr std::string_view kMagic = "TCCH";
constexpr uint32_t kFormat = 1;

std::string_view View(const base::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string Encode(std::string_view key, std::string_view payload) {
  base::ByteWriter out;
  out.Header(kMagic, kFormat);
  out.String(TENSORD_VERSION);
  out.String(key);
  out.Raw(View(base::Sha256(payload)));
  out.String(payload);
  return out.Take();
}

absl::StatusOr<std::string> Decode(std::string_view file, std::string_view key) {
  base::ByteReader in(file);
  RETURN_IF_ERROR(in.Header(kMagic, kFormat));
  ASSIGN_OR_RETURN(const std::string_view version, in.StringView());
  ASSIGN_OR_RETURN(const std::string_view stored_key, in.StringView());
  if (version != TENSORD_VERSION || stored_key != key) return NotFound("another build or key");
  ASSIGN_OR_RETURN(const std::string_view digest, in.Raw(32));
  ASSIGN_OR_RETURN(std::string payload, in.String());
  RETURN_IF_ERROR(in.End());
  if (View(base::Sha256(payload)) != digest) return InvalidArgument("payload digest differs");
  return payload;
}

}  // namespace

absl::StatusOr<DiskCache> DiskCache::Open(const std::string& directory) {
  if (directory.empty()) return DiskCache("");
  RETURN_IF_ERROR(base::MakeDirs(directory, 0700));
  RETURN_IF_ERROR(base::CheckPrivateDir(directory));
  return DiskCache(directory);
}

std::string DiskCache::PathOf(std::string_view kind, const base::Digest& digest) const {
  const std::string hex = base::ToHex(digest);
  return StrCat(directory_, "/", kind, "/", hex.substr(0, 2), "/", hex.substr(2));
}

std::optional<std::string> DiskCache::Find(std::string_view kind, std::string_view key) const {
  if (directory_.empty()) return std::nullopt;
  const std::string path = PathOf(kind, base::Sha256(key));
  absl::StatusOr<std::string> file = base::ReadFile(path);
  if (!file.ok()) return std::nullopt;
  absl::StatusOr<std::string> payload = Decode(*file, key);
  if (payload.ok()) return *std::move(payload);
  LOG_WARNING("stale or damaged cache entry removed", {"path", path},
              {"why", std::string(FromAbsl(payload.status().message()))});
  base::RemoveFile(path).IgnoreError();
  return std::nullopt;
}

void DiskCache::Store(std::string_view kind, std::string_view key, std::string_view payload) const {
  if (directory_.empty()) return;
  const std::string path = PathOf(kind, base::Sha256(key));
  absl::Status status = base::MakeDirs(path.substr(0, path.rfind('/')), 0700);
  if (status.ok()) status = base::WriteFileAtomically(path, Encode(key, payload), 0600);
  if (!status.ok()) {
    LOG_WARNING("cache entry not written", {"path", path},
                {"why", std::string(FromAbsl(status.message()))});
  }
}

}  // namespace tensord::runtime
