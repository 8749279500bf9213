"""The control plane over HTTP, as Python methods. Documents are the API's, as plain dictionaries; see its OpenAPI."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Literal
from urllib.parse import quote

import httpx2

Json = dict[str, Any]

TIMEOUT = 30.0
"""Seconds for an answer; a control plane answers within one."""
APPLY_TIMEOUT = 300.0
"""Seconds for the answer to a file, which may have ten thousand services."""
UPLOAD_TIMEOUT = 600.0
"""Seconds for the answer to an upload, in which the whole tree is hashed and synced."""
BLOCK = 2**20


class ProblemError(Exception):
    """The control plane said no: an RFC 9457 problem."""

    def __init__(self, document: Json) -> None:
        super().__init__(document.get("detail", ""))
        self.document = document
        self.code = str(document.get("code", ""))
        self.status = int(document.get("status", 500))
        self.detail = str(document.get("detail", ""))
        self.next_step = str(document.get("next_step", ""))
        self.diagnostics: list[Json] = list(document.get("diagnostics", ()))


class Unreachable(Exception):
    """No control plane answers there."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"The control plane at {url} does not answer: {why}")
        self.url = url
        self.why = why


class Client:
    """Safe to use from one thread at a time. Every method raises ProblemError and Unreachable."""

    def __init__(self, url: str, token: str = "", transport: httpx2.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx2.Client(
            base_url=self.url + "/api/v1", timeout=TIMEOUT, transport=transport, trust_env=not loopback(self.url),
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )  # fmt: skip

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What people declare, and releases.

    def apply(self, files: Iterable[tuple[str, str]], dry_run: bool = False) -> Json:
        """Register (name, text) pairs."""
        told = [{"name": name, "text": text} for name, text in files]
        return self._ask("POST", "/spec", json={"files": told, "dry_run": dry_run}, timeout=APPLY_TIMEOUT)

    def release(self, service: str, text: str) -> Json:
        """By digest, its first digits, or version."""
        return self._get(f"/releases/{_part(text)}", service=service)

    def upload(
        self,
        service: str,
        digest: str,
        tar: BinaryIO,
        size: int,
        version: str,
        commit: str,
        labels: Sequence[str],
    ) -> Json:
        """Send a tree, as an uncompressed tar of so many bytes."""
        return self._ask(
            "PUT", f"/releases/{_part(digest)}", content=_blocks(tar), timeout=UPLOAD_TIMEOUT,
            headers={"Content-Length": str(size), "Content-Type": "application/x-tar"},
            params={"service": service, "version": version, "commit": commit, "label": list(labels)},
        )  # fmt: skip

    # Rollouts.

    def deploy(
        self,
        service: str,
        environment: str,
        release: str,
        *,
        strategy: str | None = None,
        again: bool = False,
        plan: bool = False,
    ) -> Json:
        """Start a rollout; with `plan` show its steps instead."""
        body = {"release": release, "strategy": strategy, "again": again, "plan": plan}
        return self._post(f"{_target(service, environment)}/rollouts", body)

    def rollback(self, service: str, environment: str, to: str | None = None, reason: str = "") -> Json:
        return self._post(f"{_target(service, environment)}/rollback", {"to": to, "reason": reason})

    def scale(self, service: str, environment: str, replicas: int, reason: str = "") -> Json:
        return self._post(f"{_target(service, environment)}/scale", {"replicas": replicas, "reason": reason})

    def restart(self, service: str, environment: str, reason: str = "") -> Json:
        return self._post(f"{_target(service, environment)}/restart", {"reason": reason})

    def remove(
        self, service: str, environment: str, reason: str = "", expected: Mapping[str, Any] | None = None
    ) -> Json:
        """`expected`: what was seen, by the fields of the API's Expected; if it has moved on, it is refused."""
        return self._post(f"{_target(service, environment)}/remove", {"reason": reason, "expected": expected})

    def steer(
        self,
        verb: Literal["pause", "resume", "advance", "abort", "approve", "reject"],
        rollout: str,
        environment: str | None = None,
        reason: str = "",
        gradual: bool = False,
        step: str | None = None,
    ) -> Json:
        """`rollout` is an id or a service; `gradual`: how an abort takes users back; `step`: only at the one of this name."""
        body = {"environment": environment, "reason": reason, "gradual": gradual or None, "step": step}
        return self._post(f"/rollouts/{_part(rollout)}/{verb}", body)

    def abort_all(self, reason: str = "") -> Json:
        return self._post("/abort-all", {"reason": reason})

    def rollout(self, rollout: str, environment: str | None = None) -> Json:
        return self._get(f"/rollouts/{_part(rollout)}", environment=environment)

    def verdict(self, rollout: str, environment: str | None = None) -> Json:
        return self._get(f"/rollouts/{_part(rollout)}/verdict", environment=environment)

    # What is, and what was.

    def health(self) -> Json:
        """That it answers, and its version."""
        return self._get("/health")

    def services(self, service: str | None = None) -> Json:
        return self._get("/services", service=service)

    def overview(self, page: int = 1, size: int = 50) -> Json:
        """Services a page at a time, those that want attention first."""
        return self._get("/overview", page=page, size=size)

    def status(self, service: str, environment: str) -> Json:
        return self._get(_target(service, environment))

    def output(self, service: str, environment: str, lines: int = 50, group: str | None = None) -> Json:
        return self._get(f"{_target(service, environment)}/output", lines=lines, group=group)

    def login_code(self) -> Json:
        """A path that signs a browser in, once."""
        return self._post("/login-codes", {})

    def history(self, service: str | None = None, limit: int = 50) -> Json:
        return self._get("/history", service=service, limit=limit)

    def events(
        self,
        after: int,
        *,
        service: str | None = None,
        rollout: str | None = None,
        wait: float = 0.0,
        limit: int = 200,
    ) -> Json:
        """Those after an id; waits for the first at most `wait` seconds (30 at most)."""
        return self._get("/events", after=after, service=service, rollout=rollout, wait=wait, limit=limit)

    def _get(self, path: str, **query: Any) -> Json:
        """A question can be put twice, and a connection that was kept open may just have been closed."""
        params = {name: value for name, value in query.items() if value is not None}
        timeout = TIMEOUT + query.get("wait", 0.0)
        try:
            return self._ask("GET", path, params=params, timeout=timeout)
        except Unreachable as error:
            if not isinstance(error.__cause__, httpx2.RemoteProtocolError | httpx2.ReadError):
                raise
            return self._ask("GET", path, params=params, timeout=timeout)

    def _post(self, path: str, body: Mapping[str, Any]) -> Json:
        return self._ask(
            "POST", path, json={name: value for name, value in body.items() if value is not None}
        )

    def _ask(self, method: str, path: str, **options: Any) -> Json:
        try:
            answer = self._http.request(method, path, **options)
        except httpx2.TimeoutException as error:
            raise Unreachable(self.url, "it took too long") from error
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise Unreachable(self.url, str(error) or type(error).__name__) from error
        try:
            document = answer.json()
        except ValueError:
            document = None
        if answer.is_success and isinstance(document, dict):
            return document
        if isinstance(document, dict) and "code" in document:
            raise ProblemError(document)
        raise Unreachable(self.url, f"what answers there ({answer.status_code}) is no control plane")


def loopback(url: str) -> bool:
    """True when it stays on this machine, where no proxy is wanted."""
    try:
        host = httpx2.URL(url).host
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except (ValueError, httpx2.InvalidURL):
        return False


def _part(text: str) -> str:
    """A piece of a path, whatever is in it."""
    return quote(text, safe=":") or "-"


def _target(service: str, environment: str) -> str:
    return f"/services/{_part(service)}/environments/{_part(environment)}"


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block
