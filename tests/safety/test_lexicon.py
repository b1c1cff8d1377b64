"""Known words are found in every text anew, whatever is remembered of the texts before."""

from services.safety.domain.lexicon import Lexicon
from services.safety.domain.words import read


def found(lexicon: Lexicon, text: str) -> list[tuple[int, int, int]]:
    arcs = lexicon.find(read(text))
    return [(start, end, number) for start, arc in enumerate(arcs) for end, number in arc]


def test_a_word_that_is_learned_after_a_text_was_read_is_found_in_the_next() -> None:
    lexicon = Lexicon({}, ())
    lexicon.add("lantern")
    assert found(lexicon, "a harbour at night") == []
    harbour = lexicon.add("harbour")
    assert found(lexicon, "a harbour at night") == [(1, 2, harbour)]


def test_a_word_that_may_be_whole_a_stem_and_in_pieces_is_found_as_all_of_them() -> None:
    lexicon = Lexicon({}, ())
    whole, stem, piece = (lexicon.add(word) for word in ("moonlight", "moon*", "light"))
    for _ in range(2):
        assert set(found(lexicon, "moon light")) == {
            (0, 1, stem),
            (0, 2, stem),
            (0, 2, whole),
            (1, 2, piece),
        }


def test_a_stem_is_found_in_words_that_are_too_long_to_be_remembered() -> None:
    lexicon = Lexicon({}, ())
    stem = lexicon.add("lantern*")
    for _ in range(2):
        assert found(lexicon, f"a lantern{'xy' * 40}") == [(1, 2, stem)]
