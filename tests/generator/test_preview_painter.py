"""What the preview painter promises: one face per avatar, equal bytes, a label on everything."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops

from services.generator.preview import features, paint
from services.generator.preview.painter import LARGEST_PX, SMALLEST_PX, draw_unlabelled
from services.generator.preview.person.features import Hair
from services.generator.preview.places.scenes import SCENES
from services.generator.preview.pose import Framing, pose

CROWD = [f"avatar-{number}" for number in range(600)]
ALL_SCENES = [
    *("studio", "street", "beach", "gym", "cafe", "home", "nature", "city_night"),
    *("stage", "library", "pool", "rooftop"),
]
SIDES = st.integers(min_value=SMALLEST_PX, max_value=200)


def painted(**changes: Any) -> bytes:
    arguments: dict[str, Any] = {
        "avatar_id": "luna",
        "scene": "cafe",
        "framing": "half",
        "seed": 7,
        "width": 160,
        "height": 160,
    }
    return paint(**(arguments | changes))


def opened(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data)) as image:
        image.load()
        return image


def share_that_differs(first: Image.Image, second: Image.Image) -> float:
    """The share of pixels that differ visibly."""
    changed = ImageChops.difference(first, second).convert("L").point(lambda v: 255 * (v > 16))
    return changed.histogram()[255] / (changed.width * changed.height)


@given(st.text(max_size=40))
def test_an_avatar_has_the_same_features_every_time(avatar_id: str) -> None:
    assert features(avatar_id) == features(avatar_id)


def test_features_do_not_change_from_one_release_to_the_next() -> None:
    luna = features("luna")
    assert (luna.hair, luna.hair_colour, luna.skin) == (
        Hair.STRAIGHT,
        (36, 29, 33),
        (198, 140, 102),
    )


def test_no_two_avatars_of_a_crowd_look_alike() -> None:
    assert len({features(avatar_id) for avatar_id in CROWD}) == len(CROWD)


@pytest.mark.parametrize("trait", ["hair", "hair_colour", "skin", "eyes", "glasses", "earrings"])
def test_no_trait_dominates_a_crowd(trait: str) -> None:
    seen = Counter(getattr(features(avatar_id), trait) for avatar_id in CROWD)
    assert len(seen) >= 3
    assert max(seen.values()) <= 0.7 * len(CROWD)


def test_every_measure_spreads_over_its_range() -> None:
    crowd = [features(avatar_id) for avatar_id in CROWD]
    measures = [f.name for f in fields(crowd[0]) if f.type is float]
    assert measures
    for measure in measures:
        assert len({getattr(face, measure) for face in crowd}) > 0.9 * len(crowd)


def test_strangers_rarely_share_hair_skin_and_eyes() -> None:
    looks = Counter((f.hair, f.hair_colour, f.skin, f.eyes) for f in map(features, CROWD))
    assert max(looks.values()) <= 0.02 * len(CROWD)


def test_equal_arguments_give_equal_bytes() -> None:
    assert painted() == painted()


def test_painting_in_many_threads_changes_nothing() -> None:
    seeds = range(6)
    alone = [painted(seed=seed) for seed in seeds]
    with ThreadPoolExecutor(max_workers=6) as pool:
        together = list(pool.map(lambda seed: painted(seed=seed), seeds))
    assert together == alone


@pytest.mark.parametrize(
    "change",
    [{"seed": 8}, {"scene": "beach"}, {"framing": "closeup"}, {"avatar_id": "mara"}],
    ids=lambda change: next(iter(change)),
)
def test_another_argument_gives_a_visibly_different_picture(change: dict[str, Any]) -> None:
    assert share_that_differs(opened(painted()), opened(painted(**change))) > 0.04


def test_a_seed_decides_pose_clothes_and_light() -> None:
    cafe = SCENES["cafe"].wardrobe
    poses = [pose("cafe", cafe, Framing.HALF, seed) for seed in range(40)]
    assert len({(p.tilt, p.look, p.offset) for p in poses}) == len(poses)
    assert {p.garment for p in poses} == set(cafe.garments)
    assert {p.cloth for p in poses} == set(cafe.colours)
    assert {p.light.hour for p in poses} == set(cafe.hours)
    assert {p.light.side for p in poses} == {-1, 1}


def test_every_promised_scene_exists() -> None:
    assert sorted(SCENES) == sorted(ALL_SCENES)


@pytest.mark.parametrize("framing", list(Framing))
@pytest.mark.parametrize("scene", ALL_SCENES)
def test_every_scene_can_be_painted_in_every_framing(scene: str, framing: Framing) -> None:
    image = opened(painted(scene=scene, framing=framing, width=96, height=96))
    colours = image.getcolors(maxcolors=96 * 96)
    assert colours is not None
    assert len(colours) > 500  # neither blank nor flat


def test_an_unknown_scene_is_the_studio() -> None:
    assert painted(scene="the moon") == painted(scene="studio")


def test_an_unknown_framing_is_half() -> None:
    assert painted(framing="drone") == painted(framing="half")


@given(
    avatar_id=st.text(max_size=20),
    scene=st.sampled_from(ALL_SCENES),
    framing=st.sampled_from(list(Framing)),
    seed=st.integers(min_value=-(2**63), max_value=2**64),
    width=SIDES,
    height=SIDES,
)
@settings(max_examples=25, deadline=None)
def test_any_request_is_painted_at_its_exact_size(
    avatar_id: str, scene: str, framing: str, seed: int, width: int, height: int
) -> None:
    image = opened(
        paint(
            avatar_id=avatar_id,
            scene=scene,
            framing=framing,
            seed=seed,
            width=width,
            height=height,
        )
    )
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (width, height))


@pytest.mark.parametrize("size", [(64, 1536), (1536, 64), (832, 1216), (1216, 832), (1536, 1536)])
def test_portrait_landscape_and_extremes_keep_their_size(size: tuple[int, int]) -> None:
    assert opened(painted(width=size[0], height=size[1])).size == size


@pytest.mark.parametrize("side", [-1, 0, SMALLEST_PX - 1, LARGEST_PX + 1])
@pytest.mark.parametrize("name", ["width", "height"])
def test_refuses_a_size_out_of_range(name: str, side: int) -> None:
    with pytest.raises(ValueError, match=f"{side} px"):
        painted(**{name: side})


@pytest.mark.parametrize("label", ["", "  "])
def test_refuses_to_leave_a_picture_unlabelled(label: str) -> None:
    with pytest.raises(ValueError, match="label is blank"):
        painted(label=label)


def test_says_in_the_file_that_it_was_drawn() -> None:
    assert opened(painted()).info == {
        "Software": "Atelier preview painter",
        "Comment": "PREVIEW - drawn, not generated",
    }


@pytest.mark.parametrize("size", [(128, 128), (512, 512), (512, 768), (768, 512)])
@pytest.mark.parametrize("scene", ["studio", "beach", "city_night"])
def test_the_ribbon_covers_its_corner_and_nothing_else(scene: str, size: tuple[int, int]) -> None:
    labelled = opened(painted(scene=scene, width=size[0], height=size[1]))
    bare = draw_unlabelled("luna", scene, "half", 7, size)
    corner = round(min(size) * 0.36) + 1
    box = (0, 0, corner, corner)
    assert share_that_differs(labelled.crop(box), bare.crop(box)) > 0.15
    for image in (labelled, bare):
        image.paste((0, 0, 0), box)
    assert labelled.tobytes() == bare.tobytes()


@pytest.mark.parametrize("scene", ALL_SCENES)
def test_the_label_stands_out_in_a_thumbnail_of_any_scene(scene: str) -> None:
    thumbnail = opened(painted(scene=scene, width=768, height=768))
    thumbnail.thumbnail((384, 384))
    # The middle of the ribbon, where the letters are.
    letters = thumbnail.crop((44, 44, 66, 66)).convert("L").histogram()
    assert sum(letters[:60]) > 0.25 * 22 * 22
    assert sum(letters[200:]) > 0.10 * 22 * 22


def test_another_label_changes_the_ribbon_and_nothing_else() -> None:
    ours, theirs = opened(painted()), opened(painted(label="DRAFT"))
    changed = ImageChops.difference(ours, theirs).getbbox()
    assert changed is not None
    assert max(changed) <= round(160 * 0.36)


def test_a_long_label_shrinks_to_fit() -> None:
    long = opened(painted(label="PREVIEW OF THINGS TO COME", width=512, height=512))
    # The ends of the ribbon stay free of letters: it begins and ends in its own dark colour.
    for end in (long.getpixel((160, 3)), long.getpixel((3, 160))):
        assert end == long.getpixel((150, 6))


def test_a_full_picture_takes_well_under_a_second_of_one_core() -> None:
    spent = []
    for _ in range(3):
        begun = time.process_time()
        painted(framing="closeup", width=1024, height=1024)
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.6
