// SHA-256 by OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace tensord::client {

std::string Sha256(std::string_view bytes);  // 32 bytes

}  // namespace tensord::client
