import gzip
import json
from itertools import islice

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from torch import nn
from transformers import BertConfig

from bot.reader import train, training_data
from bot.reader.development import best_span, reader_logits
from bot.reader.dropout import with_dropout
from bot.reader.model import SpanReader, make_batch, span_loss
from bot.reader.sequences import MAX_TOKENS, Sequences, encode, token_span, window
from bot.reader.squad import Item, Paragraph, load_articles
from bot.reader.train import Trainer, TrainSettings, epoch_batches, learning_rate_factor
from bot.reader.training_data import (
    DEVELOPMENT_ARTICLES,
    Pair,
    altered_questions,
    cut,
    hard_negatives,
    noisy,
    pairs_of,
    pools,
    sampled,
    split_by_article,
    without_answers,
)
from bot.reader.weights_file import load_weights, mixed
from bot.reader.written import written_articles
from corpus.passages import FRONT_CONTEXT

HARBOUR = Paragraph(
    "The harbour of Rotterdam opened in 1872. It was dredged twice. The mayor paid for the quay.",
    (
        Item("When did the harbour open?", ((35, "1872"),)),
        Item("Who paid for the harbour quay?", ((63, "The mayor"),)),
    ),
)
BRIDGE = Paragraph("The harbour bridge of Delft opened in 1905, when the old quay was sold.", ())
MAYOR = Paragraph("The harbour fell silent in 1872 once the mayor had left the quay.", ())


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def tokenizer():
    words = (
        "[PAD] [UNK] [CLS] [SEP] a b c d e f g h when did it open the harbour opened in 1872 . ?"
    )
    made = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words.split())}, "[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


def tiny_reader():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return SpanReader(config)


@pytest.fixture
def sequences(tokenizer, rng):
    answered = [Pair("a b ?", "c d e f", 2 * i, 2 * i + 1, ("c d e f"[2 * i],)) for i in range(4)]
    return encode([*answered, Pair("g ?", "a b c")], tokenizer, rng)


def test_an_article_is_read_with_its_answers(tmp_path):
    question = {
        "id": "1",
        "question": " When? ",
        "answers": [{"text": "now", "answer_start": 3}],
        "is_impossible": False,
    }
    entry = {"title": "Time", "paragraphs": [{"context": "It now is.", "qas": [question]}]}
    file = tmp_path / "set.json.gz"
    with gzip.open(file, "wt", encoding="utf-8") as stream:
        json.dump({"version": "v2.0", "data": [entry]}, stream)
    assert load_articles(file) == {
        "Time": [Paragraph("It now is.", (Item("When?", ((3, "now"),)),))]
    }


def test_the_adversarial_set_is_split_by_article():
    articles = {title: [HARBOUR] for title in [*DEVELOPMENT_ARTICLES, "Normans", "Warsaw"]}
    training, development = split_by_article(articles)
    assert sorted(training) == ["Normans", "Warsaw"]
    assert set(development) == DEVELOPMENT_ARTICLES


def test_small_articles_share_a_pool_and_large_ones_are_cut():
    found = pools([[BRIDGE] * 3, [MAYOR] * 2, [HARBOUR] * 20, [BRIDGE] * 450])
    assert [len(pool) for pool in found] == [20, 200, 200, 50, 5]


def test_a_sample_keeps_every_paragraph(rng):
    (pool,) = sampled([[HARBOUR, BRIDGE, HARBOUR]], 3, rng)
    assert [paragraph.text for paragraph in pool] == [HARBOUR.text, BRIDGE.text, HARBOUR.text]
    assert sum(len(paragraph.items) for paragraph in pool) == 3


def test_gold_pairs_name_the_answer(rng):
    pairs = [pair for pair in pairs_of([[HARBOUR, BRIDGE]], rng) if pair.start >= 0]
    assert [pair.passage[pair.start : pair.end] for pair in pairs] == ["1872", "The mayor"]


def test_the_answer_of_most_annotators_is_the_label(rng):
    item = Item("When?", ((35, "1872"), (32, "in 1872"), (35, "1872")))
    (pair, *_) = pairs_of([[Paragraph(HARBOUR.text, (item,))]], rng)
    assert pair.passage[pair.start : pair.end] == "1872"
    assert pair.answers == ("1872", "in 1872")


def test_a_hard_negative_holds_no_answer(rng):
    found = hard_negatives([HARBOUR, BRIDGE, MAYOR], rng, share=1.0)
    # The paragraph on the mayor holds both answers, in whatever case.
    assert found == [Pair(item.question, BRIDGE.text) for item in HARBOUR.items]


def test_a_lone_paragraph_has_no_hard_negatives(rng):
    assert hard_negatives([HARBOUR], rng) == []


