"""Seeds that follow from others."""

from __future__ import annotations

import hashlib


def derived_seed(seed: int, role: str, use: str) -> int:
    """Return 32 bits of the SHA-256 of a seed, a role and what the seed is for."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{role}/{use}".encode()).digest()[:4], "big")
