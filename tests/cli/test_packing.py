"""What is sent is what was named: packed here, unpacked by the real store, the same release."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plainsail.cli.exits import Refusal
from plainsail.cli.origin import origin
from plainsail.cli.packing import Hashing, pack
from plainsail.drivers.stores.tree import TreeStore

NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join),
    st.tuples(st.binary(max_size=2000), st.booleans()),
    max_size=8,
)


def write(root: Path, files: dict[str, tuple[bytes, bool]]) -> int:
    """As far as the names allow; how many were."""
    written = 0
    for name, (content, executable) in files.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
        path.chmod(0o700 if executable else 0o600)
        written += 1
    return written


@given(TREES)
@settings(max_examples=60, deadline=None)
def test_the_store_finds_the_same_release(files: dict[str, tuple[bytes, bool]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place) / "tree"
        tree.mkdir()
        if not write(tree, files):
            return  # an empty tree is refused, see below
        packed = pack(tree)
        store = TreeStore(Path(place) / "store")
        with packed.tar:
            store.receive(packed.tar, packed.digest)
        store.check(packed.digest)


def test_the_same_tree_is_the_same_bytes(tmp_path: Path) -> None:
    trees = []
    for name, umask in (("one", 0o022), ("two", 0o077)):
        tree = tmp_path / name
        old = os.umask(umask)
        try:
            for path in ("b/c", "a", "b/a")[:: 1 if name == "one" else -1]:
                (tree / path).parent.mkdir(parents=True, exist_ok=True)
                (tree / path).write_text(path)
            (tree / "link").symlink_to("b/c")
            (tree / "b" / "__pycache__").mkdir()
            (tree / "b" / "__pycache__" / f"{name}.pyc").write_text(name)
            (tree / "empty").mkdir()
        finally:
            os.umask(old)
        packed = pack(tree)
        trees.append((packed.digest, packed.tar.read(), packed.files))
    assert trees[0] == trees[1]
    assert trees[0][2] == 4


def test_what_cannot_be_a_release(tmp_path: Path) -> None:
    def refusal() -> str:
        with pytest.raises(Refusal) as raised:
            pack(tmp_path)
        assert raised.value.exit_code == 2
        return raised.value.detail

    assert "empty" in refusal()
    (tmp_path / "file").write_text("x")
    (tmp_path / "out").symlink_to("../elsewhere")
    assert "outside the tree" in refusal()
    (tmp_path / "out").unlink()
    os.mkfifo(tmp_path / "pipe")
    assert "pipe is neither" in refusal()


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"x" * 100_000)
    read = Hashing.read

    def and_written_to(self: Hashing, size: int = -1, /) -> bytes:
        with open(file, "ab") as more:
            more.write(b"y")
        return read(self, size)

    monkeypatch.setattr(Hashing, "read", and_written_to)
    with pytest.raises(Refusal) as raised:
        pack(tmp_path)
    assert "log changed while it was read" in raised.value.detail


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"x" * 100_000)
    read = Hashing.read

    def and_cut(self: Hashing, size: int = -1, /) -> bytes:
        os.truncate(file, 10)
        return read(self, size)

    monkeypatch.setattr(Hashing, "read", and_cut)
    with pytest.raises(Refusal) as raised:
        pack(tmp_path)
    assert "log became shorter" in raised.value.detail


def test_git_names_the_version(tmp_path: Path) -> None:
    assert origin(tmp_path).version == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    tree = tmp_path / "dist"
    tree.mkdir()
    (tree / "file").write_text("1")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "1"]):
        subprocess.run([*git, *arguments], check=True)
    plain = origin(tree)
    assert plain.commit.startswith(plain.version)
    assert plain.version
    subprocess.run([*git, "tag", "-a", "v1.4", "-m", "1.4"], check=True)
    assert origin(tree).version == "v1.4"
    (tree / "file").write_text("2")
    dirty = origin(tree)
    assert (dirty.version, dirty.commit) == ("v1.4-dirty", "")
