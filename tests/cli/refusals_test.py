# SPDX-License-Identifier: Apache-2.0
"""What is refused, with which exit code, and that sources and old outputs survive it."""
import os
import struct
import subprocess
import unittest

from grz import GRAMZIP, Case, checkpoint, main, noise, text

import encoder  # found by grz
import forge  # found by grz


class Usage(Case):
    def test_usage_errors(self):
        self.write("a", b"x")
        for args, says in ((["-x"], "not expected"), (["--bogus", "a"], "--bogus"), (["-T", "many", "a"], "--threads"),
                           (["-T5000", "a"], "4096"), (["-T-1", "a"], "not"), (["-o"], "OUT missing"),
                           (["-o", "p", "-o", "q", "a"], "-o"), (["--as", "poem", "a"], "choose from"),
                           (["--device", "tpu", "a"], "--device"), (["--device", "cuda:x", "a"], "--device"),
                           (["--progress", "perhaps", "a"], "choose from"), (["-d", "-t", "a"], "exclude"),
                           (["-c", "-o", "b", "a"], "exclude"), (["-D", "m.grm", "a"], "m.grm: No such file"),
                           (["-d", "--max-output", "9X", "a"], "no size"), (["bench"], "needs a file"),
                           (["list"], "needs an archive"), (["get", "a"], "--tensor"), (["get"], "one archive"),
                           (["get", "a", "--bytes", "5"], "no range"), (["get", "a", "--bytes", "5:2"], "no range"),
                           (["get", "a", "--lines", "0:2"], "no range"), (["decompress", "--rm=3", "a"], ""),
                           (["list", "-"], "not a pipe"), (["compress", "-d", "a"], "not expected")):
            with self.subTest(args=args):
                result = self.run_tool(*args, code=1, says=says)
                self.assertEqual(result.stderr.count(b"\n"), 1, result.stderr)
                self.assertEqual(result.stdout, b"")
        self.assertEqual(self.names(), ["a"])

    def test_help_begins_with_an_example(self):
        for command in ([], ["compress"], ["c"], ["decompress"], ["d"], ["cat"], ["test"], ["list"], ["get"], ["train"],
                        ["model"], ["bench"], ["doctor"]):
            for flag in ("-h", "--help"):
                self.assertTrue(self.run_tool(*command, flag).stdout.startswith(b"Example: gramzip "), command)
        self.assertRegex(self.run_tool("--version").stdout, rb"^gramzip \d+\.\d+\.\d+\n$")
        self.assertEqual(self.run_tool("-V").stdout, self.run_tool("--version").stdout)

    def test_cuda_that_is_not_there(self):
        self.write("a", b"x")
        if subprocess.run([GRAMZIP, "--device", "cuda", "-c", "a"], cwd=self.dir, capture_output=True).returncode == 0:
            self.skipTest("a CUDA device is there")
        self.run_tool("--device", "cuda", "a", code=1, says="--device cpu works")
        self.run_tool("--device", "cuda:7", "-f", "a", code=1)
        self.assertEqual(self.names(), ["a"])
        self.assertIn(b"device: CPU", self.run_tool("--device", "auto", "-v", "a").stderr)


