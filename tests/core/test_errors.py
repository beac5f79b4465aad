"""The tree of errors: drawn as it is, with a code for every kind."""

from __future__ import annotations

import inspect
import re

import pytest

from hal import errors
from hal.errors import HalError, ProviderError
from hal.gateway.job import CutOff

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


def drawn() -> dict[str, int]:
    """Class -> depth, as the docstring draws the tree."""
    tree = (errors.__doc__ or "").split("\n\n", 2)[2]
    found = re.findall(r"^( *(?:│ +)*)(?:[├└]── )?(\w+)", tree, re.MULTILINE)
    return {name: len(indent) for indent, name in found}


def test_the_drawn_tree_is_the_real_one() -> None:
    assert set(drawn()) == {kind.__name__ for kind in CLASSES}


def test_a_child_is_drawn_below_its_parent() -> None:
    depths, names = drawn(), list(drawn())
    for kind in CLASSES:
        parent = kind.__base__
        assert parent is not None
        if kind is not HalError:
            assert names.index(parent.__name__) < names.index(kind.__name__)
            assert parent is HalError or depths[kind.__name__] > depths[parent.__name__]
            between = names[names.index(parent.__name__) + 1 : names.index(kind.__name__)]
            assert all(depths[name] >= depths[kind.__name__] for name in between)


def test_every_kind_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in (*CLASSES, CutOff)]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_sentence_holds_cause_and_remedy(kind: type[HalError]) -> None:
    assert kind("It broke.", "Mend it.").sentence == "It broke. Mend it."
    assert kind("It broke.").sentence == "It broke."


def test_a_provider_error_carries_what_it_knows() -> None:
    error = ProviderError("x", provider="xai", status=429, retry_after_s=2.5)
    assert (error.provider, error.status, error.retry_after_s) == ("xai", 429, 2.5)
    assert (ProviderError("x").status, ProviderError("x").retry_after_s) == (None, None)
