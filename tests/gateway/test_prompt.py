"""Prompts are put together in one order, on one line, without repeating themselves."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain.prompt import compose, negative, trigger_word_for

words = st.text(alphabet="abcXYZ é\t\n", max_size=20)
terms = st.lists(st.sampled_from(["blur", "Blur", "extra fingers", "(a, b:1.2)", "text"]))


def test_the_trigger_word_leads_then_the_avatar_then_the_picture() -> None:
    prompt = compose(trigger_word="TOK_7", base_prompt="a redhead of forty", text="at a piano")
    assert prompt == "TOK_7, a redhead of forty at a piano"


def test_an_empty_base_prompt_leaves_no_gap() -> None:
    assert compose(trigger_word="TOK_7", base_prompt=" ", text="at a piano") == "TOK_7, at a piano"


@given(words, words)
def test_a_prompt_is_one_line_without_double_spaces(base_prompt: str, text: str) -> None:
    prompt = compose(trigger_word="TOK", base_prompt=base_prompt, text=text)
    assert prompt == " ".join(prompt.split())
    assert prompt.split() == ["TOK,", *base_prompt.split(), *text.split()]


def test_an_avatar_without_a_trigger_word_gets_one_from_its_id() -> None:
    assert trigger_word_for("a-1", None) == "TOK_a-1"
    assert trigger_word_for("a-1", "  ") == "TOK_a-1"
    assert trigger_word_for("a-1", " ohwx ") == "ohwx"


def test_a_term_that_both_lists_name_is_kept_once_as_first_spelled() -> None:
    assert negative("Blur, text", "text,blur , extra fingers,,") == "Blur, text, extra fingers"


def test_either_list_may_be_empty() -> None:
    assert negative("", "") == ""
    assert negative("", "blur") == negative("blur", "") == "blur"


def test_a_weighted_group_is_one_term() -> None:
    groups = negative("(bad hands, extra fingers:1.2), blur", "(bad hands, text:1.3), blur")
    assert groups == "(bad hands, extra fingers:1.2), blur, (bad hands, text:1.3)"


def test_an_unclosed_group_loses_nothing() -> None:
    assert negative("(bad hands, blur", "") == "(bad hands, blur"


@given(terms, terms)
def test_every_term_is_kept_exactly_once(first: list[str], second: list[str]) -> None:
    joined = negative(", ".join(first), ", ".join(second))
    assert negative(joined, joined) == joined
    for term in {*first, *second}:
        assert joined.casefold().count(term.casefold()) == 1
