// A value that exists, will exist once the command that makes it was submitted, or never will.
//
// Cells, and references to them, belong to one session: whoever guards the session guards them.
// The states only move forward:
//
//   pending ──Submit──▶ submitted ──Settle──▶ ready
//      └───────Fail─────────┴──────Fail─────▶ poisoned
//
// Submitted: commands may use the value, in queue order; what computes it may still fail.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/runtime/value.h"

namespace tensord::runtime {

using Id = uint64_t;
inline constexpr Id kMaxId = (uint64_t{1} << 53) - 1;

// Where something came from: the client's frame, the item in it, and its source reference.
struct Origin {
  uint64_t frame = 0;
  uint32_t item = 0;
  uint32_t source = 0;
};

// Why a value will never exist: the first cause, kept by everything that depends on it.
struct Poison {
  absl::Status status;  // with its reason, see fault.h
  Id cause = 0;         // the id that failed first
  std::string op;       // its op
  Origin origin;
};
using PoisonRef = std::shared_ptr<const Poison>;

class Cell;

// What waits for a cell. Called inside Submit, Settle and Fail: it may not change cells there.
class CellWaiter {
 public:
  virtual ~CellWaiter() = default;
  virtual void OnCell(Cell& cell) = 0;
};

// A counted reference. Not thread-safe.
class CellRef {
 public:
  CellRef() = default;
  explicit CellRef(Cell* cell);
  CellRef(const CellRef& other) : CellRef(other.cell_) {}
  CellRef(CellRef&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
  CellRef& operator=(CellRef other) noexcept {
    std::swap(cell_, other.cell_);
    return *this;
  }
  ~CellRef();

  Cell* get() const { return cell_; }
  Cell* operator->() const { return cell_; }
  Cell& operator*() const { return *cell_; }
  explicit operator bool() const { return cell_ != nullptr; }
  friend bool operator==(const CellRef& a, const CellRef& b) { return a.cell_ == b.cell_; }

 private:
  Cell* cell_ = nullptr;
};

class Cell {
 public:
  enum class State : uint8_t { kPending, kSubmitted, kReady, kPoisoned };

  static CellRef Make(types::Type type) { return CellRef(new Cell(std::move(type))); }
  // Of a value that is there.
  static CellRef Of(Value value) {
    CellRef cell = Make(value.type);
    cell->value_ = std::move(value);
    cell->state_ = State::kReady;
    return cell;
  }
  static CellRef Of(PoisonRef poison) {
    CellRef cell = Make({});
    cell->poison_ = std::move(poison);
    cell->state_ = State::kPoisoned;
    return cell;
  }

  // Constant dims. Nothing when born poisoned, or not known yet (see SubmitTyped).
  const types::Type& type() const { return type_; }
  State state() const { return state_; }
  bool available() const { return state_ != State::kPending; }
  bool settled() const { return state_ == State::kReady || state_ == State::kPoisoned; }
  bool poisoned() const { return state_ == State::kPoisoned; }
  const Value& value() const { return value_; }  // submitted or ready, unless it was taken
  const PoisonRef& poison() const { return poison_; }
  // References of those who may still ask for the value.
  int holders() const { return holders_ - watchers_; }
  // That many references more, or fewer, only wait to see how the cell ends.
  void CountWatchers(int by) { watchers_ += by; }

  // Gives the value away, to be written over.
  Value Take() { return std::exchange(value_, Value()); }

  void Submit(Value value) {
    value_ = std::move(value);
    Move(State::kSubmitted);
  }
  // The same for a cell that was made without a type, as nobody knew it: it gets the value's.
  void SubmitTyped(Value value) {
    type_ = value.type;
    Submit(std::move(value));
  }
  // What computes it succeeded. No effect on a poisoned cell.
  void Settle() {
    if (!settled()) Move(State::kReady);
  }
  // No effect on a settled cell.
  void Fail(PoisonRef poison) {
    if (settled()) return;
    value_ = Value();
    poison_ = std::move(poison);
    Move(State::kPoisoned);
  }

  // Calls the waiter once, when the cell is available or settled. REQUIRES: it is not yet. The
  // waiter outlives the cell's life, or Forgets.
  void WhenAvailable(CellWaiter* waiter) { available_waiters_.push_back(waiter); }
  void WhenSettled(CellWaiter* waiter) { settled_waiters_.push_back(waiter); }
  void Forget(CellWaiter* waiter);

  int scratch = -1;  // of whoever walks over cells; -1 between walks

 private:
  friend class CellRef;
  using Waiters = std::vector<CellWaiter*>;
  explicit Cell(types::Type type) : type_(std::move(type)) {}
  void Move(State state);

  types::Type type_;
  State state_ = State::kPending;
  int32_t holders_ = 0, watchers_ = 0;
  Value value_;
  PoisonRef poison_;
  Waiters available_waiters_, settled_waiters_;
};

inline CellRef::CellRef(Cell* cell) : cell_(cell) {
  if (cell_ != nullptr) ++cell_->holders_;
}
inline CellRef::~CellRef() {
  if (cell_ != nullptr && --cell_->holders_ == 0) delete cell_;
}

}  // namespace tensord::runtime
