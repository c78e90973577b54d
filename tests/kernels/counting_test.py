# SPDX-License-Identifier: Apache-2.0
"""The scripts that count and predict, on small inputs counted by hand: ptxas logs, machine code, rooflines, reports."""
import csv
import json
import pathlib
import sys
import tempfile
import unittest
import unittest.mock
import xml.dom.minidom

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "kernels"), str(ROOT / "bench"), str(ROOT / "bench" / "gpu")]
import ptxas_log  # noqa: E402
import report  # noqa: E402
import resources  # noqa: E402
import roofline  # noqa: E402
import run_all  # noqa: E402
import sass  # noqa: E402
import sass_counts  # noqa: E402

LOG = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z1kv' for 'sm_80'
ptxas info    : Function properties for _Z1kv
    8 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 40 registers, used 1 barriers, 8192 bytes smem, 404 bytes cmem[0]
ptxas info    : Compiling entry function '_Z1kv' for 'sm_90'
ptxas info    : Function properties for _Z1kv
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 32 registers
"""


class Resources(unittest.TestCase):
    def test_log(self):
        found = resources.parse_log(LOG)
        self.assertEqual(found["_Z1kv", "sm_80"],
                         {"registers": 40, "shared": 8192, "stack": 8, "spill_stores": 12, "spill_loads": 16})
        self.assertEqual(found["_Z1kv", "sm_90"]["shared"], 0)

    def test_launcher_keeps_warnings(self):
        log, rest = ptxas_log.split(LOG + "ptxas warning : something\n")
        self.assertEqual((log, rest), (LOG, "ptxas warning : something\n"))

    def test_names(self):
        name = resources.plain_name
        self.assertEqual(name("void gramzip::kernels::_GLOBAL__N__8f_17_huffman_decode_cu_12ab::decode_kernel<true, false>"
                              "(gramzip::kernels::DecodeGroup const*, int)"), "decode_kernel<true false>")
        self.assertEqual(name("void gramzip::kernels::(anonymous namespace)::k<(bool)1, (gramzip::ElementType)4>(int)"),
                         "k<true 4>")
        self.assertIsNone(name("void cub::DeviceRadixSortKernel<gramzip::kernels::Policy>(int)"))

    def row(self, **changes):
        row = {"source": "s", "kernel": "k", "arch": "sm_90", "registers": 32, "shared": 0, "stack": 0, "spill_stores": 0,
               "spill_loads": 0}
        row.update(changes)
        return {(row["source"], row["kernel"], row["arch"]): row}

    def test_compare(self):
        self.assertEqual(resources.compare(self.row(), self.row()), [])
        self.assertEqual(resources.compare(self.row(registers=32 + resources.MORE_REGISTERS), self.row()), [])
        for worse in ({"registers": 33 + resources.MORE_REGISTERS}, {"stack": 8}, {"spill_stores": 4}, {"spill_loads": 4},
                      {"shared": 16}):
            self.assertEqual(len(resources.compare(self.row(**worse), self.row())), 1, worse)
        self.assertIn("not in the table", resources.compare(self.row(), {})[0])
        self.assertIn("not in the build", resources.compare(self.row(), self.row() | self.row(kernel="gone"))[0])

    def test_table_has_no_spills(self):
        for key, row in resources.read_table(resources.TABLE).items():
            self.assertEqual(row["spill_stores"] + row["spill_loads"], 0, key)


# A loop of 4 instructions around a branch to a rare part, in a loop over it; a part behind the end.
CODE = """
\t\tFunction : _Z1kv
        /*0000*/                   MOV R1, c[0x0][0x28] ;   /* 0x0 */
        /*0010*/                   LDG.E.128 R4, [R2] ;   /* 0x0 */
        /*0020*/                   IADD3 R2, R2, 0x10, RZ ;   /* 0x0 */
        /*0030*/              @!P0 BRA 0x60 ;   /* 0x0 */
        /*0040*/                   LDG.E.U8 R9, [R2] ;   /* 0x0 */
        /*0050*/                   POPC R9, R9 ;   /* 0x0 */
        /*0060*/                   LDS.U16 R8, [R4] ;   /* 0x0 */
        /*0070*/               @P1 BRA 0x20 ;   /* 0x0 */
        /*0080*/                   BRA.DIV UR4, 0xc0 ;   /* 0x0 */
        /*0090*/               @P2 BRA 0x10 ;   /* 0x0 */
        /*00a0*/                   EXIT ;   /* 0x0 */
        /*00b0*/                   BRA 0xb0;   /* 0x0 */
        /*00c0*/                   WARPSYNC.COLLECTIVE R5, 0xd0 ;   /* 0x0 */
        /*00d0*/                   BRA 0x90 ;   /* 0x0 */
