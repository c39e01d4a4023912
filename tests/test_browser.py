"""The report in a real browser: Debian's chromium without a screen, driven by playwright, without a network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from reported import CONTRASTS, a_report

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
expect = playwright.expect
expect.set_options(timeout=20_000)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the path: apt-get install chromium"),
]

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
MINUS = "\N{MINUS SIGN}"
NARROW, WIDE = {"width": 400, "height": 800}, {"width": 1400, "height": 900}

@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_report(tmp_path_factory.mktemp("study"))


@pytest.fixture
def page(browser: Any, report: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The report, opened; fails at the end where the console told an error or anything but the file was asked for."""
    options = {"viewport": WIDE} | getattr(request, "param", {})
    context = browser.new_context(offline=True, **options)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, told, asked = context.new_page(), [], []
    page.set_default_timeout(20_000)
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda made: asked.append(made.url))
    page.goto(report.as_uri())
    yield page
    others = [url for url in asked if not url.startswith(("data:", report.as_uri()))]
    context.close()
    assert told == [] and others == []


def labels(page: Any) -> list[str]:
    return page.locator("#table05\\.smoke [data-item]:visible tr:first-child th button").all_text_contents()


def sort(page: Any, column: str) -> Any:
    button = page.locator("#table05\\.smoke thead button", has_text=column).first
    button.click()
    return button.locator("xpath=..")


def test_a_column_of_numbers_is_sorted_as_numbers_and_what_was_not_measured_stays_last(page: Any) -> None:
    printed = labels(page)
    measured, others = ["β = 0", "β = 2", "β = 1"], ["β = 2.5", "β = 4"]
    assert sort(page, "AP").get_attribute("aria-sort") == "ascending" and labels(page) == [*measured, *others]
    assert sort(page, "AP").get_attribute("aria-sort") == "descending" and labels(page) == [*measured[::-1], *others]
    assert sort(page, "AP").get_attribute("aria-sort") == "none" and labels(page) == printed


def test_differences_are_sorted_with_their_signs(page: Any) -> None:
    sort(page, "ΔAP")
    texts = page.locator("#table05\\.smoke tbody tr:first-child td:last-child .value").all_text_contents()
    numbers = [float(text.split(" ")[0].replace(MINUS, "-")) for text in texts if text]
    assert numbers == sorted(numbers) and numbers[0] < 0 < numbers[-1]


def test_a_column_without_measurements_is_sorted_by_the_papers_values(page: Any) -> None:
    button = page.locator("#table07\\.demo thead button", has_text="AP").first
    button.click()
    values = page.locator("#table07\\.demo tbody td[data-column=AP] .paper").all_text_contents()
    numbers = [float(text.strip("[]†")) for text in values]
    assert len(numbers) > 2 and numbers == sorted(numbers)


def test_a_cell_opens_by_mouse_to_the_command_seeds_and_curve_with_its_column_marked(page: Any) -> None:
    page.locator('[data-opens="table05.smoke/beta1"] td[data-column=AP]').first.click()
    panel = page.locator("#panel")
    expect(panel.locator("h2")).to_have_text("β = 1")
    expect(panel).to_contain_text("cell=table05.beta1")
    expect(panel).to_contain_text("quality.beta")
    expect(panel.locator("tbody tr.chosen th")).to_have_text("AP")
    assert panel.locator(".curve path").count() == 2 and panel.locator(".path").count() == 2
    page.mouse.click(20, 400)
    assert not panel.is_visible()


def test_everything_opens_closes_and_sorts_by_keyboard_alone(page: Any) -> None:
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.closest('[data-opens]')?.dataset.opens ?? ''"))
        if reached[-1]:
            break
    page.keyboard.press("Enter")
    assert page.locator("#panel").is_visible() and page.evaluate("panel.contains(document.activeElement)")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#panel h2")).to_have_text(labels(page)[1])
    page.keyboard.press("Escape")
    assert not page.locator("#panel").is_visible()
    assert page.evaluate("document.activeElement.textContent") == labels(page)[1]
    page.locator("#table05\\.smoke thead button").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.locator("#table05\\.smoke thead th").nth(1).get_attribute("aria-sort") == "ascending"


def test_an_address_with_a_row_opens_that_row(page: Any, report: Path) -> None:
    page.goto("about:blank")
    page.goto(f"{report.as_uri()}#table05.smoke/beta2")
    expect(page.locator("#panel h2")).to_have_text("β = 2")


def test_the_filter_leaves_what_has_all_words_and_the_verdict(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("table 5 β cell=table05.beta4")
    page.wait_for_function("document.getElementById('table07.demo').hidden")
    assert labels(page) == ["β = 4"]
    page.locator("#find").fill("")
    page.wait_for_function("!document.getElementById('table07.demo').hidden")
    page.locator(".chip", has_text="contradicted").click()
    (badge,) = page.locator(".ledger > li:visible .badge").all_text_contents()
    assert badge.split() == ["✕", "contradicted"], "a sign and a word besides the colour"


def test_a_command_is_copied(page: Any) -> None:
    page.locator('[data-opens="table05.smoke/beta4"] .copy').click()
    page.wait_for_function("document.getElementById('said').textContent === 'Copied'")
    assert "cell=table05.beta4" in page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize("page", [{"viewport": NARROW}, {"viewport": WIDE}], indirect=True, ids=["narrow", "wide"])
def test_the_page_never_scrolls_sideways_and_wide_tables_scroll_in_their_box(page: Any) -> None:
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator('[data-opens="table05.smoke/beta1"] th button').click()
    assert page.evaluate("panel.scrollWidth <= panel.clientWidth && panel.clientWidth") <= width
    frames = page.evaluate("[...document.querySelectorAll('.frame')].map(f => getComputedStyle(f).overflowX)")
    assert frames and set(frames) == {"auto"}


SCHEMES = [{"color_scheme": scheme, "viewport": view} for scheme in ("light", "dark") for view in (NARROW, WIDE)]


@pytest.mark.parametrize("page", SCHEMES, indirect=True, ids=["light-400", "light-1400", "dark-400", "dark-1400"])
def test_all_text_is_readable_in_light_and_dark(page: Any) -> None:
    for summary in page.locator("main summary").all():
        summary.click()
    outside = page.evaluate(CONTRASTS)
    page.locator('[data-opens="table05.smoke/beta1"] th button').click()
    found = [*outside, *page.evaluate(CONTRASTS)]
    assert len(found) > 200
    assert [(round(ratio, 2), html) for ratio, html in found if ratio < 4.5] == []


def test_the_reader_may_choose_the_colours(page: Any) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    seen = {"Auto": page.evaluate(paper)}
    for name in ("Light", "Dark"):
        page.locator("#scheme").click()
        expect(page.locator("#scheme-name")).to_have_text(name)
        seen[name] = page.evaluate(paper)
    assert seen["Light"] == seen["Auto"] != seen["Dark"]


def test_figures_are_shown_whole_and_missing_ones_by_their_command(page: Any) -> None:
    image = page.locator("#figure-drawn img")
    image.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#figure-drawn img').naturalWidth === 1600")
    assert image.get_attribute("alt") == "Fig. 1"
    # A part that is not on the screen is not laid out (content-visibility), so it has no inner text yet.
    expect(page.locator("#figure-absent")).to_contain_text("There is no run of it.")
    expect(page.locator("#figure-absent code")).to_have_text("python -m gfl_bench.run")
