"""A content store of trees: what goes in comes out under its digest, whole or not at all, and nothing else gets in."""

from __future__ import annotations

import io
import os
import tarfile
import threading

import pytest

from plainsail.domain.release import tree_digest
from plainsail.drivers._kit.tree import walk
from plainsail.ports.errors import Broken, NotFound, Rejected
from plainsail.testing.conformance.artifacts.bench import ELSEWHERE, ArtifactsBench, member, tar


def test_what_was_received_is_what_is_kept(bench: ArtifactsBench) -> None:
    """`receive` unpacks it; `tree` is a directory of exactly this digest, with modes and links; another object finds it."""
    digest, archive = bench.tree()
    bench.make().receive(io.BytesIO(archive), digest)
    store = bench.make()
    assert store.has(digest)
    kept = store.tree(digest)
    assert tree_digest(walk(kept)) == digest
    assert (kept / "bin/serve").stat().st_mode & 0o100
    assert os.readlink(kept / "latest") == "bin/serve"
    assert not (kept / "bin/__pycache__").exists()
    store.check(digest)


def test_nobody_may_write_to_it(bench: ArtifactsBench) -> None:
    """Written once: neither files nor directories are writable, so that a running release changes nothing by mistake."""
    digest, archive = bench.tree()
    store = bench.make()
    store.receive(io.BytesIO(archive), digest)
    kept = store.tree(digest)
    assert not [
        path for path in (kept, *kept.rglob("*")) if not path.is_symlink() and path.stat().st_mode & 0o222
    ]


def test_receiving_again_changes_nothing_and_hears_the_sender_out(bench: ArtifactsBench) -> None:
    """Idempotent; the stream is read to its end, since its sender waits for that."""
    digest, archive = bench.tree()
    store = bench.make()
    store.receive(io.BytesIO(archive), digest)
    before = store.tree(digest).stat()
    again = io.BytesIO(archive)
    store.receive(again, digest)
    assert (store.tree(digest).stat().st_ino, store.tree(digest).stat().st_mtime) == (
        before.st_ino,
        before.st_mtime,
    )
    assert not again.read()


def test_any_tar_program_will_do(bench: ArtifactsBench) -> None:
    """Entries of directories, a leading `./`, other owners and caches make no other release."""
    digest, _ = bench.tree()
    store = bench.make()
    store.receive(io.BytesIO(bench.any_tar()), digest)
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
def test_what_is_no_release_is_refused_and_nothing_is_kept(
    bench: ArtifactsBench, members: tuple[tuple[tarfile.TarInfo, bytes], ...]
) -> None:
    """An archive that would write outside, or holds what no release may, raises Rejected (`bad_archive`)."""
    store = bench.make()
    with pytest.raises(Rejected) as refused:
        store.receive(tar(*members), ELSEWHERE)
    assert refused.value.code == "bad_archive"
    assert not store.has(ELSEWHERE)
    assert not bench.outside()


def test_another_tree_than_was_said_is_refused(bench: ArtifactsBench) -> None:
    """The digest is reckoned from what arrived: Rejected (`digest_mismatch`), under both names nothing is kept."""
    digest, archive = bench.tree()
    store = bench.make()
    with pytest.raises(Rejected) as refused:
        store.receive(io.BytesIO(archive), ELSEWHERE)
    assert refused.value.code == "digest_mismatch"
    assert not store.has(ELSEWHERE)
    assert not store.has(digest)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9])
def test_an_upload_that_breaks_off_is_refused(bench: ArtifactsBench, part: float) -> None:
    """Atomic: a half is never kept, and the whole may be sent again."""
    digest, archive = bench.tree()
    store = bench.make()
    with pytest.raises(Rejected):
        store.receive(io.BytesIO(archive[: int(len(archive) * part)]), digest)
    assert not store.has(digest)
    store.receive(io.BytesIO(archive), digest)
    store.check(digest)


def test_a_connection_that_dies_keeps_nothing(bench: ArtifactsBench) -> None:
    """An error of the stream itself comes out as it is; nothing is kept."""

    class Dies(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 100_000:
                raise ConnectionResetError
            return super().read(size)

    digest, archive = bench.tree()
    store = bench.make()
    with pytest.raises((ConnectionResetError, Rejected)):
        store.receive(Dies(archive), digest)
    assert not store.has(digest)


def test_noise_is_refused(bench: ArtifactsBench) -> None:
    """What is no tar at all is Rejected (`bad_archive`) as well."""
    with pytest.raises(Rejected) as refused:
        bench.make().receive(io.BytesIO(os.urandom(100_000)), ELSEWHERE)
    assert refused.value.code == "bad_archive"


def test_a_digest_is_not_a_path(bench: ArtifactsBench) -> None:
    """A digest is looked at before it is used: Rejected (`bad_digest`). One that is well formed and unknown: NotFound."""
    store = bench.make()
    for wrong in ("sha256:../../etc", "sha256:", "etc", "sha256:" + "A" * 64, ""):
        for call in (store.tree, store.has, store.check):
            with pytest.raises(Rejected) as refused:
                call(wrong)
            assert refused.value.code == "bad_digest"
    assert not store.has(ELSEWHERE)
    for call in (store.tree, store.check):
        with pytest.raises(NotFound):
            call(ELSEWHERE)


def test_many_may_send_the_same_at_once(bench: ArtifactsBench) -> None:
    """Concurrent `receive`s of one digest, through several objects, all succeed and keep it once."""
    digest, archive = bench.tree()
    stores = [bench.make() for _ in range(3)]
    failed: list[BaseException] = []

    def send(number: int) -> None:
        try:
            stores[number % 3].receive(io.BytesIO(archive), digest)
        except BaseException as error:
            failed.append(error)

    senders = [threading.Thread(target=send, args=[number]) for number in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert not failed
    bench.make().check(digest)


@pytest.mark.parametrize("harm", ["change", "add", "remove", "mode"])
def test_damage_is_found_and_named(bench: ArtifactsBench, harm: str) -> None:
    """`check` raises Broken and names a path when the tree is not what was received any more."""
    digest, archive = bench.tree()
    store = bench.make()
    store.receive(io.BytesIO(archive), digest)
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
    assert "bin/" in str(broken.value)
    assert broken.value.next_step
