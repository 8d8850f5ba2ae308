import ipaddress
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from corpus import Document, load_documents
from index import PassageIndex

# How long an example takes says more about the machine than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


class KeywordEncoder:
    """One dimension per keyword, counting how often a text holds it, and a small constant one."""

    name = "keywords"
    max_tokens = 180

    def __init__(self, *keywords: str) -> None:
        self.keywords = keywords

    @property
    def fingerprint(self) -> str:
        return f"keywords:{','.join(self.keywords)}"

    @property
    def dim(self) -> int:
        return len(self.keywords) + 1

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def warm_up(self) -> None:
        """Nothing is to be loaded."""

    def encode_queries(self, texts: Sequence[str]):
        counts = [[text.lower().count(word) for word in self.keywords] + [0.1] for text in texts]
        vectors = np.array(counts, dtype=np.float32).reshape(len(texts), self.dim)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    encode_passages = encode_queries


@pytest.fixture(scope="session")
def keyword_encoder():
    """The class, so that a test chooses its keywords: `keyword_encoder("leave", "pay")`."""
    return KeywordEncoder


@pytest.fixture
def build_index():
    """Build an index in memory: `build_index("A text.", "Another.", keywords=["pay"])`."""

    def build(*texts, keywords=("leave", "pay", "travel"), settings=None):
        documents = [Document.from_text(f"{n}.txt", text) for n, text in enumerate(texts)]
        return PassageIndex.build(documents, encoder=KeywordEncoder(*keywords), settings=settings)

    return build


@pytest.fixture(scope="session")
def shipped_document():
    [document] = load_documents(Path(__file__).parents[1] / "corpus" / "documents")
    return document


@pytest.fixture(scope="session", autouse=True)
def no_network():
    """Refuse every connection but those to this machine: the bot answers offline."""
    with pytest.MonkeyPatch.context() as patch:
        for method in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, method, _local_only(getattr(socket.socket, method)))
        patch.setattr(socket, "getaddrinfo", _local_names_only(socket.getaddrinfo))
        yield


def _local_only(method):
    def guarded(self, *args):
        # The address comes last; those of Unix sockets are no tuples.
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(args[-1][0]):
            raise ConnectionRefusedError(f"tests are offline, refused {args[-1][0]!r}")
        return method(self, *args)

    return guarded


def _local_names_only(getaddrinfo):
    def guarded(host, *args, **kwargs):
        if not _is_local(host):
            raise socket.gaierror(socket.EAI_NONAME, f"tests are offline, refused {host!r}")
        return getaddrinfo(host, *args, **kwargs)

    return guarded


def _is_local(host):
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    from tests.web_page import SWITCHES, find_chromium

    path = find_chromium()
    if path is None:
        reason = "no Chromium on this machine: apt-get install chromium"
        if os.environ.get("OBSERVER_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()
