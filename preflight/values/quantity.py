"""Kubernetes quantities (`500m`, `16Gi`, `1e3`) as numbers.

Rule: k8s.io/apimachinery resource.Quantity: binary suffixes Ki..Ei, decimal suffixes n..E, or an exponent.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_SHAPE = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d{1,3})?")
_SUFFIX = {
    "": Decimal(1), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
    "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip


def parse_quantity(value: object) -> Decimal | None:
    """Parse a quantity (text or number); None when it is not one.

    Units: the base unit of the resource: bytes for memory and storage, cores for cpu.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    found = _SHAPE.fullmatch(str(value).strip())
    if not found:
        return None
    number, suffix = found.group(1), found.group(2) or ""
    try:
        if suffix in _SUFFIX:
            return Decimal(number) * _SUFFIX[suffix]
        return Decimal(number + suffix)
    except InvalidOperation:
        return None


def human_bytes(count: float | Decimal) -> str:
    """Say a number of bytes in binary units with one decimal: `29.4 GiB`."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(amount) < 1024 or unit == "TiB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("unreachable")
