import pytest

from corpus.languages import is_mostly_english
from corpus.loaders import shipped_documents


def test_the_shipped_document_is_in_english():
    assert is_mostly_english((shipped_documents() / "silent-observer.txt").read_text("utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12 345",
        "Westerdam",
        "Who called Hun Sen?",
        "Westerdam | 2020 | Sihanoukville\nDream | 2021 | Kampot\n" * 10,
        "The café's naïve résumé was on the table, and it is not clear who had written it. " * 3,
    ],
)
def test_english_and_what_tells_too_little_pass(text):
    assert is_mostly_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "ភាសាខ្មែរជាភាសាកំណើតរបស់ជនជាតិខ្មែរ",
        "اللغة العربية هي أكثر اللغات السامية تحدثا",
        "Комитет собрался в понедельник и принял решение.",
        "Wann wurde das Schiff gebaut?",
        "Qui a écrit cet article?",
        "Der Ausschuss hat am Montag getagt, und die Mitglieder haben den Bericht, der im Mai "
        "erschienen war, mit großer Mehrheit angenommen, ohne dass es eine Aussprache gab.",
    ],
)
def test_other_languages_are_told(text):
    assert not is_mostly_english(text)
