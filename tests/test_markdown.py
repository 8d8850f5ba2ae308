from corpus.documents import Document
from corpus.formats.markdown import read_markdown
from corpus.passages import split_document

TEXT = """# Report

Opening words.

Results
-------

The **ship** left. ```

## A [link](x) and `code` ##

~~~
# no heading
~~~

- item
---
"""


def labels(text):
    return [(mark.level, mark.label) for mark in read_markdown(text.encode()).marks]


def test_the_text_stays_as_it_is():
    assert read_markdown(TEXT.encode()).text == TEXT


def test_headings_are_found_with_their_level_and_without_their_markup():
    assert labels(TEXT) == [(1, "Report"), (2, "Results"), (2, "A link and code")]


def test_a_mark_stands_where_its_heading_begins():
    extracted = read_markdown(TEXT.encode())
    assert [extracted.text[mark.start :][:7] for mark in extracted.marks] == [
        "# Repor",
        "Results",
        "## A [l",
    ]


def test_a_line_under_a_list_or_nothing_is_no_heading():
    assert labels("- item\n---\n\n---\n") == []


def test_a_location_is_the_path_of_headings_without_the_title():
    extracted = read_markdown(b"# Report\n\n## Results\n\n### Ships\n\nOne left.\n\n## End\n\nBye.")
    document = Document("r.md", extracted.text, "Report", "0", marks=extracted.marks)
    assert document.location(extracted.text.index("One")) == "Results › Ships"
    assert document.location(extracted.text.index("Bye")) == "End"
    assert document.location(0) == ""


def test_a_passage_is_found_by_its_headings_and_does_not_cross_them():
    words = "Many ships left the harbour that year and none of them came back before the winter."
    text = f"# Report\n\n{words}\n\n## Results\n\n{words}\n\n{words}\n"
    extracted = read_markdown(text.encode())
    document = Document("r.md", text, "Report", "0", marks=extracted.marks)
    passages = split_document(document)
    # The heading itself opens the first passage under it; the second is only found by it.
    assert [("Results" in p.text, p.context) for p in passages][1:] == [
        (True, ""),
        (False, "Results"),
    ]
