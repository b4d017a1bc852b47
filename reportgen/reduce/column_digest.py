"""The digest of a column, worked out while it is read."""

import json
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from reportgen.reduce.base import Chunk, Reduction


@dataclass(frozen=True)
class DigestState:
    """Digest of some rows, and that of all rows in the pass before, if there was one."""

    digest: bytes
    before: str


@dataclass(frozen=True)
class ColumnDigest(Reduction[DigestState, str]):
    """SHA-256 of the values of a column: of those of its chunks, joined two by two as states are.

    twice: read the column in the pass before, too; empty when that gave another digest.
    """

    column: str
    twice: bool = False

    def needs(self) -> dict[str, "ColumnDigest"]:
        return {"before": ColumnDigest(self.column)} if self.twice else {}

    def start(self, before: str = "") -> DigestState:
        return DigestState(sha256().digest(), before)

    def update(self, state: DigestState, chunk: Chunk) -> DigestState:
        running = sha256(b"rows" + state.digest)
        values = chunk.read[self.column]
        if values.dtype.kind == "T":
            running.update(json.dumps(values.tolist()).encode())
        else:
            running.update(np.ascontiguousarray(values).data)
        return DigestState(running.digest(), state.before)

    def merge(self, first: DigestState, second: DigestState) -> DigestState:
        return DigestState(sha256(b"both" + first.digest + second.digest).digest(), first.before)

    def finish(self, state: DigestState) -> str:
        found = state.digest.hex()
        return found if state.before in ("", found) else ""
