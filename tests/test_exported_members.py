from importlib import import_module
from types import ModuleType

import pytest


@pytest.mark.parametrize("name", ["corpus", "index", "bot"])
def test_what_a_package_exports_is_what_is_there(name):
    package = import_module(name)
    assert package.__all__ == sorted(package.__all__)
    assert all(getattr(package, member).__name__ == member for member in package.__all__)


@pytest.mark.parametrize("name", ["corpus", "index"])
def test_nothing_else_is_in_sight(name):
    package = import_module(name)
    in_sight = {
        member
        for member, value in vars(package).items()
        if not member.startswith("_") and not isinstance(value, ModuleType)
    }
    assert in_sight == set(package.__all__)


@pytest.mark.parametrize("name", ["corpus", "index", "bot"])
def test_what_a_package_exports_is_its_own(name):
    package = import_module(name)
    for member in package.__all__:
        assert getattr(package, member).__module__.split(".")[0] == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'bot' has no attribute 'Engine'"):
        import_module("bot").Engine  # noqa: B018