"""


class MachineCode(unittest.TestCase):
    def setUp(self):
        self.code = sass.parse(CODE)["_Z1kv"]

    def test_loops(self):
        inner, outer = sass.loops(self.code)
        self.assertEqual([i.address for i in inner], [0x20, 0x30, 0x40, 0x50, 0x60, 0x70])
        self.assertEqual([i.address for i in outer], list(range(0x10, 0xa0, 0x10)))
        self.assertEqual(sass.inner_loops(self.code), [inner])

    def test_pipes(self):
        by_pipe = sass.count(sass.loops(self.code)[0])
        self.assertEqual({k: v for k, v in by_pipe.items() if v}, {"alu": 1, "branch": 2, "ldg": 1, "xu": 1, "lds": 1})
        for opcode, name in (("IMAD.WIDE.U32", "imad"), ("ATOMS.POPC.INC.32", "sts"), ("REDG.E.ADD.64", "stg"),
                             ("BAR.SYNC", "bar"), ("ULOP3.LUT", "uniform"), ("SHFL.BFLY", "shfl"), ("LDC.64", "const")):
            self.assertEqual(sass.pipe(opcode), name)

    def test_rules_and_rare_parts(self):
        loop = sass.loops(self.code)[0]
        self.assertTrue(sass.matches(loop, "LDS.U16=1 LDG*>=1 LDG.E=0 BRA<3"))
        self.assertFalse(sass.matches(loop, "LDS.U16=1 STG*>0"))
        common = sass_counts.choose(self.code, "LDS.U16=1", "LDG.E.U8")
        self.assertEqual([i.opcode for i in common], ["IADD3", "BRA", "LDS.U16", "BRA"])
        self.assertIsNone(sass_counts.choose(self.code, "STG.E=1", ""))
        self.assertEqual(sass_counts.passes(sass.loops(self.code)[1]), 4 + 1 + 1)
        self.assertEqual(sass_counts.passes(sass.loops(self.code)[1], "LDG.E.U8"), 4 + 1)


DEVICE = {"device": "D", "arch": "sm_90", "sms": "100", "ghz": "2", "hbm_gbps": "4000", "l2_gbps": "5000",
          "shared_kib": "228", "registers": "65536", "threads": "2048", "ctas": "32", "l1_clocks": "30", "l2_clocks": "200",
          "hbm_clocks": "600", "fp64_lanes": "64"}
KERNEL = {"name": "k", "threads": "256", "dynamic_shared": "0", "extra_passes": "6", "waits": "l1:2 hbm:1", "moved": "1",
          "moved_coded": "1", "ratio": "2", "l2": "0"}


class Roofline(unittest.TestCase):
    def counted(self, **pipes):
        return dict(dict.fromkeys(sass.NAMES, "0"), content="16", instructions="100", passes="10", **pipes)

    def test_occupancy(self):
        warps = roofline.resident_warps
        self.assertEqual(warps(256, 64, 0, DEVICE), 32)  # 65536 / (64 x 256) = 4 CTAs
        self.assertEqual(warps(256, 65, 0, DEVICE), 24)  # 72 registers
        self.assertEqual(warps(128, 16, 0, DEVICE), 64)  # 2048 threads
        self.assertEqual(warps(32, 16, 0, DEVICE), 32)  # 32 CTAs
        self.assertEqual(warps(256, 32, 100 * 1024, DEVICE), 16)  # 2 CTAs of 101 KiB

    def test_bounds(self):
        row = roofline.predict(KERNEL, self.counted(alu="50", xu="4"), {"registers": "64", "shared": "0"}, DEVICE)
        self.assertAlmostEqual(row["issue"], 200 * 4 * 512 / 100)
        self.assertAlmostEqual(row["pipe"], 200 * 512 / 25)  # 50 at 2 a clock
        self.assertEqual(row["pipe_name"], "alu")
        self.assertAlmostEqual(row["passes"], 200 * 512 / 16)
        self.assertAlmostEqual(row["hbm"], 4000 / 1.5)
        self.assertEqual(row["l2"], float("inf"))
        self.assertAlmostEqual(row["latency"], 200 * 32 * 512 / (660 + 100 / 3 * roofline.ARITHMETIC_CLOCKS))
        self.assertEqual((row["bound"], row["gbps"]), ("hbm", row["hbm"]))
        self.assertAlmostEqual(row["of_copy"], 4 / 3)
        slow = roofline.predict(KERNEL, self.counted(xu="40"), {"registers": "64", "shared": "0"}, DEVICE)
        self.assertEqual((slow["bound"], slow["gbps"]), ("xu", 200 * 512 / 80))

    def test_every_kernel_is_counted(self):
        predicted = {(r["name"], r["device"]) for r in roofline.predict_all()}
        for kernel in sass_counts.read_kernels():
            for device in roofline.read(ROOT / "bench" / "devices.csv"):
                self.assertIn((kernel["name"], device["device"]), predicted)


def made_up(kinds):
    return {"device": {"name": "D <1>"}, "copy": {"bytes": 2 * 10**9, "memcpy": {"median_s": 0.001}},
            "measurements": [
                {"kind": kind, "case": "c & d", "step": "decode", "name": "k<true>", "content_bytes": 10**9,
                 "coded_bytes": 5 * 10**8, "runs": 3, "median_s": 0.002, "min_s": 0.001} for kind in kinds]}


# Copies what it is to compress: gramzip compress --device cuda -f -o OUT IN.
TOOL = '#!/bin/sh\ncp "$7" "$6"\n'


class Report(unittest.TestCase):
    def programs(self, folder, bench):
        for name, text in (("bench_gpu", bench), ("gramzip", TOOL)):
            path = pathlib.Path(folder) / name
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)

    def run_all(self, folder):
        files = run_all.make_files
        with unittest.mock.patch.object(run_all, "make_files", lambda to, mib: files(to, 1, 1000)), \
                unittest.mock.patch.object(sys, "argv", ["run_all.py", "--build", folder, "--results", folder + "/results"]), \
                unittest.mock.patch("builtins.print"):
            return run_all.main()

    def test_run(self):
        with tempfile.TemporaryDirectory() as folder:
            self.programs(folder, f"#!/bin/sh\ncat <<'END'\n{json.dumps(made_up(['kernel', 'call']))}\nEND\n")
            self.assertEqual(self.run_all(folder), 0)
            result = json.loads(next(pathlib.Path(folder, "results").glob("*-d-1.json")).read_text())
            files = [m for m in result["measurements"] if m["kind"] == "file"]
            self.assertEqual(len(files), 8)  # text and weights, two devices, there and back
            self.assertTrue(all(m["content_bytes"] == m["coded_bytes"] >= 1 << 20 and 1 <= m["runs"] <= 3 for m in files))
            self.assertTrue("peers_skipped" in result or any(m["kind"] == "peer" for m in result["measurements"]))

    def test_no_device(self):
        with tempfile.TemporaryDirectory() as folder:
            self.programs(folder, "#!/bin/sh\nexit 2\n")
            self.assertEqual(self.run_all(folder), 2)

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = report.write(made_up(report.KINDS), pathlib.Path(folder) / "2030-01-01-d.1")
            self.assertEqual([p.suffix for p in paths], [".json", ".csv"] + [".svg"] * len(report.KINDS))
            row = json.loads(paths[0].read_text())["measurements"][0]
            self.assertAlmostEqual(row["median_gbps"], 500)
            self.assertAlmostEqual(row["best_gbps"], 1000)
            self.assertAlmostEqual(row["of_copy"], 0.25)  # a copy takes 0.5 ms
            with open(paths[1], encoding="utf-8") as file:
                self.assertEqual(next(csv.DictReader(file))["of_copy"], "0.25")
            for path in paths[2:]:
                drawing = xml.dom.minidom.parse(str(path))
                self.assertEqual(len(drawing.getElementsByTagName("rect")), 1)


if __name__ == "__main__":
    unittest.main()
