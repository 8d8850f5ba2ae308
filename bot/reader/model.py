"""The span reader as a torch module, its batches and its loss."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertModel

from bot.reader.sequences import Sequences


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded sequences with their labels.

    Attributes:
        input_ids: Token ids, shape (batch, length).
        attention_mask: 1 for tokens, 0 for padding, same shape.
        token_type_ids: 0 for the question, 1 for the passage, same shape.
        candidates: Whether a label may stand there: `[CLS]` and passage tokens, same shape.
        starts: Position of the answer's first token, shape (batch,).
        ends: Position of the answer's last token, shape (batch,).
    """

    input_ids: Tensor
    attention_mask: Tensor
    token_type_ids: Tensor
    candidates: Tensor
    starts: Tensor
    ends: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch in the memory of a device."""
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


class SpanReader(nn.Module):
    """A BERT encoder and a linear layer to start and end logits."""

    def __init__(self, config: BertConfig) -> None:
        """Make a reader with random weights.

        Args:
            config: The encoder's sizes.
        """
        super().__init__()
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.head = nn.Linear(config.hidden_size, 2)
        nn.init.normal_(self.head.weight, std=config.initializer_range)
        nn.init.zeros_(self.head.bias)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Compute start and end logits, each of shape (batch, length)."""
        hidden = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        logits = self.head(hidden).float()
        return logits[..., 0], logits[..., 1]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.head.weight.device

    @classmethod
    def from_encoder(cls, folder: Path) -> "SpanReader":
        """Start from a sentence encoder's weights; only the output layer is random."""
        reader = cls(load_config(folder))
        weights = load_file(folder / "model.safetensors")
        wanted = reader.encoder.state_dict().keys()
        reader.encoder.load_state_dict({k: v for k, v in weights.items() if k in wanted})
        return reader


def load_config(folder: Path) -> BertConfig:
    """Read the encoder's sizes; its dropout is off, for `bot.reader.dropout` to take its place."""
    config = BertConfig.from_pretrained(str(folder))
    config._attn_implementation = "eager"
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    return config


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read the tokenizer, without its own truncation and padding."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def make_batch(sequences: Sequences, rows: Sequence[int]) -> Batch:
    """Pad some sequences to the longest of them."""
    found = [sequences.row(row) for row in rows]
    length = max(map(len, found))
    input_ids = np.zeros((len(rows), length), dtype=np.int64)
    lengths = np.array([len(tokens) for tokens in found])[:, None]
    for number, tokens in enumerate(found):
        input_ids[number, : len(tokens)] = tokens
    position = np.arange(length)[None, :]
    passage = (position >= sequences.passage_starts[rows][:, None]) & (position < lengths)
    candidates = (passage & (position < lengths - 1)) | (position == 0)
    return Batch(
        torch.from_numpy(input_ids),
        torch.from_numpy((position < lengths).astype(np.int64)),
        torch.from_numpy(passage.astype(np.int64)),
        torch.from_numpy(candidates),
        torch.from_numpy(sequences.starts[rows]),
        torch.from_numpy(sequences.ends[rows]),
    )


def span_loss(batch: Batch, start_logits: Tensor, end_logits: Tensor) -> Tensor:
    """Average the cross-entropies of start and end over `[CLS]` and the passage tokens."""
    outside = ~batch.candidates
    start = cross_entropy(start_logits.masked_fill(outside, float("-inf")), batch.starts)
    end = cross_entropy(end_logits.masked_fill(outside, float("-inf")), batch.ends)
    return (start + end) / 2


def reduced_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 where a device multiplies it natively, else float32."""
    if device.type == "cuda":
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has_bfloat16 = torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if has_bfloat16 else torch.float32


def reduced_precision(device: torch.device) -> AbstractContextManager[Any]:
    """Run matrix products in bfloat16 where the device does so natively."""
    if reduced_dtype(device) == torch.bfloat16:
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def save_weights(reader: SpanReader, file: Path) -> None:
    """Write the weights beside the file, then rename."""
    beside = file.with_suffix(".new")
    save_file({k: v.contiguous() for k, v in reader.state_dict().items()}, beside)
    beside.replace(file)
