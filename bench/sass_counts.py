# SPDX-License-Identifier: Apache-2.0
"""Instructions of the hot loops of bench/kernels.csv, by pipe, in docs/kernels/sass.csv.

    sass_counts.py --build DIR [--tools DIR] [--write]     prints the table, or writes it

cuobjdump and nvdisasm come from --tools, the CUDA toolkit or PyPI's nvidia-cuda-cuobjdump and nvidia-cuda-nvdisasm.
Exit status 2: they are nowhere.
"""
import argparse
import csv
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "kernels")]
import resources  # noqa: E402
import sass  # noqa: E402

TABLE = ROOT / "docs" / "kernels" / "sass.csv"
KERNELS = ROOT / "bench" / "kernels.csv"
ARCHITECTURES = ("sm_80", "sm_90", "sm_100")
FIELDS = ("name", "arch", "content", "instructions", "passes") + sass.NAMES


def read_kernels(path=KERNELS):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def passes(loop, without=""):
    """Passes of the load and store unit, 128 bytes each, if all lanes take neighbouring words; rare ones do not count."""
    total = 0
    for i in loop:
        if i.opcode in without.split():
            continue
        if sass.pipe(i.opcode) in ("lds", "sts", "ldg", "stg"):
            width = re.search(r"\.(64|128)\b", i.opcode)
            total += int(width[1]) // 32 if width else 1
    return total


def choose(code, rules, without):
    """The smallest loop that fits the rules, without its rare parts: basic blocks with an opcode of `without`, and those
    that an iteration without them does not pass. None: there is no such loop."""
    loop = next((l for l in sass.loops(code) if sass.matches(l, rules)), None)
    if loop is None or not without:
        return loop
    addresses = {i.address for i in loop}
    blocks = sass.blocks_of(code)
    kept = {b for b, (part, _) in enumerate(blocks)
            if part[0].address in addresses and not any(sass.number_of(part, o) for o in without.split())}
    after = {b: [n for n in blocks[b][1] if n in kept] for b in kept}
    on_cycles = [b for b in sorted(kept) if b in reach(after[b], after)]
    return [i for b in on_cycles for i in blocks[b][0]] or loop  # rare instructions may be predicated ones among all others


def reach(starts, ways):
    found, stack = set(starts), list(starts)
    while stack:
        for n in ways[stack.pop()]:
            if n not in found:
                found.add(n)
                stack.append(n)
    return found


def count_kernels(build, tool, kernels):
    rows, missing, code = [], [], {}
    for k in kernels:
        for arch in ARCHITECTURES:
            if (k["source"], arch) not in code:
                objects = list(pathlib.Path(build).rglob(f"kernels/{k['source']}.cu.o"))
                functions = sass.parse(sass.disassemble(tool, objects[0], arch)) if objects else {}
                names = resources.demangle(sorted(functions)) if functions else {}
                code[k["source"], arch] = {resources.plain_name(n): functions[m] for m, n in names.items()}
            functions = code[k["source"], arch]
            loop = choose(functions[k["kernel"]], k["rules"], k["without"]) if k["kernel"] in functions else None
            if not loop:
                missing.append(f"{k['name']}: no such loop in {k['kernel']} for {arch}")
                continue
            units = sass.number_of(loop, k["unit"]) if k["unit"] else 1  # the compiler may have unrolled the loop
            rows.append({"name": k["name"], "arch": arch, "content": f"{float(k['content']) * units:g}", "instructions": len(loop),
                         "passes": passes(loop, k["without"]), **sass.count(loop)})
    return rows, missing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="build folder with the library's objects")
    parser.add_argument("--tools", help="folder of cuobjdump and nvdisasm")
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    tool = sass.find_tool(args.tools)
    if tool is None:
        print("cuobjdump and nvdisasm are nowhere: pip install nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm", file=sys.stderr)
        return 2
    rows, missing = count_kernels(args.build, tool, read_kernels())
    for line in missing:
        print(line, file=sys.stderr)
    out = open(TABLE, "w", newline="", encoding="utf-8") if args.write else sys.stdout
    writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
