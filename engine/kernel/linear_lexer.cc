#include "engine/kernel/linear_lexer.h"

#include <algorithm>

namespace tensord::kernel {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
bool IsWord(char c) { return IsWordStart(c) || IsDigit(c) || c == '.'; }

size_t WordLength(std::string_view text) {
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), IsWord) - text.begin());
}

size_t NumberLength(std::string_view text) {
  size_t i = text[0] == '-' ? 1 : 0;
  while (i < text.size()) {
    const bool exponent_sign =
        (text[i] == '-' || text[i] == '+') && i > 0 && (text[i - 1] == 'e' || text[i - 1] == 'E');
    if (!IsWord(text[i]) && !exponent_sign) break;
    ++i;
  }
  return i;
}

}  // namespace

std::string_view LinearLexer::Take(size_t length) {
  std::string_view taken = rest_.substr(0, length);
  rest_.remove_prefix(taken.size());
  return taken;
}

void LinearLexer::SkipSpace() {
  while (!rest_.empty()) {
    if (rest_[0] == ';') {
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    } else if (rest_[0] == ' ' || rest_[0] == '\t' || rest_[0] == '\r' || rest_[0] == '\n') {
      if (rest_[0] == '\n') ++line_;
      rest_.remove_prefix(1);
    } else {
      return;
    }
  }
}

void LinearLexer::Next() {
  SkipSpace();
  token_ = {TokenKind::kEnd, {}, line_};
  if (rest_.empty()) return;
  const char c = rest_[0];
  if (c == '%' || c == '@') {
    rest_.remove_prefix(1);
    token_.kind = c == '@'                              ? TokenKind::kFunction
                  : !rest_.empty() && IsDigit(rest_[0]) ? TokenKind::kRegister
                                                        : TokenKind::kBuffer;
    token_.text = Take(WordLength(rest_));
  } else if (IsWordStart(c)) {
    token_.kind = TokenKind::kWord;
    token_.text = Take(WordLength(rest_));
  } else if (IsDigit(c) || c == '-') {
    token_.kind = TokenKind::kNumber;
    token_.text = Take(NumberLength(rest_));
  } else {
    token_.kind = TokenKind::kPunctuation;
    token_.text = Take(1);
  }
}

std::string_view LinearLexer::RawUntilBracket() {
  std::string_view raw = Take(std::min(rest_.find(']'), rest_.size()));
  line_ += static_cast<int>(std::count(raw.begin(), raw.end(), '\n'));
  Next();
  return raw;
}

}  // namespace tensord::kernel
