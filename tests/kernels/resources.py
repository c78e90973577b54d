# SPDX-License-Identifier: Apache-2.0
"""Registers, shared memory, stack and spills of every kernel, from the OBJECT.ptxas files of a build.

    resources.py --build DIR --check     compares with docs/kernels/resources.csv; exit status 1: worse
    resources.py --build DIR --write     writes that table
"""
import argparse
import csv
import pathlib
import re
import subprocess
import sys

TABLE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "kernels" / "resources.csv"
FIELDS = ("source", "kernel", "arch", "registers", "shared", "stack", "spill_stores", "spill_loads")
MORE_REGISTERS = 4  # half a step of allocation, 8 a thread: what a change elsewhere may cost
NEVER_MORE = ("stack", "spill_stores", "spill_loads")


def parse_log(text):
    """{(mangled name, arch): {field: value}} of what ptxas -v says."""
    found, entry = {}, None
    for line in text.splitlines():
        if m := re.search(r"Compiling entry function '(\S+)' for '(sm_\d+)'", line):
            entry = found.setdefault(m.groups(), {"shared": 0})
        elif entry is None:
            continue
        elif m := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            entry.update(zip(NEVER_MORE, map(int, m.groups())))
        elif m := re.search(r"Used (\d+) registers", line):
            entry["registers"] = int(m[1])
            if m := re.search(r"(\d+) bytes smem", line):
                entry["shared"] = int(m[1])
    return found


def plain_name(demangled):
    """kernel<arguments> without namespaces, or None for a kernel of another library."""
    if not re.match(r"(void )?gramzip::kernels::", demangled):
        return None
    name = demangled.replace("(anonymous namespace)::", "")
    name = re.sub(r"_GLOBAL__N__\w+::", "", name).replace("gramzip::kernels::", "").replace("gramzip::", "")
    depth, end = 0, len(name)
    for i, c in enumerate(name):  # up to the parameters
        depth += (c == "<") - (c == ">")
        if c == "(" and depth == 0:
            end = i
            break
    name = name[:end].replace("(bool)1", "true").replace("(bool)0", "false")
    name = re.sub(r"\((?:unsigned )?\w+\)(\d)", r"\1", name)
    return re.sub(r"^void ", "", name).replace("> >", ">>").replace(", ", " ")


def demangle(names):
    run = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True)
    return dict(zip(names, run.stdout.splitlines()))


def read_build(folder):
    """Rows by (source, kernel, arch)."""
    rows = {}
    for path in sorted(pathlib.Path(folder).rglob("*.cu.o.ptxas")):
        entries = parse_log(path.read_text(encoding="utf-8"))
        names = demangle(sorted({mangled for mangled, _ in entries}))
        for (mangled, arch), values in entries.items():
            kernel = plain_name(names[mangled])
            if kernel:
                source = path.name.split(".")[0]
                rows[source, kernel, arch] = dict(values, source=source, kernel=kernel, arch=arch)
    return rows


def read_table(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = [{k: v if k in FIELDS[:3] else int(v) for k, v in row.items()} for row in csv.DictReader(file)]
    return {(r["source"], r["kernel"], r["arch"]): r for r in rows}


def write_table(path, rows):
    order = sorted(rows.values(), key=lambda r: (r["source"], r["kernel"], int(r["arch"][3:])))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(order)


def compare(rows, table):
    """Complaints: what is worse than the table, and where the table does not fit the build."""
    complaints = []
    built = {source for source, _, _ in rows}, {arch for _, _, arch in rows}
    for key, row in rows.items():
        name = "{}: {} for {}".format(*key)
        if key not in table:
            complaints.append(f"{name} is not in the table")
            continue
        then = table[key]
        for field in NEVER_MORE:
            if row[field] > then[field]:
                complaints.append(f"{name}: {field} {row[field]} bytes, {then[field]} in the table")
        if row["registers"] > then["registers"] + MORE_REGISTERS:
            complaints.append(f"{name}: {row['registers']} registers, {then['registers']} in the table")
        if row["shared"] > then["shared"]:
            complaints.append(f"{name}: {row['shared']} bytes of shared memory, {then['shared']} in the table")
    for key in table:
        if key not in rows and key[2] in built[1] and (key[0] in built[0] or key[0] not in SOURCES):
            complaints.append("{}: {} for {} is in the table and not in the build".format(*key))
    return complaints


SOURCES = {p.stem for p in TABLE.parents[2].glob("kernels/*.cu")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true")
    what.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rows = read_build(args.build)
    if not rows:
        sys.exit(f"{args.build}: no kernel was compiled with GRAMZIP_KERNEL_RESOURCES=ON")
    if args.write:
        write_table(TABLE, rows)
        return 0
    complaints = compare(rows, read_table(TABLE))
    for line in complaints:
        print(line)
    if complaints:
        print(f"If that is meant: {sys.argv[0]} --build {args.build} --write")
    else:
        print(f"{len(rows)} kernels by architecture, none worse than {TABLE.name}")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
