"""How releases to be simulated are written: what is understood, what is refused and how that is said, any text at all."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from plainsail.local.simulate.behaviour import EXAMPLES, KINDS, read_release
from plainsail.ports.errors import Rejected
from plainsail.testing.behaviour import Behaviour


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("good", Behaviour()),
        ("errors:2%", Behaviour(errors=0.02)),
        ("errors:0%", Behaviour()),
        ("errors:0.05%", Behaviour(errors=0.0005)),
        ("latency:+50%", Behaviour(slower=0.5)),
        ("latency:+300%", Behaviour(slower=3.0)),
        ("crash:1m30s", Behaviour(crash_after=90.0)),
        ("never-ready", Behaviour(never_ready=True)),
    ],
)
def test_what_is_understood(text: str, like: Behaviour) -> None:
    assert read_release(text).like == like


@pytest.mark.parametrize(
    ("text", "at", "told"),
    [
        ("errors:2", 8, "which is not a share such as 2%; did you mean errors:2%?"),
        ("errors", 7, "errors needs to know how much; write one such as errors:2%"),
        ("errors:", 8, "errors needs to know how much"),
        ("errors:200%", 8, "more than the whole (100%)"),
        ("errors:-2%", 8, "not a part of a whole"),
        ("Errors: 2 %", 1, "did you mean errors:2%?"),
        ("latency:50%", 9, "did you mean latency:+50%?"),
        ("latency:+50", 9, "did you mean latency:+50%?"),
        ("latency:+9999999%", 9, "more than a thousand times as long"),
        ("crash:30", 7, "did you mean crash:30s?"),
        ("crash:0s", 7, "that is never-ready"),
        ("crsh:30s", 1, "did you mean 'crash'?"),
        ("never_ready", 1, "did you mean never-ready?"),
        ("good:1", 5, "good takes nothing after it; did you mean good?"),
        (
            "",
            1,
            "there is no behaviour ''; write good, errors:2%, latency:+50%, tail:+200%, bad-instance, crash:30s or never-ready",
        ),
        ("chaos", 1, "there is no behaviour 'chaos'"),
    ],
)
def test_what_is_refused_says_where_and_what_to_write(text: str, at: int, told: str) -> None:
    with pytest.raises(Rejected) as wrong:
        read_release(text)
    assert f"--release, character {at}: " in str(wrong.value)
    assert told in str(wrong.value)


def test_every_example_is_understood() -> None:
    assert {read_release(example).text for example in EXAMPLES} == set(EXAMPLES)


numbers = st.text("0123456789.+-%smhd :", max_size=12)


@settings(deadline=None)  # suggestions are sought in whole lists
@given(
    st.text(max_size=20)
    | st.builds("{}:{}".format, st.sampled_from(list(KINDS)), numbers | st.text(max_size=8))
)
def test_any_text_is_understood_or_refused_on_one_line(text: str) -> None:
    try:
        release = read_release(text)
    except Rejected as wrong:
        told = str(wrong)
    else:
        told = ""
        assert release.text == text
        assert 0 <= release.like.errors <= 1
        assert release.like.slower >= 0
        assert release.like.crash_after is None or release.like.crash_after > 0
    assert not told or (told.isprintable() and len(told) < 400)


@settings(deadline=None)
@given(st.sampled_from(list(KINDS)), numbers)
def test_what_is_meant_is_understood(name: str, value: str) -> None:
    """A suggestion can be taken as it stands."""
    try:
        read_release(f"{name}:{value}")
    except Rejected as wrong:
        if wrong.next_step.startswith("did you mean ") and "'" not in wrong.next_step:
            read_release(wrong.next_step.removeprefix("did you mean ").removesuffix("?"))
