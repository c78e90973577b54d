#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests mutate_barriers.py on a small tree whose "test" greps the source."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).with_name("mutate_barriers.py")

KERNEL = """\
// __syncthreads() in a comment
__global__ void k() {
  const char* s = "__syncthreads();";
  const int n = 1'000;
  __syncthreads();  // tested
  if (n) __syncwarp(mask(0));
  __syncthreads();  // mutation: equivalent (the loop's own barrier follows)
}
"""


class MutateBarriers(unittest.TestCase):

    def run_on(self, kernel, test, *more):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "k.cu")
            path.write_text(kernel)
            result = subprocess.run(
                [sys.executable, str(SCRIPT), "--root", folder, "--build", "true", "--test", test,
                 *more, "k.cu"], capture_output=True, text=True, check=False)
            self.assertEqual(path.read_text(), kernel, "the file must be restored")
        return result.returncode, result.stdout + result.stderr

    def test_noticed_survivors_and_exempt(self):
        status, output = self.run_on(KERNEL, "grep -q '^  __syncthreads();  // tested' k.cu")
        self.assertEqual(status, 0, output)
        self.assertIn("k.cu:5: __syncthreads: noticed", output)
        self.assertIn("survived: k.cu:6: __syncwarp", output)
        self.assertIn("equivalent: k.cu:7: __syncthreads (the loop's own barrier follows)", output)
        self.assertIn("1 of 2 mutants noticed", output)

    def test_surviving_syncthreads_fails(self):
        status, output = self.run_on(KERNEL, "true")
        self.assertEqual(status, 1, output)
        self.assertIn("survived: k.cu:5: __syncthreads", output)

    def test_unchanged_tree_must_pass(self):
        status, output = self.run_on(KERNEL, "false")
        self.assertEqual(status, 2, output)

    def test_call_is_replaced_whole(self):
        status, output = self.run_on(KERNEL, "grep -q 'if (n) ((void)0);' k.cu && exit 3; true",
                                     "--only", "__syncwarp")
        self.assertEqual(status, 0, output)
        self.assertIn("k.cu:6: __syncwarp: noticed", output)

    def test_endless_test_is_noticed(self):
        status, output = self.run_on(
            KERNEL, "grep -q '^  __syncthreads();  // tested' k.cu || sleep 60", "--only",
            "__syncthreads", "--timeout", "1")
        self.assertEqual(status, 0, output)
        self.assertIn("ran out of time", output)

    def test_copy_leaves_the_tree_alone(self):
        with tempfile.TemporaryDirectory() as copy:
            status, output = self.run_on(KERNEL, "grep -q '^  __syncthreads();  // tested' k.cu",
                                         "--copy", copy)
        self.assertEqual(status, 0, output)


if __name__ == "__main__":
    unittest.main()
