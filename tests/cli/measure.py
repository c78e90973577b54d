# SPDX-License-Identifier: Apache-2.0
"""Runs a command; at its end one line on standard error: seconds of processor time and peak resident bytes.

A process of its own, since a child's peak begins with the size of the process that has started it."""
import os
import sys

pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
os.write(2, f"\n{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss * 1024}".encode())
sys.exit(os.waitstatus_to_exitcode(status) % 256)
