# SPDX-License-Identifier: Apache-2.0
"""Machine code of kernels: where cuobjdump is, what it prints, which loops there are and what they issue."""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys

# Which pipe issues an opcode (its part before the first dot); the first match counts.
PIPES = (
    ("lds", r"LDS|LDSM"),
    ("sts", r"STS|ATOMS"),
    ("ldg", r"LDG|LD|LDL"),
    ("stg", r"STG|ST|STL|ATOMG|ATOM|RED|REDG"),
    ("shfl", r"SHFL"),
    ("vote", r"VOTE|VOTEU|MATCH|REDUX|CREDUX"),
    ("xu", r"POPC|FLO|BREV|MUFU|I2F|I2FP|F2I|F2F|F2FP|UPOPC|UFLO|I2I|UBREV|FRND"),
    ("bar", r"BAR|MEMBAR|DEPBAR|LDGDEPBAR|ERRBAR|CCTL|SYNCS|WARPSYNC|NANOSLEEP"),
    ("branch", r"BRA|BRX|BSSY|BSYNC|EXIT|CALL|RET|BREAK|BMOV|YIELD|NOP|KILL|JMP|BRXU"),
    ("fp64", r"DADD|DMUL|DFMA|DSETP|DMNMX"),
    ("imad", r"IMAD|FFMA\d?|FADD\d?|FMUL\d?|IMUL|IDP|HFMA2|HADD2|HMUL2|FSWZADD"),
    ("uniform", r"U[A-Z0-9]+|R2UR|S2UR|LDCU"),
    ("alu", r"IADD3?|IADD3X|VIADD|LOP3|LOP|PLOP3|SHF|SHL|SHR|LEA|ISETP|PRMT|SEL|FSEL|IMNMX|VIMNMX\d?|VIADDMNMX|"
            r"IABS|MOV|MOV32I|P2R|R2P|CS2R|SGXT|BMSK|FSETP|FMNMX\d?|FCHK|HSETP2|HMNMX2|VABSDIFF\d?|LOP32I|ICMP"),
    ("const", r"LDC|S2R|ULDC|B2R|S2UR"),
)
NAMES = tuple(name for name, _ in PIPES) + ("other",)
_COMPILED = [(name, re.compile(rf"(?:{pattern})\Z")) for name, pattern in PIPES]

Instruction = collections.namedtuple("Instruction", "address opcode text target")


def pipe(opcode):
    stem = opcode.split(".")[0]
    return next((name for name, pattern in _COMPILED if pattern.match(stem)), "other")


def find_tool(folder=None):
    """cuobjdump, of a folder or the toolkit or a Python package; nvdisasm lies beside it. None: there is none."""
    places = [folder] if folder else []
    found = shutil.which("cuobjdump")
    places += [os.path.dirname(found)] if found else []
    places += ["/usr/local/cuda/bin"]
    for base in sys.path:  # nvidia-cuda-cuobjdump and nvidia-cuda-nvdisasm, or triton
        places += [os.path.join(base, "nvidia", "cu13", "bin"), os.path.join(base, "triton", "backends", "nvidia", "bin")]
    for place in places:
        if all(os.access(os.path.join(place, tool), os.X_OK) for tool in ("cuobjdump", "nvdisasm")):
            return os.path.join(place, "cuobjdump")
    return None


def disassemble(tool, path, arch):
    env = dict(os.environ, PATH=os.path.dirname(tool) + os.pathsep + os.environ.get("PATH", ""))
    run = subprocess.run([tool, "-sass", "-arch", arch, str(path)], capture_output=True, text=True, env=env, check=False)
    if run.returncode != 0:
        sys.exit(f"{tool}: {path} for {arch}: {run.stderr.strip()}")
    return run.stdout


def parse(text):
    """{mangled name: [Instruction]}."""
    functions, code = {}, None
    for line in text.splitlines():
        if m := re.match(r"\s*Function : (\S+)", line):
            code = functions.setdefault(m[1], [])
        elif code is not None and (m := re.match(r"\s*/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P[T0-9]+ )?\s*([A-Z][\w.]*)(.*?);", line)):
            target = None
            if m[2].split(".")[0] == "BRA":
                to = re.search(r"\b0x([0-9a-f]+)\s*$", m[3].strip())
                target = int(to[1], 16) if to else None
            code.append(Instruction(int(m[1], 16), m[2], line.split("*/", 1)[1].split(";")[0].strip(), target))
    return functions


