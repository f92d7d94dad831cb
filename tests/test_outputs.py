"""What a notebook shows: taken out of the box only in bounded numbers and sizes."""

import base64
import struct

import pytest

from cs_infer.judge.notebook import clean_outputs


def png(width=8, height=8, size=60):
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)
    return base64.b64encode(start + bytes(size - len(start))).decode()


def shown(pictures):
    return clean_outputs({"cell": {"status": "ran", "pictures": pictures}}, 100)["cell"]["pictures"]


def test_a_picture_is_a_png_in_base64():
    assert shown([png()]) == [png()]
    jpeg = base64.b64encode(b"\xff\xd8\xff" * 20).decode()
    assert shown([jpeg, "<script>", png()[:20], png() + "\n", 3, None, "=" * 60]) == []
    assert shown("no list") == []


@pytest.mark.parametrize("sides", [(4001, 1), (1, 4001), (2**31, 2**31)])
def test_a_picture_that_would_unpack_into_too_many_pixels_is_left_out(sides):
    assert shown([png(*sides)]) == []
    assert shown([png(4000, 4000)]) != []


def test_pictures_are_bounded_for_a_cell_and_for_the_notebook():
    assert len(shown([png()] * 9)) == 4
    assert shown([png(size=400_000)]) == []
    cells = {str(n): {"pictures": [png()] * 4} for n in range(100)}
    kept = [len(o["pictures"]) for o in clean_outputs(cells, 100).values()]
    assert kept == [4] * 5 + [0] * 95


def test_text_of_any_kind_is_cut():
    output = {"status": ["x"] * 99, "text": "y" * 999, "error": {"z": 1}}
    clean = clean_outputs({"cell": output}, 100)["cell"]
    assert (len(clean["status"]), len(clean["text"])) == (40, 100)
    assert clean["error"] == "{'z': 1}"