class Existing(Case):
    def test_existing_outputs_stay(self):
        self.write("a", b"new" * 100)
        self.write("a.grz", b"precious")
        self.run_tool("a", code=1, says="a.grz: already exists; -f")
        self.run_tool("a", "-o", "a.grz", code=1, says="already exists")
        self.assertEqual(self.read("a.grz"), b"precious")
        self.run_tool("-f", "a")
        self.write("a", b"precious")
        self.run_tool("-d", "a.grz", code=1, says="a: already exists; -f")
        self.assertEqual(self.read("a"), b"precious")
        self.run_tool("-d", "-f", "a.grz")
        self.assertEqual(self.read("a"), b"new" * 100)
        self.assertEqual(self.names(), ["a", "a.grz"])

    def test_existing_members_stay(self):
        self.write("d/x", b"1" * 100)
        self.write("d/y", b"2" * 100)
        self.run_tool("-r", "d", "-o", "all.grz")
        self.write("d/y", b"precious")
        os.remove(self.path("d/x"))
        self.run_tool("-d", "all.grz", code=1, says="d/y: already exists")
        self.assertEqual(self.read("d/y"), b"precious")
        self.run_tool("-d", "-f", "all.grz")
        self.assertEqual(self.read("d/y"), b"2" * 100)
        self.assertEqual(self.names(), ["all.grz", "d/x", "d/y"])

    def test_the_old_output_survives_an_error(self):
        self.write("a.grz", b"precious")
        self.run_tool("-f", "nothing", "-o", "a.grz", code=1)
        self.run_tool("-f", "-d", "-o", "a.grz", stdin=b"no archive at all" * 100, code=1)
        self.assertEqual(self.read("a.grz"), b"precious")
        self.assertEqual(self.names(), ["a.grz"])

    def test_folders_in_the_way(self):
        self.write("a", b"x")
        os.mkdir(self.path("a.grz"))
        self.run_tool("a", code=1, says="is a directory")
        self.run_tool("-f", "a", code=1, says="is a directory")
        self.run_tool("a", "-o", "a.grz", code=1, says="is a directory")
        self.run_tool("a.grz", code=1, says="is a directory; -r takes what is below it")
        self.run_tool("a", "-o", "none/x", code=1, says="none: No such file or directory")

    def test_an_input_is_not_the_output(self):
        self.write("a", b"x" * 100)
        self.write("b", b"y" * 100)
        os.link(self.path("a"), self.path("hard"))
        os.symlink("a", self.path("soft"))
        for out in ("a", "./a", "hard", "soft"):
            self.run_tool("-f", "a", "b", "-o", out, code=1, says="is the output itself")
        archive = self.pack(b"z" * 100)
        self.write("c.grz", archive)
        self.run_tool("-d", "-f", "c.grz", "-o", "c.grz", code=1, says="is the archive itself")
        self.assertEqual((self.read("a"), self.read("c.grz")), (b"x" * 100, archive))


class Inputs(Case):
    def test_archives_are_not_compressed_again(self):
        self.write("a", b"x" * 100)
        self.run_tool("a")
        self.run_tool("a.grz", code=1, says="already a gramzip archive; -f")
        self.run_tool("-o", "b.grz", "a", "a.grz", code=1, says="already a gramzip archive")
        self.run_tool(stdin=self.read("a.grz"), code=1, says="already a gramzip archive")
        self.assertEqual(self.names(), ["a", "a.grz"])
        self.run_tool("-f", "a.grz")
        self.run_tool("-d", "-f", "a.grz.grz")
        self.assertEqual(self.run_tool("-dc", "a.grz").stdout, b"x" * 100)

    def test_what_is_no_archive(self):
        for data in (b"", b"x", b"GRZ", noise(5000), text(5000), b"\x28\xb5\x2f\xfd" + noise(100), b"\x1f\x8b" + noise(200)):
            for args in (["-d", "-c"], ["-t"], ["-d", "-o", "out"]):
                self.run_tool(*args, stdin=data, code=1, says="not a gramzip archive")
        self.write("a", text(500))
        self.run_tool("-d", "a", code=1, says="does not end in .grz; -o OUT")
        self.write(".grz", text(500))
        self.run_tool("-d", ".grz", code=1)
        self.run_tool("-l", "a", code=1, says="not a gramzip archive")
        self.assertEqual(self.names(), [".grz", "a"])

    def test_missing_and_unreadable(self):
        self.run_tool("nothing", code=1, says="nothing: No such file or directory")
        self.run_tool("-d", "nothing.grz", code=1, says="nothing.grz: No such file")
        self.run_tool("-l", "nothing.grz", code=1, says="No such file")
        os.mkfifo(self.path("fifo"))
        p = subprocess.Popen([GRAMZIP, "fifo"], cwd=self.dir, stderr=subprocess.PIPE)
        open(self.path("fifo"), "wb").close()
        self.assertIn(b"not a regular file", p.stderr.read())
        p.stderr.close()
        self.assertEqual(p.wait(), 1)
        os.symlink("loop", self.path("loop"))
        self.run_tool("loop", code=1, says="loop: ")
        if os.geteuid() != 0:
            self.write("locked", b"x", 0)
            self.run_tool("locked", code=1, says="Permission denied")

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become somebody else")
    def test_without_permission(self):
        self.write("locked", b"x", 0o600)
        self.write("open", b"x" * 99, 0o644)
        os.chmod(self.dir, 0o755)
        as_nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        self.run_tool("-c", "locked", code=1, says="Permission denied; check", **as_nobody)
        self.run_tool("open", code=1, says="open.grz: Permission denied; check", **as_nobody)
        self.run_tool("--rm", "-c", "open", **as_nobody)
        self.assertEqual(self.names(), ["locked", "open"])


