# SPDX-License-Identifier: Apache-2.0
"""Interrupts and kills: the old or the new file, whole, and nothing left behind."""
import os
import random
import signal
import subprocess
import time

from grz import GRAMZIP, Case, main, noise, text

ROUNDS = int(os.environ.get("GRAMZIP_KILLS", "200"))


class Running(Case):
    def wait_for_output(self):
        """Until a temporary file is there."""
        for _ in range(2000):
            if any(".gramzip-" in n for n in self.names()):
                return
            time.sleep(0.005)
        self.fail("the tool has not begun to write")


class Interrupts(Running):
    def stop(self, args, number, feed=b""):
        """Starts the tool on a pipe that stays open, and signals it once it has begun to write."""
        p = subprocess.Popen([GRAMZIP, *args], cwd=self.dir, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE)
        p.stdin.write(feed)
        p.stdin.flush()
        self.wait_for_output()
        p.send_signal(number)
        code = p.wait(20)
        p.stdin.close()
        p.stderr.close()
        return code

    def test_interrupts_leave_nothing(self):
        data = noise(3_000_000)
        archive = self.pack(data)
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            for args, feed in ((["-o", "out"], data), (["-d", "-o", "out"], archive[:2_500_000])):
                self.assertEqual(self.stop(args, number, feed), code)
                self.assertEqual(self.names(), [])
                self.write("out", b"precious")
                self.assertEqual(self.stop(["-f", *args], number, feed), code)
                self.assertEqual(self.names(), ["out"])
                self.assertEqual(self.read("out"), b"precious")
                os.remove(self.path("out"))

    def test_ignored_hangup_stays_ignored(self):
        p = subprocess.Popen(["nohup", GRAMZIP, "-o", "out"], cwd=self.dir, stdin=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        p.stdin.write(b"x" * 100)
        p.stdin.flush()
        self.wait_for_output()
        p.send_signal(signal.SIGHUP)
        time.sleep(0.05)
        p.stdin.close()
        self.assertEqual(p.wait(20), 0)
        self.assertEqual(self.names(), ["out"])


class Kills(Running):
    def test_old_or_new_file_whole(self):
        old, new = self.pack(text(1_500_000, seed=1)), text(1_500_000, seed=2)
        packed = self.pack(new)
        self.write("in", new)
        self.write("in2.grz", packed)
        start = time.monotonic()
        self.run_tool("-f", "in", "-o", "out")
        full = time.monotonic() - start
        rng = random.Random(11)
        seen = {"old": 0, "new": 0}
        for i in range(ROUNDS):
            unpacking = i % 2
            before, after = (b"old" * 50_000, new) if unpacking else (old, None)
            self.write("out", before)
            args = ["-d", "-f", "in2.grz", "-o", "out"] if unpacking else ["-f", "in", "-o", "out"]
            p = subprocess.Popen([GRAMZIP, *args], cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0, 1.3 * full))
            p.kill()
            p.wait()
            now = self.read("out")
            if now == before:
                seen["old"] += 1
            else:
                seen["new"] += 1
                if unpacking:
                    self.assertEqual(now, after)
                else:
                    # Archives that a pipe and a file give differ in the stored name only.
                    self.assertEqual(self.unpack(now), new)
            left = [n for n in self.names() if ".gramzip-" in n]
            self.assertLessEqual(len(left), 1)
        self.assertGreater(min(seen.values()), 0, seen)
        # The next run over the target removes what is left.
        self.run_tool("-f", "in", "-o", "out")
        self.assertEqual(self.names(), ["in", "in2.grz", "out"])

    def test_leftovers(self):
        self.write("in", b"x" * 1000)
        dead = subprocess.Popen(["true"])
        dead.wait()
        ours = self.write(f".out.gramzip-{dead.pid}.tmp", b"dead")
        others = [self.write(n, b"keep") for n in (f".out.gramzip-{os.getpid()}.tmp", ".out.gramzip-x.tmp",
                                                   f"out.gramzip-{dead.pid}.tmp", f".out.gramzip-{dead.pid}.tmp2",
                                                   ".out.gramzip-99999999999999999999.tmp", ".out.gramzip-0.tmp",
                                                   ".out.gramzip--5.tmp")]
        self.run_tool("in", "-o", "out")
        self.assertFalse(os.path.exists(ours))
        for path in others:
            self.assertTrue(os.path.exists(path), path)

    def test_a_running_tool_keeps_its_file(self):
        p = subprocess.Popen([GRAMZIP, "-o", "out"], cwd=self.dir, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        p.stdin.write(b"first of two")
        p.stdin.flush()
        self.wait_for_output()
        self.write("in", b"second")
        self.run_tool("in", "-o", "out")
        self.assertEqual(len([n for n in self.names() if ".gramzip-" in n]), 1)
        p.stdin.close()
        # The file has appeared meanwhile, and there was no -f.
        self.assertIn(b"already exists", p.stderr.read())
        p.stderr.close()
        self.assertEqual(p.wait(20), 1)
        self.assertEqual(self.unpack(self.read("out")), b"second")
        self.assertEqual(self.names(), ["in", "out"])


if __name__ == "__main__":
    main()
