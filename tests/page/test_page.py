"""The report as its readers have it: in a browser, on a telephone, by keyboard, read aloud, in the dark, on paper."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from reporting import html
from runbook.model.changes import Changes
from runbook.model.outcome import Outcome
from runbook.model.record import Measurement, Run, Series, Timeline
from tests.bench_report import made_up
from tests.page.conftest import Open, Scheme
from tests.unit import report_example as example

WIDTHS = (360, 768, 1440)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
A4_POINTS = (595, 842)


def drilled() -> Run:
    """A drill with what it measured and a picture, and no run before it."""
    one = example.scenario("A rollback loses nothing", "3.4", Outcome.FAILED, feature="Incidents")
    figures = (
        Measurement(name="lost", value="3 of 1,200", objective="0", within=False),
        Measurement(name="longest gap", value="120 ms", objective="1 s", within=True),
    )
    seen = Timeline(
        title="Requests",
        bin_seconds=0.1,
        series=(Series(name="1.1.0", counts=(50,) * 20), Series(name="lost", counts=(0,) * 9 + (3,))),
    )
    measured = one.model_copy(update={"kind": "drill", "figures": figures, "timelines": (seen,)})
    return example.run([measured], exit_code=1, changes=Changes(earlier=None))


RUNS: dict[str, Callable[[], Run]] = {
    "healthy": example.healthy,
    "troubled": example.troubled,
    "drilled": drilled,
    "empty": example.empty,
}
every_run = pytest.mark.parametrize("run", RUNS.values(), ids=list(RUNS))


def unfold(page: Page) -> None:
    """Open whatever is folded."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def shown(page: Page) -> list[str]:
    """The names of the scenarios that are seen section by section."""
    return page.locator(".scenario:visible h4").all_text_contents()


def named(run: Run, *outcomes: Outcome) -> set[str]:
    return {one.name for one in run.scenarios if one.outcome in outcomes}


# In any browser


@every_run
def test_it_asks_nobody_and_complains_of_nothing(opened: Open, run: Callable[[], Run]) -> None:
    found = opened(run())
    unfold(found.page)

    assert found.asked == [found.page.url]
    assert found.complaints == []


def test_what_a_server_said_runs_nothing(opened: Open) -> None:
    found = opened(example.troubled())
    put_in = "const one = document.createElement('script'); one.text = 'window.ran = 1'; document.body.append(one)"
    found.page.evaluate(put_in)

    assert found.page.evaluate("window.ran") is None
    assert "Content Security Policy" in found.complaints[0]


@pytest.mark.parametrize("width", WIDTHS)
@every_run
def test_nothing_is_wider_than_the_window(opened: Open, run: Callable[[], Run], width: int) -> None:
    page = opened(run(), width=width).page
    unfold(page)
    too_wide = """() => [...document.querySelectorAll("body *")].filter((one) =>
        !one.closest(".skip") && getComputedStyle(one).position !== "absolute" &&
        one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5
    ).map((one) => one.outerHTML.slice(0, 120))"""

    assert page.evaluate(too_wide) == []
    assert page.evaluate("document.scrollingElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", SCHEMES)
@every_run
def test_axe_finds_nothing(opened: Open, run: Callable[[], Run], scheme: Scheme) -> None:
    page = opened(run(), scheme=scheme).page
    unfold(page)

    found = Axe().run(page).response["violations"]

    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []


def test_it_is_light_or_dark_as_the_reader_has_it(opened: Open) -> None:
    grounds = []
    for scheme in SCHEMES:
        page = opened(example.troubled(), scheme=scheme).page
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert grounds == ["rgb(255, 255, 255)", "rgb(21, 23, 26)"]


# What is shown


def test_it_shows_everything_until_something_is_chosen(opened: Open) -> None:
    run = example.troubled()
    page = opened(run).page

    assert len(shown(page)) == len(run.scenarios)
    expect(page.get_by_role("status")).to_have_text(f"Scenarios shown: {len(run.scenarios)} of {len(run.scenarios)}.")


def test_of_one_kind_any_choice_is_enough_and_of_each_kind_one_must_hold(opened: Open) -> None:
    run = example.troubled()
    page = opened(run).page
    status = page.get_by_role("status")

    page.get_by_label("2 failed").check()
    assert set(shown(page)) == named(run, Outcome.FAILED)
    page.get_by_label("4 undetermined").check()
    assert set(shown(page)) == named(run, Outcome.FAILED, Outcome.UNDETERMINED)
    page.get_by_label("5 critical").check()
    expect(status).to_have_text("Scenarios shown: 3 of 14 (failed, undetermined, critical).")
    page.get_by_role("combobox", name="Section").select_option("5.2")
    assert shown(page) == ["The newest backup is complete"]
    expect(page.locator(".part:visible")).to_have_count(1)
    page.get_by_role("combobox", name="Section").select_option("2")
    assert len(shown(page)) == 2
    page.get_by_role("combobox", name="Control").select_option("A.8.13")
    expect(status).to_have_text("Scenarios shown: 0 of 14 (failed, undetermined, critical, section 2, A.8.13).")

    page.get_by_role("button", name="Show all").click()
    assert len(shown(page)) == len(run.scenarios)


