"""A driver's configuration is read by its own Struct: every kind of field, its limits, and its own check."""

from contextlib import suppress
from typing import Annotated, Literal

import msgspec
import pytest

from plainsail import wiring
from plainsail.domain.driver import Driver
from plainsail.domain.units import Duration, Rate, Size
from plainsail.spec.decode import decode
from plainsail.spec.diagnostics import SpecError
from plainsail.spec.drivers import Drivers
from plainsail.spec.keys import type_of


class Inner(msgspec.Struct, frozen=True):
    name: str = "x"


class Config(msgspec.Struct, frozen=True, rename="kebab"):
    at_most: Annotated[int, msgspec.Meta(ge=1, lt=10)] = 5
    part: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    mode: Literal["fast", "safe"] = "safe"
    word: Annotated[str, msgspec.Meta(pattern="^[a-z]+$")] = "x"
    names: list[str] = []
    inner: Inner = Inner()
    by_name: dict[str, int] = {}
    wait: Duration | None = None
    limit: Rate = 1.0
    room: Size = 1000
    on: bool = False

    def __post_init__(self) -> None:
        if self.at_most == 7:
            raise ValueError("seven brings bad luck")

    def check(self) -> str | None:
        return "'mode' fast needs 'on'" if self.mode == "fast" and not self.on else None


def router(config: str) -> Driver:
    drivers = Drivers(routers={"test": Config}, providers={})
    text = f"schema: 1\nenvironments:\n  e:\n    router: {{test: {config}}}\n"
    return decode(text, "f", drivers).environments["e"].router


def test_every_kind_of_field_is_read() -> None:
    written = (
        "{at-most: 9, part: 1, mode: fast, word: no, names: [a, 1], inner: {name: 007}, by-name: {b: 2},"
        " wait: 5m, limit: 30/m, room: 1KiB, on: true}"
    )
    assert router(written).config == {
        "at-most": 9, "part": 1.0, "mode": "fast", "word": "no", "names": ["a", "1"], "inner": {"name": "007"},
        "by-name": {"b": 2}, "wait": 300.0, "limit": 0.5, "room": 1024, "on": True,
    }  # fmt: skip
    assert msgspec.convert(router(written).config, Config).inner == Inner("007")


def test_only_what_is_written_is_kept() -> None:
    assert router("{}") == Driver("test", {})
    assert router("{on: false}") == Driver("test", {"on": False})


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("{at-most: 0}", "4:30: 'at-most' must be at least 1, and is 0"),
        ("{at-most: 10}", "4:30: 'at-most' must be less than 10, and is 10"),
        ("{part: 0}", "4:27: 'part' must be more than 0, and is 0"),
        ("{part: 1.5}", "4:27: 'part' must be at most 1, and is 1.5"),
        ("{at-most: 7}", "4:14: 'test' is refused: seven brings bad luck"),
        ("{mode: fast}", "4:14: 'mode' fast needs 'on'"),
        ("{mode: quick}", "4:27: 'mode' must be fast or safe, and is 'quick'"),
        ("{word: A1}", "4:14: 'test' is refused: Expected `str` matching regex '^[a-z]+$' - at `$.word`"),
        ("{at_most: 1}", "4:21: Unknown key 'at_most' in 'test'; did you mean 'at-most'?"),
        ("{inner: {nme: y}}", "4:29: Unknown key 'nme' in 'inner'; did you mean 'name'?"),
        ("{names: a b}", "4:28: 'names' must be a list, and is 'a b'; write [a, b]"),
        ("{by-name: {b: c}}", "4:34: 'b' must be a whole number, and is 'c'; write one such as 4"),
    ],
)
def test_what_a_driver_refuses_is_said_at_its_place(config: str, complaint: str) -> None:
    with pytest.raises(SpecError) as refused:
        router(config)
    assert str(refused.value) == f"f:{complaint}"


def test_a_config_that_yaml_can_not_write_is_the_drivers_fault() -> None:
    class Odd(msgspec.Struct):
        either: int | str = 1

    text = "schema: 1\nenvironments: {e: {router: {odd: {either: 1}}}}\n"
    with pytest.raises(TypeError, match="either"):
        decode(text, "f", Drivers(routers={"odd": Odd}, providers={}))


def test_every_key_of_every_installed_driver_has_a_form() -> None:
    drivers = wiring.drivers()
    assert "haproxy" in drivers.routers
    assert "process" in drivers.providers
    for kind, configs in (("router", drivers.routers), ("provider", drivers.providers)):
        for name, config in configs.items():
            for field in type_of(config).fields:
                written = f"{{{kind}: {{{name}: {{{field.encode_name}: 1}}}}, router: haproxy}}"
                with suppress(SpecError):
                    decode(f"schema: 1\nenvironments: {{e: {written}}}\n", "f", drivers)
