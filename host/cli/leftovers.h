// SPDX-License-Identifier: Apache-2.0
// Temporary names of unfinished outputs, and what a killed run left of them.
#pragma once
#include <sys/types.h>

#include <string>

namespace gramzip::cli {
// ".NAME.gramzip-PID.tmp", NAME cut so that the whole is a legal name.
std::string temporary_name(const std::string& name, pid_t pid);
// A temporary file that no process holds: writers keep a lock, so that a live one in another PID
// namespace is not taken for dead.
bool abandoned(int folder, const std::string& file);
// Removes leftovers of dead processes. A folder is looked through once a run.
void remove_leftovers(int folder);
}  // namespace gramzip::cli
