"""Samples of known time into a Prometheus: its remote write protocol 1.0 (prometheus.io/docs/specs/prw).

A protobuf message `WriteRequest` of series, each of labels and samples, in Snappy's block format. Both are written here in
their simplest form: Snappy without compression is a length and literals.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

HEADERS = {
    "content-encoding": "snappy",
    "content-type": "application/x-protobuf",
    "x-prometheus-remote-write-version": "0.1.0",
}
LITERAL = 1 << 16
"""Bytes of one literal; its length less one has two bytes (tag 61)."""


def body(series: Iterable[tuple[Mapping[str, str], Mapping[float, float]]]) -> bytes:
    """Labels, and values by seconds since 1970."""
    return snappy(b"".join(_field(1, _series(labels, samples)) for labels, samples in series))


def snappy(data: bytes) -> bytes:
    pieces = [data[start : start + LITERAL] for start in range(0, len(data), LITERAL)]
    return _varint(len(data)) + b"".join(
        bytes([61 << 2]) + struct.pack("<H", len(piece) - 1) + piece for piece in pieces
    )


def _series(labels: Mapping[str, str], samples: Mapping[float, float]) -> bytes:
    pairs = [_field(1, name.encode()) + _field(2, value.encode()) for name, value in sorted(labels.items())]
    points = [
        b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(round(at * 1000))
        for at, value in sorted(samples.items())
    ]
    return b"".join(_field(1, pair) for pair in pairs) + b"".join(_field(2, point) for point in points)


def _field(number: int, content: bytes) -> bytes:
    """Of wire type 2: its length before it."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
