"""Which drafts become captions, and how a piece puts written lines in its own order."""

from hypothesis import given
from hypothesis import strategies as st

from services.hooks.domain.limits import PlatformLimits, caption_length, emoji_in
from services.hooks.domain.lines import fill, in_piece_order, placeholders
from services.hooks.domain.picking import pick_hooks, tidy

ROOMY = PlatformLimits(max_chars=1000, max_hashtags=5)
drafts = st.lists(st.text(alphabet="aB #é\n😀", max_size=12), max_size=12)
limits = st.builds(PlatformLimits, max_chars=st.integers(1, 15), max_hashtags=st.integers(0, 2))


def test_keeps_the_first_distinct_drafts_in_their_order() -> None:
    assert pick_hooks(["b", "a", "b", "c", "d"], keep=3, limits=ROOMY) == ("b", "a", "c")


def test_blank_drafts_are_no_captions() -> None:
    assert pick_hooks(["", "  \n ", "real"], keep=5, limits=ROOMY) == ("real",)


def test_nothing_usable_gives_nothing() -> None:
    assert pick_hooks(["", "\t"], keep=5, limits=ROOMY) == ()


def test_case_spacing_and_hashtags_do_not_make_a_new_caption() -> None:
    said_again = ["Hello there. #one", "hello  THERE.", "Hello there.\n\n#two #three"]
    assert pick_hooks(said_again, keep=5, limits=ROOMY) == ("Hello there. #one",)


def test_different_captions_of_hashtags_alone_stay_different() -> None:
    assert pick_hooks(["#one", "#two", "#ONE"], keep=5, limits=ROOMY) == ("#one", "#two")


def test_a_draft_that_is_too_long_makes_way_for_the_next() -> None:
    five = PlatformLimits(max_chars=5, max_hashtags=0)
    assert pick_hooks(["123456", "12345"], keep=1, limits=five) == ("12345",)


def test_a_draft_with_too_many_hashtags_makes_way_for_the_next() -> None:
    one = PlatformLimits(max_chars=99, max_hashtags=1)
    assert pick_hooks(["a #b #c", "a #b"], keep=1, limits=one) == ("a #b",)


def test_an_emoji_counts_twice() -> None:
    assert caption_length("é😀") == 3
    assert not PlatformLimits(max_chars=1, max_hashtags=0).admit("😀")


def test_emoji_are_counted_as_people_do() -> None:
    assert emoji_in("no 1 #2 * é — …") == 0
    assert emoji_in("👍🏽 ❤️ 🇪🇸 👩‍👩‍👧 ☀") == 5


def test_a_draft_with_too_many_emoji_or_lines_makes_way_for_the_next() -> None:
    strict = PlatformLimits(max_chars=99, max_hashtags=0, max_emoji=1, max_line_breaks=1)
    assert pick_hooks(["a 👍👍", "a\n\nb", "a 👍\nb"], keep=1, limits=strict) == ("a 👍\nb",)


@given(drafts, st.integers(0, 6), limits)
def test_every_hook_was_drafted_fits_and_is_said_once(
    texts: list[str], keep: int, limits: PlatformLimits
) -> None:
    hooks = pick_hooks(texts, keep=keep, limits=limits)
    assert len(hooks) <= keep
    assert len({hook.casefold() for hook in hooks}) == len(hooks)
    assert set(hooks) <= {tidy(text) for text in texts}
    assert all(hook.strip() and limits.admit(hook) for hook in hooks)


@given(drafts, limits)
def test_picking_again_changes_nothing(texts: list[str], limits: PlatformLimits) -> None:
    hooks = pick_hooks(texts, keep=5, limits=limits)
    assert pick_hooks(hooks, keep=5, limits=limits) == hooks


def test_paragraphs_stay_apart_by_one_empty_line() -> None:
    assert tidy("  one   two \n\n\n\n three ") == "one two\n\nthree"


def test_placeholders_are_replaced_by_words() -> None:
    assert fill("{name} on {niche}", {"name": "Mara", "niche": "art"}) == "Mara on art"


def test_a_line_whose_word_is_missing_is_not_used() -> None:
    assert fill("{name} on {niche}", {"name": "Mara", "niche": ""}) is None
    assert fill("{name}", {}) is None


def test_braces_in_a_name_stay_as_they_are() -> None:
    assert fill("Love, {name}.", {"name": "{niche}"}) == "Love, {niche}."


def test_a_plain_line_needs_no_words() -> None:
    assert placeholders("One frame.") == frozenset()
    assert fill("One frame.", {}) == "One frame."


@given(st.lists(st.text(max_size=5), unique=True, max_size=8), st.uuids())
def test_a_piece_always_has_the_same_order_and_loses_no_line(lines: list[str], piece: str) -> None:
    ordered = in_piece_order(lines, str(piece))
    assert sorted(ordered) == sorted(lines)
    assert ordered == in_piece_order(lines[::-1], str(piece))


def test_pieces_have_orders_of_their_own() -> None:
    lines = [str(number) for number in range(10)]
    orders = {tuple(in_piece_order(lines, f"piece-{number}")) for number in range(50)}
    assert len(orders) == 50
