"""Buttons do what the command line does, ask once when it matters, and never act on what is no longer so."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect
from tests.api.practice import until
from tests.web.conftest import Open
from tests.web.stage import Stage
from tests.web.window import Window

SHOP = "/services/shop/production"


def test_pause_and_resume_at_once(plane: Stage, window: Window) -> None:
    plane.live("v1")
    v2 = plane.canary("v2")
    page = window.sign_in(SHOP)
    press(page, "Pause")
    until(lambda: plane.rollout()["phase"] == "paused")
    expect(page.locator("#notice")).to_contain_text("Pausing rollout")
    expect(page.locator("#state .sentence")).to_contain_text("Paused")
    assert plane.share(v2) == 1000
    press(page, "Resume")
    until(lambda: plane.rollout()["phase"] == "progressing")
    expect(button(page, "Pause")).to_be_visible()
    assert who_did(plane, "rollout_paused") == who_did(plane, "rollout_resumed") == ["owner"]


def test_advance_is_asked_once_and_goes_one_step(plane: Stage, window: Window) -> None:
    plane.live("v1")
    v2 = plane.canary("v2")
    page = window.sign_in(SHOP)
    press(page, "Advance…")
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("from 10 % to 50 %")
    assert plane.share(v2) == 1000
    question.get_by_role("button", name="Advance").click()
    expect(question).to_be_hidden()
    until(lambda: plane.share(v2) == 5000)
    expect(page.locator("#state .legend")).to_contain_text("50 %")
    assert plane.rollout()["phase"] == "progressing"


def test_abort_says_what_it_does_and_keeps_the_reason(plane: Stage, window: Window) -> None:
    v1 = plane.live("v1")
    v2 = plane.canary("v2")
    page = window.sign_in(SHOP)
    press(page, "Abort…")
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("v2 loses its 10 % of the users")
    question.get_by_label("Reason").fill("the menu is upside down")
    question.get_by_role("button", name="Abort").click()
    until(lambda: plane.rollout()["phase"] == "aborted")
    assert (plane.share(v1), plane.share(v2)) == (10_000, 0)
    assert "the menu is upside down" in plane.rollout()["reason"]
    expect(page.locator("#rollouts")).to_contain_text("the menu is upside down")


def test_a_question_can_be_left_in_three_ways(plane: Stage, window: Window) -> None:
    plane.live("v1")
    v2 = plane.canary("v2")
    page = window.sign_in(SHOP)
    question = page.get_by_role("dialog")
    for way in ("a button", "a key", "another page"):
        press(page, "Abort…")
        expect(question).to_be_visible()
        match way:
            case "a button":
                question.get_by_role("link", name="Leave it").click()
            case "a key":
                page.keyboard.press("Escape")
            case _:
                window.open(SHOP)
        expect(question).to_be_hidden()
    assert plane.rollout()["phase"] == "progressing"
    assert plane.share(v2) == 1000
    assert asked(plane) == 0


def test_rollback_goes_to_the_release_that_is_chosen(plane: Stage, window: Window) -> None:
    v1 = plane.live("v1")
    plane.deploy(v2 := plane.release("v2"), strategy="recreate")
    until(lambda: plane.share(v2) == 10_000 and plane.status()["rollout"] is None)
    page = window.sign_in(SHOP)
    press(page, "Roll back…")
    question = page.get_by_role("dialog")
    expect(question.get_by_role("radio", name="v1")).to_be_checked()
    expect(question).to_contain_text("v2 loses its 100 % of the users")
    question.get_by_role("button", name="Roll back").click()
    until(lambda: plane.share(v1) == 10_000)
    expect(page.locator("#state .legend")).to_contain_text("v1 100 %")
    until(lambda: plane.status()["rollout"] is None)
    assert plane.rollout()["kind"] == "rollback"


def test_abort_all_names_what_it_takes_back(plane: Stage, window: Window) -> None:
    v1 = plane.live("v1")
    plane.canary("v2")
    page = window.sign_in("/")
    page.get_by_role("link", name="Abort all rollouts").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("shop in production")
    question.get_by_role("button", name="Abort it").click()
    until(lambda: plane.rollout()["phase"] == "aborted")
    assert plane.share(v1) == 10_000
    expect(page.locator("#notice")).to_contain_text("shop in production")


def test_a_release_is_deployed_from_the_page(plane: Stage, window: Window) -> None:
    plane.live("v1")
    v2 = plane.release("v2")
    page = window.sign_in(SHOP)
    page.get_by_role("link", name="Deploy a release…").click()
    question = page.get_by_role("dialog")
    question.get_by_role("radio", name="v2").check()
    question.get_by_role("button", name="Deploy").click()
    until(lambda: plane.share(v2) == 1000)
    expect(page.locator("#state .legend")).to_contain_text("v2 10 %")


def test_what_is_not_possible_says_why_instead(plane: Stage, window: Window) -> None:
    plane.live("v1")
    page = window.sign_in(SHOP)
    off = page.get_by_role("button", name="Roll back…")
    expect(off).to_have_attribute("aria-disabled", "true")
    off.click(force=True)  # a person can press it all the same
    expect(page.locator("#notice")).to_contain_text("no good release before v1")
    assert plane.status()["rollout"] is None


def test_a_stale_page_is_refused_and_told(plane: Stage, window: Window) -> None:
    """The question was asked at 10 %; somebody else advanced before it was answered."""
    plane.live("v1")
    v2 = plane.canary("v2")
    page = window.sign_in(SHOP)
    press(page, "Advance…")
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("from 10 % to 50 %")
    plane.steer("advance")
    until(lambda: plane.share(v2) == 5000)
    window.expected.add("status of 409")
    question.get_by_role("button", name="Advance").click()
    expect(page.locator("#notice")).to_contain_text("which is not what you saw")
    expect(page.locator("#state .legend")).to_contain_text("50 %")
    assert plane.share(v2) == 5000
    assert plane.rollout()["phase"] == "progressing"


def test_of_two_tabs_at_once_one_wins_and_the_other_is_told(plane: Stage, windows: Open) -> None:
    plane.live("v1")
    v2 = plane.canary("v2")
    people = windows(), windows()
    pages = [one.sign_in(SHOP) for one in people]
    for one, page in zip(people, pages, strict=True):
        one.expected.add("status of 409")
        press(page, "Advance…")
        expect(page.get_by_role("dialog")).to_contain_text("from 10 % to 50 %")
    answers = [page.get_by_role("dialog").locator("button[type=submit]") for page in pages]
    with pages[0].expect_response("**/advance") as first, pages[1].expect_response("**/advance") as second:
        for answer in answers:
            answer.evaluate(
                "button => { setTimeout(() => button.click(), 0); }"
            )  # neither waits for the other
    assert sorted((first.value.status, second.value.status)) == [200, 409]
    lost = pages[0] if first.value.status == 409 else pages[1]
    expect(lost.locator("#notice")).to_contain_text("nothing was done")
    until(lambda: plane.share(v2) == 5000)
    for page in pages:
        expect(page.locator("#state .legend")).to_contain_text("50 %")
    assert plane.share(v2) == 5000  # one step, not two
    assert plane.rollout()["phase"] == "progressing"


def test_a_form_of_another_site_or_of_another_session_does_nothing(plane: Stage, windows: Open) -> None:
    plane.live("v1")
    v2 = plane.canary("v2")
    page = windows().sign_in(SHOP)
    stranger = windows()
    stranger.sign_in(SHOP)
    press(page, "Abort…")
    form = page.get_by_role("dialog").locator("form")
    fields = form.evaluate("form => Object.fromEntries(new FormData(form))")
    origin = {"origin": plane.url}
    foreign = stranger.context.request.post(f"{plane.url}{SHOP}/abort", form=fields, headers=origin)
    assert foreign.status == 403
    elsewhere = page.context.request.post(
        f"{plane.url}{SHOP}/abort", form=fields, headers={"origin": "http://evil.example"}
    )
    assert elsewhere.status == 403
    assert plane.share(v2) == 1000
    assert asked(plane) == 0


def test_without_scripts_every_question_is_a_page(plane: Stage, windows: Open) -> None:
    v1 = plane.live("v1")
    plane.canary("v2")
    page = windows(java_script_enabled=False).sign_in(SHOP)
    expect(page.locator("#state .legend")).to_contain_text("v2 10 %")
    page.get_by_role("link", name="Abort…").click()
    page.get_by_role("button", name="Abort").click()
    until(lambda: plane.rollout()["phase"] == "aborted")
    assert plane.share(v1) == 10_000
    expect(page).to_have_url(plane.url + SHOP)


def button(page: Page, name: str) -> Locator:
    actions = page.get_by_role("group", name="Steer")
    return actions.get_by_role("button", name=name).or_(actions.get_by_role("link", name=name))


def press(page: Page, name: str) -> None:
    button(page, name).click()


def who_did(plane: Stage, kind: str) -> list[str]:
    return [one["by"] for one in plane.get("/events", limit=1000)["events"] if one["kind"] == kind]


def asked(plane: Stage) -> int:
    """How often the rollout under way was steered."""
    steering = ("rollout_paused", "rollout_resumed", "rollout_turned_back", "intent_refused")
    return sum(len(who_did(plane, kind)) for kind in steering)
