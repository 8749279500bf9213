"""What is registered already counts, in both directions."""

from collections.abc import Mapping

import pytest
from tests.spec.drivers import DRIVERS

from plainsail.domain.service import Document, Notify
from plainsail.domain.traffic import Capabilities
from plainsail.spec.diagnostics import SpecError
from plainsail.spec.drivers import Drivers
from plainsail.spec.merge import read

ENVIRONMENTS = """\
schema: 1
environments:
  staging: {router: {haproxy: {listen: "a:1"}}}
  production: {router: {haproxy: {listen: "a:2"}}, after: staging}
"""
SHOP = """\
schema: 1
services:
  shop: {run: {command: [serve]}, in: {production: {hosts: [shop.example]}}}
"""


def document(*texts: str, known: Document | None = None) -> Document:
    files = [(f"{number}.yaml", text) for number, text in enumerate(texts, 1)]
    return read(files, DRIVERS, known or Document(1))


def refusal(*texts: str, known: Document | None = None) -> str:
    with pytest.raises(SpecError) as refused:
        document(*texts, known=known)
    return str(refused.value)


def test_files_are_one_document_whatever_their_order() -> None:
    one, other = document(ENVIRONMENTS, SHOP), document(SHOP, ENVIRONMENTS)
    assert one == other
    assert (list(one.environments), list(one.services)) == (["staging", "production"], ["shop"])


def test_what_is_registered_is_not_part_of_the_answer() -> None:
    platform = document(ENVIRONMENTS)
    assert document(SHOP, known=platform) == document(SHOP, known=document(ENVIRONMENTS, SHOP))
    assert not document(SHOP, known=platform).environments


def test_an_environment_must_be_declared_or_registered() -> None:
    assert refusal(SHOP) == ("1.yaml:3:40: Unknown environment 'production'; declare it under 'environments'")
    staging = document(ENVIRONMENTS.replace("production", "productive"))
    assert "did you mean 'productive'?" in refusal(SHOP, known=staging)


def test_a_host_of_a_registered_service_is_taken_but_not_from_itself() -> None:
    known = document(ENVIRONMENTS, SHOP)
    assert list(document(SHOP, known=known).services) == ["shop"]
    assert refusal(SHOP.replace("shop:", "cart:"), known=known) == (
        "1.yaml:3:61: The host 'shop.example' in 'production' already leads to the service 'shop'; "
        "give each service hosts of its own"
    )


def test_a_circle_through_a_registered_environment_is_seen() -> None:
    turned = 'schema: 1\nenvironments: {staging: {router: {haproxy: {listen: "a:1"}}, after: production}}\n'
    assert "staging after production after staging" in refusal(turned, known=document(ENVIRONMENTS))


def test_one_file_tells_whom_to_notify() -> None:
    assert document(SHOP, "schema: 1\nnotify: {webhook: /run/hook}\n", ENVIRONMENTS).notify == Notify(
        "/run/hook"
    )


def test_a_file_given_twice_contradicts_itself() -> None:
    assert "already given in 1.yaml:3" in refusal(ENVIRONMENTS, ENVIRONMENTS)


def test_a_hundred_complaints_a_file_are_enough() -> None:
    text = "schema: 1\n" + "".join(f"key{number}: 1\n" for number in range(1000))
    with pytest.raises(SpecError) as refused:
        document(text, text)
    told = refused.value.diagnostics
    assert [sum(each.file == file for each in told) for file in ("1.yaml", "2.yaml")] == [100, 100]
    assert told[0].path == "key0"


PLAIN = Drivers(
    DRIVERS.routers, DRIVERS.providers, {"haproxy": Capabilities(granularity_bp=1000, sticky_header=True)}
)
WANTS = """\
schema: 1
services:
  shop:
    run: {command: [serve]}
    in:
      production:
        sticky: {cookie: who}
        strategy: [canary: {steps: [10%, 25%]}]
"""


def test_what_the_router_cannot_do_is_refused_where_it_is_written() -> None:
    with pytest.raises(SpecError) as refused:
        read([("1.yaml", ENVIRONMENTS), ("2.yaml", WANTS)], PLAIN)
    assert str(refused.value).splitlines() == [
        "2.yaml:6:7: Users can't be shielded from a candidate's failures by the router 'haproxy'; "
        "write 'shield: {enabled: false}'",
        "2.yaml:6:7: Nothing is ever proven where requests are not counted, and the router 'haproxy' does not count "
        "them; write 'pace: {until: dwell}'",
        "2.yaml:7:26: Users can't be kept by a cookie by the router 'haproxy'; take a header",
        "2.yaml:8:20: A share of 25 % can't be kept by the router 'haproxy'; make it a multiple of 10 %",
    ]
    modest = WANTS.replace("cookie: who", "header: X-User").replace("25%", "50%")
    modest += "        shield: {enabled: false}\n        pace: {until: dwell}\n"
    read([("1.yaml", ENVIRONMENTS), ("2.yaml", modest)], PLAIN)


COPIES = """\
schema: 1
services:
  shop:
    run: {command: [serve]}
    in:
      production:
        strategy: [shadow, canary]
"""


def test_what_this_very_router_lacks_is_refused_where_it_is_written_or_where_the_router_is() -> None:
    """As its configuration is: another one of the kind may be able to."""
    kind = Capabilities(mirror=True, match=True, shield=True, counts=True)

    def lacks(config: Mapping[str, object]) -> dict[str, str]:
        return {"mirror": "it was built small"} if config["listen"] == "a:2" else {}

    drivers = Drivers(DRIVERS.routers, DRIVERS.providers, {"haproxy": kind}, {"haproxy": lacks})
    other = ENVIRONMENTS.replace("a:2", "a:3")
    with pytest.raises(SpecError) as refused:
        read([("1.yaml", ENVIRONMENTS), ("2.yaml", COPIES)], drivers)
    (told,) = refused.value.diagnostics
    assert (told.file, told.line, told.path) == ("2.yaml", 7, "services.shop.in.production.strategy[0]")
    assert told.message == "Requests can't be copied by the router 'haproxy': it was built small"
    fine = read([("1.yaml", other), ("2.yaml", COPIES)], drivers)
    with pytest.raises(SpecError) as refused:
        read([("1.yaml", ENVIRONMENTS)], drivers, fine)
    (told,) = refused.value.diagnostics
    assert told.path == "environments.production.router"
    assert "it was built small, as 'shop' wants it; change the service first" in str(told)


def test_a_router_that_cannot_do_what_is_registered_is_refused() -> None:
    known = document(ENVIRONMENTS, SHOP)
    with pytest.raises(SpecError) as refused:
        read([("1.yaml", ENVIRONMENTS)], PLAIN, known)
    assert "1.yaml:4:24: Users can't be shielded" in str(refused.value)
    assert "as 'shop' wants it; change the service first" in str(refused.value)
