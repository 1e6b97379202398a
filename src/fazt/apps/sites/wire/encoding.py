"""Which compressed form a client takes (RFC 9110, section 12.5.3)."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache


class Encoding(IntEnum):
    """The forms that files are kept in, the best last."""

    IDENTITY = 0
    GZIP = 1
    BROTLI = 2


MOST_READ = 256
"""Bytes of the header: it is remembered, and no client has more to say."""

TOKENS = {Encoding.GZIP: b"gzip", Encoding.BROTLI: b"br"}


def choose_encoding(accept: bytes) -> Encoding:
    """The best form that an Accept-Encoding header takes; brotli over gzip where both are as welcome."""
    return _choose(accept[:MOST_READ])


@lru_cache(maxsize=512)
def _choose(accept: bytes) -> Encoding:
    weights: dict[bytes, float] = {}
    for part in accept.lower().split(b","):
        name, _, parameters = part.partition(b";")
        weights[name.strip()] = parse_weight(parameters)
    other = weights.get(b"*", 0.0)
    best, best_weight = Encoding.IDENTITY, 0.0
    for encoding in (Encoding.BROTLI, Encoding.GZIP):
        token = TOKENS[encoding]
        weight = max(weights.get(token, other), weights.get(b"x-gzip", 0.0) if encoding is Encoding.GZIP else 0.0)
        if weight > best_weight:
            best, best_weight = encoding, weight
    return best if best_weight >= weights.get(b"identity", 0.0) else Encoding.IDENTITY


def parse_weight(parameters: bytes) -> float:
    """The q of `;q=0.5`: 1 where there is none, 0 where it makes no sense."""
    for parameter in parameters.split(b";"):
        name, equals, value = parameter.partition(b"=")
        if equals and name.strip() == b"q":
            try:
                weight = float(value.strip()[:6])
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0
