"""The border: what crosses is arrays and JSON, and nothing that is not."""

import io
import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cs_infer.judge.sandbox.frames import FrameError, plain, read_message, write_message

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=4),
        elements={"allow_nan": False},
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def round_trip(message):
    out = io.BytesIO()
    write_message(out.write, message)
    return read_message(io.BytesIO(out.getvalue()).read)


def same(x, y):
    if isinstance(x, np.ndarray):
        return isinstance(y, np.ndarray) and x.dtype == y.dtype and np.array_equal(x, y)
    if isinstance(x, (list, tuple)):
        return type(x) is type(y) and len(x) == len(y) and all(map(same, x, y))
    if isinstance(x, dict):
        return x.keys() == y.keys() and all(same(x[k], y[k]) for k in x)
    return x == y


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=3))
def test_what_crosses_arrives_as_it_was_sent(message):
    assert same(message, round_trip(message))


def test_a_long_list_of_rows_arrives_as_the_array_it_spells_out():
    rows = [np.array([i, i + 1]) for i in range(500)]
    got = round_trip({"rows": rows, "numbers": tuple(np.float64(i) for i in range(500))})
    assert np.array_equal(got["rows"], np.stack(rows))
    assert np.array_equal(got["numbers"], np.arange(500.0))


def test_long_doubles_arrive_in_double_precision():
    got = round_trip({"x": np.longdouble(1) / 3, "y": np.ones(2, np.longdouble) / 3})
    assert got["x"] == 1 / 3
    assert got["y"].dtype == np.float64
    assert np.array_equal(got["y"], np.ones(2) / 3)


def test_minus_infinity_and_fortran_order_arrive():
    sent = {"x": -np.inf, "y": np.asfortranarray(np.arange(6.0).reshape(2, 3))}
    got = round_trip(sent)
    assert got["x"] == -np.inf
    assert np.array_equal(got["y"], sent["y"])


@pytest.mark.parametrize(
    "value",
    [np.array([object()]), np.array(["text"]), object(), b"bytes", {1: "key"}, {1, 2}, 1j],
    ids=["objects", "texts", "object", "bytes", "number key", "set", "complex"],
)
def test_other_values_are_refused_by_the_sender(value):
    with pytest.raises(FrameError):
        write_message(io.BytesIO().write, {"x": value})


def frame(data):
    return struct.pack(">Q", len(data)) + data


def receive(*frames):
    return read_message(io.BytesIO(b"".join(frames)).read)


def one_array(data, **header):
    body = {"body": {"dict": {"x": {"array": 0}}}, "arrays": [header]}
    return receive(frame(json.dumps(body).encode()), frame(data))


def test_an_array_is_its_type_its_shape_and_its_bytes():
    got = one_array(np.arange(3.0).tobytes(), dtype="<f8", shape=[3])["x"]
    assert got.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "header",
    [
        {"dtype": "|O", "shape": [3]},
        {"dtype": "<U2", "shape": [3]},
        {"dtype": "<f8,<f8", "shape": [3]},
        {"dtype": "<f8" * 1000, "shape": [3]},
        {"dtype": None, "shape": [3]},
        {"dtype": "<f8", "shape": [4]},
        {"dtype": "<f8", "shape": [-3]},
        {"dtype": "<f8", "shape": [2**62, 4, 0]},
        {"dtype": "<f8", "shape": [True, 3]},
        {"dtype": "<f8", "shape": [3.0]},
        {"dtype": "<f8", "shape": [1] * 40 + [3]},
        {"dtype": "<f8", "shape": "3"},
        {"dtype": "<f8"},
        {},
    ],
    ids=range(14),
)
def test_a_header_that_does_not_fit_its_bytes_is_refused(header):
    with pytest.raises(FrameError):
        one_array(np.arange(3.0).tobytes(), **header)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">Q", 2**62),
        frame(b"not json"),
        frame(b'{"body": {}}'),
        frame(b'{"body": {"dict": {}}, "arrays": 1000000}'),
        frame(b'{"body": {"dict": {}}, "arrays": ' + b"[1," * 99 + b"1" + b"]" * 99 + b"}"),
        frame(b'{"body": {"dict": {"x": {"array": 3}}}, "arrays": []}'),
        frame(b'{"body": {"list": []}, "arrays": []}'),
        frame(b'{"body": {"pickle": "x"}, "arrays": []}'),
        frame(b'{"body": ' + b'{"list": [' * 5000 + b"]}" * 5000 + b', "arrays": []}'),
        frame(b"[]"),
        frame(b"3"),
        frame(b"\xff\xfe"),
    ],
    ids=range(12),
)
def test_malformed_messages_are_refused(data):
    with pytest.raises((FrameError, struct.error)):
        read_message(io.BytesIO(data).read)


# Functions


def test_a_function_crosses_as_a_number_and_stays_where_it_is():
    sent, functions = io.BytesIO(), []

    def number(function):
        functions.append(function)
        return len(functions) - 1

    write_message(sent.write, {"f": abs, "both": (max, 3), "many": [min] * 20}, number)
    got = read_message(io.BytesIO(sent.getvalue()).read, lambda k: ("function", k))
    assert got == {
        "f": ("function", 0),
        "both": (("function", 1), 3),
        "many": [("function", k) for k in range(2, 22)],
    }
    assert functions == [abs, max, *[min] * 20]


def test_where_no_function_may_cross_none_does():
    with pytest.raises(FrameError, match="not builtin_function_or_method"):
        write_message(io.BytesIO().write, {"f": abs})
    with pytest.raises(FrameError, match="unknown value of kind 'function'"):
        receive(frame(b'{"body": {"dict": {"f": {"function": 0}}}, "arrays": []}'))


@pytest.mark.parametrize("number", ["-1", "true", '"0"', "0.0", "null", '{"function": 0}', "[0]"])
def test_the_number_of_a_function_is_a_whole_number(number):
    text = f'{{"body": {{"dict": {{"f": {{"function": {number}}}}}}}, "arrays": []}}'.encode()
    with pytest.raises(FrameError):
        read_message(io.BytesIO(frame(text)).read, lambda k: k)


def test_an_array_cannot_be_repeated_to_make_a_short_message_large():
    body = {"body": {"dict": {"x": {"list": [{"array": 0}] * 2}}}}
    header = {"dtype": "<f8", "shape": [1]}
    text = json.dumps(body | {"arrays": [header]}).encode()
    with pytest.raises(FrameError, match="each array stands in one place"):
        receive(frame(text), frame(bytes(8)))


def test_tensors_are_arrays_wherever_they_stand():
    class Tensor:
        def detach(self):
            return self

        cpu = detach

        def numpy(self):
            return np.ones(2)

    found = plain({"a": [Tensor()], "b": (Tensor(), 1)})
    assert type(found["a"]) is list
    assert np.array_equal(found["a"][0], np.ones(2))
    assert np.array_equal(found["b"][0], np.ones(2))
