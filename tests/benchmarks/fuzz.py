"""Give damaged files to every reader: python -m tests.benchmarks.fuzz [--minutes N] [--seed N]

A small file of each kind is damaged at random, of packages also their members, and read as the bot
reads it. It must be read or refused with a reason; anything else is a fault. Files that ended the
parsers' process or took too long are refused, too, but counted apart and kept.
"""

import argparse
import io
import json
import sys
import time
import traceback
import zipfile
import zlib
from collections import Counter
from itertools import cycle
from pathlib import Path

import numpy as np

from corpus.errors import UnreadableDocumentError
from corpus.worker import ReadLimits, Worker
from tests.office_files import docx_of, epub_of, pptx_of, with_part, xlsx_of
from tests.pdf_writer import lines_from, pdf_of

PACKAGES = frozenset({"docx", "pptx", "xlsx", "epub"})
SECONDS = 20
REFUSALS = {"crash": "ended the program that reads it", "late": "takes longer than"}
ENDS = ("read", "refused", *REFUSALS, "fault")
ROWS = [["ship", "passengers"], ["Westerdam", 2200], ["Sea Star", 41.5]]
PAGE = (
    "<html><head><title>Ships</title></head><body><nav>Home</nav><article><h1>Ships</h1>"
    "<p>The <b>Westerdam</b> carried 2,200 passengers.</p><ul><li>rice<li>tea</ul>"
    "<table><tr><th>ship<td>port</table></article></body></html>"
)
MAIL = (
    "From: =?utf-8?q?Fran=C3=A7ois?= <f@example.org>\r\nSubject: Ships\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html; '
    "charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>One =E2=82=AC left.</p>"
    "\r\n--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=a.png\r\n\r\nx"
    "\r\n--b--\r\n"
)


def whole_files() -> dict[str, bytes]:
    """Write a file of each kind."""
    chapter = "<html><body><h1>Ports</h1><p>The ship left the port at noon.</p></body></html>"
    marked = "# Ships\n\n| ship | port |\n|---|---|\n| Star | Riga |\n\n- rice\n- tea\n\n> left\n"
    return {
        "text": "The Westerdam carried 2,200 passengers.\n\nភ្នំពេញ, القاهرة.\n".encode(),
        "markdown": marked.encode(),
        "pdf": pdf_of(
            lines_from(72, 700, "The ship left the port", "at noon."),
            lines_from(72, 700, "Page two (of two)"),
            outline=(("Ports", 1),),
        ),
        "docx": docx_of(("Heading 1", "Ships"), "The ship left.", table=[["ship", "port"]] * 2),
        "pptx": pptx_of(("Ships", "One left\nTwo came"), notes="At noon"),
        "xlsx": xlsx_of(Ships=ROWS, Ports=[["Riga"]]),
        "html": PAGE.encode(),
        "epub": epub_of(chapter, chapter),
        "table": b'ship,passengers\n"Westerdam, the",2200\nStar,41\n',
        "json": json.dumps({"ships": [{"name": "Star", "n": 41}, None, [1.5]]}).encode(),
        "json lines": b'{"ship": "Star"}\n{"ship": "Westerdam", "n": [1, 2]}\n',
        "mail": MAIL.encode(),
    }


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Remove, overwrite, repeat, or exchange parts of a file."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(len(found) + 1))
        length = int(rng.choice((1, 2, 8, 64, 1000)))
        part = bytes(found[place : place + length])
        match int(rng.integers(6)):
            case 0:
                del found[place : place + length]
            case 1:
                found[place : place + length] = rng.bytes(len(part))
            case 2:
                found[place:place] = part * int(rng.integers(1, 50))
            case 3:
                other = int(rng.integers(len(found) + 1))
                found[other:other] = part
            case 4 if place < len(found):
                found[place] ^= 1 << int(rng.integers(8))
            case _:
                del found[place:]
    return bytes(found)


def damaged_package(data: bytes, rng: np.random.Generator) -> bytes:
    """Damage one member, and pack it anew."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        files = {name: package.read(name) for name in package.namelist()}
    name = sorted(files)[int(rng.integers(len(files)))]
    packed: bytes = with_part(data, name, damaged(files[name], rng))
    return packed


def damaged_file(kind: str, data: bytes, seed: tuple[int, int]) -> bytes:
    """Damage a file, the same for the same seed."""
    rng = np.random.default_rng([*seed, zlib.crc32(kind.encode())])
    if kind in PACKAGES and rng.random() < 0.8:
        return damaged_package(data, rng)
    return damaged(data, rng)


def read(worker: Worker, kind: str, data: bytes) -> str:
    """Read a file as the bot does; return how that ended."""
    try:
        extracted = worker.read(kind, data)
    except UnreadableDocumentError as error:
        ways = (way for way, words in REFUSALS.items() if words in str(error))
        return next(ways, "refused")
    except Exception:  # noqa: BLE001
        return traceback.format_exc()
    starts = [mark.start for mark in extracted.marks]
    if starts != sorted(starts) or any(not 0 <= s <= len(extracted.text) for s in starts):
        return f"a mark is out of order or outside the text: {starts}"
    return "read"


def main() -> None:
    """Damage and read until the time is up, then print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("build/fuzz"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    whole, counts = whole_files(), Counter[tuple[str, str]]()
    worker, stop = Worker(ReadLimits(seconds=SECONDS)), time.monotonic() + 60 * options.minutes
    for number, kind in enumerate(cycle(whole)):
        if time.monotonic() > stop:
            break
        data = damaged_file(kind, whole[kind], (options.seed, number))
        ended = read(worker, kind, data)
        if ended not in ENDS[:2]:
            file = options.output / f"{kind.replace(' ', '-')}-{options.seed}-{number}"
            file.write_bytes(data)
            print(f"{file}: {ended}", file=sys.stderr)
        counts[kind, ended if ended in ENDS else "fault"] += 1
    worker.close()
    print("| kind | " + " | ".join(ENDS) + " |\n|---" + "|---" * len(ENDS) + "|")
    for kind in whole:
        print(f"| {kind} | " + " | ".join(str(counts[kind, end]) for end in ENDS) + " |")
    print(f"\n{counts.total():,} damaged files in {options.minutes:g} minutes")
    sys.exit(1 if any(counts[kind, "fault"] for kind in whole) else 0)


if __name__ == "__main__":
    main()