class Rm(Case):
    def test_sources_are_kept_when_in_doubt(self):
        self.write("a", b"x" * 100)
        for args in (["a", "-c", "--rm"], ["a", "--rm", "-o", "/dev/null"], ["a", "--rm", "-k", "-o", "k.grz"],
                     ["a", "-k", "--rm", "-o", "k2.grz"], ["a", "-o", "/dev/full", "--rm"]):
            self.run_tool(*args, code=None)
            self.assertEqual(self.read("a"), b"x" * 100, args)
        self.write("a.grz", b"precious")
        self.run_tool("a", "--rm", code=1)
        self.assertEqual(self.read("a"), b"x" * 100)

    def test_damaged_archives_are_kept(self):
        archive = bytearray(self.pack(text(100_000)))
        archive[len(archive) // 2] ^= 4
        self.write("a.grz", bytes(archive))
        self.run_tool("-d", "--rm", "a.grz", code=1)
        self.assertEqual(self.names(), ["a.grz"])

    def test_all_sources_of_one_archive_go(self):
        for n in "abc":
            self.write(n, n.encode() * 100)
        self.run_tool("--rm", "a", "b", "c", "-o", "all.grz")
        self.assertEqual(self.names(), ["all.grz"])
        self.run_tool("-d", "--rm", "all.grz")
        self.assertEqual(self.names(), ["a", "b", "c"])


class Members(Case):
    def forged(self, *names, mode=0o644):
        return encoder.encode([(n, mode, 0, b"evil" * 30) for n in names])

    def test_names_that_leave_the_folder(self):
        outside = os.path.basename(self.dir) + "-outside"
        for name in ("../" + outside, "a/../../" + outside, "/tmp/" + outside, "..", ".", "a//b", "a/", "a/./b"):
            self.write("x.grz", self.forged("ok", name))
            for args in (["-d", "x.grz"], ["-d", "x.grz", "-o", "out/"], ["-d", "-o", "out/"], ["-t", "x.grz"], ["-l", "x.grz"]):
                self.run_tool(*args, stdin=self.read("x.grz"), code=1, says="the name '")
        self.assertFalse(os.path.exists("/tmp/" + outside))
        self.assertEqual([n for n in self.names() if "outside" in n], [])

    def test_links_are_not_written_through(self):
        os.makedirs(self.path("target/sub"))
        self.write("target/file", b"precious")
        self.write("x.grz", self.forged("link/sub/a", "other"))
        self.write("y.grz", self.forged("flink", "other"))
        os.mkdir(self.path("out"))
        os.symlink("../target", self.path("out/link"))
        os.symlink("../target/file", self.path("out/flink"))
        self.run_tool("-d", "x.grz", "-o", "out", code=1, says="'link' on its way is a symbolic link")
        self.run_tool("-d", "-f", "x.grz", "-o", "out", code=1, says="symbolic link")
        self.run_tool("-d", "y.grz", "-o", "out", code=1, says="already exists")
        self.run_tool("-d", "-f", "y.grz", "-o", "out")
        self.assertFalse(os.path.islink(self.path("out/flink")))
        self.assertEqual(self.names("target"), ["file"])
        self.assertEqual(self.read("target/file"), b"precious")

    def test_a_file_as_a_folder(self):
        self.write("x.grz", self.forged("a", "a/b"))
        self.run_tool("-d", "x.grz", code=1, says="no folder")
        self.write("y.grz", self.forged("n/a", "n/a"))
        self.run_tool("-d", "y.grz", "-o", "out/", code=1, says="two members have this name")
        self.run_tool("-d", "-f", "y.grz", "-o", "out/", code=1, says="two members have this name")
        self.assertEqual(self.read("out/n/a"), b"evil" * 30)

    def test_several_members_need_a_folder(self):
        self.write("x.grz", self.forged("a", "b"))
        self.run_tool("-d", "x.grz", "-o", "one", code=1, says="several members; -o DIR/")
        self.run_tool("-d", "-o", "one", stdin=self.read("x.grz"), code=1, says="several members")
        self.assertEqual(self.names(), ["x.grz"])
        self.write("z.grz", self.forged("c"))
        self.run_tool("-d", "x.grz", "z.grz", "-o", "one", code=1, says="one file for several archives")

    def test_set_uid_is_not_restored(self):
        self.write("x.grz", self.forged("a", "b", mode=0o6777))
        self.run_tool("-d", "x.grz")
        self.assertEqual(os.stat(self.path("a")).st_mode & 0o7777, 0o755)

    def test_control_characters_are_not_printed(self):
        self.write("x.grz", self.forged("a\x1b[31m\nb", "c"))
        out = self.run_tool("-l", "x.grz").stdout
        self.assertNotIn(b"\x1b", out)
        self.assertIn(b"a\\x1b[31m\\x0ab\n", out)


class Limits(Case):
    def test_max_output(self):
        self.write("a", bytes(3_000_000))
        self.run_tool("a")
        os.remove(self.path("a"))
        self.run_tool("-d", "--max-output", "2M", "a.grz", code=1, says="limit of 2097152 bytes; a higher --max-output")
        self.run_tool("-t", "--max-output", "2999999", "a.grz", code=1, says="limit")
        self.assertEqual(self.names(), ["a.grz"])
        out = self.run_tool("-dc", "--max-output", "1000", "a.grz", code=1).stdout
        self.assertLessEqual(len(out), 1000)
        self.run_tool("-d", "--max-output", "3000000", "a.grz")


class Versions(Case):
    def sealed(self, *edits):
        archive = self.pack(text(1000))
        return forge.edited(archive, forge.Layout(archive), *edits)

    def test_versions_and_features_are_refused_by_name(self):
        cases = [((8, struct.pack("<H", 2)), "format version 2"), ((8, struct.pack("<H", 0)), "format version 0")]
        cases += [((12, struct.pack("<I", 1 << bit)), f"feature {bit}") for bit in (4, 9)]
        for edit, says in cases:
            self.write("x.grz", self.sealed(edit))
            for args in (["-t"], ["-l"], ["-dc"], ["get", "--bytes", "0:1"]):
                with self.subTest(says=says, args=args):
                    self.run_tool(*args, "x.grz", code=1, says=says)
                    self.run_tool(*args, "x.grz", code=1, says="use a newer")

    def test_sections_and_codecs_are_refused_by_name(self):
        archive = self.pack(text(1000))
        layout = forge.Layout(archive)
        number, (_, at, meta, _, _) = next((i, s) for i, s in enumerate(layout.sections) if s[0] == forge.SEGMENT)
        for edit, says in (((at + 4, b"\x04"), "a model of impossible size"), ((at + 4, b"\x05"), "tensor directory"),
                           ((meta, b"\x0b"), "codec 11"), ((meta + 1, b"\x01"), "word order")):
            self.run_tool("-t", stdin=forge.edited(archive, layout, edit), code=1, says=says)


if __name__ == "__main__":
    main()
