// SPDX-License-Identifier: Apache-2.0
// The time of every kernel that a program launches, between two events on its stream. The linker
// puts launch_times.cu between the launches and the runtime (--wrap), so kernels need no change.
#pragma once
#include <map>
#include <string>

namespace gramzip::bench {
// From now on until stop(): launches are timed. One thread launches.
void start_launch_times();
// Waits for all of them. Seconds by kernel, "source: kernel<arguments>", of all launches together.
std::map<std::string, double> stop_launch_times();
// "source: kernel<arguments>" of a name as the compiler mangles it.
std::string kernel_label(const std::string& mangled);
}  // namespace gramzip::bench
