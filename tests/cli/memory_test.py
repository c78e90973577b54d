# SPDX-License-Identifier: Apache-2.0
"""Memory through pipes is bounded: 64 MiB and 8 MiB a thread, however long the stream.

The size of the stream in MiB is the environment variable GRAMZIP_STREAM_MIB (256).
"""
import hashlib
import os
import subprocess
import threading

from grz import GRAMZIP, Case, checkpoint, main, noise, text

MIB = 1 << 20
STREAM = int(os.environ.get("GRAMZIP_STREAM_MIB", "256")) * MIB


class Memory(Case):
    def through(self, args, feed, take):
        """Runs the tool between two functions; returns its peak resident bytes."""
        p = subprocess.Popen([GRAMZIP, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def send():
            feed(p.stdin)
            p.stdin.close()
        sender = threading.Thread(target=send)
        sender.start()
        take(p.stdout)
        sender.join()
        p.stdout.close()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(p.returncode, 0)
        return usage.ru_maxrss * 1024

    def check(self, piece, threads, head=b"", level="-6", text=0, stream=STREAM):
        limit = 64 * MIB + threads * 8 * MIB + text
        archive = self.path("stream.grz")
        sent, came = hashlib.sha256(), hashlib.sha256()
        pieces = stream // len(piece)

        def feed(pipe):
            for data in [head] + [piece] * pieces:
                pipe.write(data)
                sent.update(data)

        def keep(pipe):
            with open(archive, "wb") as out:
                while data := pipe.read(MIB):
                    out.write(data)

        def send_archive(pipe):
            with open(archive, "rb") as f:
                while data := f.read(MIB):
                    pipe.write(data)

        def digest(pipe):
            while data := pipe.read(MIB):
                came.update(data)

        args = [f"-T{threads}", "--device", "cpu"]
        peak = self.through([level, *args], feed, keep)
        self.assertLessEqual(peak, limit, f"compression: {peak / MIB:.1f} MiB")
        unpeak = self.through(["-d", *args], send_archive, digest)
        self.assertLessEqual(unpeak, limit, f"decompression: {unpeak / MIB:.1f} MiB")
        self.assertEqual(sent.digest(), came.digest())
        if os.environ.get("GRAMZIP_SHOW"):
            print(f"-T{threads}: {peak / MIB:.1f} MiB in, {unpeak / MIB:.1f} MiB out")

    def test_text(self):
        # docs/architecture.md: window, segments in flight with the parser's memory, the trainer's sample, models.
        # At level 6 the bound is above either stream, so two windows are enough.
        for level, window, segment, sample, stream in (("-1", 16, 1, 2 * 12, STREAM), ("-6", 64, 4, 8 * 12, STREAM // 2)):
            for threads in (1, 4):
                allowed = window + segment + (threads + 2) * segment * 16 + sample + 5 * 4
                self.check(text(4 * MIB), threads, level=level, text=allowed * MIB, stream=stream)

    def test_noise(self):
        self.check(noise(4 * MIB), 2)

    def test_weights(self):
        # One large tensor: its segments are the largest that the writer makes.
        piece = noise(4 * MIB)
        pieces = STREAM // len(piece)
        whole = checkpoint([("w", "BF16", [pieces * len(piece) // 2], b"")])
        size = int.from_bytes(whole[:8], "little")
        head = whole[8:].replace(b"[0, 0]", f"[0, {pieces * len(piece)}]".encode())
        head = head.rstrip() + b" " * (-len(head.rstrip()) % 8)
        self.assertGreaterEqual(len(head), size)
        self.check(piece, 2, len(head).to_bytes(8, "little") + head)


if __name__ == "__main__":
    main()
