"""Sockets that are closed when their connection cannot be made.

The library leaves such a socket to the garbage collector, one for each attempt while a broker is away. Optional: where
the library's internals are not the known ones nothing is changed.
"""

from __future__ import annotations

from typing import Any

from kafka.net import inet

from understudy.core.log.kafka.selfcheck import CONNECTING, present


class ClosingSocket(inet.KafkaNetSocket):  # type: ignore[misc]  # takes the place of the library's untyped class
    """The library's way of connecting, but that nothing is left behind."""

    SCHEMES = ()

    async def sock_connect(self, net: Any, sock: Any, sockaddr: Any, timeout_at: float | None = None) -> Any:
        """The socket, connected. Raises KafkaError; whatever ends it else ends the socket too."""
        try:
            return await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise


def patch_connecting() -> None:
    """Let connections be made so, if the place to say so is still there."""
    if present(CONNECTING):
        inet.KafkaNetSocket = ClosingSocket
