"""Any extractive question answering model of the transformers library, run by PyTorch."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from bot.reader.windows import WindowLogits
from corpus.errors import ReaderError

_MAX_TOKENS = 384
_OVERLAP = 128
_MAX_QUESTION_CHARACTERS = 400
_BATCH_SIZE = 8


class TransformersSpanModel:
    """Runs an `AutoModelForQuestionAnswering`; its first special token stands for no answer."""

    def __init__(self, name: str) -> None:
        """Name a model; it is loaded when it is first used.

        Args:
            name: A folder, or a name on the Hugging Face hub. Weights must be safetensors: a
                pickle is never loaded.
        """
        self._name = name

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the model's configuration and name."""
        model, _ = self._loaded
        return hashlib.sha256(f"{self._name}\n{model.config.to_json_string()}".encode()).hexdigest()

    def warm_up(self) -> None:
        """Load weights and tokenizer, which the first reading would wait for."""
        _ = self._loaded

    def logits(self, question: str, texts: Sequence[str]) -> Iterator[WindowLogits]:
        """Read texts in overlapping windows."""
        import torch

        model, tokenizer = self._loaded
        windows = tokenizer(
            [question[:_MAX_QUESTION_CHARACTERS]] * len(texts),
            list(texts),
            truncation="only_second",
            max_length=min(_MAX_TOKENS, tokenizer.model_max_length),
            stride=_OVERLAP,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        numbers = windows.pop("overflow_to_sample_mapping")
        offsets = windows.pop("offset_mapping")
        order = sorted(range(len(numbers)), key=lambda row: len(offsets[row]))
        for begin in range(0, len(order), _BATCH_SIZE):
            rows = order[begin : begin + _BATCH_SIZE]
            batch = tokenizer.pad(
                {name: [column[row] for row in rows] for name, column in windows.items()},
                return_tensors="pt",
            )
            with torch.inference_mode():
                output = model(**batch)
            for place, row in enumerate(rows):
                tokens = [i for i, of in enumerate(windows.sequence_ids(row)) if of == 1]
                starts = output.start_logits[place].float().numpy()
                ends = output.end_logits[place].float().numpy()
                null = batch["input_ids"][place].tolist().index(tokenizer.cls_token_id)
                yield WindowLogits(
                    numbers[row],
                    np.array([offsets[row][i] for i in tokens], dtype=np.int64).reshape(-1, 2),
                    starts[tokens],
                    ends[tokens],
                    float(starts[null] + ends[null]),
                )

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        from transformers import AutoModelForQuestionAnswering, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(self._name)
            model, found = AutoModelForQuestionAnswering.from_pretrained(
                self._name, use_safetensors=True, output_loading_info=True
            )
        # What transformers raises for a name that is none, a folder without weights and a network
        # that is down has no base class but Exception.
        except Exception as error:
            reason = " ".join(str(error).split())[:300]
            raise ReaderError(f"{self._name}: cannot be loaded as a reader: {reason}") from error
        if found["missing_keys"]:
            raise ReaderError(
                f"{self._name}: was not trained to answer questions; name a model for question "
                "answering, such as deepset/roberta-base-squad2"
            )
        if not tokenizer.is_fast or tokenizer.cls_token_id is None:
            raise ReaderError(
                f"{self._name}: its tokenizer gives no offsets; name a model with a fast one"
            )
        return model.eval(), tokenizer
