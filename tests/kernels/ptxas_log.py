# SPDX-License-Identifier: Apache-2.0
"""Compiler launcher for nvcc with -Xptxas -v: what ptxas says of kernels goes to OBJECT.ptxas, the rest to the terminal.

    ptxas_log.py [ccache] nvcc ... -o OBJECT
"""
import os
import subprocess
import sys

# The first words of the lines of -v; warnings and errors have others.
VERBOSE = ("ptxas info", "Function properties for", "bytes stack frame,")


def split(text):
    """(lines of -v, all others)."""
    log, rest = [], []
    for line in text.splitlines(keepends=True):
        (log if any(words in line for words in VERBOSE) else rest).append(line)
    return "".join(log), "".join(rest)


def main(command):
    run = subprocess.run(command, stderr=subprocess.PIPE)
    log, rest = split(run.stderr.decode(errors="replace"))
    sys.stderr.write(rest)
    if "-o" in command and log:
        name = command[command.index("-o") + 1] + ".ptxas"
        with open(name + ".new", "w", encoding="utf-8") as out:
            out.write(log)
        os.replace(name + ".new", name)
    return run.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