@pytest.mark.parametrize(
    ("question", "altered"),
    [
        ("What opened in 1872?", {"What opened in 1905?"}),
        ("What was the first quay?", {"What was the last quay?", "What wasn't the first quay?"}),
        ("Which quay?", set()),
    ],
)
def test_a_question_is_altered_until_its_passage_does_not_answer(
    question, altered, monkeypatch, rng
):
    monkeypatch.setattr(training_data, "_ALTERED_SHARE", 1.0)
    asked = Paragraph(HARBOUR.text, (Item(question, ((0, "The harbour"),)),) * 60)
    found = altered_questions([asked, BRIDGE], rng)
    assert {pair.question for pair in found} == altered
    assert all(pair.start < 0 for pair in found)


def test_a_passage_without_the_sentence_that_answers_is_a_negative(monkeypatch, rng):
    monkeypatch.setattr(training_data, "_WITHOUT_ANSWER_SHARE", 1.0)
    found = without_answers([HARBOUR], rng)
    assert [pair.passage for pair in found] == [
        "It was dredged twice. The mayor paid for the quay.",
        "The harbour of Rotterdam opened in 1872. It was dredged twice.",
    ]


def test_a_written_article_is_cut_as_the_bot_cuts_it(tmp_path):
    article = {
        "title": "The Harbour",
        "paragraphs": [
            {"text": "By Ana Kowal", "answerable": [["Who wrote it?", "Ana Kowal"]]},
            {
                "text": "The quay was sold in 1905. " + "It stood for many years there. " * 4,
                "answerable": [["When was it sold?", "1905"]],
                "unanswerable": ["When was it built?"],
            },
        ],
    }
    (tmp_path / "harbour.json").write_text(json.dumps(article), encoding="utf-8")
    [passages] = written_articles(tmp_path)
    assert passages[0].text.startswith(FRONT_CONTEXT)
    asked = [(item, passage.text) for passage in passages for item in passage.items]
    assert [item.question for item, _ in asked] == [
        "Who wrote it?",
        "When was it sold?",
        "When was it built?",
    ]
    for item, text in asked:
        assert all(text[start:].startswith(answer) for start, answer in item.answers)


def test_every_article_written_for_training_is_whole():
    articles = written_articles()
    assert len(articles) > 50
    for passages in articles:
        items = [(passage.text, item) for passage in passages for item in passage.items]
        assert sum(not item.answers for _, item in items) >= 10
        for text, item in items:
            assert all(text[start:].startswith(answer) for start, answer in item.answers)


def test_a_cut_passage_keeps_the_answer(monkeypatch, rng):
    monkeypatch.setattr(training_data, "_CUT_SHARE", 1.0)
    sentences = [
        f"Sentence number {i} stands here, with some more words to fill it." for i in range(9)
    ]
    text = " ".join(sentences)
    for number in range(9):
        start = text.index(f"number {number}")
        pair = cut(Pair("?", text, start, start + 8, (f"number {number}",)), rng)
        assert pair.passage[pair.start : pair.end] == f"number {number}"
        assert len(pair.passage) < len(text)


def test_a_cut_passage_without_an_answer_stays_without(monkeypatch, rng):
    monkeypatch.setattr(training_data, "_CUT_SHARE", 1.0)
    text = "One sentence of twelve words stands here so that it may stay. " * 8
    pair = cut(Pair("?", text), rng)
    assert (pair.start, pair.end) == (-1, -1)
    assert pair.passage in text


def test_noise_moves_no_offset(monkeypatch, rng):
    monkeypatch.setattr(training_data, "_NOISE_SHARE", 1.0)
    pair = noisy(Pair("Who's there?", 'He said "it\'s me" (twice).', 9, 14, ("it's me",)), rng)
    assert pair.question == "Who’s there"
    assert pair.passage == "He said “it’s me” (twice)."


def test_labels_decode_to_the_answer(tokenizer, rng):
    pairs = [
        Pair("When did it open?", "The harbour opened in 1872.", 22, 26, ("1872",)),
        Pair("When did it open?", "The harbour opened in 1872.", 0, 11, ("The harbour",)),
        Pair("When did it open?", "The harbour opened."),
    ]
    made = encode(pairs, tokenizer, rng)
    decoded = [
        tokenizer.decode(made.row(i)[made.starts[i] : made.ends[i] + 1].tolist()) for i in range(3)
    ]
    assert decoded == ["1872", "the harbour", "[CLS]"]
    assert made.row(2).tolist()[made.passage_starts[2]] == tokenizer.token_to_id("the")


