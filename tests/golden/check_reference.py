# SPDX-License-Identifier: Apache-2.0
"""The reference decoder agrees on every golden archive: decodes the first two drawers, refuses the third."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
import decoder  # noqa: E402
from xxh3 import xxh3_128  # noqa: E402


def main():
    root, checked = pathlib.Path(sys.argv[1]), 0
    for drawer in ("must_decode", "encoder_record", "must_fail"):
        for path in sorted((root / drawer).glob("*.grz")):
            checked += 1
            try:
                base = path.with_suffix(".base")
                members = decoder.decode(path.read_bytes(), base=base.read_bytes() if base.exists() else None)
            except decoder.FormatError as error:
                if drawer != "must_fail":
                    print(f"{path}: {error}")
                    return 1
                continue
            if drawer == "must_fail":
                print(f"{path}: was accepted")
                return 1
            known = path.with_suffix(".txt")
            content = xxh3_128(b"".join(member.content for member in members))
            if known.exists() and known.read_text().strip() != f"{content:032x}":
                print(f"{path}: the content is not that of {known.name}")
                return 1
    print(f"{checked} archives: the reference decoder agrees")
    return 0 if checked else 1


if __name__ == "__main__":
    sys.exit(main())
