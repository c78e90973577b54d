#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deletes each barrier of the kernel sources in turn and sees whether the tests notice.

A __syncthreads() whose deletion no test notices is either superfluous or not tested.  Run it with
the checked build of the parity tests, which reports a missing barrier in any order of threads:

    tests/simt/mutate_barriers.py --root . \\
        --build 'ninja -C build/check parity_check_test' \\
        --test 'build/check/tests/parity_check_test' \\
        kernels/*.cu kernels/*.h

--build and --test run in --root, and build no more than the kernels and the test.  With --copy the
sources are mutated in a copy of the tree, so that others may use the tree meanwhile; --setup
configures the copy's build.  Otherwise each file is changed in place and restored, also after
Ctrl-C.

A line with `// mutation: equivalent (reason)` is not mutated, and listed.  In a comment or a string
no barrier is seen.

Exit status: 0 all __syncthreads() mutants noticed, 1 some survived, 2 cannot run.  __syncwarp()
survivors are listed only: within a warp a barrier may stand for clarity.
"""

import argparse
import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

BARRIER = re.compile(r"\b(__syncthreads|__syncwarp)\s*\(")
EXEMPT = re.compile(r"//\s*mutation:\s*equivalent\s*\((.*)\)\s*$")
# Comments and literals, which are blanked before barriers are looked for.
NOT_CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


@dataclasses.dataclass
class Site:
    """A barrier call in a source file."""
    path: pathlib.Path
    line: int
    name: str
    begin: int  # of the call, without its semicolon
    end: int
    exempt: str | None

    def __str__(self):
        return f"{self.path}:{self.line}: {self.name}"


def blank(match):
    """Replaces a comment or literal by as many spaces, keeping line ends."""
    return re.sub(r"[^\n]", " ", match.group())


def closing_parenthesis(text, opening):
    """Returns the position after the parenthesis that closes the one at `opening`."""
    depth = 0
    for i in range(opening, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i + 1
    raise ValueError("unbalanced parentheses")


def find_sites(path, text):
    """Yields the barriers of a file in order."""
    # A quote between digits separates thousands and opens no literal.
    code = NOT_CODE.sub(blank, re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", " ", text))
    lines = text.splitlines()
    for match in BARRIER.finditer(code):
        line = code.count("\n", 0, match.start()) + 1
        exempt = EXEMPT.search(lines[line - 1])
        yield Site(path, line, match.group(1), match.start(),
                   closing_parenthesis(code, match.end() - 1),
                   exempt.group(1) if exempt else None)


def mutate(text, site):
    """Removes one barrier; line numbers stay."""
    return text[:site.begin] + "((void)0)" + text[site.end:]


@contextlib.contextmanager
def replaced(path, text):
    """Gives a file another content for a while."""
    original = path.read_bytes()
    try:
        path.write_text(text, encoding="utf-8")
        yield
    finally:
        # A new time stamp, so that the next build sees the restored file.
        path.write_bytes(original)


def run(command, root, timeout):
    """Runs a shell command.  Returns (exit status, output); None means that time ran out."""
    process = subprocess.Popen(command, shell=True, cwd=root, text=True, errors="replace",
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout)
        return process.returncode, output
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            # The whole group: the shell's children too.
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            return None, ""
        raise


def first_reason(output):
    """The line of a failed test's output that says most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for word in ("race on", "uninitialised", "divergence", "Failure", "FAILED", "ERROR", "error"):
        for line in lines:
            if word in line:
                return line[:150]
    return lines[-1][:150] if lines else ""


def examine(site, root, options):
    """Tries one mutant.  Returns (noticed, why)."""
    path = root / site.path
    text = path.read_text(encoding="utf-8")
    with replaced(path, mutate(text, site)):
        status, output = run(options.build, root, options.timeout)
        if status != 0:
            # A mutant that does not compile says nothing of the tests.
            return None, "does not build: " + first_reason(output)
        status, output = run(options.test, root, options.timeout)
        if status is None:
            return True, "test ran out of time"
        return status != 0, first_reason(output) if status else ""


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", nargs="+", type=pathlib.Path,
                        help="kernel files, relative to --root")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("."))
    parser.add_argument("--build", required=True, help="builds the kernels and the parity test")
    parser.add_argument("--test", required=True, help="fails if a kernel is wrong")
    parser.add_argument("--copy", type=pathlib.Path,
                        help="mutate a copy of the tree made here, instead of the tree")
    parser.add_argument("--setup", help="run once in the copy, to configure its build")
    parser.add_argument("--timeout", type=float, default=600, help="seconds per command")
    parser.add_argument("--only", choices=("__syncthreads", "__syncwarp"))
    parser.add_argument("--list", action="store_true", help="list the barriers and stop")
    return parser.parse_args()


def prepare(options):
    """Returns the tree to mutate."""
    root = options.root.resolve()
    if not options.copy:
        return root
    copy = options.copy.resolve()
    shutil.copytree(root, copy, dirs_exist_ok=True, symlinks=True,
                    ignore=shutil.ignore_patterns(".git", "build", "build-*"))
    if options.setup:
        status, output = run(options.setup, copy, options.timeout)
        if status != 0:
            sys.exit(f"setup failed:\n{output}")
    return copy


def main():
    options = parse_arguments()
    sys.stdout.reconfigure(line_buffering=True)
    root = prepare(options) if not options.list else options.root.resolve()
    sites = [site for source in options.sources
             for site in find_sites(source, (root / source).read_text(encoding="utf-8"))
             if options.only in (None, site.name)]
    if options.list:
        for site in sites:
            print(site, f"(equivalent: {site.exempt})" if site.exempt else "")
        return 0
    if not sites:
        print("no barriers in these files")
        return 2

    for what, command in (("build", options.build), ("test", options.test)):
        status, output = run(command, root, options.timeout)
        if status != 0:
            print(f"the {what} of the unchanged tree fails:\n{output[-4000:]}")
            return 2

    survivors, broken, exempt, noticed = [], [], [], 0
    for number, site in enumerate(sites, 1):
        if site.exempt:
            exempt.append(site)
            continue
        start = time.monotonic()
        found, why = examine(site, root, options)
        verdict = "BROKEN" if found is None else "noticed" if found else "SURVIVED"
        print(f"[{number}/{len(sites)}] {site}: {verdict} in {time.monotonic() - start:.0f} s"
              + (f": {why}" if why else ""))
        if found is None:
            broken.append(site)
        elif found:
            noticed += 1
        else:
            survivors.append(site)
    run(options.build, root, options.timeout)  # of the restored tree

    print(f"\n{noticed} of {noticed + len(survivors)} mutants noticed")
    for title, listed in (("survived", survivors), ("did not build", broken)):
        for site in listed:
            print(f"{title}: {site}")
    for site in exempt:
        print(f"equivalent: {site} ({site.exempt})")
    if broken:
        return 2
    return 1 if any(site.name == "__syncthreads" for site in survivors) else 0


if __name__ == "__main__":
    # Ctrl-C and termination unwind, so that the file is restored.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    sys.exit(main())
