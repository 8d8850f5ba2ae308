"""HTML: the article without what stands around it, its headings, lists and tables kept."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from corpus.formats.structure import Extracted, TextBuilder, table_lines
from corpus.text import decode_text

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_CHARSET = re.compile(rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)=[\"']?([\w-]{2,40})", re.I)
_NO_TEXT = frozenset(
    """
    script style noscript template head iframe object embed svg canvas audio video map select
    datalist button dialog input textarea progress meter
    """.split()
)
_AROUND = frozenset("nav aside footer menu search".split())
_AROUND_ROLES = frozenset(
    "navigation banner contentinfo complementary search menu menubar dialog alert".split()
)
_AROUND_NAMES = re.compile(
    r"(?:\S+[_-])?(?:nav|navbar|navigation|breadcrumbs?|sidebar|noprint|editsection)(?:[_-]\S+)?"
    r"|(?:site|main|top|page|skip)?[_-]?(?:menu|toc|footer)|ads?|advert\S*|cookie\S*"
    r"|(?:social|share|sharing)(?:[_-](?:links|buttons|bar|icons))?|newsletter|pagination",
    re.I,
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_BLOCKS = frozenset(
    """
    address article blockquote body caption center dd details div dl dt fieldset figcaption figure
    footer form header hr html legend main nav aside ol p pre section summary table tbody td tfoot
    th thead tr ul li h1 h2 h3 h4 h5 h6 option
    """.split()
)
_MAX_CELL_WORDS = 40
_MAX_INDENT = 8


def read_html(data: bytes) -> Extracted:
    """Read the article of a web page, or the whole page where no part of it is marked as such."""
    return extract_html(decode_html(data), whole=False)


def decode_html(data: bytes) -> str:
    """Decode a page: UTF-8, else the encoding it declares, else the best guess.

    Raises:
        NoTextError: The bytes are no text in any known encoding.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        declared = _CHARSET.search(data[:2048])
    if declared:
        try:
            return data.decode(declared[1].decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass
    return decode_text(data)


def extract_html(html: str, *, whole: bool, builder: TextBuilder | None = None) -> Extracted:
    """Turn HTML into text.

    Args:
        html: A page, or a part of one.
        whole: Keep all that has words; else navigation and the like are left out.
        builder: What to add to; a new text by default.
    """
    from selectolax.lexbor import LexborHTMLParser

    parser = LexborHTMLParser(html.replace("\0", " "))
    root = parser.body
    title = parser.css_first("head title")
    writer = _Writer(builder or TextBuilder(), whole=whole)
    if root is not None:
        writer.write(root if whole else _article(root))
        if not whole and not writer.has_words:
            writer = _Writer(builder or TextBuilder(), whole=True)
            writer.write(root)
    return writer.builder.build(title=title.text() if title else "")


def _article(body: "LexborNode") -> "LexborNode":
    """Find the element that holds the article: the only one that is marked as such."""
    for selector in ("main, [role=main]", "article"):
        found = [node for node in body.css(selector) if not _has_ancestor(node, ("article",))]
        if len(found) == 1 and len(found[0].text().split()) >= 20:
            return found[0]
    return body


def _has_ancestor(node: "LexborNode", tags: tuple[str, ...]) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag in tags:
            return True
        parent = parent.parent
    return False


class _Writer:
    """Writes the elements of a page as blocks of text, without recursion: pages nest deeply."""

    def __init__(self, builder: TextBuilder, *, whole: bool) -> None:
        self.builder = builder
        self.has_words = False
        self._whole = whole
        self._inline: list[str] = []
        self._lists: list[int | None] = []
        self._item_open = False
        self._bullet = ""
        self._n_pre = 0

    def write(self, root: "LexborNode") -> None:
        """Write an element and all that is in it."""
        skipped: int | None = None
        for node, enters in _events(root):
            if skipped is not None:
                if not enters and node.mem_id == skipped:
                    skipped = None
                continue
            if not enters:
                self._leave(node.tag or "")
            elif node.is_text_node:
                self._inline.append(self._spaced(node.text_content or ""))
            elif node.is_element_node and self._takes_over(node, root):
                skipped = node.mem_id
            else:
                self._enter(node.tag or "")
        self._end_block()

    def _takes_over(self, node: "LexborNode", root: "LexborNode") -> bool:
        """Leave an element out, or write it as a whole: a heading, a table of data."""
        tag = node.tag or ""
        if _has_no_text(node) or (node.mem_id != root.mem_id and self._is_around(node)):
            return True
        if re.fullmatch("h[1-6]", tag):
            self._end_block()
            words = _words(node)
            self.builder.add_heading(words, int(tag[1]))
            self.has_words = self.has_words or bool(words)
            return True
        if tag == "table" and (rows := _data_rows(node)) is not None:
            self._end_block()
            caption = node.css_first("caption")
            if caption:
                self.builder.add(_words(caption))
            self.builder.add(table_lines(rows))
            self.has_words = self.has_words or bool(rows)
            return True
        return False

    def _is_around(self, node: "LexborNode") -> bool:
        if self._whole:
            return False
        attributes = node.attributes
        if "hidden" in attributes or (attributes.get("aria-hidden") or "").lower() == "true":
            return True
        if _HIDDEN_STYLE.search(attributes.get("style") or ""):
            return True
        tag = node.tag or ""
        if tag in _AROUND or (attributes.get("role") or "").lower() in _AROUND_ROLES:
            return True
        if tag == "header":
            return not _has_ancestor(node, ("article", "main")) and not node.css_first("h1")
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".split()
        return tag not in {"body", "main", "article"} and any(map(_AROUND_NAMES.fullmatch, names))

    def _enter(self, tag: str) -> None:
        if tag == "br":
            self._inline.append("\n")
            return
        if tag not in _BLOCKS:
            return
        self._end_block()
        if tag == "pre":
            self._n_pre += 1
        elif tag in {"ul", "ol"}:
            self._lists.append(0 if tag == "ol" else None)
        elif tag == "li":
            indent = "  " * min(len(self._lists) - 1, _MAX_INDENT)
            if self._lists and (number := self._lists[-1]) is not None:
                self._lists[-1] = number + 1
                self._bullet = f"{indent}{number + 1}. "
            else:
                self._bullet = f"{indent}- "

    def _leave(self, tag: str) -> None:
        if tag not in _BLOCKS:
            return
        self._end_block()
        if tag == "pre":
            self._n_pre -= 1
        elif tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
            self._item_open = self._item_open and bool(self._lists)

    def _spaced(self, text: str) -> str:
        return text if self._n_pre else re.sub(r"[ \t\r\n\f]+", " ", text)

    def _end_block(self) -> None:
        text = "".join(self._inline)
        self._inline.clear()
        if not self._n_pre:
            text = "\n".join(re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n"))
        if not text.strip():
            return
        self.has_words = True
        in_list = bool(self._lists)
        if self._bullet:
            text = self._bullet + text.strip()
            self._bullet = ""
        self.builder.add(text, gap="\n" if in_list and self._item_open else "\n\n")
        self._item_open = in_list


def _events(root: "LexborNode") -> Iterator[tuple["LexborNode", bool]]:
    """Yield every node when it is entered and, if it is an element, when it is left."""
    node = root
    yield node, True
    while True:
        below = node.child
        if below is not None:
            node = below
            yield node, True
            continue
        while True:
            if node.is_element_node:
                yield node, False
            if node.mem_id == root.mem_id:
                return
            beside, above = node.next, node.parent
            if beside is not None:
                node = beside
                yield node, True
                break
            if above is None:
                return
            node = above


def _has_no_text(node: "LexborNode") -> bool:
    """Tell whether an element is a script or the like, or a sign that links to its own heading."""
    if node.tag == "a" and (node.attributes.get("href") or "").startswith("#"):
        return not re.search(r"\w", node.text())
    return node.tag in _NO_TEXT


def _words(node: "LexborNode") -> str:
    """Return the words of an element, without scripts; a line break parts words."""
    parts = []
    skipped: int | None = None
    for inner, enters in _events(node):
        if skipped is not None:
            if not enters and inner.mem_id == skipped:
                skipped = None
        elif enters and inner.is_element_node and _has_no_text(inner):
            skipped = inner.mem_id
        elif enters and inner.is_text_node:
            parts.append(inner.text_content or "")
        elif inner.tag == "br" or inner.tag in _BLOCKS:
            parts.append(" ")
    return " ".join("".join(parts).split())


def _data_rows(table: "LexborNode") -> list[list[str]] | None:
    """Return the cells of a table; None for one that only lays out the page."""
    if table.css_first("table table, h1, h2, h3, ul, ol") or not table.css_first("td, th"):
        return None
    rows = [[_words(cell) for cell in row.css("td, th")] for row in table.css("tr")]
    rows = [row for row in rows if any(row)]
    cells = [cell for row in rows for cell in row]
    if max((len(row) for row in rows), default=0) < 2:
        return None
    if sum(len(cell.split()) for cell in cells) > _MAX_CELL_WORDS * len(cells):
        return None
    return rows
