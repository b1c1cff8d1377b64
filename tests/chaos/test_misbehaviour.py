"""How the image worker fails: replayable, in every way there is, and never for ever."""

from collections import Counter

from tests.chaos.misbehaviour import (
    ENDS_PIECE,
    SHARE_OF_FAULTS,
    WITHOUT_RETRY,
    Manner,
    manner_of,
)
from tests.chaos.orders import label


def manners(seed: int, times_asked: int, requests: int = 2000) -> list[Manner]:
    return [manner_of(seed, label(number), times_asked) for number in range(requests)]


def test_the_same_request_meets_the_same_fate_and_another_seed_another() -> None:
    assert manners(1, 1) == manners(1, 1)
    assert manners(1, 1) != manners(2, 1)
    assert manners(1, 1) != manners(1, 2)


def test_two_thousand_pieces_meet_every_fault_there_is() -> None:
    assert set(manners(5, 1)) == set(Manner)


def test_faults_are_as_common_as_meant() -> None:
    for times_asked, share in enumerate(SHARE_OF_FAULTS, start=1):
        faults = 2000 - Counter(manners(9, times_asked))[Manner.GOOD]
        assert abs(faults / 2000 - share) < 0.05


def test_whoever_asks_often_enough_is_served() -> None:
    assert set(manners(3, len(SHARE_OF_FAULTS) + 1)) == {Manner.GOOD}


def test_what_ends_a_piece_is_rare() -> None:
    counts = Counter(manners(8, 1))
    assert sum(counts[manner] for manner in ENDS_PIECE) < 2000 * 0.05
    assert sum(counts[manner] for manner in WITHOUT_RETRY) < 2000 * 0.15
