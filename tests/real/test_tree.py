"""The tree store on a real disk in trouble; what it promises is proven by the conformance suite."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plainsail.domain.release import tree_digest
from plainsail.drivers._kit.tree import pack, walk
from plainsail.drivers.stores.tree import TreeStore
from plainsail.ports.errors import Broken, NotFound, Rejected

ELSEWHERE = "sha256:" + "0" * 64


@pytest.fixture
def store(tmp_path: Path) -> TreeStore:
    return TreeStore(tmp_path / "store")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A release with a program, a link, something nested, and caches that are no part of it."""
    root = tmp_path / "shop"
    (root / "bin").mkdir(parents=True)
    (root / "bin/serve").write_text("#!/bin/sh\nexec sleep 1\n")
    (root / "bin/serve").chmod(0o750)
    (root / "data/deep").mkdir(parents=True)
    (root / "data/deep/ü.bin").write_bytes(os.urandom(3_000_000))
    (root / "latest").symlink_to("bin/serve")
    (root / "bin/__pycache__").mkdir()
    (root / "bin/__pycache__/x.cpython-311.pyc").write_bytes(b"cache")
    return root


def archive(root: Path) -> io.BytesIO:
    out = io.BytesIO()
    pack(root, out)
    out.seek(0)
    return out


def left_behind(store: TreeStore) -> list[Path]:
    return [
        path for path in store._incoming.parent.rglob("*") if path.name not in {"trees", "sha256", "incoming"}
    ]


def test_the_same_tree_packs_to_the_same_bytes(shop: Path) -> None:
    first = archive(shop).getvalue()
    os.utime(shop / "bin/serve", (1, 1))
    (shop / "bin/serve").chmod(0o700)
    assert archive(shop).getvalue() == first


def test_what_is_refused_leaves_nothing(store: TreeStore, shop: Path) -> None:
    whole, digest = archive(shop).getvalue(), tree_digest(walk(shop))
    for refused in (whole[: len(whole) // 2], os.urandom(100_000), b""):
        with pytest.raises(Rejected):
            store.receive(io.BytesIO(refused), digest)
    with pytest.raises(Rejected):
        store.receive(io.BytesIO(whole), ELSEWHERE)
    assert not left_behind(store)


RECEIVER = """
import sys
from pathlib import Path
from plainsail.drivers.stores.tree import TreeStore
TreeStore(Path(sys.argv[1])).receive(sys.stdin.buffer, sys.argv[2])
"""


def test_killed_while_receiving_the_next_start_cleans_up(tmp_path: Path, shop: Path) -> None:
    root, digest = tmp_path / "store", tree_digest(walk(shop))
    whole = archive(shop).getvalue()
    receiver = subprocess.Popen([sys.executable, "-c", RECEIVER, str(root), digest], stdin=subprocess.PIPE)
    assert receiver.stdin is not None
    receiver.stdin.write(whole[: len(whole) // 2])
    receiver.stdin.flush()
    wait(lambda: any((root / "incoming").glob("*/tree/bin")))
    TreeStore(root)
    assert any((root / "incoming").iterdir()), "a receive in another process is left alone"
    receiver.send_signal(signal.SIGKILL)
    receiver.communicate()
    store = TreeStore(root)
    assert not left_behind(store)
    store.receive(io.BytesIO(whole), digest)
    store.check(digest)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a full disk needs the right to mount one: sudo -E make test")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_keeps_nothing(small_disk: Path, shop: Path) -> None:
    store = TreeStore(small_disk)
    digest = tree_digest(walk(shop))
    with pytest.raises(Broken) as broken:
        store.receive(archive(shop), digest)
    assert broken.value.code == "disk_full"
    assert not left_behind(store)
    with contextlib.suppress(NotFound):
        store.tree(digest)
        pytest.fail("a part of a release is kept as if it were whole")


def wait(until: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)
