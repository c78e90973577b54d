# SPDX-License-Identifier: Apache-2.0
"""Reads every #include: a floor includes only lower floors (docs/architecture.md)."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()

# Floor of each folder, most specific first. Files of one folder may include each other.
FLOORS = [
    ("include/gramzip/core", 0), ("host/base", 0.5), ("host/model", 0.7), ("host/cpu", 1), ("kernels", 1),
    ("host/backend", 2), ("host/frame", 3), ("host/formats", 3), ("host/engine", 4), ("include/gramzip", 4.5),
    ("host/capi", 5), ("host/cli", 6), ("host/python", 6), ("tests", 8), ("bench", 9),
]
# The interface of the backends is a vocabulary that the floor below them fills in.
ALLOWED = {("host/cpu", "host/backend/backend.h")}
CUDA_PLACES = ("kernels/", "include/gramzip/device.h", "host/backend/cuda_backend", "tests/simt/", "tests/parity/")
CUDA = re.compile(r"^(cuda|cub|thrust|nv)[_/]|^cuda.*\.h$|^simt/")


def folder_of(path):
    for folder, floor in FLOORS:
        if path.startswith(folder + "/"):
            return folder, floor
    return None, None


def main():
    faults, files = [], 0
    for pattern in ("*.h", "*.hpp", "*.cpp", "*.cu", "*.cuh", "*.inl", "*.c"):
        for file in sorted(ROOT.rglob(pattern)):
            name = file.relative_to(ROOT).as_posix()
            folder, floor = folder_of(name)
            if folder is None:
                continue
            files += 1
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                match = re.match(r'\s*#\s*include\s*[<"]([^">]+)[">]', line)
                if not match:
                    continue
                target = match.group(1)
                place = f"{name}:{number}"
                if CUDA.match(target) and not name.startswith(CUDA_PLACES):
                    faults.append(f"{place}: CUDA header <{target}> outside kernels/, device.h and the CUDA backend")
                other, other_floor = folder_of("include/" + target if target.startswith("gramzip/") else target)
                if other is None or other == folder or folder == "tests":
                    continue
                if (folder, target) in ALLOWED:
                    continue
                if other_floor > floor or {folder, other} == {"host/cpu", "kernels"}:
                    faults.append(f"{place}: floor {floor} ({folder}) includes floor {other_floor} ({other})")
    if files == 0:
        faults.append("no source file was found")
    print("\n".join(faults) or f"{files} files respect the floors")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