def test_a_long_passage_is_cut_around_the_answer(tokenizer, rng):
    text = "a " * 400 + "1872 " + "b " * 400
    made = encode([Pair("c ?", text, 800, 804, ("1872",))] * 20, tokenizer, rng)
    year = tokenizer.token_to_id("1872")
    assert all(made.row(i)[made.starts[i]] == year for i in range(20))
    assert set(made.lengths.tolist()) == {MAX_TOKENS}
    assert len(set(made.starts.tolist())) > 5


def test_a_token_span_covers_the_characters():
    offsets = [(0, 3), (4, 8), (8, 10), (11, 15)]
    assert token_span(offsets, 4, 10) == (1, 2)
    assert token_span(offsets, 5, 6) == (1, 1)
    assert token_span(offsets, -1, -1) is None


@pytest.mark.parametrize("span", [(0, 0), (5, 9), (98, 99), (40, 90), None])
def test_a_window_keeps_the_start_of_the_answer(span, rng):
    for _ in range(50):
        first, last = window(100, 20, span, rng)
        assert first >= 0
        assert last - first == 20
        if span is not None:
            assert first <= span[0] < last
            assert last <= 100
            assert span[1] < last or span[1] - span[0] >= 20


def test_batches_hold_every_sequence_once(rng):
    batches = epoch_batches([5, 1, 9, 3, 7, 2, 8], 2, rng)
    assert sorted(row for batch in batches for row in batch) == list(range(7))


