"""Train the span reader: `python -m bot.reader.train`.

A BERT encoder, started from the packaged all-MiniLM-L6-v2, with a linear layer to start and end
logits, as in Devlin et al. 2019 for SQuAD 2.0: a passage that does not answer has its label on
`[CLS]`. A run writes its state to its folder every few minutes and goes on from there when started
again.
"""

import copy
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from bot.reader.development import DevelopmentSet, measure, reader_logits
from bot.reader.dropout import with_dropout
from bot.reader.model import (
    Batch,
    SpanReader,
    load_tokenizer,
    make_batch,
    reduced_dtype,
    save_weights,
    span_loss,
)
from bot.reader.sequences import Sequences, encode
from bot.reader.training_data import training_pairs
from bot.reader.weights_file import load_weights
from index.embedding import packaged_model

logger = logging.getLogger(__name__)

_WARM_UP = 0.05
_LAYER_DECAY = 0.9
_MEGA_BATCHES = 50  # sequences are sorted by length within so many batches
_CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How a run trains.

    Attributes:
        minutes: When the learning rate reaches 0, counted over all resumed parts of the run.
        batch_size: Sequences per step.
        learning_rate: Peak of the topmost encoder layer; lower layers get a tenth less each.
        head_learning_rate: Peak of the output layer.
        weight_decay: AdamW's, on matrices only.
        ema_decay: Decay per step of the moving average of the weights.
        dropout: Share of the hidden units that a step leaves out; without, a second reading of the
            same questions is mostly remembered.
        seed: Seeds data, order and dropout.
    """

    minutes: float = 200.0
    batch_size: int = 32
    learning_rate: float = 2e-4
    head_learning_rate: float = 1e-3
    weight_decay: float = 0.01
    ema_decay: float = 0.999
    dropout: float = 0.1
    seed: int = 7


def learning_rate_factor(progress: float) -> float:
    """Rise to 1 over the warm-up, then fall to 0 at progress 1."""
    if progress >= 1:
        return 0.0
    return progress / _WARM_UP if progress < _WARM_UP else (1 - progress) / (1 - _WARM_UP)


def epoch_batches(
    lengths: Sequence[int], batch_size: int, rng: np.random.Generator
) -> list[list[int]]:
    """Put sequences of similar length into batches, in random order.

    Returns:
        Row numbers; every row is in exactly one batch.
    """
    order = rng.permutation(len(lengths))
    size = _MEGA_BATCHES * batch_size
    batches: list[list[int]] = []
    for begin in range(0, len(order), size):
        rows = sorted(order[begin : begin + size].tolist(), key=lambda row: lengths[row])
        batches += [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


class Trainer:
    """One training run, with everything that a checkpoint holds.

    The weights are kept in float32. Passes run on a copy of them in bfloat16 where the device
    has that: activations stay small from layer to layer, which autocast would widen at each norm.
    """

    def __init__(
        self,
        reader: SpanReader,
        sequences: Callable[[int], Sequences],
        folder: Path,
        settings: TrainSettings,
    ) -> None:
        """Begin a run, or go on with the one that the folder holds.

        Args:
            reader: The weights to start from.
            sequences: Makes the training data of a round, counted from 0.
            folder: Where the state is written.
            settings: How to train; a resumed run must be given the same.
        """
        self.reader = reader
        self.average = copy.deepcopy(reader)
        self._working = copy.deepcopy(reader).to(reduced_dtype(reader.device)).train()
        with_dropout(self._working, settings.dropout, settings.seed, reader.device)
        self.optimizer = torch.optim.AdamW(_parameter_groups(reader, settings), fused=True)
        self.step = 0
        self.round = 0
        self.round_step = 0
        self.elapsed = 0.0
        self._sequences = sequences
        self._folder = folder
        self._settings = settings
        if (folder / _CHECKPOINT).exists():
            self._resume()

    @property
    def progress(self) -> float:
        """Share of the run that is done."""
        return self.elapsed / (self._settings.minutes * 60)

    def batches(self) -> Iterator[Batch]:
        """Yield batches without end, the same in a resumed run as in one never stopped."""
        while True:
            sequences = self._sequences(self.round)
            rng = np.random.default_rng([self._settings.seed, self.round])
            order = epoch_batches(sequences.lengths.tolist(), self._settings.batch_size, rng)
            for rows in order[self.round_step :]:
                self.round_step += 1
                yield make_batch(sequences, rows).to(self.reader.device)
            self.round, self.round_step = self.round + 1, 0

    def train_step(self, batch: Batch) -> float:
        """Take one step and return the loss; its time is counted."""
        began = time.monotonic()
        factor = learning_rate_factor(self.progress)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        start, end = self._working(batch.input_ids, batch.attention_mask, batch.token_type_ids)
        loss = span_loss(batch, start, end)
        loss.backward()  # type: ignore[no-untyped-call]
        for parameter, working in zip(
            self.reader.parameters(), self._working.parameters(), strict=True
        ):
            assert working.grad is not None
            parameter.grad, working.grad = working.grad.to(parameter.dtype), None
        nn.utils.clip_grad_norm_(self.reader.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        decay = min(self._settings.ema_decay, (1 + self.step) / (10 + self.step))
        self._copy_to_working()
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.average.parameters()), list(self.reader.parameters()), 1 - decay
            )
        value = loss.item()  # waits for a GPU
        self.elapsed += time.monotonic() - began
        return value

    def save_checkpoint(self) -> None:
        """Write the whole state, so that a run that stops can go on."""
        state = {
            "reader": self.reader.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "round": self.round,
            "round_step": self.round_step,
            "elapsed": self.elapsed,
            "random": torch.get_rng_state(),
            "settings": asdict(self._settings),
        }
        beside = self._folder / f"{_CHECKPOINT}.new"
        torch.save(state, beside)
        beside.replace(self._folder / _CHECKPOINT)

    def save_average(self) -> None:
        """Write the averaged weights."""
        save_weights(self.average, self._folder / "ema.safetensors")

    def _resume(self) -> None:
        state = torch.load(
            self._folder / _CHECKPOINT, map_location=self.reader.device, weights_only=True
        )
        self.reader.load_state_dict(state["reader"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.elapsed = state["step"], state["elapsed"]
        self.round, self.round_step = state["round"], state["round_step"]
        torch.set_rng_state(state["random"].cpu())
        self._copy_to_working()

    def _copy_to_working(self) -> None:
        with torch.no_grad():
            torch._foreach_copy_(list(self._working.parameters()), list(self.reader.parameters()))


def _parameter_groups(reader: SpanReader, settings: TrainSettings) -> list[dict[str, Any]]:
    n_layers = reader.encoder.config.num_hidden_layers
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in reader.named_parameters():
        if name.startswith("head."):
            peak = settings.head_learning_rate
        else:
            parts = name.split(".")
            below = n_layers - 1 - int(parts[3]) if parts[2] == "layer" else n_layers
            peak = settings.learning_rate * _LAYER_DECAY**below
        decay = settings.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((peak, decay), []).append(parameter)
    return [
        {"params": parameters, "lr": 0.0, "peak": peak, "weight_decay": decay}
        for (peak, decay), parameters in groups.items()
    ]


def prepared_sequences(
    data: Path, folder: Path, tokenizer: Tokenizer, seed: int, number: int
) -> Sequences:
    """Make the training sequences of a round, or read those that the folder holds."""
    file = folder / f"sequences-{number}.npz"
    if not file.exists():
        rng = np.random.default_rng([seed, number])
        pairs = training_pairs(data, rng)
        made = encode(pairs, tokenizer, rng)
        n_answerable = sum(pair.start >= 0 for pair in pairs)
        logger.info(
            "round %d: %d pairs, %d with an answer, %.0f tokens each",
            number,
            len(pairs),
            n_answerable,
            made.lengths.mean(),
        )
        beside = folder / "new-sequences.npz"
        np.savez(beside, **{f.name: getattr(made, f.name) for f in fields(made)})
        beside.replace(file)
    with np.load(file, allow_pickle=False) as arrays:
        return Sequences(**{f.name: arrays[f.name] for f in fields(Sequences)})


def run(trainer: Trainer, held: DevelopmentSet, *, save_every: float, measure_every: float) -> None:
    """Train to the end of the schedule, saving and measuring on the way.

    Args:
        trainer: The run.
        held: What to measure on.
        save_every: Minutes between checkpoints.
        measure_every: Minutes of training between measurements.
    """
    saved = time.monotonic()
    measured = trainer.elapsed
    began, first_step, loss = trainer.elapsed, trainer.step, 0.0
    for batch in trainer.batches():
        if trainer.progress >= 1:
            break
        value = trainer.train_step(batch)
        loss = value if trainer.step == first_step + 1 else loss + 0.02 * (value - loss)
        if trainer.step % 100 == 0:
            pace = (trainer.step - first_step) / (trainer.elapsed - began)
            logger.info(
                "step %d, %.1f min, progress %.3f, loss %.3f, %.2f steps/s",
                trainer.step,
                trainer.elapsed / 60,
                trainer.progress,
                loss,
                pace,
            )
        if time.monotonic() - saved >= save_every * 60:
            trainer.save_checkpoint()
            saved = time.monotonic()
        if trainer.elapsed - measured >= measure_every * 60:
            _report(trainer, held, loss)
            measured = trainer.elapsed
    trainer.save_checkpoint()
    _report(trainer, held, loss)


def _report(trainer: Trainer, held: DevelopmentSet, loss: float) -> None:
    trainer.save_average()
    scores = measure(reader_logits(trainer.average, held.sequences), held)
    figures = {name: round(value, 4) for name, value in asdict(scores).items()}
    logger.info(
        "DEV step %d, %.1f min, loss %.3f, %s",
        trainer.step,
        trainer.elapsed / 60,
        loss,
        json.dumps(figures),
    )


@click.command()
@click.option("--data", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--output", type=click.Path(path_type=Path), required=True)
@click.option("--minutes", default=200.0, show_default=True)
@click.option(
    "--start",
    type=click.Path(path_type=Path, exists=True),
    help="Weights of an earlier run, or a packaged reader.onnx.",
)
@click.option("--learning-rate", default=2e-4, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--device", help="As torch names it; by default cuda where there is one, else cpu.")
def main(
    data: Path,
    output: Path,
    minutes: float,
    start: Path | None,
    learning_rate: float,
    seed: int,
    threads: int,
    device: str | None,
) -> None:
    """Train a span reader on the SQuAD 2.0 files in DATA and write it to OUTPUT."""
    output.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        logging.StreamHandler(),
        logging.FileHandler(output / "log.txt"),
    ]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", handlers=handlers)
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    settings = TrainSettings(minutes=minutes, learning_rate=learning_rate, seed=seed)
    folder = packaged_model()
    tokenizer = load_tokenizer(folder)
    held = DevelopmentSet.load(data, tokenizer)
    reader = SpanReader.from_encoder(folder)
    if start:
        reader.load_state_dict(load_weights(start))
    reader.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    sequences = partial(prepared_sequences, data, output, tokenizer, seed)
    trainer = Trainer(reader, sequences, output, settings)
    logger.info("training from step %d, %.1f min", trainer.step, trainer.elapsed / 60)
    run(trainer, held, save_every=5, measure_every=10)


if __name__ == "__main__":
    main()
