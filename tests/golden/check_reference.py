# SPDX-License-Identifier: Apache-2.0
"""The reference decoder agrees on every golden archive: decodes the first two drawers, refuses the third."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
import decoder  # noqa: E402


def main():
    root, checked = pathlib.Path(sys.argv[1]), 0
    for drawer in ("must_decode", "encoder_record", "must_fail"):
        for path in sorted((root / drawer).glob("*.grz")):
            checked += 1
            try:
                decoder.decode(path.read_bytes())
                good = True
            except decoder.FormatError as error:
                good = False
                reason = error
            if good == (drawer == "must_fail"):
                print(f"{path}: {'was accepted' if good else reason}")
                return 1
    print(f"{checked} archives: the reference decoder agrees")
    return 0 if checked else 1


if __name__ == "__main__":
    sys.exit(main())
