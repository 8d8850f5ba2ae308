import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForQuestionAnswering, BertModel, PreTrainedTokenizerFast

from bot.reader.calibration import Calibration
from bot.reader.extractive import ExtractiveReader
from corpus.errors import ReaderError
from corpus.passages import Passage
from index.passage_index import Hit

WORDS = "[PAD] [UNK] [CLS] [SEP] how many forty passengers nets he mended".split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model for question answering as transformers saves it, with random weights."""
    folder = tmp_path_factory.mktemp("reader")
    torch.manual_seed(0)
    BertForQuestionAnswering(tiny_config()).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def tiny_config():
    return BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=512,
    )


def save_tokenizer(folder):
    made = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=made,
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        unk_token="[UNK]",
        model_max_length=512,
    ).save_pretrained(folder)


def hit(text, rank=1):
    return Hit(Passage("harbour.txt", 0, len(text), text), 0.0, rank)


def test_any_model_for_question_answering_may_be_the_reader(folder):
    reader = ExtractiveReader.load(str(folder))
    texts = ["He mended nets.", "forty passengers " * 300, "\U0001f600", ""]
    reading = reader.read("How many?", [hit(text, rank) for rank, text in enumerate(texts, 1)])
    assert len(reading.hits) == 4
    for span in reading.spans:
        assert span.text == span.hit.passage.text[span.start : span.end] != ""
    # Logits less the null score, through the curve that stands while none is fitted.
    best = reading.spans[0]
    assert reading.confidence == pytest.approx(Calibration("").confidence(best.score))


def test_a_calibration_holds_for_the_reader_it_was_fitted_for(folder, tmp_path):
    reader = ExtractiveReader.load(str(folder))
    file = tmp_path / "mine.json"
    Calibration(reader.model.fingerprint, threshold=0.8).save(file)
    assert ExtractiveReader.load(str(folder), file).threshold == 0.8
    Calibration("another").save(file)
    with pytest.raises(ReaderError, match=r"mine\.json: was fitted for another reader"):
        ExtractiveReader.load(str(folder), file)


def test_a_model_that_does_not_answer_questions_is_refused(tmp_path):
    BertModel(tiny_config()).save_pretrained(tmp_path)
    save_tokenizer(tmp_path)
    with pytest.raises(ReaderError, match="was not trained to answer questions"):
        ExtractiveReader.load(str(tmp_path))


def test_weights_that_are_a_pickle_are_refused(folder, tmp_path):
    for file in folder.iterdir():
        if file.suffix == ".json":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ReaderError, match="cannot be loaded as a reader") as caught:
        ExtractiveReader.load(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_model_is_refused_in_one_line(tmp_path):
    with pytest.raises(ReaderError, match="cannot be loaded as a reader") as caught:
        ExtractiveReader.load(str(tmp_path))
    assert "\n" not in str(caught.value)
