"""Buckets: the basis points a sticky user's fate is read from, the same in every place that has to know it."""

from __future__ import annotations

import hashlib
import zlib

from plainsail.domain.units import ALL


def bucket(service: str, user: str, salt: str = "") -> int:
    """0 to 9,999. A user whose bucket is below a group's threshold is that group's, so the users of 5 % are among those of 50 %.

    Without a salt CRC-32 (IEEE, as in zlib) of `service:user`, modulo 10,000: the same in all rollouts of a service; other
    services put the same user elsewhere. With a salt the first 32 bits (big-endian) of SHA-1 of `service/salt:user`, modulo
    10,000: each salt deals the users anew. A salted CRC would not do, for it is linear: two salts of one length differ by the same
    bits for all users whose names are equally long.
    HAProxy computes both.
    """
    if not salt:
        return zlib.crc32(f"{service}:{user}".encode()) % ALL
    digest = hashlib.sha1(f"{service}/{salt}:{user}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "big") % ALL
