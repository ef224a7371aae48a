"""Answers kept in memory, made again only when what they were made of has changed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from layers.actions.kept_answers import KeptAnswers


def test_an_answer_is_made_once_a_version() -> None:
    kept = KeptAnswers[str, object](most=2)
    first = kept.answer("a", 1, object)
    assert kept.answer("a", 1, object) is first
    assert kept.answer("a", 2, object) is not first


def test_the_one_asked_for_longest_ago_goes_first() -> None:
    kept = KeptAnswers[str, object](most=2)
    a, b = kept.answer("a", 1, object), kept.answer("b", 1, object)
    assert kept.answer("a", 1, object) is a
    kept.answer("c", 1, object)
    assert kept.answer("a", 1, object) is a
    assert kept.answer("b", 1, object) is not b


def test_two_who_ask_the_same_at_once_wait_for_one_answer() -> None:
    kept = KeptAnswers[str, object](most=2)
    begun, go = threading.Event(), threading.Event()

    def slowly() -> object:
        begun.set()
        assert go.wait(10)
        return object()

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(kept.answer, "a", 1, slowly)
        assert begun.wait(10)
        two = pool.submit(kept.answer, "a", 1, object)
        assert kept.answer("b", 1, lambda: "not held up") == "not held up"
        go.set()
        assert one.result(10) is two.result(10)


def test_an_error_is_passed_on_and_not_kept() -> None:
    kept = KeptAnswers[str, int](most=2)
    with pytest.raises(ZeroDivisionError):
        kept.answer("a", 1, lambda: 1 // 0)
    assert kept.answer("a", 1, lambda: 7) == 7
