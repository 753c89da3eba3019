"""The page in a real browser: Chromium without a screen, at the width of a phone and of a desk, light and dark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from preflight.model import Status
from preflight.render import Style, render
from tests.render.reports import DEGRADED, REPORTS, document, result

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="chromium and chromedriver are not installed")
WIDTHS = (400, 1200)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Any:
    def open_page(name: str, width: int = 1200, theme: str = "light") -> Any:
        path = tmp_path / "report.html"
        path.write_text(render("html", REPORTS[name](), Style()), encoding="utf-8")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for kind in ("browser", "performance"):
            browser.get_log(kind)
        browser.get(path.as_uri())
        return browser

    return open_page


def style(browser: Any, selector: str, name: str) -> str:
    script = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    return str(browser.execute_script(script, selector, name))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", REPORTS)
def test_the_page_is_never_wider_than_the_screen(show: Any, name: str, width: int) -> None:
    browser = show(name, width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", REPORTS)
def test_the_console_is_silent_and_nothing_is_fetched(show: Any, name: str) -> None:
    import json

    browser = show(name)
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert {url for url in urls if not url.startswith(("file:", "data:"))} == set()
    assert browser.execute_script("return document.title").startswith(REPORTS[name]()["verdict"].upper())


def test_both_themes_can_be_read(show: Any) -> None:
    colours = {}
    for theme in ("light", "dark"):
        browser = show("blocked", theme=theme)
        pairs = [
            ("body", "body"),
            (".card", ".card h3"),
            (".card", ".cause"),
            (".verdict", ".word"),
            (".next", ".next code"),
        ]
        for ground, text in pairs:
            contrast = _contrast(style(browser, ground, "backgroundColor"), style(browser, text, "color"))
            assert contrast >= 4.5, (theme, text, contrast)
        colours[theme] = style(browser, "body", "backgroundColor")
    assert _light(colours["light"]) > 0.8
    assert _light(colours["dark"]) < 0.05


def _light(colour: str) -> float:
    """Return the relative luminance of WCAG 2 of a colour like `rgb(1, 2, 3)`."""
    parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_light(one), _light(other)))
    return (light + 0.05) / (dark + 0.05)


def visible(browser: Any, selector: str) -> list[str]:
    shown = "[...document.querySelectorAll(arguments[0])].filter((n) => n.checkVisibility())"
    script = f"return {shown}.map((n) => n.textContent)"
    found: list[str] = browser.execute_script(script, selector)
    return found


def search(browser: Any, words: str) -> None:
    box = browser.find_element("id", "search")
    box.clear()
    box.send_keys(words)


def test_search_hides_what_does_not_match(show: Any) -> None:
    browser = show("blocked")
    everything = browser.execute_script("return document.querySelectorAll('[data-item]').length")
    search(browser, "rancher-logging PREDATES")
    assert [text for text in visible(browser, ".card h3 .object")] == ["Addon cattle-logging-system/rancher-logging"]
    assert "Warnings" not in "".join(visible(browser, "h2"))
    assert visible(browser, "output") == [f"1 of {everything}"]
    search(browser, "nothing like it")
    assert visible(browser, "[data-item]") == []
    browser.find_element("id", "search").send_keys("\ue00c")  # Escape
    assert len(visible(browser, "[data-item]")) == everything


def test_hostile_text_does_not_run(show: Any) -> None:
    browser = show("hostile")
    assert browser.execute_script("return document.querySelectorAll('script').length") == 1
    assert "<script>alert(1)</script>" in browser.execute_script("return document.body.textContent")


def test_without_scripts_everything_is_there_but_the_search(show: Any, browser: Any) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show("blocked")
        tree = browser.execute_cdp_cmd("DOMSnapshot.captureSnapshot", {"computedStyles": []})
        layout = {tree["strings"][index] for index in tree["documents"][0]["layout"]["text"] if index >= 0}
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    shown = " ".join(layout)
    assert "BLOCKED" in shown
    assert "kubectl delete job" in shown
    assert "Search" not in shown
    assert "Copy" not in shown


def test_print_has_no_controls_and_a_white_page(show: Any) -> None:
    browser = show("blocked", theme="dark")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert visible(browser, ".search, .contents, .skip, pre button") == []
    assert style(browser, "body", "backgroundColor") == "rgb(255, 255, 255)"
    assert len(browser.execute_cdp_cmd("Page.printToPDF", {})["data"]) > 10_000


def test_labels_of_the_timeline_do_not_cover_each_other(show: Any) -> None:
    browser = show("blocked")
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('svg .event, svg .lane, svg .gap')]"
        ".map((n) => n.getBoundingClientRect()).map((r) => [r.left, r.top, r.right, r.bottom])"
    )
    assert len(boxes) > 6
    for place, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[place + 1 :]:
            apart = right <= other[0] or other[2] <= left or bottom - 3 <= other[1] or other[3] - 3 <= top
            assert apart, (boxes[place], other)


def choose(browser: Any, name: str, value: str) -> None:
    script = (
        "const c = document.getElementById(arguments[0]); c.value = arguments[1]; c.dispatchEvent(new Event('change'))"
    )
    browser.execute_script(script, name, value)


def test_a_filter_keeps_what_it_names(show: Any) -> None:
    browser = show("blocked")
    choose(browser, "kind", "warn")
    assert visible(browser, ".card .cause > span:first-child") == ["clock-skew"]
    choose(browser, "kind", "")
    choose(browser, "node", "harv-node-2")
    assert visible(browser, ".card h3 .object") == ["Node harv-node-2"]


def test_three_hundred_findings_are_few_screens_and_few_pages(show: Any, browser: Any, tmp_path: Any) -> None:
    import base64

    path = tmp_path / "many.html"
    five = [result(f"check-{n}", Status.FAIL, "longhorn", *DEGRADED[:60]) for n in range(5)]
    path.write_text(render("html", document(five), Style()), encoding="utf-8")
    browser.get(path.as_uri())
    height = browser.execute_script("return document.documentElement.scrollHeight / innerHeight")
    assert height <= 12
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert 1 <= pdf.count(b"/Type /Page\n") <= 12