def blocks_of(code):
    """Basic blocks: [(instructions, numbers of the blocks that follow)]. Branches of warps that have not converged
    (BRA.DIV), which compiled code has beside every collective, count as never taken."""
    where = {i.address: n for n, i in enumerate(code)}
    starts = {0}
    for n, i in enumerate(code):
        if ends(i):
            starts.add(n + 1)
        if i.target in where:
            starts.add(where[i.target])
    starts = sorted(s for s in starts if s < len(code))
    number = {s: b for b, s in enumerate(starts)}
    blocks = []
    for b, s in enumerate(starts):
        part = code[s:starts[b + 1] if b + 1 < len(starts) else len(code)]
        last, next_ones = part[-1], []
        if last.target in where and last.opcode != "BRA.DIV":
            next_ones.append(number[where[last.target]])
        if ends(last) != "always" and b + 1 < len(starts):
            next_ones.append(b + 1)
        blocks.append((part, next_ones))
    return blocks


def ends(i):
    """Whether an instruction ends a basic block: 'maybe' (a condition), 'always' or None."""
    stem = i.opcode.split(".")[0]
    if stem not in ("BRA", "EXIT", "RET", "BRX", "JMP", "BRXU"):
        return None
    conditional = i.text.startswith("@") or i.opcode == "BRA.DIV" or (stem == "BRA" and "," in i.text)
    return "maybe" if conditional else "always"


def loops(code):
    """Natural loops, the smallest first: [instructions in order of address]; a branch to itself is padding."""
    blocks = blocks_of(code)
    before = [[] for _ in blocks]
    for b, (_, next_ones) in enumerate(blocks):
        for n in next_ones:
            before[n].append(b)
    # Where jumps through a table lead is not said: blocks to which nothing else leads count as such.
    never = {i.target for i in code if i.opcode == "BRA.DIV"}
    roots = {0} | {b for b, (part, _) in enumerate(blocks) if not before[b] and part[0].address not in never}
    reached, stack = set(roots), list(roots)
    while stack:
        for n in blocks[stack.pop()][1]:
            if n not in reached:
                reached.add(n)
                stack.append(n)
    dominators = {b: {b} if b in roots else set(reached) for b in reached}
    changed = True
    while changed:
        changed = False
        for b in sorted(reached - roots):
            new = set.intersection(*(dominators[p] for p in before[b] if p in reached)) | {b}
            if new != dominators[b]:
                dominators[b], changed = new, True
    bodies = {}
    for b in reached:
        for head in blocks[b][1]:
            if head not in dominators[b]:
                continue
            body, stack = {head}, [b]
            while stack:
                x = stack.pop()
                if x not in body:
                    body.add(x)
                    stack += [p for p in before[x] if p in reached]
            bodies.setdefault(head, set()).update(body)
    found = [[i for b in sorted(body) for i in blocks[b][0]] for body in bodies.values()]
    return sorted((l for l in found if len(l) > 1), key=lambda l: (len(l), l[0].address))


def inner_loops(code):
    """Loops in which there is no other."""
    all_loops = [{i.address for i in l} for l in loops(code)]
    return [l for l, a in zip(loops(code), all_loops) if not any(o < a for o in all_loops)]


def count(loop):
    """Instructions by pipe."""
    by_pipe = dict.fromkeys(NAMES, 0)
    for i in loop:
        by_pipe[pipe(i.opcode)] += 1
    return by_pipe


def number_of(loop, opcode):
    """How many instructions have an opcode, or, of NAME*, one that begins so."""
    if opcode.endswith("*"):
        return sum(i.opcode.startswith(opcode[:-1]) for i in loop)
    return sum(i.opcode == opcode for i in loop)


def matches(loop, rules):
    """Whether a loop fits all rules, as 'LDS.U16=8 STG.E.128>=1 LDG*<3'."""
    for rule in rules.split():
        opcode, sign, number = re.fullmatch(r"([\w.*]+?)(>=|<=|=|<|>)(\d+)", rule).groups()
        have, want = number_of(loop, opcode), int(number)
        if not {"=": have == want, ">=": have >= want, "<=": have <= want, "<": have < want, ">": have > want}[sign]:
            return False
    return True
