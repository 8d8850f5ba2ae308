"""The page of a report in a real Chromium, from disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.report.page import write_report
from tests.test_report import contents, files
from tests.web_page import LOW_CONTRAST

pytestmark = pytest.mark.browser
__all__ = ["contents", "files"]


@pytest.fixture
def url(contents, tmp_path: Path) -> str:
    return write_report(tmp_path / "report", "a.jsonl to q.jsonl", contents).as_uri()


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=request.param, offline=True
    )
    page = context.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(url)
    # Nothing was refused that the page needs.
    assert messages == []
    yield page
    context.close()


def test_the_page_fits_a_phone(page):
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_every_plot_is_shown_for_the_scheme_of_the_page(page):
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    for image in page.locator("img").all():
        assert image.evaluate("image => image.naturalWidth") > 0
        shown = image.evaluate(
            "i => i.currentSrc === i.previousElementSibling.getAttribute('srcset')"
        )
        assert shown is dark


def test_text_can_be_read_in_both_schemes(page):
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate(LOW_CONTRAST.replace("#observer *", "body *")) == []


def test_questions_are_filtered_by_verdict(page):
    expect(page.locator(".entry:visible")).to_have_count(5)
    page.get_by_label("unfounded").press("Space")
    expect(page.locator(".entry:visible")).to_have_count(1)
    expect(page.locator(".entry:visible .question")).to_have_text("Who <i>steers</i>?")
    page.get_by_label("all").press("Space")
    expect(page.locator(".entry:visible")).to_have_count(5)


def test_a_question_opens_on_its_passage_with_the_quote_marked(page):
    entry = page.locator(".entry.wrong")
    expect(entry.locator("mark")).to_be_hidden()
    expect(entry.locator(".said")).to_be_visible()
    entry.locator("summary").press("Enter")
    expect(entry.locator("mark")).to_have_text("seven")
    expect(entry.locator(".said")).to_be_hidden()
    expect(entry.locator("u")).to_have_text("at noon")
    expect(entry.locator("blockquote")).to_contain_text("The <b>ferry</b> leaves")


def test_no_script_runs(page):
    page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = 'window.ran = true';
          document.body.append(script);
        }"""
    )
    assert page.evaluate("window.ran") is None