def test_a_control_shows_the_scenarios_of_its_sections(opened: Open) -> None:
    run = example.troubled()
    page = opened(run).page
    page.get_by_role("combobox", name="Control").select_option("A.8.13")

    assert set(shown(page)) == {one.name for one in run.scenarios if one.section in ("5.2", "6.4")}


def test_the_address_keeps_what_is_chosen(opened: Open) -> None:
    run = example.troubled()
    page = opened(run).page
    page.get_by_label("2 failed").check()
    page.get_by_role("combobox", name="Control").select_option("A.8.13")
    address = page.url
    assert address.endswith("#outcome=failed&control=A.8.13")

    again = opened(run, at=address.partition("report.html")[2]).page
    assert again.get_by_label("2 failed").is_checked()
    expect(again.get_by_role("status")).to_have_text("Scenarios shown: 0 of 14 (failed, A.8.13).")
    again.goto(again.url.replace("failed&control=A.8.13", "passed"))
    assert set(shown(again)) == named(run, Outcome.PASSED)


def test_an_address_that_chooses_what_is_not_there_shows_everything(opened: Open) -> None:
    run = example.troubled()

    assert len(shown(opened(run, at="#outcome=gone&section=99&control=none&x=1").page)) == len(run.scenarios)


def test_a_link_leads_to_what_was_left_out_or_folded(opened: Open) -> None:
    page = opened(example.troubled()).page
    page.get_by_label("5 passed").check()
    page.get_by_label("What to do").get_by_role("link", name="Every disk has room").click()
    expect(page.get_by_role("article", name="Every disk has room")).to_be_in_viewport()

    page.get_by_role("link", name="evidence 1, disk.DISKS").first.click()
    expect(page.locator("#evidence-1")).to_be_in_viewport()
    expect(page.locator("#evidence-1")).to_contain_text("df -P -B1")


def test_of_thousands_too_any_can_be_chosen_and_gone_to(opened: Open) -> None:
    page = opened(made_up(html.LARGE + 1)).page
    page.get_by_label("62 failed").check()
    expect(page.get_by_role("status")).to_have_text("Scenarios shown: 62 of 1001 (failed).")

    page.goto(page.url.partition("#")[0] + "#scenario-1001")
    expect(page.locator("#scenario-1001")).to_be_in_viewport()


def test_without_a_script_it_is_the_whole_list(opened: Open) -> None:
    run = example.troubled()
    page = opened(run, script=False).page

    assert len(shown(page)) == len(run.scenarios)
    expect(page.get_by_text("Show only")).to_be_hidden()


# By keyboard, and read aloud


def test_the_keyboard_reaches_what_a_reader_needs(opened: Open) -> None:
    run = example.troubled()
    page = opened(run).page

    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to what changed")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("What changed").get_by_role("link").first).to_be_focused()

    page.get_by_label("2 failed").focus()
    page.keyboard.press("Space")
    assert set(shown(page)) == named(run, Outcome.FAILED)
    page.get_by_role("button", name="Show all").focus()
    page.keyboard.press("Enter")
    assert len(shown(page)) == len(run.scenarios)


def test_each_part_has_a_name_to_go_to(opened: Open) -> None:
    page = opened(example.troubled()).page

    for name in ("What changed", "What to do", "About this run", "Section by section", "Controls", "Evidence"):
        expect(page.get_by_role("region", name=name, exact=True)).to_have_count(1)
    for role in ("banner", "main", "contentinfo", "navigation"):
        expect(page.get_by_role(role)).to_have_count(1)
    for name in ("Show only", "Outcome", "Severity"):
        expect(page.get_by_role("group", name=name, exact=True)).to_have_count(1)
    for name in ("Section", "Control"):
        expect(page.get_by_role("combobox", name=name)).to_have_count(1)


# On paper


def test_paper_has_what_an_auditor_keeps_and_nothing_to_click(opened: Open) -> None:
    page = opened(example.troubled(), scheme="dark").page
    page.emulate_media(media="print")

    expect(page.get_by_text("Show only")).to_be_hidden()
    expect(page.get_by_role("navigation")).to_be_hidden()
    expect(page.locator("#shown")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator("#evidence-1")).to_contain_text("df -P -B1")
    expect(page.locator("#evidence-1")).to_be_visible()  # a disk that is full rests on it
    expect(page.locator("#evidence-7")).to_be_hidden()  # nothing amiss does
    expect(page.locator("summary", has_text="[7]")).to_be_visible()


def test_paper_says_that_it_is_a_part(opened: Open) -> None:
    page = opened(example.troubled(), at="#section=5.2").page
    page.emulate_media(media="print")

    expect(page.locator("#shown")).to_have_text("Scenarios shown: 4 of 14 (section 5.2).")
    expect(page.locator("#shown")).to_be_visible()


def test_paper_is_a4(opened: Open) -> None:
    paper = opened(example.troubled()).page.pdf(prefer_css_page_size=True)
    sizes = {
        tuple(round(float(side)) for side in box.split()) for box in re.findall(rb"/MediaBox \[([\d. ]+)\]", paper)
    }

    assert sizes == {(0, 0, *A4_POINTS)}
