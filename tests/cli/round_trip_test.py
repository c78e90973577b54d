# SPDX-License-Identifier: Apache-2.0
"""What goes in comes back: contents, names, modes, times."""
import os
import shutil
import subprocess

from grz import GRAMZIP, MAGIC, Case, bf16, checkpoint, main, noise, text


class Contents(Case):
    def test_sizes_and_kinds(self):
        for size in (0, 1, 2, 31, 4095, 65535, 65536, 65537, 262145, 1 << 20, (1 << 20) + 1, 3_000_000):
            for name, data in (("text", text(size)), ("noise", noise(size)), ("zeros", bytes(size))):
                with self.subTest(kind=name, size=size):
                    archive = self.pack(data)
                    self.assertTrue(archive.startswith(MAGIC))
                    self.assertEqual(self.unpack(archive), data)
                    self.assertLessEqual(len(archive), size + size // 1024 + 16384)

    def test_same_bytes_at_any_thread_count(self):
        data = text(5_000_000) + noise(100_000)
        one = self.pack(data, "-T1")
        for threads in ("-T2", "-T5", "-T0"):
            self.assertEqual(self.pack(data, threads), one)
            self.assertEqual(self.unpack(one, threads), data)

    def test_checkpoint(self):
        data = checkpoint([("w", "BF16", [512, 512], bf16(512 * 512)), ("b", "F32", [4], bytes(16)),
                           ("e", "U8", [0], b""), ("i", "I64", [2], noise(16))], {"format": "pt"})
        archive = self.pack(data)
        self.assertEqual(self.unpack(archive), data)
        self.assertLess(len(archive), 0.85 * len(data))
        self.assertEqual(self.unpack(self.pack(data, "--as", "bytes")), data)
        self.assertEqual(self.unpack(self.pack(data, "--as", "weights")), data)

    def test_broken_checkpoint_is_kept_as_bytes_with_a_warning(self):
        data = checkpoint([("w", "BF16", [8], bytes(15))]) + b"x"
        self.write("m.safetensors", data)
        self.run_tool("m.safetensors", code=2, says="'w'")
        self.assertEqual(self.run_tool("-dc", "m.safetensors.grz").stdout, data)
        self.run_tool("-q", "-f", "m.safetensors", code=2)

    def test_as_kind(self):
        data = text(100_000)
        for kind in ("text", "bytes", "auto"):
            self.assertEqual(self.unpack(self.pack(data, "--as", kind)), data)
        self.run_tool("-c", "--as", "weights", stdin=data, code=1, says="safetensors")

    def test_levels_are_accepted(self):
        for level in ("-1", "-3", "-9", "-19", "--fast", "--best"):
            self.assertEqual(self.unpack(self.pack(b"abc" * 99, level)), b"abc" * 99)


class Files(Case):
    def test_file_to_grz_and_back(self):
        data = text(300_000)
        self.write("a.txt", data, 0o640)
        os.utime(self.path("a.txt"), (1_000_000_000, 1_100_000_000))
        self.run_tool("a.txt")
        self.assertEqual(self.names(), ["a.txt", "a.txt.grz"])
        s = os.stat(self.path("a.txt.grz"))
        self.assertEqual((s.st_mode & 0o777, s.st_mtime), (0o640, 1_100_000_000))
        os.remove(self.path("a.txt"))
        self.run_tool("-d", "a.txt.grz")
        self.assertEqual(self.read("a.txt"), data)
        s = os.stat(self.path("a.txt"))
        self.assertEqual((s.st_mode & 0o777, s.st_mtime), (0o640, 1_100_000_000))

    def test_modes_are_masked(self):
        self.write("a", b"x" * 100, 0o4777)
        self.run_tool("a")
        os.remove(self.path("a"))
        self.run_tool("-d", "a.grz")
        self.assertEqual(os.stat(self.path("a")).st_mode & 0o7777, 0o755)

    def test_subcommands_and_aliases(self):
        for compress in (["compress"], ["c"], [], ["-z"]):
            for decompress in (["decompress"], ["d"], ["-d"], ["--decompress"], ["--uncompress"]):
                self.write("f", b"hello\n" * 50)
                self.run_tool(*compress, "--rm", "f")
                self.assertEqual(self.names(), ["f.grz"])
                self.run_tool(*decompress, "--rm", "f.grz")
                self.assertEqual(self.names(), ["f"])
                self.assertEqual(self.read("f"), b"hello\n" * 50)
        self.run_tool("f")
        for cat in (["cat"], ["-dc"], ["-d", "-c"], ["d", "-c"], ["-d", "-o", "-"], ["-d", "-o-"]):
            self.assertEqual(self.run_tool(*cat, "f.grz").stdout, b"hello\n" * 50)
        self.assertEqual(self.names(), ["f", "f.grz"])

    def test_several_files_each_to_its_own(self):
        for n in "abc":
            self.write(n, n.encode() * 1000)
        self.run_tool("a", "b", "c", "--rm")
        self.assertEqual(self.names(), ["a.grz", "b.grz", "c.grz"])
        self.run_tool("-d", "a.grz", "b.grz", "c.grz")
        self.assertEqual(self.read("b"), b"b" * 1000)

    def test_a_failure_does_not_stop_the_others(self):
        self.write("a", b"a")
        self.write("c", b"c")
        self.run_tool("a", "nothing", "c", code=1, says="nothing: No such file")
        self.assertEqual(self.names(), ["a", "a.grz", "c", "c.grz"])

    def test_several_files_to_one_archive(self):
        self.write("d/a", b"A" * 70_000, 0o600)
        self.write("d/e/b", text(5000), 0o755)
        self.write("z", b"")
        self.run_tool("-o", "all.grz", "./d/a", "d//e/b", "z")
        os.mkdir(self.path("out"))
        self.run_tool("-d", "all.grz", "-o", "out/")
        self.assertEqual(self.names("out"), ["d/a", "d/e/b", "z"])
        self.assertEqual(self.read("out/d/e/b"), text(5000))
        self.assertEqual(os.stat(self.path("out/d/a")).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.path("out/d/e/b")).st_mode & 0o777, 0o755)
        self.run_tool("-d", "../all.grz", code=None)
        self.assertEqual(self.run_tool("cat", "all.grz").stdout, b"A" * 70_000 + text(5000))

    def test_members_go_below_the_current_folder(self):
        self.write("in/x", b"1")
        self.write("in/y", b"2")
        self.run_tool("-r", "in", "-o", "all.grz")
        shutil.rmtree(self.path("in"))
        self.run_tool("-d", "all.grz")
        self.assertEqual(self.names(), ["all.grz", "in/x", "in/y"])

    def test_output_folder_is_made(self):
        self.write("a", b"1" * 999)
        self.run_tool("a")
        self.run_tool("-d", "a.grz", "-o", "new/")
        self.assertEqual(self.read("new/a"), b"1" * 999)
        self.run_tool("-d", "a.grz", "-o", "b.bin")
        self.assertEqual(self.read("b.bin"), b"1" * 999)

    def test_recursion(self):
        for n in ("r/a", "r/s/b", "r/s/t/c"):
            self.write(n, n.encode())
        self.run_tool("-r", "r")
        self.assertEqual(self.names(), ["r/a", "r/a.grz", "r/s/b", "r/s/b.grz", "r/s/t/c", "r/s/t/c.grz"])
        self.run_tool("-r", "r", "-f")
        self.assertEqual(len(self.names()), 6)
        os.symlink("a", self.path("r/link"))
        shutil.rmtree(self.path("r/s"))
        os.remove(self.path("r/a.grz"))
        self.run_tool("-r", "r", code=2, says="symbolic link, skipped")
        self.assertEqual(self.names(), ["r/a", "r/a.grz", "r/link"])

    def test_recursion_leaves_the_output_out(self):
        self.write("a", b"1")
        self.run_tool("-r", ".", "-o", "all.grz")
        self.run_tool("-r", ".", "-o", "all.grz", "-f")
        self.assertIn(b" a\n", self.run_tool("-l", "all.grz").stdout)
        self.assertNotIn(b"all.grz\n", self.run_tool("-l", "all.grz").stdout.split(b"\n", 1)[1])

    def test_absolute_names_become_relative(self):
        a, b = self.write("a", b"1"), self.write("b", b"2")
        self.run_tool("-o", "all.grz", a, b, "/" + a, code=1, says="the same name")
        self.assertEqual(self.names(), ["a", "b"])
        self.run_tool("-o", "all.grz", a, "../" + os.path.basename(self.dir) + "/b")
        listing = self.run_tool("-l", "all.grz").stdout.decode()
        self.assertIn(" " + a.lstrip("/") + "\n", listing)

    def test_stored_name(self):
        self.write("original.txt", b"x" * 500)
        self.run_tool("original.txt", "-o", "short.grz")
        self.run_tool("-d", "-N", "short.grz", code=1, says="already exists")
        os.remove(self.path("original.txt"))
        self.run_tool("-d", "-N", "short.grz")
        self.run_tool("-d", "short.grz")
        self.assertEqual(self.names(), ["original.txt", "short", "short.grz"])

    def test_odd_names(self):
        for name in ("with space", "-dash", "ümlaut", "new\nline", "x" * 245, b"\xff\xfe".decode(errors="surrogateescape")):
            with self.subTest(name=name):
                self.write(name, b"odd" * 100)
                self.run_tool("--rm", "--", name)
                self.run_tool("-d", "--rm", "--", name + ".grz")
                self.assertEqual(self.read(name), b"odd" * 100)
        self.write("y" * 255, b"too long with the suffix")
        self.run_tool("y" * 255, code=1, says="too long")

    def test_link_as_source(self):
        self.write("real", b"r" * 100)
        os.symlink("real", self.path("link"))
        self.run_tool("--rm", "link")
        self.assertEqual(self.names(), ["link.grz", "real"])

    def test_output_through_a_link_replaces_the_file_behind_it(self):
        self.write("a", b"a" * 100)
        self.write("t/real", b"old")
        os.symlink("t/real", self.path("link"))
        self.run_tool("a", "-o", "link", code=1, says="already exists")
        self.run_tool("a", "-o", "link", "-f")
        self.assertTrue(os.path.islink(self.path("link")))
        self.assertEqual(self.unpack(self.read("t/real")), b"a" * 100)

    def test_archives_put_together(self):
        self.write("a", b"first " * 100)
        self.write("b", b"second " * 100)
        both = self.pack(b"", "a") + self.pack(b"", "b")
        self.write("both.grz", both)
        self.assertEqual(self.unpack(both), b"first " * 100 + b"second " * 100)
        self.run_tool("-d", "both.grz", "-o", "out/")
        self.assertEqual(self.names("out"), ["a", "b"])
        # The same name twice, or none: one file, as gzip and zstd do.
        self.write("log.grz", self.pack(b"", "a") + self.pack(b"", "a"))
        self.run_tool("-d", "log.grz")
        self.assertEqual(self.read("log"), b"first " * 200)
        self.write("pipe.grz", self.pack(b"x" * 50) + self.pack(b"y" * 50))
        self.run_tool("-d", "pipe.grz")
        self.assertEqual(self.read("pipe"), b"x" * 50 + b"y" * 50)

    def test_baseline_processor_gives_the_same_bytes(self):
        data = text(700_000) + bf16(1000)
        env = dict(os.environ, GRAMZIP_CPU="baseline")
        archive = subprocess.run([GRAMZIP], input=data, capture_output=True, env=env, check=True).stdout
        self.assertEqual(archive, self.pack(data))


if __name__ == "__main__":
    main()
