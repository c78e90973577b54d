# SPDX-License-Identifier: Apache-2.0
"""The error of the reference decoder, and the checks that raise it."""


class FormatError(Exception):
    """The archive breaks the format. `place` says where; `status` is set for errors of a block,
    `blocks` to the statuses of all blocks of the segment, None for those that are ok."""

    def __init__(self, place, what, status=None):
        super().__init__(f"{place}: {status + ': ' if status else ''}{what}")
        self.place = place
        self.status = status
        self.blocks: list[str | None] = []


def need(ok, place, what, status=None):
    """Raises unless `ok`."""
    if not ok:
        raise FormatError(place, what, status)


def need_zero(data, place, what, status=None):
    """Raises unless every byte of `data` is zero."""
    need(not any(data), place, f"{what} is not zero", status)


def take(data, at, size, place, what, status=None):
    """The `size` bytes of `data` at `at`; raises if they are not all there."""
    need(at + size <= len(data), place, f"truncated: {what} needs {size} bytes at {at}", status)
    return data[at:at + size]


def round_up(value, unit):
    """The lowest multiple of `unit` that is not below `value`."""
    return -(-value // unit) * unit