def test_a_batch_offers_labels_in_the_passage_and_at_the_start_only(sequences):
    batch = make_batch(sequences, [0, 4])
    # [CLS] a b ? [SEP] c d e f [SEP]  and  [CLS] g ? [SEP] a b c [SEP] and two of padding
    assert batch.candidates.int().tolist() == [
        [1, 0, 0, 0, 0, 1, 1, 1, 1, 0],
        [1, 0, 0, 0, 1, 1, 1, 0, 0, 0],
    ]
    assert batch.token_type_ids.tolist() == [
        [0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
        [0, 0, 0, 0, 1, 1, 1, 1, 0, 0],
    ]
    assert batch.attention_mask.sum(dim=1).tolist() == [10, 8]
    assert (batch.starts.tolist(), batch.ends.tolist()) == ([5, 0], [5, 0])


def test_the_loss_ignores_what_may_not_be_a_label(sequences):
    batch = make_batch(sequences, [0])
    logits = torch.zeros(1, 10)
    logits[0, 1:5] = 50.0
    # Five candidates with equal logits: ln 5 for the start and for the end.
    assert span_loss(batch, logits, logits).item() == pytest.approx(np.log(5))


def test_the_best_span_lies_in_the_passage_and_is_in_order():
    start = np.array([1.0, 9.0, 0.0, 1.0, 4.0, 0.0], dtype=np.float32)
    end = np.array([0.5, 9.0, 5.0, 3.0, 0.0, 9.0], dtype=np.float32)
    # Passage tokens are 2, 3 and 4: 0 + 5 beats 4 + 0 and 1 + 3; the null score is 1.5.
    assert best_span(start, end, 2, 6) == (0, 0, 3.5)


@pytest.mark.parametrize(
    ("progress", "factor"), [(0, 0), (0.025, 0.5), (0.05, 1), (0.525, 0.5), (1, 0), (1.2, 0)]
)
def test_the_learning_rate_rises_and_falls_to_zero(progress, factor):
    assert learning_rate_factor(progress) == pytest.approx(factor)


def test_progress_is_the_share_of_the_time(sequences, tmp_path):
    trainer = Trainer(tiny_reader(), lambda _: sequences, tmp_path, TrainSettings(minutes=10))
    trainer.elapsed = 480.0
    assert trainer.progress == pytest.approx(0.8)


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(sequences, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "learning_rate_factor", lambda _: 1.0)
    settings = TrainSettings(minutes=1e9, batch_size=2, seed=3)  # 3 steps a round
    whole = Trainer(tiny_reader(), lambda _: sequences, tmp_path / "none", settings)
    expected = [whole.train_step(batch) for batch in islice(whole.batches(), 9)]

    first = Trainer(tiny_reader(), lambda _: sequences, tmp_path, settings)
    losses = [first.train_step(batch) for batch in islice(first.batches(), 4)]
    first.save_checkpoint()
    second = Trainer(tiny_reader(), lambda _: sequences, tmp_path, settings)
    assert (second.step, second.round, second.round_step) == (4, 1, 1)
    losses += [second.train_step(batch) for batch in islice(second.batches(), 5)]
    assert losses == pytest.approx(expected, rel=1e-5)
    assert second.elapsed > first.elapsed


def test_passes_run_on_bfloat16_weights_and_what_is_kept_stays_float32(
    sequences, tmp_path, monkeypatch
):
    monkeypatch.setattr(train, "reduced_dtype", lambda _: torch.bfloat16)
    monkeypatch.setattr(train, "learning_rate_factor", lambda _: 1.0)
    trainer = Trainer(tiny_reader(), lambda _: sequences, tmp_path, TrainSettings(minutes=10))
    before = trainer.reader.head.weight.clone()
    trainer.train_step(next(trainer.batches()))
    kinds = {
        part: {p.dtype for p in part.parameters()} for part in (trainer.reader, trainer.average)
    }
    assert set.union(*kinds.values()) == {torch.float32}
    assert {p.dtype for p in trainer._working.parameters()} == {torch.bfloat16}
    assert not torch.equal(trainer.reader.head.weight, before)
    copied = trainer._working.head.weight
    assert torch.equal(copied, trainer.reader.head.weight.to(torch.bfloat16))


def test_dropout_leaves_out_its_share_only_in_training():
    layer = nn.Sequential(nn.Dropout(0.0))
    with_dropout(layer, 0.25, seed=0)
    values = torch.ones(400, 500)
    dropped = layer.train()(values)
    assert float((dropped == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.02)
    assert not torch.equal(dropped, layer(values))
    assert torch.equal(layer.eval()(values), values)


def test_attention_weights_are_not_dropped():
    reader = tiny_reader()
    with_dropout(reader, 0.1, seed=0)
    kinds = {name: type(part).__name__ for name, part in reader.named_modules()}
    replaced = [name for name, kind in kinds.items() if kind == "DrawnDropout"]
    assert len(replaced) == 5
    assert not any("self.dropout" in name for name in replaced)


def test_training_learns_where_the_answer_stands(tokenizer, rng, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "learning_rate_factor", lambda _: 1.0)
    pairs = [Pair("a ?", "b c d", 2, 3, ("c",)), Pair("e ?", "b c d")] * 16
    settings = TrainSettings(
        minutes=1e9, batch_size=8, learning_rate=1e-2, head_learning_rate=1e-2, dropout=0.0
    )
    made = encode(pairs, tokenizer, rng)
    trainer = Trainer(tiny_reader(), lambda _: made, tmp_path, settings)
    losses = [trainer.train_step(batch) for batch in islice(trainer.batches(), 160)]
    assert losses[-1] < 0.1 < losses[0]


def test_sequences_know_their_lengths(sequences):
    assert isinstance(sequences, Sequences)
    assert (len(sequences), sequences.lengths.tolist()) == (5, [10, 10, 10, 10, 8])


@pytest.fixture
def export(monkeypatch):
    pytest.importorskip("onnxruntime.quantization")
    module = pytest.importorskip("bot.reader.export")
    monkeypatch.setattr(module, "_SMALL", 100)
    return module


@pytest.mark.parametrize("precision", ["float32", "int8-tables", "int8-spared"])
def test_a_run_can_start_from_packaged_weights(precision, export, tmp_path):
    reader = tiny_reader().eval()
    for parameter in reader.parameters():  # the exporter keeps one of several equal ones
        torch.nn.init.normal_(parameter)
    model = export.PRECISIONS[precision](export.to_onnx(reader))
    (tmp_path / "reader.onnx").write_bytes(model.SerializeToString())
    found, expected = load_weights(tmp_path / "reader.onnx"), reader.state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        step = float(tensor.abs().max()) / 63  # of seven bits and a sign
        np.testing.assert_allclose(found[name], tensor, atol=step)


def test_weights_are_mixed_by_their_share():
    start, trained = {"head": torch.tensor([0.0, 4.0])}, {"head": torch.tensor([1.0, 8.0])}
    assert mixed(start, trained, 0.25)["head"].tolist() == [0.25, 5.0]


@pytest.mark.parametrize("precision", ["float32", "float16", "int8", "int8-tables", "int8-spared"])
def test_an_exported_reader_answers_as_the_trained_one(precision, export, sequences, tmp_path):
    reader = tiny_reader().eval()
    model = export.PRECISIONS[precision](export.to_onnx(reader))
    (tmp_path / "reader.onnx").write_bytes(model.SerializeToString())
    session = export.open_session(tmp_path / "reader.onnx", 1)
    logits = list(export.session_logits(session, sequences, batch_size=2))
    expected = list(reader_logits(reader, sequences))
    tolerance = 1e-2 if precision != "float32" else 4e-3  # the yardstick computes in bfloat16
    for found, wanted, length in zip(logits, expected, sequences.lengths, strict=True):
        for name in (0, 1):
            np.testing.assert_allclose(found[name][:length], wanted[name][:length], atol=tolerance)
