import json

from bot.reader.squad import Item, Paragraph
from bot.reader.written import digest, written_questions

FERRY = Paragraph("The ferry carries forty passengers.", (Item("How many?", ((18, "forty"),)),))
BRIDGE = Paragraph("The bridge is closed.", (Item("What is closed?", ((0, "The bridge"),)),))


def test_paragraphs_get_the_questions_that_were_written_about_them_in_place_of_their_own(tmp_path):
    entry = {
        "paragraph": digest(FERRY.text),
        "answerable": [["What does the boat hold?", 18, 34]],
        "unanswerable": ["Who steers it?"],
    }
    (tmp_path / "000.json").write_text(json.dumps([entry]))
    [[ferry, bridge]] = written_questions([[FERRY, BRIDGE]], tmp_path)
    assert ferry == Paragraph(
        FERRY.text,
        (
            Item("What does the boat hold?", ((18, "forty passengers"),)),
            Item("Who steers it?", ()),
        ),
    )
    assert bridge == Paragraph(BRIDGE.text, ())


def test_the_written_questions_name_paragraphs_once_and_answers_that_are_not_empty():
    from bot.reader.written import _QUESTIONS

    entries = [
        entry
        for file in sorted(_QUESTIONS.glob("*.json"))
        for entry in json.loads(file.read_text("utf-8"))
    ]
    assert len({entry["paragraph"] for entry in entries}) == len(entries) > 0
    assert all(0 <= start < end for entry in entries for _, start, end in entry["answerable"])
