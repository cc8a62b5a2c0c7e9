#include "engine/runtime/cell.h"

#include <algorithm>

namespace tensord::runtime {

void Cell::Move(State state) {
  state_ = state;
  const CellRef keep(this);
  for (CellWaiter* waiter : std::exchange(available_waiters_, {})) waiter->OnCell(*this);
  if (!settled()) return;
  for (CellWaiter* waiter : std::exchange(settled_waiters_, {})) waiter->OnCell(*this);
}

void Cell::Forget(CellWaiter* waiter) {
  for (Waiters* waiters : {&available_waiters_, &settled_waiters_}) {
    waiters->erase(std::remove(waiters->begin(), waiters->end(), waiter), waiters->end());
  }
}

}  // namespace tensord::runtime
