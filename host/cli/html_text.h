// SPDX-License-Identifier: Apache-2.0
// Text from outside as text of an HTML page.
#pragma once
#include <string>
#include <string_view>

namespace gramzip::cli {
// Safe as element content and in quoted attributes: & < > " ' become character references; control
// characters, marks that turn the direction of text, and what is not UTF-8 become \xNN.
std::string html_text(std::string_view text);
// Its last `most` characters, behind an ellipsis if there are more.
std::string html_tail(std::string_view text, size_t most);
}  // namespace gramzip::cli
