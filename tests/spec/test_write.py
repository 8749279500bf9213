"""What we write, we read."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.spec.drivers import DRIVERS

from plainsail.domain.service import Probe
from plainsail.spec.decode import decode
from plainsail.spec.merge import read
from plainsail.spec.write import first_file, flow


def test_a_first_file_holds_what_was_guessed() -> None:
    text = first_file("shop", ("bin/serve", "--port={port}", "a b"), "/healthz")
    document = read([("plainsail.yaml", text)], DRIVERS)
    assert list(document.environments) == ["production"]
    shop = document.services["shop"]
    assert shop.run.command == ("bin/serve", "--port={port}", "a b")
    assert shop.run.ready == Probe(http="/healthz")
    assert shop.placements["production"].replicas == 2


def test_without_a_health_page_the_port_is_asked() -> None:
    text = first_file("shop", ("bin/serve",), None)
    assert decode(text, "f", DRIVERS).services["shop"].run.ready == Probe(tcp=True)


@pytest.mark.parametrize(
    ("guess", "name"),
    [
        ("My Shop", "my-shop"),
        ("42_shop.git", "shop-git"),
        ("", "service"),
        ("日本", "service"),
        ("x" * 99, "x" * 40),
    ],
)
def test_a_directory_name_becomes_a_service_name(guess: str, name: str) -> None:
    assert list(decode(first_file(guess, ("x",), None), "f", DRIVERS).services) == [name]


@pytest.mark.parametrize("command", [(), ("",), ("serve", "{host}"), ("a\0",), ("a\ud800",)])
def test_a_command_that_can_not_stand_is_replaced_and_marked(command: tuple[str, ...]) -> None:
    text = first_file("shop", command, None)
    assert decode(text, "f", DRIVERS).services["shop"].run.command == ("bin/serve", "--port", "{port}")
    assert "put your own here" in text


@given(st.text(), st.lists(st.text()).map(tuple), st.none() | st.text())
def test_whatever_is_guessed_decodes(service: str, command: tuple[str, ...], health: str | None) -> None:
    read([("f", first_file(service, command, health))], DRIVERS)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0{}"), min_size=1), min_size=1))
@example(["\x7f", "\x85", "\u2028", "\ufeff", "\ufffd", "😀", "null", "-", "1%", "# x", " ", "\n", '"', "\\"])
def test_words_read_back_as_they_were(words: list[str]) -> None:
    text = f"schema: 1\nservices: {{s: {{run: {{command: {flow(words)}}}, in: {{p: {{}}}}}}}}\n"
    assert decode(text, "f", DRIVERS).services["s"].run.command == tuple(words)
