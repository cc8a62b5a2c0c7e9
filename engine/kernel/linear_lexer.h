// Tokens of the linear kernel's text.
#pragma once

#include <cstdint>
#include <string_view>

namespace tensord::kernel {

enum class TokenKind : uint8_t {
  kEnd,
  kWord,      // letters, digits, '_', '.', '$'; not starting with a digit
  kNumber,    // an optional '-', then a digit or a word: "-1.5e-3", "-inf", "12"
  kRegister,  // %12; text is the digits
  kBuffer,    // %name; text is the name
  kFunction,  // @name
  kPunctuation,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;
  int line = 1;
};

class LinearLexer {
 public:
  explicit LinearLexer(std::string_view text) : rest_(text) { Next(); }

  const Token& token() const { return token_; }
  void Next();
  // From just after the current token, everything up to the next ']', as it is; the token after is
  // the
  // ']'. For index expressions, which have a parser of their own.
  std::string_view RawUntilBracket();

 private:
  void SkipSpace();
  std::string_view Take(size_t length);

  std::string_view rest_;
  int line_ = 1;
  Token token_;
};

}  // namespace tensord::kernel
