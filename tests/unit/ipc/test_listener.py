"""Listener and Client: addresses of each family, the handshake, errors that say where nobody answered."""

from __future__ import annotations

import multiprocessing.connection as std
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from typing import Any

import pytest

from procession.ipc.connection import Client, Connection, Listener
from tests.unit.ipc.pipekit import ended, fork, in_child

ADDRESSES: list[tuple[Any, str | None]] = [
    (None, "AF_INET"),
    (None, "AF_UNIX"),
    (None, None),
    (("localhost", 0), None),
    ("\0procession-tests", None),
]


def served(listener: Listener, serve: Callable[[Connection], object]) -> threading.Thread:
    """Serve one connection; a failed handshake is the client's to see."""

    def work() -> None:
        with suppress(AuthenticationError, EOFError, OSError), listener.accept() as connection:
            serve(connection)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize(("address", "family"), ADDRESSES)
@pytest.mark.parametrize("key", [None, b"", b"secret"])
@pytest.mark.parametrize("client", [Client, std.Client])
def test_a_client_of_a_listener(
    client: Callable[..., Any], key: bytes | None, address: Any, family: str | None
) -> None:
    with Listener(address, family, authkey=key) as listener:
        serving = served(listener, lambda connection: connection.send(connection.recv() + 1))
        with client(listener.address, authkey=key) as connection:
            connection.send(41)
            assert connection.recv() == 42
        serving.join()
    with pytest.raises(OSError, match="listener is closed"):
        listener.accept()


@pytest.mark.parametrize("key", [None, b"secret"])
def test_our_client_of_the_standard_library(key: bytes | None) -> None:
    with std.Listener(authkey=key) as listener:
        pid = fork(lambda: Client(listener.address, authkey=key).send(("from ours", bytes(100_000))))
        with listener.accept() as connection:
            assert connection.recv() == ("from ours", bytes(100_000))
        ended(pid)


def test_an_accepted_connection_is_ours_and_says_who_called() -> None:
    with Listener(("localhost", 0)) as listener:
        client = Client(listener.address)
        with client, listener.accept() as connection:
            assert type(connection) is type(client) is Connection
            with socket.socket(fileno=os.dup(client.fileno())) as sock:
                assert listener.last_accepted == sock.getsockname()


def test_a_wrong_key_is_refused_on_both_sides() -> None:
    with Listener(authkey=b"one") as listener:
        refused: list[BaseException] = []

        def accept() -> None:
            with pytest.raises(AuthenticationError) as caught:
                listener.accept()
            refused.append(caught.value)

        thread = threading.Thread(target=accept)
        thread.start()
        with pytest.raises(AuthenticationError):
            Client(listener.address, authkey=b"two")
        thread.join()
        assert len(refused) == 1


def test_a_key_must_be_bytes() -> None:
    with pytest.raises(TypeError, match="authkey should be a byte string"):
        Listener(authkey="text")  # type: ignore[arg-type]
    with Listener() as listener, pytest.raises(TypeError, match="authkey should be a byte string"):
        Client(listener.address, authkey="text")  # type: ignore[arg-type]


@pytest.mark.parametrize("family", ["AF_INET", "AF_UNIX"])
def test_an_address_is_taken_once(family: str) -> None:
    with Listener(family=family) as listener, pytest.raises(OSError, match="in use"):
        Listener(listener.address, family)


@pytest.mark.parametrize("family", ["AF_INET", "AF_UNIX"])
def test_an_error_says_where_nobody_listens(family: str) -> None:
    with Listener(family=family) as listener:
        address = listener.address
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)) as caught:
        Client(address)
    assert "nobody listens at" in str(caught.value)
    assert repr(address) in str(caught.value)
    assert caught.value.errno


def test_a_client_that_has_gone_before_it_was_accepted_is_still_heard() -> None:
    with Listener() as listener:
        in_child(lambda: Client(listener.address).send("hello"))
        with listener.accept() as connection:
            assert connection.recv() == "hello"
            with pytest.raises(EOFError):
                connection.recv()


def test_lambdas_travel_over_tcp() -> None:
    with Listener(("localhost", 0)) as listener:
        serving = served(listener, lambda connection: connection.send(connection.recv()(20)))
        with Client(listener.address) as connection:
            connection.send(lambda number: number + 1)
            assert connection.recv() == 21
        serving.join()


def test_a_connection_travels_over_tcp_by_the_resource_sharer() -> None:
    from multiprocessing import resource_sharer

    from procession.ipc.connection import Pipe

    a, b = Pipe()
    with a, b, Listener(("localhost", 0)) as listener:
        serving = served(listener, lambda connection: connection.recv().send("through it"))
        with Client(listener.address) as connection:
            connection.send(b)
            assert a.recv() == "through it"
        serving.join()
    resource_sharer.stop(timeout=10)
