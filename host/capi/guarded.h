// SPDX-License-Identifier: Apache-2.0
// Exceptions become statuses here and nowhere else.
#pragma once
#include <new>
#include <string>

#include "gramzip/gramzip.h"
#include "host/base/error.h"

namespace gramzip {
inline thread_local std::string last_error;  // of gramzip_last_error()

template <class F>
gramzip_status guarded(F f) {
  last_error.clear();
  try {
    f();
    return GRAMZIP_OK;
  } catch (const Error& e) {
    last_error = e.what();
    return static_cast<gramzip_status>(e.code());
  } catch (const std::bad_alloc&) {
    last_error = "out of memory";
    return GRAMZIP_NO_MEMORY;
  } catch (const std::exception& e) {
    last_error = std::string("internal error: ") + e.what();
    return GRAMZIP_INTERNAL;
  }
}

inline void require(bool ok, const char* what) {
  if (!ok) fail(ErrorCode::invalid_argument, what);
}
}  // namespace gramzip
