"""What was taken back stays away: a release, or of a release that is live the configuration."""

from __future__ import annotations

from tests.domain.part_way import V1, V2, target_of
from tests.domain.stage import replace

from plainsail.domain.quarantine import MOST, freed, good, quarantined, why
from plainsail.domain.rollout import Configured, Revision

OTHER = replace(V2, config="sha256:other")
V3 = replace(V2, release="sha256:3", version="v3")
PAIR, OTHER_PAIR = Configured(V2.release, V2.config), Configured(V2.release, OTHER.config)
FREE = target_of(None)


def test_a_release_is_kept_out_whatever_its_configuration() -> None:
    for kept in (None, V1, replace(V1, config=V2.config)):
        out = quarantined(FREE, V2, kept)
        assert out == replace(FREE, quarantine=(V2.release,))
        assert why(out, V2.release, V2.config, "v2") == "v2 was taken back from production before"
        assert why(out, V2.release, OTHER.config, "v2") == "v2 was taken back from production before"
        assert why(out, V3.release, V2.config, "v3") == ""


def test_of_a_release_that_is_live_the_configuration_is() -> None:
    out = quarantined(FREE, OTHER, V2)
    assert out == replace(FREE, misconfigured=(OTHER_PAIR,))
    said = "v2 was taken back from production before with this configuration"
    assert why(out, V2.release, OTHER.config, "v2") == said
    assert why(out, V2.release, V2.config, "v2") == why(out, V3.release, OTHER.config, "v3") == ""
    assert quarantined(FREE, V2, V2) == FREE, "what is live is not kept out"


def test_what_is_kept_out_stands_there_once_the_last_at_the_end() -> None:
    twice = replace(FREE, quarantine=(V2.release, V3.release))
    assert quarantined(twice, V2, V1).quarantine == (V3.release, V2.release)
    third = Configured(V2.release, "sha256:third")
    pairs = replace(FREE, misconfigured=(OTHER_PAIR, third))
    assert quarantined(pairs, OTHER, V2).misconfigured == (third, OTHER_PAIR)


def test_the_oldest_of_a_hundred_configurations_is_forgotten() -> None:
    many = tuple(Configured(V2.release, f"sha256:{number}") for number in range(MOST))
    kept = quarantined(replace(FREE, misconfigured=many), OTHER, V2).misconfigured
    assert MOST == 100
    assert kept == (*many[1:], OTHER_PAIR)


def test_what_was_meant_is_free_again_and_nothing_else_is() -> None:
    both = replace(FREE, quarantine=(V2.release, V3.release), misconfigured=(PAIR, OTHER_PAIR))
    assert freed(both, V2) == replace(FREE, quarantine=(V3.release,), misconfigured=(OTHER_PAIR,))
    assert freed(both, V1) == both


def test_what_a_rollback_may_go_to() -> None:
    known: tuple[Revision, ...] = (V1, V2, OTHER, V3)
    target = replace(FREE, good=known)
    assert good(target) == known
    assert good(target, V2.release) == (V2, OTHER)
    assert good(target, "sha256:4") == ()
    out = replace(target, quarantine=(V3.release,), misconfigured=(PAIR,))
    assert good(out) == (V1, OTHER)
    assert good(out, V3.release) == (V3,), "whoever names it means it"
    assert good(out, V2.release) == (OTHER,)
