"""The bytes of a VCF, plain or (b)gzipped, block by block; a packed file that is a trap is refused on the way."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from mlpa_caller.errors import FormatError

__all__ = ["VcfSource", "open_source"]

_SMALL, _MOST_PACKED = 1 << 24, 100
"""Bytes that any packed file may unpack to; times its size that a larger one may, and one more for every sample,
for equal genotypes take next to nothing."""


class _Counted(io.RawIOBase):
    """A stream that counts the bytes read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.n_bytes = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.n_bytes += len(data)
        return data


class VcfSource:
    """The unpacked bytes of a file, once.

    Attributes
    ----------
    name
        The file, as the user named it.
    """

    def __init__(self, stream: IO[bytes], name: str, packed: _Counted | None = None) -> None:
        self.name = name
        self._stream = stream
        self._packed = packed
        self._most_packed = _MOST_PACKED
        self._n_bytes = 0

    def allow_samples(self, n_samples: int) -> None:
        """Let a file with genotypes of so many samples unpack to more: equal genotypes take next to nothing."""
        self._most_packed = _MOST_PACKED + n_samples

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size`; none at the end.

        Raises
        ------
        FormatError
            If the file is damaged, cannot be read, or unpacks to much more than variants do.
        """
        try:
            block = self._stream.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FormatError(
                f"the compressed file is damaged or cut off ({error})",
                remedy="copy or compress it again",
                file=self.name,
            ) from None
        except OSError as error:
            raise FormatError(f"cannot be read ({error.strerror or error})", remedy="check the file",
                              file=self.name) from None  # fmt: skip
        self._n_bytes += len(block)
        if self._packed is not None and self._n_bytes > max(_SMALL, self._most_packed * self._packed.n_bytes):
            raise FormatError(
                f"unpacks to more than {self._most_packed} times its size, as no list of variants does",
                remedy="check how it was made, or give it unpacked",
                file=self.name,
            )
        return block


@contextmanager
def open_source(path: str | os.PathLike[str]) -> Iterator[VcfSource]:
    """Open a file; ``-`` is standard input.

    Raises
    ------
    FormatError
        If the file is absent or cannot be read.
    """
    source = os.fspath(path)
    try:
        raw: IO[bytes] = sys.stdin.buffer if source == "-" else open(source, "rb")  # noqa: SIM115
    except FileNotFoundError:
        raise FormatError("no such file", remedy="check the path", file=source) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FormatError(f"cannot be read ({reason})", remedy="check the path and its permissions",
                          file=source.replace("\0", "\\0")) from None  # fmt: skip
    try:
        start = raw.peek(4)[:4] if hasattr(raw, "peek") else b""
        if start[:2] == b"\x1f\x8b":
            packed = _Counted(raw)
            with gzip.GzipFile(fileobj=packed, mode="rb") as unpacked:
                yield VcfSource(unpacked, source, packed)  # type: ignore[arg-type]
        else:
            yield VcfSource(raw, source)
    except IsADirectoryError:
        raise FormatError("is a folder", remedy="name the VCF itself", file=source) from None
    finally:
        if source != "-":
            raw.close()
