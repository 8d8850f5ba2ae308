import hashlib
import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import BertPreTokenizer

from bot.reader.calibration import Calibration
from bot.reader.extractive import ExtractiveReader, packaged_weights, whole_words
from bot.reader.onnx_model import OnnxSpanModel
from corpus.errors import ReaderError
from corpus.passages import FRONT_CONTEXT, Passage
from index.passage_index import Hit

VOCABULARY = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "forty", "passengers", "nets", "null"]
# Logits by word: "forty" starts an answer and "passengers" ends one, "nets" is a weaker answer.
STARTS = {"forty": 5.0, "nets": 3.0, "[CLS]": 1.0}
ENDS = {"passengers": 5.0, "forty": 1.0, "nets": 3.0, "[CLS]": 1.0}
WINDOW = {"max_tokens": 12, "max_question_tokens": 4, "overlap": 3}


def word_model():
    """A model whose logits depend on nothing but the word at their position."""
    nodes, tables = [], []
    for name, logits in (("start", STARTS), ("end", ENDS)):
        table = np.array([logits.get(word, -5.0) for word in VOCABULARY], dtype=np.float32)
        tables.append(numpy_helper.from_array(table, name))
        nodes.append(helper.make_node("Gather", [name, "input_ids"], [f"{name}_logits"]))
    shape = ["batch", "length"]
    names = ["input_ids", "attention_mask", "token_type_ids"]
    graph = helper.make_graph(
        nodes,
        "words",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in names],
        [
            helper.make_tensor_value_info(f"{name}_logits", TensorProto.FLOAT, shape)
            for name in ("start", "end")
        ],
        tables,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture
def folder(tmp_path):
    model = word_model()
    tokenizer = Tokenizer(
        WordLevel({word: number for number, word in enumerate(VOCABULARY)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    (tmp_path / "reader.onnx").write_bytes(model)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    settings = WINDOW | {"sha256": hashlib.sha256(model).hexdigest()}
    (tmp_path / "model.json").write_text(json.dumps(settings), encoding="utf-8")
    return tmp_path


@pytest.fixture
def reader(folder):
    model = OnnxSpanModel.load(folder)
    return ExtractiveReader(model, Calibration(model.fingerprint, 1.0, 0.5, -1.0, 0.5))


def hit(text, *, start=0, rank=1, score=0.0, context=""):
    return Hit(Passage("harbour.txt", start, start + len(text), text, context), score, rank)


def test_a_span_is_given_at_its_place_in_the_document(reader):
    reading = reader.read("How many?", [hit("It carries forty passengers.", start=100)])
    best = reading.spans[0]
    assert (best.text, best.start, best.end) == ("forty passengers", 111, 127)


def test_the_score_is_the_lead_over_the_null_score_plus_the_weighted_retrieval_score(reader):
    best = reader.read("How many?", [hit("forty passengers", score=0.25)]).spans[0]
    # Start and end 5 each, null 1 each, 0.03 for the second word, a quarter of the weight of 1.
    assert best.score == pytest.approx(8.22)


def test_confidence_is_the_logistic_of_the_lead_alone(reader):
    reading = reader.read("How many?", [hit("forty passengers", score=0.25)])
    # 1 / (1 + exp(-(0.5 * 7.97 - 1))) = 1 / (1 + exp(-2.985))
    assert reading.confidence == pytest.approx(0.9519, abs=1e-4)


def test_the_passage_that_answers_comes_first(reader):
    first, second = hit("He mended nets.", rank=1), hit("Only forty passengers.", rank=2)
    reading = reader.read("How many?", [first, second])
    assert reading.hits == (second, first)
    assert [span.text for span in reading.spans][:2] == ["forty passengers", "nets"]


def test_what_is_to_be_listed_is_a_list(reader):
    one, several = hit("Only forty passengers."), hit("He sold nets, sails and tar.", rank=2)
    assert reader.read("Whom or what?", [one, several]).spans[0].hit is one
    spans = reader.read("List all.", [one, several]).spans
    assert (spans[0].hit, spans[0].text) == (several, "nets, sails and tar")


def test_a_passage_loses_by_the_words_of_the_question_that_it_lacks(reader):
    hits = [hit("The barge, forty passengers."), hit("The ferry, forty passengers.", rank=2)]
    # "ferry" is all of the question that is mentioned anywhere.
    spans = reader.read("How many does the ferry take?", hits).spans
    best, other = (next(span for span in spans if span.hit is one) for one in reversed(hits))
    assert spans[0] is best
    assert best.score - other.score == pytest.approx(4.0)


def test_a_passage_longer_than_the_window_is_read_to_its_end(reader):
    text = "word " * 50 + "forty passengers " + "word " * 50
    assert reader.read("How many?", [hit(text)]).spans[0].text == "forty passengers"


def test_the_context_of_a_passage_is_read_but_never_quoted(reader):
    reading = reader.read("Who?", [hit("He mended nets.", context="forty passengers")])
    assert reading.spans[0].text == "nets"


def test_an_answer_never_reaches_over_a_blank_line(reader):
    reading = reader.read("How many?", [hit("only forty\n\npassengers")])
    assert reading.spans[0].text == "forty"


@pytest.mark.parametrize(
    "text", ["", " ", "x", "\U0001f600", "مرحبا بالعالم", "a" * 100_000, "\x00\x1b[2J", "nets"]
)
def test_odd_passages_and_questions_never_crash(reader, text):
    reading = reader.read(text, [hit(text), hit("He mended nets.", rank=2)])
    assert reading.spans[0].text in {"nets", text.strip()}


def test_a_question_longer_than_the_window_is_cut(reader):
    assert reader.read("why " * 500, [hit("forty passengers")]).spans[0].text == "forty passengers"


def test_without_passages_there_is_nothing_to_be_sure_of(reader):
    reading = reader.read("How many?", [])
    assert (reading.spans, reading.confidence) == ((), 0.0)


def test_words_that_no_passage_holds_are_named(reader):
    reading = reader.read("How many submarines dock?", [hit("Forty docked.")])
    assert reading.missing == ("many", "submarines")


def test_the_tokens_of_the_last_passages_are_at_hand_and_no_others(folder):
    model = OnnxSpanModel.load(folder)
    texts = ["It carries forty passengers.", "", "forty nets"]

    def spans(question, texts):
        return [
            (part.text_number, part.offsets.tolist(), part.starts.tolist(), part.null)
            for part in model.logits(question, texts)
        ]

    first = spans("How many?", texts)
    assert first == spans("forty ?", texts)
    assert set(model._known) == set(texts)
    assert {row[0] for row in spans("How many?", texts[2:] * 2)} == {0, 1}
    assert set(model._known) == {"forty nets"}


def test_the_packaged_reader_holds_no_operator_that_is_slow_on_a_processor():
    graph = (packaged_weights() / "reader.onnx").read_bytes()
    assert b"LayerNormalization" in graph
    assert b"SkipLayerNormalization" not in graph


def test_altered_weights_are_refused_in_one_line(folder):
    weights = folder / "reader.onnx"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ReaderError, match=r"reader\.onnx: was altered; reinstall silent-observer"):
        OnnxSpanModel.load(folder)


@pytest.mark.parametrize("name", ["reader.onnx", "tokenizer.json", "model.json"])
def test_a_missing_file_is_refused_in_one_line(folder, name):
    (folder / name).unlink()
    with pytest.raises(ReaderError, match=f"cannot be read as a reader.*{name}") as caught:
        OnnxSpanModel.load(folder)
    assert "\n" not in str(caught.value)


def test_settings_that_lack_a_number_are_refused(folder):
    (folder / "model.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ReaderError, match="missing 1 required"):
        OnnxSpanModel.load(folder)


@pytest.mark.parametrize(
    ("text", "piece", "word"),
    [
        ("the Westerdam docked", "ester", "Westerdam"),
        ("it cost $40 then", "40", "$40"),
        ("about 12% of it", "12", "12%"),
        ("more than 2,200 passengers", "2,200", "2,200"),
        ("by Ek Tha", "Ek Tha", "Ek Tha"),
        ("support from the U.S. is key", "U.S", "U.S."),
        ("He came. She left.", "came", "came"),
    ],
)
def test_a_span_of_word_pieces_is_widened_to_whole_words(text, piece, word):
    start = text.index(piece)
    first, last = whole_words(text, start, start + len(piece))
    assert text[first:last] == word


def test_an_abbreviation_is_spelled_out_by_its_letters_or_not_at_all(reader):
    passages = [hit("He mended Old Lamp Nets (OLN) nets."), hit("forty passengers", rank=2)]
    assert reader.read("What does OLN stand for?", passages).spans[0].text == "Old Lamp Nets"
    silent = reader.read("What does XYZ stand for?", passages)
    assert silent.confidence < reader.read("How many?", passages).confidence


def test_the_title_is_answered_whole_whatever_the_model_says(reader):
    front = hit("Nets and Ferries\n\nKep, May 3, 2021 —", context=FRONT_CONTEXT)
    other = hit("It carries forty passengers.", start=100, rank=2)
    assert reader.read("What is the title?", [other, front]).spans[0].text == "Nets and Ferries"
