# SPDX-License-Identifier: Apache-2.0
"""Round trips of the real files under GRAMZIP_DATA, at one and two threads; skipped where there are none."""
import filecmp
import os
import pathlib
import unittest

from grz import Case, main

DATA = pathlib.Path(os.environ.get("GRAMZIP_DATA", "/nonexistent"))
FILES = sorted(p for p in DATA.rglob("*") if p.is_file() and p.stat().st_size > 100_000)


@unittest.skipUnless(FILES, f"no files under GRAMZIP_DATA ({DATA})")
class Data(Case):
    def test_round_trips(self):
        for source in FILES:
            for threads in ("-T1", "-T2"):
                with self.subTest(file=source.name, threads=threads):
                    archive, back = self.path(f"{threads}.grz"), self.path("back")
                    self.run_tool("compress", threads, "-f", str(source), "-o", archive)
                    self.run_tool("decompress", threads, "-f", archive, "-o", back)
                    self.assertTrue(filecmp.cmp(source, back, shallow=False))
            # Neither the bytes nor their number depend on the threads.
            self.assertTrue(filecmp.cmp(self.path("-T1.grz"), self.path("-T2.grz"), shallow=False))


if __name__ == "__main__":
    main()
