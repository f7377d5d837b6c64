"""The address at which other machines of the school's network reach this one."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit, urlunsplit

_ELSEWHERE = ("192.0.2.1", 9)
"""Kept for documentation: a datagram socket that is pointed there learns its own address and sends nothing."""


def own_address() -> str | None:
    """This machine's address in its network; None when it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        try:
            found.connect(_ELSEWHERE)
        except OSError:
            return None
        address = str(found.getsockname()[0])
    return None if is_own_alone(address) else address


def is_own_alone(host: str) -> bool:
    """Is this a name of a machine for itself, or of all its networks at once, at which nobody else reaches it?"""
    if host in ("localhost", ""):
        return True
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def reachable(address: str, listens_on: str = "") -> str | None:
    """What others type for an address of this machine: with its own name in the network, where it bears none.

    ``listens_on`` is the host that is served; None when nobody else reaches it, or this machine is in no network.
    """
    parts = urlsplit(address)
    if not is_own_alone(parts.hostname or ""):
        return address
    own = own_address() if listens_on in ("", "0.0.0.0", "::") or not is_own_alone(listens_on) else None
    if own is None:
        return None
    return urlunsplit(parts._replace(netloc=f"{own}:{parts.port}" if parts.port else own))
