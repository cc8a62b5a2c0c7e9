// Recursive descent over ToString's form, safe on hostile text: length, nesting and the size of
// what it builds are limited, and so is every intermediate value.
#include <charconv>

#include "engine/base/status.h"
#include "engine/types/sym.h"

namespace tensord::types {
namespace {

constexpr size_t kMaxLength = 4096;
constexpr int kMaxNesting = 64;

using Bounds = std::map<std::string, std::pair<int64_t, int64_t>>;

class Parser {
 public:
  Parser(std::string_view text, const Bounds& bounds) : text_(text), bounds_(bounds) {}

  absl::StatusOr<Sym> Parse() {
    if (text_.size() > kMaxLength) {
      return InvalidArgument("expression of ", text_.size(), " characters, over the limit of ",
                             kMaxLength);
    }
    ASSIGN_OR_RETURN(Sym sum, Sum());
    if (SkipSpace(); at_ != text_.size()) return Error("expected an operator");
    return sum;
  }

 private:
  absl::Status Error(const std::string& what) const {
    return InvalidArgument("'", std::string(text_), "': ", what, " at character ", at_ + 1);
  }

  // What an operation made, unless it may overflow or has grown too large.
  absl::StatusOr<Sym> Checked(Sym s) const {
    if (s.min() <= -kSymLimit || s.max() >= kSymLimit) return Error("the value may overflow");
    if (s.Complexity() > Sym::kMaxComplexity) return Error("the expression is too large");
    return s;
  }

  void SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  bool Take(std::string_view token) {
    SkipSpace();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }

  absl::StatusOr<Sym> Sum() {
    if (depth_ >= kMaxNesting) return Error("nested too deeply");
    ++depth_;
    ASSIGN_OR_RETURN(Sym sum, Product());
    for (;;) {
      if (Take("+")) {
        ASSIGN_OR_RETURN(Sym b, Product());
        ASSIGN_OR_RETURN(sum, Checked(sum + b));
      } else if (Take("-")) {
        ASSIGN_OR_RETURN(Sym b, Product());
        ASSIGN_OR_RETURN(sum, Checked(sum - b));
      } else {
        --depth_;
        return sum;
      }
    }
  }

  absl::StatusOr<Sym> Product() {
    ASSIGN_OR_RETURN(Sym product, Factor());
    for (;;) {
      if (Take("//")) {
        ASSIGN_OR_RETURN(Sym b, Factor());
        ASSIGN_OR_RETURN(product, Checked(FloorDiv(product, b)));
      } else if (Take("%")) {
        ASSIGN_OR_RETURN(Sym b, Factor());
        ASSIGN_OR_RETURN(product, Checked(Mod(product, b)));
      } else if (Take("*")) {
        ASSIGN_OR_RETURN(Sym b, Factor());
        ASSIGN_OR_RETURN(product, Checked(product * b));
      } else {
        return product;
      }
    }
  }

  absl::StatusOr<Sym> Factor() {
    bool negative = false;
    while (Take("-")) negative = !negative;
    ASSIGN_OR_RETURN(Sym value, Primary());
    return negative ? Checked(-value) : value;
  }

  absl::StatusOr<Sym> Primary() {
    if (Take("(")) {
      ASSIGN_OR_RETURN(Sym inner, Sum());
      if (!Take(")")) return Error("expected ')'");
      return inner;
    }
    SkipSpace();
    if (at_ == text_.size()) return Error("expected a number, a name or '('");
    if (IsDigit(text_[at_])) return Number();
    if (IsLetter(text_[at_])) return NameOrCall();
    return Error("expected a number, a name or '('");
  }

  absl::StatusOr<Sym> Number() {
    int64_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) return Error("the number is too large");
    at_ += static_cast<size_t>(end - begin);
    return Checked(value);
  }

  absl::StatusOr<Sym> NameOrCall() {
    const size_t begin = at_;
    while (at_ < text_.size() &&
           (IsLetter(text_[at_]) || IsDigit(text_[at_]) || text_[at_] == '.')) {
      ++at_;
    }
    const std::string name(text_.substr(begin, at_ - begin));
    if ((name == "min" || name == "max") && Take("(")) return Call(name == "min");
    const auto bound = bounds_.find(name);
    if (bound == bounds_.end()) {
      at_ = begin;
      return Error(absl::StrCat("unknown variable '", name, "'"));
    }
    const auto [lo, hi] = bound->second;
    if (lo > hi) return Error(absl::StrCat("variable '", name, "' has no value"));
    return Checked(Sym::Variable(name, lo, hi));
  }

  absl::StatusOr<Sym> Call(bool min) {
    ASSIGN_OR_RETURN(Sym a, Sum());
    if (!Take(",")) return Error("expected ','");
    ASSIGN_OR_RETURN(Sym b, Sum());
    if (!Take(")")) return Error("expected ')'");
    return Checked(min ? Min(a, b) : Max(a, b));
  }

  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }
  static bool IsLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }

  std::string_view text_;
  const Bounds& bounds_;
  size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<Sym> ParseSym(std::string_view text, const Bounds& bounds) {
  return Parser(text, bounds).Parse();
}

}  // namespace tensord::types
