import pytest

from corpus.documents import Mark
from corpus.formats.html import read_html

PAGE = """<!doctype html><html><head><title>Leave - Shop</title><style>p {{}}</style></head><body>
<header>Example Ltd</header><nav><a>Home</a></nav>
{}
<aside>Read more</aside><footer>Imprint</footer><script>alert("x")</script></body></html>"""


def text_of(body):
    return read_html(PAGE.format(body).encode()).text


def test_what_stands_around_the_article_and_scripts_are_left_out():
    assert text_of("<h1>Leave</h1><p>It is <b>paid</b>.</p>") == "Leave\n\nIt is paid."


def test_headings_become_marks_and_the_head_gives_the_title():
    body = "<h1>Leave</h1><p>Paid.</p><h2>Sick <i>leave</i></h2>"
    extracted = read_html(PAGE.format(body).encode())
    assert extracted.marks == (Mark(0, "heading", "Leave", 1), Mark(14, "heading", "Sick leave", 2))
    assert extracted.title == "Leave - Shop"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<ul><li>one<ul><li>in</li></ul></li><li><p>two</p></li></ul>", "- one\n  - in\n- two"),
        ("<ol><li>one</li><li>two</li></ol><p>End</p>", "1. one\n2. two\n\nEnd"),
        ("<p>one<br>two   three</p>", "one\ntwo three"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("loose<div>in</div>after", "loose\n\nin\n\nafter"),
        (
            "<h2>C#<a href='#c'>#</a></h2><p>A<a href='#n1'>[1]</a> <a href='#x'>¶</a></p>",
            "C#\n\nA[1]",
        ),
        ("<p>x &lt;b&gt; &amp; y</p>", "x <b> & y"),
        ("<p hidden>no</p><p style='display: none'>no</p>yes", "yes"),
        ("<div class='site-nav'>no</div><p class='sharers navy'>yes</p>", "yes"),
        ("<table><tr><th>Port<th>Ships<tr><td>Kep<td>3</table>", "Port | Ships\nKep | 3"),
        ("<table><tr><td><h2>A</h2><p>b</p></td><td>c</td></tr></table>", "A\n\nb\n\nc"),
    ],
)
def test_blocks_are_parted_and_lists_and_tables_are_lines(body, text):
    assert text_of(body) == text


def test_an_article_is_preferred_to_the_page_around_it():
    words = "The ship left the harbour " * 5
    assert text_of(f"<p>Offers</p><article><p>{words}</p></article>") == words.strip()


def test_a_page_of_nothing_but_navigation_is_read_whole():
    assert read_html(b"<nav>Home</nav>").text == "Home"


@pytest.mark.parametrize(
    "data",
    [
        "<p>café</p>".encode(),
        b"<meta charset='iso-8859-1'><p>caf\xe9</p>",
        b"<meta charset='nonsense'><p>le caf\xe9 de la gare</p>",
        "\ufeff<p>café</p>".encode("utf-16"),
    ],
)
def test_the_encoding_is_found(data):
    assert "café" in read_html(data).text


@pytest.mark.parametrize("tag", ["div", "b", "ul><li", "table><tr><td", "h1", "section"])
def test_ten_thousand_nested_tags_are_read(tag):
    assert "deep" in read_html(f"<{tag}>".encode() * 10_000 + b"deep").text
