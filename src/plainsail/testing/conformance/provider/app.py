"""The application that the suite releases: it says what it was given, and misbehaves when it is told to.

Run as `python app.py PORT [behaviour=value ...]`, or with what `behaviour.txt` beside it holds. Nothing but the standard
library, and as little of it as will do: it is started a hundred times.
"""

import os
import signal
import socket
import sys
import threading
import time

PAGE = "HTTP/1.1 {} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n"


def main() -> None:
    port, *words = sys.argv[1:]
    if os.path.exists("behaviour.txt"):
        with open("behaviour.txt") as file:
            words += file.read().split()
    behaviour = dict(word.split("=", 1) for word in words if "=" in word)
    _note()
    print("begins as", os.environ.get("PLAINSAIL_INSTANCE"), flush=True)
    print("and complains", file=sys.stderr, flush=True)
    signal.signal(signal.SIGTERM, _deaf if "deaf" in behaviour else _goodbye)
    if "exit" in behaviour:
        sys.exit(int(behaviour["exit"]))
    time.sleep(float(behaviour.get("late", 0)))
    if "crash" in behaviour:
        threading.Timer(float(behaviour["crash"]), os._exit, [3]).start()
    _Server(int(port), {"healthz", "alive"} - set(behaviour.get("sick", "").split(","))).run()


class _Server:
    def __init__(self, port: int, well: set[str]) -> None:
        self._well = well
        self._socket = socket.create_server(("127.0.0.1", port))

    def run(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            head = connection.recv(4096).decode("latin-1").split(" ")
            if len(head) > 1:
                status, body = self._answer(head[1].strip("/"))
                page = body.encode("utf-8", "surrogateescape")
                connection.sendall(PAGE.format(status, len(page)).encode() + page)

    def _answer(self, path: str) -> tuple[int, str]:
        match path:
            case "healthz" | "alive":
                return (200, "well") if path in self._well else (503, "sick")
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "healthz/off" | "alive/off":
                self._well.discard(path.removesuffix("/off"))
            case "healthz/on" | "alive/on":
                self._well.add(path.removesuffix("/on"))
            case _:
                pass
        given = [f"env {name}={value}" for name, value in os.environ.items()]
        return 200, "\n".join([f"pid {os.getpid()}", f"cwd {os.getcwd()}", f"args {sys.argv[1:]}", *given])


def _note() -> None:
    """In the suite's book; and not to outlive the suite."""
    if book := os.environ.get("SUITE_BOOK"):
        with open(f"{book}/{os.getpid()}", "w") as file:
            file.write(os.environ.get("PLAINSAIL_INSTANCE", ""))
        threading.Thread(target=_until_over, args=[int(os.environ["SUITE"])], daemon=True).start()


def _until_over(suite: int) -> None:
    while os.path.exists(f"/proc/{suite}"):
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)


def _goodbye(*_: object) -> None:
    print("was asked to end", flush=True)
    os._exit(0)


def _deaf(*_: object) -> None:
    print("does not listen", flush=True)


if __name__ == "__main__":
    main()
