"""The border: length-prefixed frames of JSON and of plain numbers, nothing else.

A message is one JSON frame, whose ``"arrays"`` gives the type and shape of
the arrays that follow, each a frame of its numbers' bytes. A function stays
where it is: its number crosses, and who has that may ask for its answers.
Nothing is ever unpickled or parsed as code. Sizes are capped and checked before memory is
taken. This file runs on both sides, so it needs numpy alone.
"""

import json
import math
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

_LENGTH = struct.Struct(">Q")
_NUMERIC = re.compile(r"[<>|][biuf](1|2|4|8)")
MOST_JSON_BYTES = 8 * 2**20
MOST_ARRAY_BYTES = 64 * 2**20
MOST_ARRAYS = 64
MOST_DEPTH = 8
MOST_AXES = 16
MOST_PARTS = 8


class FrameError(ValueError):
    """What came across the border does not keep to the protocol."""


def write_message(
    write: Callable[[bytes], Any],
    message: dict[str, Any],
    number: Callable[[Callable[..., Any]], int] | None = None,
) -> None:
    """Send one message.

    Args:
        write: takes bytes, as a file's ``write`` does.
        message: JSON values, tuples, numpy arrays and functions.
        number: the number of a function; without it no function may be sent.

    Raises:
        FrameError: a value is of another kind, or too large.
    """
    arrays: list[np.ndarray] = []
    packed = _pack(message, arrays, number, MOST_DEPTH)
    body = {"body": packed, "arrays": list(map(_header, arrays))}
    if len(arrays) > MOST_ARRAYS:
        raise FrameError(f"at most {MOST_ARRAYS} arrays; there are {len(arrays)}")
    if (size := sum(array.nbytes for array in arrays)) > MOST_ARRAY_BYTES:
        raise FrameError(f"arrays have at most {MOST_ARRAY_BYTES} bytes together, not {size}")
    frames = [json.dumps(body).encode(), *(array.tobytes() for array in arrays)]
    write(b"".join(_LENGTH.pack(len(frame)) + frame for frame in frames))


def read_message(
    read: Callable[[int], bytes], function: Callable[[int], Any] | None = None
) -> dict[str, Any]:
    """Receive one message.

    Args:
        read: returns exactly that many bytes, or raises.
        function: what stands for the function of that number; without it no
            function may come.

    Returns:
        The message.

    Raises:
        FrameError: what came is malformed or too large.
    """
    try:
        body = json.loads(_frame(read, MOST_JSON_BYTES))
        headers = body["arrays"]
        if not isinstance(headers, list) or len(headers) > MOST_ARRAYS:
            raise FrameError(f"a message has a list of at most {MOST_ARRAYS} arrays")
        arrays, left = [], MOST_ARRAY_BYTES  # for all of them: the reader's memory is finite
        for header in headers:
            arrays.append(_array(header, _frame(read, left)))
            left -= arrays[-1].nbytes
        message = _unpack(body["body"], arrays, function, MOST_DEPTH)
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError) as e:
        raise e if isinstance(e, FrameError) else FrameError(f"malformed message: {e!r}") from None
    if not isinstance(message, dict):
        raise FrameError("a message is a dict")
    return message


def plain(value: Any, depth: int = MOST_DEPTH) -> Any:
    """Tensors as arrays, also in lists, tuples and dicts; odd values as they are."""
    if depth == 0:
        return value
    if type(value) is list:
        return [plain(part, depth - 1) for part in value]
    if isinstance(value, tuple):
        return tuple(plain(part, depth - 1) for part in value)
    if isinstance(value, dict):
        return {key: plain(part, depth - 1) for key, part in value.items()}
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        return value.detach().cpu().numpy()
    return value


def _frame(read: Callable[[int], bytes], most: int) -> bytes:
    (length,) = _LENGTH.unpack(read(_LENGTH.size))
    if length > most:
        raise FrameError(f"a frame has at most {most} bytes; this says {length}")
    return read(length)


def _header(array: np.ndarray) -> dict[str, Any]:
    if not _NUMERIC.fullmatch(array.dtype.str):
        raise FrameError(f"arrays are of real numbers; this one has dtype {array.dtype}")
    return {"dtype": array.dtype.str, "shape": list(array.shape)}


def _array(header: Any, data: bytes) -> np.ndarray:
    name, shape = header["dtype"], header["shape"]
    if not isinstance(name, str) or not _NUMERIC.fullmatch(name):
        raise FrameError(f"arrays are of real numbers; this says {name!r:.40}")
    whole = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
    if not whole or len(shape) > MOST_AXES:
        raise FrameError(f"a shape has at most {MOST_AXES} whole numbers")
    dtype = np.dtype(name)
    if math.prod(shape) * dtype.itemsize != len(data):
        raise FrameError(f"shape {shape} of {dtype} does not fit the {len(data)} bytes that came")
    return np.frombuffer(data, dtype=dtype).reshape(shape).copy()


def _pack(value: Any, arrays: list[np.ndarray], number: Any, depth: int) -> Any:
    if depth == 0:
        raise FrameError(f"values are nested at most {MOST_DEPTH} deep")
    if isinstance(value, np.floating):
        return float(value)  # a longdouble's item() is no Python number
    if isinstance(value, np.generic) and value.dtype.kind in "biu":
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if type(value) in (list, tuple) and len(value) > MOST_PARTS:
        value = _as_block(value)
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        arrays.append(array.astype(np.float64) if array.dtype == np.longdouble else array)
        return {"array": len(arrays) - 1}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_pack(part, arrays, number, depth - 1) for part in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {
            "dict": {key: _pack(part, arrays, number, depth - 1) for key, part in value.items()}
        }
    if number is not None and callable(value):
        return {"function": number(value)}
    raise FrameError(
        f"values are numbers, texts, arrays, tuples, lists; not {type(value).__name__}"
    )


def _as_block(values: list[Any] | tuple[Any, ...]) -> Any:
    """A long list of numbers, or of rows of numbers, as the array it spells out."""
    try:
        block = np.asarray(values)
    except (ValueError, TypeError, OverflowError, MemoryError):
        return values
    return block if _NUMERIC.fullmatch(block.dtype.str) else values


def _unpack(value: Any, arrays: list[np.ndarray], function: Any, depth: int) -> Any:
    if depth == 0:
        raise FrameError(f"values are nested at most {MOST_DEPTH} deep")
    if isinstance(value, str):
        return _writable(value)
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items() if len(value) == 1 else ((None, None),)
    if kind == "array" and type(content) is int and 0 <= content < len(arrays):
        return _taken_once(arrays, content)
    if kind == "function" and function is not None and type(content) is int and content >= 0:
        return function(content)
    if kind in ("list", "tuple") and isinstance(content, list):
        parts = [_unpack(part, arrays, function, depth - 1) for part in content]
        return tuple(parts) if kind == "tuple" else parts
    if kind == "dict" and isinstance(content, dict):
        return {
            _writable(key): _unpack(part, arrays, function, depth - 1)
            for key, part in content.items()
        }
    raise FrameError(f"unknown value of kind {kind!r}")


def _taken_once(arrays: list[Any], index: int) -> np.ndarray:
    """An array of a message; were it repeated, a short message could be a very large value."""
    array, arrays[index] = arrays[index], None
    if array is None:
        raise FrameError(f"each array stands in one place; array {index} stands in two")
    return array


def _writable(text: str) -> str:
    """Text without lone surrogates, which JSON carries and no file can hold."""
    return text.encode("utf-8", "replace").decode()
