"""Serving the web chat to the browser tests, and acting on its page."""

import json
import shutil
from pathlib import Path

from playwright.sync_api import Page

from bot.upload import MEGABYTE, UploadSettings
from bot.web import WebSettings, build_app, serve
from bot.web.app import ChatApp
from tests.web_stub import StubSuggester, stub_bot

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
# Text whose contrast with its background is too low: WCAG 2, level AA.
LOW_CONTRAST = """
() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) =>
    [r, g, b]
      .map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const background = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const color = parse(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll("#observer *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const pair = [luminance(parse(style.color)), luminance(background(element))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) low.push(`${element.className || element.tagName}: ${ratio.toFixed(2)}`);
  }
  return low;
}
"""


# Controls that a screen reader has no name for.
NAMELESS = """
() => [...document.querySelectorAll("#observer :is(button, a, textarea, select, input)")]
  .filter((e) => e.checkVisibility())
  .filter((e) => !(e.getAttribute("aria-label") || e.innerText.trim() || e.labels?.length))
  .map((e) => e.outerHTML)
"""


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def start(port: int, feedback_path: Path, *texts: str) -> tuple[ChatApp, str]:
    uploads = UploadSettings(
        max_bytes=MEGABYTE, max_documents=3, folder=feedback_path.parent / "uploads"
    )
    settings = WebSettings(feedback_path=feedback_path, uploads=uploads)
    app = build_app(stub_bot(*texts), settings, suggester=StubSuggester())
    url = serve(app, host="127.0.0.1", port=port, sign_in=None, open_browser=False)
    return app, url


def open_page(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_selector("#observer[data-ready]")


def ask(page: Page, question: str) -> None:
    n_turns = page.locator(".turn").count()
    page.get_by_label("Your question").fill(question)
    page.get_by_label("Your question").press("Enter")
    page.wait_for_function(
        "n => document.querySelectorAll('.turn .tools:not([hidden])').length > n", arg=n_turns
    )


def is_in_view(page: Page, selector: str) -> bool:
    return bool(
        page.locator(selector).first.evaluate(
            """element => {
              const box = element.getBoundingClientRect();
              return box.top >= 0 && box.bottom <= innerHeight && box.height > 0;
            }"""
        )
    )


def rows(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def overflow(page: Page) -> int:
    return int(
        page.evaluate(
            """() => Math.max(
              ...[...document.querySelectorAll('html, #observer, #panes, #chat, #document')]
                .map((element) => element.scrollWidth - element.clientWidth))"""
        )
    )
