"""The border: length-prefixed frames of JSON and ``.npy`` arrays, nothing else.

A message is one JSON frame, whose ``"arrays"`` says how many array frames
follow. Nothing is ever unpickled. Sizes are capped and checked before memory
is taken. This file runs on both sides, so it needs numpy alone.
"""

import io
import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

_LENGTH = struct.Struct(">Q")
MOST_JSON_BYTES = 8 * 2**20
MOST_ARRAY_BYTES = 256 * 2**20
MOST_ARRAYS = 64
MOST_DEPTH = 8


class FrameError(ValueError):
    """What came across the border does not keep to the protocol."""


def write_message(write: Callable[[bytes], Any], message: dict[str, Any]) -> None:
    """Send one message.

    Args:
        write: takes bytes, as a file's ``write`` does.
        message: JSON values, tuples and numpy arrays.

    Raises:
        FrameError: a value is of another kind, or too large.
    """
    arrays: list[np.ndarray] = []
    body = {"body": _pack(message, arrays, MOST_DEPTH), "arrays": len(arrays)}
    if len(arrays) > MOST_ARRAYS:
        raise FrameError(f"at most {MOST_ARRAYS} arrays; there are {len(arrays)}")
    frames = [json.dumps(body).encode(), *map(_npy, arrays)]
    write(b"".join(_LENGTH.pack(len(frame)) + frame for frame in frames))


def read_message(read: Callable[[int], bytes]) -> dict[str, Any]:
    """Receive one message.

    Args:
        read: returns exactly that many bytes, or raises.

    Returns:
        The message.

    Raises:
        FrameError: what came is malformed or too large.
    """
    try:
        body = json.loads(_frame(read, MOST_JSON_BYTES))
        count = body["arrays"]
        if not isinstance(count, int) or not 0 <= count <= MOST_ARRAYS:
            raise FrameError(f"a message has 0 to {MOST_ARRAYS} arrays; this says {count!r}")
        arrays = [_array(_frame(read, MOST_ARRAY_BYTES)) for _ in range(count)]
        message = _unpack(body["body"], arrays, MOST_DEPTH)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, RecursionError) as e:
        raise FrameError(f"malformed message: {e!r}") from None
    if not isinstance(message, dict):
        raise FrameError("a message is a dict")
    return message


def _frame(read: Callable[[int], bytes], most: int) -> bytes:
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > most:
        raise FrameError(f"a frame has at most {most} bytes; this says {length}")
    return read(length)


def _npy(array: np.ndarray) -> bytes:
    if array.dtype.kind not in "biufc":
        raise FrameError(f"arrays are numeric; this one has dtype {array.dtype}")
    if array.nbytes > MOST_ARRAY_BYTES - 256:
        raise FrameError(f"an array has at most {MOST_ARRAY_BYTES} bytes, not {array.nbytes}")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _array(frame: bytes) -> np.ndarray:
    buffer = io.BytesIO(frame)
    try:
        if np.lib.format.read_magic(buffer) != (1, 0):
            raise FrameError("arrays are sent in npy format 1.0")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(buffer, max_header_size=1000)
    except (ValueError, SyntaxError, EOFError, MemoryError, RecursionError) as error:
        raise FrameError(f"not an array: {error}") from None
    size = dtype.itemsize
    for length in shape:
        if not isinstance(length, int) or length < 0:
            raise FrameError(f"a shape has whole numbers; this is {shape}")
        size *= length
    data = frame[buffer.tell() :]
    if dtype.kind not in "biufc" or size != len(data):
        raise FrameError(f"shape {shape} of {dtype} needs {size} bytes; {len(data)} came")
    array = np.frombuffer(data, dtype=dtype).copy()
    return array.reshape(shape, order="F" if fortran else "C")


def _pack(value: Any, arrays: list[np.ndarray], depth: int) -> Any:
    if depth == 0:
        raise FrameError(f"values are nested at most {MOST_DEPTH} deep")
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, np.generic):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_pack(part, arrays, depth - 1) for part in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _pack(part, arrays, depth - 1) for key, part in value.items()}}
    raise FrameError(
        f"values are numbers, texts, arrays, tuples, lists; not {type(value).__name__}"
    )


def _unpack(value: Any, arrays: list[np.ndarray], depth: int) -> Any:
    if depth == 0:
        raise FrameError(f"values are nested at most {MOST_DEPTH} deep")
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items() if len(value) == 1 else ((None, None),)
    if kind == "array" and isinstance(content, int) and 0 <= content < len(arrays):
        return arrays[content]
    if kind in ("list", "tuple") and isinstance(content, list):
        parts = [_unpack(part, arrays, depth - 1) for part in content]
        return tuple(parts) if kind == "tuple" else parts
    if kind == "dict" and isinstance(content, dict):
        return {key: _unpack(part, arrays, depth - 1) for key, part in content.items()}
    raise FrameError(f"unknown value of kind {kind!r}")
