"""Buckets: the basis points a sticky user's fate is read from, the same in every place that has to know it."""

from __future__ import annotations

import zlib

from plainsail.domain.units import ALL


def bucket(service: str, user: str) -> int:
    """0 to 9,999: CRC-32 (IEEE, as in zlib) of `service:user`, modulo 10,000.

    A user whose bucket is below a group's threshold is that group's, so the users of 5 % are among those of 50 %.
    HAProxy computes the same with `crc32`. Other services put the same user elsewhere.
    """
    return zlib.crc32(f"{service}:{user}".encode()) % ALL
