#include "engine/runtime/disk_cache.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/status.h"

namespace tensord::runtime {
namespace {

constexpr std::string_view kMagic = "TCCH";
constexpr uint32_t kFormat = 1;
constexpr std::string_view kHex = "0123456789abcdef";

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

absl::StatusOr<DiskCache> DiskCache::Open(const std::string& directory, CacheLimits limits) {
  if (directory.empty()) return DiskCache("", limits);
  RETURN_IF_ERROR(base::MakeDirs(directory, 0700));
  RETURN_IF_ERROR(base::CheckPrivateDir(directory));
  return DiskCache(directory, limits);
}

std::string DiskCache::NameOf(std::string_view kind, std::string_view key) {
  const std::string hex = base::ToHex(base::Sha256(key));
  return StrCat(kind, "/", hex.substr(0, 2), "/", hex.substr(2));
}

std::optional<std::string> DiskCache::Find(std::string_view kind, std::string_view key,
                                           uint64_t owner) const {
  if (directory_.empty()) return std::nullopt;
  const std::string name = NameOf(kind, key), path = PathOf(name);
  absl::StatusOr<std::string> file = base::ReadFile(path);
  if (!file.ok()) return std::nullopt;
  absl::StatusOr<std::string> payload = Decode(*file, key);
  if (payload.ok()) {
    base::TouchFile(path).IgnoreError();
    MutexLock lock(index_->mutex);
    index_->order.Use(name, owner);
    return *std::move(payload);
  }
  LOG_WARNING("stale or damaged cache entry removed", {"path", path},
              {"why", std::string(FromAbsl(payload.status().message()))});
  base::RemoveFile(path).IgnoreError();
  MutexLock lock(index_->mutex);
  index_->order.Remove(name);
  return std::nullopt;
}

int DiskCache::Store(std::string_view kind, std::string_view key, std::string_view payload,
                     uint64_t owner) const {
  if (directory_.empty()) return 0;
  const std::string name = NameOf(kind, key), path = PathOf(name), bytes = Encode(key, payload);
  absl::Status status = base::MakeDirs(path.substr(0, path.rfind('/')), 0700);
  if (status.ok()) status = base::WriteFileAtomically(path, bytes, 0600);
  if (status.ok()) return MakeRoom(name, owner, static_cast<int64_t>(bytes.size()));
  LOG_WARNING("cache entry not written", {"path", path},
              {"why", std::string(FromAbsl(status.message()))});
  return 0;
}

int DiskCache::MakeRoom(const std::string& name, uint64_t owner, int64_t bytes) const {
  MutexLock lock(index_->mutex);
  Complete(*index_);
  index_->order.Add(name, owner, bytes);
  int left = 0;
  for (; const std::optional<std::string> victim = index_->order.TakeVictim(); ++left) {
    base::RemoveFile(PathOf(*victim)).IgnoreError();
  }
  return left;
}

// Learns of the files that other processes have left, once: who only reads need not know.
void DiskCache::Complete(Index& index) const {
  if (std::exchange(index.complete, true)) return;
  std::vector<std::pair<int64_t, std::pair<std::string, int64_t>>> found;  // by time
  for (const std::string_view kind : {"plan", "kernel"}) {
    for (size_t i = 0; i < 256; ++i) {
      const std::string folder = StrCat(kind, "/", kHex.substr(i / 16, 1), kHex.substr(i % 16, 1));
      const absl::StatusOr<std::vector<base::DirEntry>> files = base::ListFiles(PathOf(folder));
      if (!files.ok()) continue;
      for (const base::DirEntry& file : *files) {
        found.push_back({file.modified_ns, {StrCat(folder, "/", file.name), file.bytes}});
      }
    }
  }
  std::sort(found.begin(), found.end());
  for (const auto& [time, file] : found) index.order.Add(file.first, 0, file.second);
}

}  // namespace tensord::runtime
