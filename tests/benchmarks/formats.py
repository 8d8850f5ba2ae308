"""How much of a known text comes back from files that ordinary programs made of it.

    python -m tests.benchmarks.formats [--f1] [--keep FOLDER]

Two texts are written as each format by LibreOffice, Chromium and pandoc, where they are installed:
the shipped document, and a report with headings, a list, a table and, in PDF, two columns. A table
gives the share of its words that are recovered in order, the headings found, and pages; with --f1
also the F1 of the shipped question set on each file of the shipped document, for which the reader
runs for a minute or two a file.
"""

import argparse
import html
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from corpus.documents import Document
from corpus.loaders import load_document, shipped_documents

QUESTIONS = Path(__file__).parents[2] / "corpus" / "questions" / "silent-observer.jsonl"
REPORT = """\
# Harbour report

## Methods

The survey counted every ship that called at the harbour between January and June. Each captain
answered twelve questions about cargo, crew and fuel. Two clerks compared the answers with the
books of the customs house, and where they differed a third clerk asked again.

Extraordinary circumstances interrupted the investigation for three weeks in March, because the
telecommunication infrastructure of the administrative district was unavailable. Representatives of
the neighbouring municipalities subsequently contributed supplementary documentation.

## Results

Altogether 455 ships called. The busiest berth was the northern one, which served four out of ten.

- Container ships stayed for two days.
- Fishing boats stayed for six hours.
- Ferries left within the hour.

| Port | Ships | Captain |
|---|---|---|
| Sihanoukville | 420 | Dara Sok |
| Kampot | 35 | Lina Chan |

### Costs

Dredging took most of the money. The lighthouse was repaired for 81,000 dollars, which is a third of
what had been set aside for it in the previous year.

## Outlook

The authority intends to deepen the channel before the monsoon. Interoperability of the
communication equipment remains a long-term responsibility of the international organisations.
"""
HEADINGS = ["Harbour report", "Methods", "Results", "Costs", "Outlook"]
_STYLE = "body {font: 12pt serif} section {columns: 2; text-align: justify; hyphens: auto}"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Made:
    """A file that a program made of a text."""

    program: str
    path: Path
    text: str
    headings: tuple[str, ...]


def main() -> None:
    """Make the files, read them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--f1", action="store_true", help="ask the shipped questions of each file")
    parser.add_argument("--keep", type=Path, help="a folder to keep the files in")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print("| text | made by | file | words in order | headings | pages | F1 |")
        print("|---|---|---|---|---|---|---|")
        for made in make_files(folder):
            document = load_document(made.path)
            f1 = f"{f1_on(document):.4f}" if options.f1 and not made.headings else ""
            print("|", " | ".join([*_cells(made, document), f1]), "|", flush=True)


def _cells(made: Made, document: Document) -> list[str]:
    found = [mark.label for mark in document.marks if mark.kind == "heading"]
    right = sum(heading in found for heading in made.headings)
    pages = sum(mark.kind == "page" for mark in document.marks)
    return [
        "report" if made.headings else "shipped",
        made.program,
        made.path.name,
        f"{recovered(made.text, document.text):.4f}",
        f"{right}/{len(made.headings)}, {len(found) - right} wrong" if made.headings else "",
        str(pages or ""),
    ]


def recovered(text: str, found: str) -> float:
    """Return the share of a text's words that another holds in the same order."""
    words, others = (_WORD.findall(part) for part in (text, found))
    matcher = SequenceMatcher(None, words, others, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(words)


def make_files(folder: Path) -> Iterator[Made]:
    """Write both texts in all formats that the installed programs can make."""
    shipped = (shipped_documents() / "silent-observer.txt").read_text("utf-8")
    for name, markdown, headings in (
        ("shipped", _escaped(shipped), ()),
        ("report", REPORT, tuple(HEADINGS)),
    ):
        text = shipped if not headings else _plain(REPORT)
        source = folder / f"{name}.md"
        source.write_text(markdown, "utf-8")
        if not headings:
            (folder / "shipped.txt").write_text(shipped, "utf-8")
            yield Made("(itself)", folder / "shipped.txt", text, headings)
        for program, path in _made_of(source, columns=bool(headings)):
            if path.is_file():
                yield Made(program, path, text, headings)


def _made_of(source: Path, *, columns: bool) -> Iterator[tuple[str, Path]]:
    folder, name = source.parent, source.stem
    pandoc = _program("pandoc", "--standalone", "--metadata", f"pagetitle={name}")
    office = _program("soffice", "--headless", "--convert-to")
    browser = _program("chromium", "--headless", "--no-sandbox", "--disable-gpu")
    page = folder / f"{name}.html"
    for suffix in ("html", "docx", "epub", "pptx"):
        pandoc(str(source), "-o", str(folder / f"{name}.{suffix}"))
        yield "pandoc", folder / f"{name}.{suffix}"
    office("odt", "--outdir", str(folder), str(folder / f"{name}.docx"))
    text = folder / f"{name}-office.odt"
    if (folder / f"{name}.odt").is_file():
        (folder / f"{name}.odt").rename(text)
    for suffix in ("pdf", "docx", "html"):
        office(suffix, "--outdir", str(folder), str(text))
        yield "LibreOffice", text.with_suffix(f".{suffix}")
    if columns:
        body = re.sub(
            r"(?s)(<body[^>]*>)(.*)(</body>)", r"\1<section>\2</section>\3", page.read_text()
        )
        page = folder / f"{name}-columns.html"
        page.write_text(body.replace("<head>", f"<head><style>{_STYLE}</style>"))
    browser(f"--print-to-pdf={folder / f'{name}-browser.pdf'}", page.absolute().as_uri())
    yield "Chromium", folder / f"{name}-browser.pdf"


def _program(name: str, *options: str) -> Callable[..., None]:
    """Return what runs a program with options before its arguments, or says that it is missing."""

    def run(*arguments: str) -> None:
        if shutil.which(name) is None:
            print(f"{name} is not installed")
            return
        subprocess.run([name, *options, *arguments], check=False, capture_output=True, timeout=120)

    return run


def _plain(markdown: str) -> str:
    """Return the words of the report, without its marks."""
    text = re.sub(r"(?m)^\|[-|]+\|$", "", markdown)
    return re.sub(r"(?m)^#+ |^- |\|", "", text)


def _escaped(text: str) -> str:
    """Write plain text as Markdown that means the same."""
    return re.sub(r"([\\`*_{}\[\]<>#+|~^$@-])", r"\\\1", html.unescape(text))


def f1_on(document: Document) -> float:
    """Return the mean F1 of the shipped questions, asked of one document."""
    from bot.evaluate import evaluate, load_predictions
    from bot.pipeline import Bot
    from bot.questions import load_questions
    from bot.run import ask_all, record_line
    from bot.settings import Settings
    from index.embedding import SentenceEncoder
    from index.passage_index import PassageIndex

    index = PassageIndex.build([document], encoder=SentenceEncoder(Settings().encoder))
    questions = load_questions(QUESTIONS)
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers.jsonl"
        answers.write_bytes(b"".join(map(record_line, ask_all(Bot(index), questions))))
        return evaluate(questions, load_predictions(answers)).f1 or 0.0


if __name__ == "__main__":
    main()
