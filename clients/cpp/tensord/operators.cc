#include "clients/cpp/tensord/operators.h"

#include "clients/cpp/tensord/ops.h"

namespace tensord::client {

Tensor operator+(const Located& a, const Located& b) {
  return ops::Add(a.operand, b.operand, a.where);
}
Tensor operator-(const Located& a, const Located& b) {
  return ops::Sub(a.operand, b.operand, a.where);
}
Tensor operator*(const Located& a, const Located& b) {
  return ops::Mul(a.operand, b.operand, a.where);
}
Tensor operator/(const Located& a, const Located& b) {
  return ops::Div(a.operand, b.operand, a.where);
}
Tensor operator<(const Located& a, const Located& b) {
  return ops::Lt(a.operand, b.operand, a.where);
}
Tensor operator<=(const Located& a, const Located& b) {
  return ops::Le(a.operand, b.operand, a.where);
}
Tensor operator>(const Located& a, const Located& b) {
  return ops::Gt(a.operand, b.operand, a.where);
}
Tensor operator>=(const Located& a, const Located& b) {
  return ops::Ge(a.operand, b.operand, a.where);
}
Tensor operator-(const Located& a) { return ops::Neg(a.operand, a.where); }

}  // namespace tensord::client
