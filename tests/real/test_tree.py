"""The tree store on a real disk: what goes in comes out, and nothing else gets in."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
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


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for info, content in members:
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
    out.seek(0)
    return out


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b"content" if kind == tarfile.REGTYPE else b""


def left_behind(store: TreeStore) -> list[Path]:
    return [
        path for path in store._incoming.parent.rglob("*") if path.name not in {"trees", "sha256", "incoming"}
    ]


def test_what_was_packed_is_what_is_kept(store: TreeStore, shop: Path) -> None:
    digest = tree_digest(walk(shop))
    store.receive(archive(shop), digest)
    kept = store.tree(digest)
    assert store.has(digest)
    assert tree_digest(walk(kept)) == digest
    assert (kept / "bin/serve").stat().st_mode & 0o777 == 0o555
    assert (kept / "data/deep/ü.bin").stat().st_mode & 0o777 == 0o444
    assert (kept / "data").stat().st_mode & 0o777 == 0o555
    assert os.readlink(kept / "latest") == "bin/serve"
    assert not (kept / "bin/__pycache__").exists()
    store.check(digest)


def test_the_same_tree_packs_to_the_same_bytes(shop: Path) -> None:
    first = archive(shop).getvalue()
    os.utime(shop / "bin/serve", (1, 1))
    (shop / "bin/serve").chmod(0o700)
    assert archive(shop).getvalue() == first


def test_receiving_again_changes_nothing_and_hears_the_sender_out(store: TreeStore, shop: Path) -> None:
    digest = tree_digest(walk(shop))
    store.receive(archive(shop), digest)
    before = store.tree(digest).stat().st_ino
    again = archive(shop)
    store.receive(again, digest)
    assert store.tree(digest).stat().st_ino == before
    assert not again.read()


def test_caches_in_an_archive_are_left_out(store: TreeStore, shop: Path) -> None:
    digest = tree_digest(walk(shop))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        made.add(shop, arcname=".")  # as any tar program would, directories, caches and all
    out.seek(0)
    store.receive(out, digest)
    store.check(digest)


@pytest.mark.parametrize(
    "members",
    [
        (member("../out"),),
        (member("/abs"),),
        (member("a/../../out"),),
        (member("a//b"),),
        (member("link", tarfile.SYMTYPE, "/etc"),),
        (member("a/link", tarfile.SYMTYPE, "../../out"),),
        (member("d/up", tarfile.SYMTYPE, ".."), member("x", tarfile.SYMTYPE, "d/up/..")),
        (member("d", tarfile.SYMTYPE, "elsewhere"), member("d/file")),
        (member("a"), member("hard", tarfile.LNKTYPE, "a")),
        (member("dev", tarfile.CHRTYPE),),
        (member("pipe", tarfile.FIFOTYPE),),
        (member("sparse", tarfile.GNUTYPE_SPARSE),),
        (member("a"), member("a")),
        (member("a"), member("./a")),
        (member("a"), member("a/b")),
        (member("a/b"), member("a")),
        (member("a"), member("a", tarfile.DIRTYPE)),
        (member("x" * 300),),
        (),
    ],
    ids=lambda members: " ".join(f"{info.name[:20]}:{info.type.decode()}" for info, _ in members) or "empty",
)
def test_what_is_no_release_is_refused_and_leaves_nothing(
    store: TreeStore, members: tuple[tuple[tarfile.TarInfo, bytes], ...], tmp_path: Path
) -> None:
    with pytest.raises(Rejected) as refused:
        store.receive(tar(*members), ELSEWHERE)
    assert refused.value.code == "bad_archive"
    assert not left_behind(store)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_another_tree_than_was_said_is_refused(store: TreeStore, shop: Path) -> None:
    with pytest.raises(Rejected) as refused:
        store.receive(archive(shop), ELSEWHERE)
    assert refused.value.code == "digest_mismatch"
    assert not store.has(ELSEWHERE)
    assert not left_behind(store)


@pytest.mark.parametrize("part", [0.3, 0.9])
def test_an_upload_that_breaks_off_is_refused(store: TreeStore, shop: Path, part: float) -> None:
    whole = archive(shop).getvalue()
    with pytest.raises(Rejected):
        store.receive(io.BytesIO(whole[: int(len(whole) * part)]), tree_digest(walk(shop)))
    assert not left_behind(store)


def test_noise_is_refused(store: TreeStore) -> None:
    with pytest.raises(Rejected) as refused:
        store.receive(io.BytesIO(os.urandom(100_000)), ELSEWHERE)
    assert refused.value.code == "bad_archive"


def test_a_digest_is_not_a_path(store: TreeStore) -> None:
    for wrong in ("sha256:../../etc", "sha256:", "etc", "sha256:" + "A" * 64):
        with pytest.raises(Rejected) as refused:
            store.tree(wrong)
        assert refused.value.code == "bad_digest"
    with pytest.raises(NotFound):
        store.tree(ELSEWHERE)


def test_many_may_send_the_same_at_once(store: TreeStore, shop: Path) -> None:
    digest = tree_digest(walk(shop))
    bytes_of_it = archive(shop).getvalue()
    failed: list[BaseException] = []

    def send() -> None:
        try:
            store.receive(io.BytesIO(bytes_of_it), digest)
        except BaseException as error:
            failed.append(error)

    senders = [threading.Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert not failed
    store.check(digest)
    assert not list(store._incoming.iterdir())


@pytest.mark.parametrize("harm", ["change", "add", "remove", "mode"])
def test_damage_is_found_and_named(store: TreeStore, shop: Path, harm: str) -> None:
    digest = tree_digest(walk(shop))
    store.receive(archive(shop), digest)
    kept = store.tree(digest)
    (kept / "bin").chmod(0o755)
    match harm:
        case "change":
            (kept / "bin/serve").chmod(0o755)
            (kept / "bin/serve").write_text("#!/bin/sh\nexec sleep 2\n")
        case "add":
            (kept / "bin/more").write_text("")
        case "remove":
            (kept / "bin/serve").unlink()
        case _:
            (kept / "bin/serve").chmod(0o444)
    with pytest.raises(Broken) as broken:
        store.check(digest)
    assert broken.value.code == "release_damaged"
    assert "bin/more" in str(broken.value) or "bin/serve" in str(broken.value)


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
