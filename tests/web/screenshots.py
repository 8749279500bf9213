"""Makes the pictures in docs/images anew: `python -m tests.web.screenshots`; needs Chromium, takes about two minutes.

The pages are the real ones, over a simulated world; each scene is looked at in light, in dark and on a telephone.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect
from tests.api.practice import until
from tests.web.stage import Stage, stage
from tests.web.trial import trial
from tests.web.window import Window, chromium

from plainsail.testing.world import Behaviour

IMAGES = Path(__file__).parents[2] / "docs/images"
MOST = 150_000
"""Bytes of one picture; readers on a train load it too."""
SPEED = 6.0

GOOD = Behaviour(errors=0.001, slow=0.004)
FINE = Behaviour(errors=0.0012, slow=0.004)
BAD = Behaviour(errors=0.03, slow=0.02)


def dark(name: str) -> str:
    """One team looks at its releases itself first."""
    return f"{{dark: {{match: {{hosts: [next.{name}.example]}}}}}}, " if name == "mailer" else ""


SPEC = "\n".join([
    "schema: 1",
    "environments:",
    "  staging: {router: {haproxy: {listen: 127.0.0.1:8080}}}",
    "  production: {after: staging, router: {haproxy: {listen: 127.0.0.1:8081}}}",
    "services:",
    *(
        f"""\
  {name}:
    run:
      command: [bin/serve, --port, "{{port}}"]
    in:
      staging: {{replicas: 1, hosts: [{name}.staging.example]}}
      production:
        replicas: {replicas}
        hosts: [{name}.example]
        strategy: [{dark(name)}{{canary: {{steps: [1%, 10%, 50%]}}}}]
        pace: {{until: dwell, dwell: {dwell}, deadline: 60m}}"""
        for name, replicas, dwell in (
            ("accounts", 2, "20s"), ("catalogue", 3, "20s"), ("checkout", 4, "90s"), ("mailer", 1, "20s"),
            ("payments", 3, "20s"), ("search", 4, "20s"),
        )
    ),
    "",
])  # fmt: skip
OUTPUT = (
    "listening on :41873, 4 workers",
    "warmed 1,204 prices in 312 ms",
    "POST /basket 201 8 ms",
    "GET /basket/8812 200 3 ms",
    "POST /order 201 41 ms",
    "GET /basket/8813 200 2 ms",
    "GET /healthz 200 0 ms",
    "POST /order 201 38 ms",
)


LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "narrow": {"viewport": {"width": 390, "height": 780}, "device_scale_factor": 1.5},
}


def main() -> None:
    with chromium() as browser:
        with tempfile.TemporaryDirectory() as place, stage(Path(place), speed=SPEED, spec=SPEC) as plane:
            plane.engine.said = OUTPUT
            taken_back = play(plane)
            for look, how in LOOKS.items():
                pictures(Window(browser, plane.url, **how), plane, look, taken_back)
        arms(browser)


def arms(browser: Browser) -> None:
    """A test of two variants under way: its part of the page."""
    with tempfile.TemporaryDirectory() as place, trial(Path(place), speed=20.0) as plane:
        plane.begin(0.06)
        for look, how in LOOKS.items():
            window = Window(browser, plane.url, **how)
            window.sign_in()
            page = window.open("/services/shop/production")
            card = page.locator("section", has=page.get_by_test_id("arms"))
            expect(card.locator("tbody tr").first).to_be_visible()
            page.wait_for_timeout(3000)
            card.evaluate("card => card.scrollIntoView()")
            page.evaluate("scrollBy(0, -60)")  # below what stays on top
            page.wait_for_timeout(300)
            size = page.viewport_size
            assert size is not None
            kept(page, f"test-{look}", size["width"], min(size["height"], 600 if look != "narrow" else 780))
            window.context.close()


def play(plane: Stage) -> str:
    """A morning of six teams: most is well, one release was taken back, two are on their way. The id of the former."""
    for name, version in (
        ("accounts", "4.1.0"), ("catalogue", "2026.11.1"), ("checkout", "3.8.2"), ("mailer", "1.0.9"),
        ("payments", "7.0.3"), ("search", "5.2.0"),
    ):  # fmt: skip
        deploy(plane, name, version, GOOD, "staging", "recreate")
        deploy(plane, name, version, GOOD, strategy="recreate")
    deploy(plane, "payments", "7.1.0", GOOD, "staging", "recreate")  # where it did not show
    bad = deploy(plane, "payments", "7.1.0", BAD)
    deploy(plane, "checkout", "3.9.0", FINE, "staging", "recreate")
    deploy(plane, "checkout", "3.9.0", FINE, wait="10 %")
    deploy(plane, "mailer", "1.1.0", FINE, "staging", "recreate")
    deploy(plane, "mailer", "1.1.0", FINE, wait="dark")
    deploy(plane, "search", "5.3.0", FINE, "staging", "recreate")
    deploy(plane, "search", "5.3.0", FINE, wait="1 %")
    until(
        lambda: (
            plane.post(
                f"/rollouts/{under_way(plane, 'search')}/pause", reason="waiting for the new index"
            ).status_code
            == 202
        )
    )
    return bad


def deploy(
    plane: Stage, service: str, version: str, behaviour: Behaviour, environment: str = "production",
    strategy: str | None = None, wait: str = "",
) -> str:  # fmt: skip
    """Until it has ended, or until it is at a step; the rollout's id."""
    digest = plane.release(version, behaviour, service)
    answer = plane.post(
        f"/services/{service}/environments/{environment}/rollouts",
        release=digest, **({"strategy": strategy} if strategy else {}),
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    id = str(answer.json()["id"])

    def there() -> bool:
        found = plane.get(f"/rollouts/{id}")
        return bool(
            found["steps"][found["step"]]["name"] == wait if wait and found["steps"] else found["ended_at"]
        )

    until(there, within=180)
    return id


def under_way(plane: Stage, service: str) -> str:
    return str(plane.status(service)["rollout"]["id"])


def pictures(window: Window, plane: Stage, look: str, taken_back: str) -> None:
    page = window.sign_in()
    for scene, path in (
        ("overview", "/"), ("service", "/services/checkout/production"), ("rollback", f"/rollouts/{taken_back}"),
        ("rest", "/services/accounts/production"), ("insiders", "/services/mailer/production"),
    ):  # fmt: skip
        window.open(path)
        expect(page.get_by_role("main")).to_be_visible()
        page.wait_for_timeout(3000)  # the stream, the charts
        size = page.viewport_size
        assert size is not None
        height = (
            min(size["height"], 600) if scene in ("overview", "rest", "insiders") else size["height"]
        )  # six services need no more, nor does what is at rest
        kept(page, f"{scene}-{look}", size["width"], height)
    window.context.close()


def kept(page: Page, name: str, width: int, height: int) -> None:
    target = IMAGES / f"{name}.png"
    page.screenshot(
        path=target, animations="disabled", clip={"x": 0, "y": 0, "width": width, "height": height}
    )
    assert target.stat().st_size < MOST, f"{target.name} has {target.stat().st_size:,} bytes"
    print(f"{target.name}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
