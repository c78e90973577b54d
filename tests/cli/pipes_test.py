# SPDX-License-Identifier: Apache-2.0
"""Pipes, tar, terminals, devices, closed descriptors."""
import errno
import fcntl
import json
import os
import pty
import subprocess
import threading

from grz import GRAMZIP, MAGIC, Case, main, noise, text


class Pipes(Case):
    def test_no_arguments(self):
        data = text(2_000_000)
        archive = self.run_tool(stdin=data).stdout
        self.assertTrue(archive.startswith(MAGIC))
        self.assertEqual(self.run_tool("-d", stdin=archive).stdout, data)
        self.assertEqual(self.run_tool("-d", "-", stdin=archive).stdout, data)
        self.assertEqual(self.run_tool("-", stdin=data).stdout, archive)
        self.assertEqual(self.run_tool("compress", "-", stdin=data).stdout, archive)

    def test_pipe_to_file_and_back(self):
        self.run_tool("-o", "x.grz", stdin=b"from a pipe")
        self.run_tool("-d", "-o", "x", stdin=self.read("x.grz"))
        self.assertEqual(self.read("x"), b"from a pipe")
        self.run_tool("-d", "-", "-o", "folder/", stdin=self.read("x.grz"), code=1, says="no name")
        self.run_tool("-", "x", "-o", "y.grz", code=1, says="alone")

    def test_tar(self):
        for n in ("t/a", "t/b/c"):
            self.write(n, text(50_000, seed=len(n)))
        tar = ["tar", "-I", GRAMZIP]
        subprocess.run([*tar, "-cf", "x.tar.grz", "t"], cwd=self.dir, check=True, capture_output=True)
        os.mkdir(self.path("out"))
        subprocess.run([*tar, "-xf", "x.tar.grz", "-C", "out"], cwd=self.dir, check=True, capture_output=True)
        self.assertEqual(self.names("out"), ["t/a", "t/b/c"])
        self.assertEqual(self.read("out/t/b/c"), self.read("t/b/c"))
        listing = subprocess.run([*tar, "-tf", "x.tar.grz"], cwd=self.dir, check=True, capture_output=True)
        self.assertIn(b"t/b/c", listing.stdout)
        subprocess.run(["tar", "-I", GRAMZIP + " -9 -T1", "-cf", "y.tar.grz", "t"], cwd=self.dir, check=True)
        self.assertEqual(self.read("x.tar.grz")[:8], MAGIC)

    def test_slow_pipe_with_small_pieces(self):
        p = subprocess.Popen([GRAMZIP, "-T2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        data = noise(200_000)

        def feed():
            for at in range(0, len(data), 999):
                p.stdin.write(data[at:at + 999])
                p.stdin.flush()
            p.stdin.close()
        t = threading.Thread(target=feed)
        t.start()
        archive = p.stdout.read()
        t.join()
        self.assertEqual(p.wait(), 0)
        p.stdout.close()
        self.assertEqual(self.unpack(archive), data)

    def test_non_blocking_pipes(self):
        data = text(1_000_000)
        r, w = os.pipe()
        fcntl.fcntl(w, fcntl.F_SETFL, os.O_NONBLOCK)
        in_r, in_w = os.pipe()
        fcntl.fcntl(in_r, fcntl.F_SETFL, os.O_NONBLOCK)
        p = subprocess.Popen([GRAMZIP], stdin=in_r, stdout=w)
        os.close(w)
        os.close(in_r)

        def feed():
            with os.fdopen(in_w, "wb") as f:
                f.write(data)
        t = threading.Thread(target=feed)
        t.start()
        with os.fdopen(r, "rb") as f:
            archive = f.read()
        t.join()
        self.assertEqual(p.wait(), 0)
        self.assertEqual(self.unpack(archive), data)

    def test_reader_gone_is_quiet(self):
        self.write("big", text(3_000_000))
        self.run_tool("big")
        for args in (["-c", "big"], ["-dc", "big.grz"], ["get", "big.grz", "--bytes", "0:"]):
            p = subprocess.Popen([GRAMZIP, *args], cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            p.stdout.read(1)
            p.stdout.close()
            self.assertEqual(p.stderr.read(), b"", args)
            p.stderr.close()
            self.assertEqual(p.wait(), 1, args)

    def test_full_device(self):
        self.write("a", text(600_000))
        self.run_tool("a")
        with open("/dev/full", "wb") as full:
            for args in (["-c", "a"], ["-dc", "a.grz"], ["-l", "a.grz"], ["-t", "a.grz"], ["--help"],
                         ["get", "a.grz", "--bytes", "0:10"], ["-l", "--json", "a.grz"]):
                p = subprocess.run([GRAMZIP, *args], cwd=self.dir, stdout=full, stderr=subprocess.PIPE)
                self.assertEqual(p.returncode, 1, args)
                self.assertIn(b"No space left", p.stderr, args)
        self.run_tool("a", "-o", "/dev/full", code=1, says="No space left on device; free some")
        self.assertEqual(self.read("a"), text(600_000))

    def test_null_device_and_fifo(self):
        self.write("a", b"x" * 1000)
        self.run_tool("a", "-o", "/dev/null")
        self.run_tool("a", "-o", "/dev/null", "--rm")
        self.assertEqual(self.names(), ["a"])
        os.mkfifo(self.path("fifo"))
        p = subprocess.Popen([GRAMZIP, "-c", "fifo"], cwd=self.dir, stdout=subprocess.PIPE)
        with open(self.path("fifo"), "wb") as f:
            f.write(b"through a fifo")
        archive = p.stdout.read()
        p.stdout.close()
        self.assertEqual(p.wait(), 0)
        self.assertEqual(self.unpack(archive), b"through a fifo")

    def test_closed_descriptors(self):
        self.write("a", b"x" * 1000)
        for fds in ("0", "1", "2", "0 1", "0 1 2"):
            shell = " ".join(f"{fd}<&-" for fd in fds.split())
            p = subprocess.run(f"'{GRAMZIP}' -f a {shell}", shell=True, cwd=self.dir, stderr=subprocess.DEVNULL)
            self.assertEqual(p.returncode, 0, fds)
            self.assertEqual(self.unpack(self.read("a.grz")), b"x" * 1000)
        p = subprocess.run(f"'{GRAMZIP}' -c a 1>&-", shell=True, cwd=self.dir, capture_output=True)
        self.assertEqual(p.returncode, 1)

    def test_json_goes_where_data_does_not(self):
        self.write("a", b"x" * 1000)
        j = json.loads(self.run_tool("--json", "a").stdout)
        self.assertEqual(j["files"][0]["content_bytes"], 1000)
        r = self.run_tool("--json", "-c", "a")
        self.assertTrue(r.stdout.startswith(MAGIC))
        self.assertEqual(json.loads(r.stderr)["files"][0]["archive_bytes"], len(r.stdout))
        r = self.run_tool("--json", "-dc", "a.grz")
        self.assertEqual((r.stdout, json.loads(r.stderr)["command"]), (b"x" * 1000, "decompress"))
        r = self.run_tool("--json", "-d", "a.grz", code=1)
        self.assertIn("already exists", json.loads(r.stdout)["files"][0]["error"])


def on_terminal(args, cwd):
    """Runs with a terminal as stdin, stdout and stderr: (exit code, what it printed)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execv(GRAMZIP, [GRAMZIP, *args])
    out = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError as e:
            if e.errno != errno.EIO:
                raise
            break
        if not piece:
            break
        out += piece
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), out


class Terminals(Case):
    def test_no_binary_data_to_a_terminal(self):
        self.write("a", noise(5000))
        self.run_tool("a")
        for args in (["-c", "a"], ["-dc", "a.grz"], ["get", "a.grz", "--bytes", "0:100"]):
            code, out = on_terminal(args, self.dir)
            self.assertEqual(code, 1, args)
            self.assertIn(b"terminal", out)
            self.assertLess(len(out), 200)
        code, out = on_terminal(["-c", "-f", "a"], self.dir)
        self.assertEqual(code, 0)
        self.assertGreater(len(out), 5000)

    def test_text_may_go_to_a_terminal(self):
        self.write("a", b"hello\n" * 10)
        self.run_tool("a")
        self.assertEqual(on_terminal(["cat", "a.grz"], self.dir), (0, b"hello\r\n" * 10))

    def test_nothing_to_do(self):
        for args in ([], ["-d"], ["-t"]):
            code, out = on_terminal(args, self.dir)
            self.assertEqual(code, 1, args)
            self.assertIn(b"--help", out)

    def test_summary_and_progress(self):
        self.write("a", text(500_000))
        code, out = on_terminal(["a"], self.dir)
        self.assertEqual(code, 0)
        self.assertIn(b"ratio", out)
        code, out = on_terminal(["-q", "-f", "a"], self.dir)
        self.assertEqual((code, out), (0, b""))
        r = self.run_tool("-f", "a")
        self.assertEqual((r.stdout, r.stderr), (b"", b""))
        r = self.run_tool("-f", "a", "--progress", "always")
        self.assertIn(b"MB/s", r.stderr)
        r = self.run_tool("-f", "a", "--progress", "never", "-v")
        self.assertNotIn(b"\r", r.stderr)


if __name__ == "__main__":
    main()
