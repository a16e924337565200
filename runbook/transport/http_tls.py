"""What is asked from where the suite runs: HTTP and TLS, sent to the target's address with its domain as name.

No resolver and no proxy of this machine has a say in where a question goes; the name itself is asked of the resolver
that the target names.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import time
import warnings
from functools import cached_property

import httpcore

from runbook import __version__
from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import (
    DnsQuery,
    GitHubGet,
    Handshake,
    HttpAnswer,
    HttpGet,
    PortProbe,
    Resolution,
    TlsHandshake,
)
from runbook.model.port_state import PortState
from runbook.model.sizes import MIB
from runbook.model.target import Target
from runbook.model.template import in_path, template_values
from runbook.transport import dns
from runbook.transport.bounded_http import Answer, Client, NoExchange, connect

USER_AGENT = f"psyfit-runbook/{__version__}"
GITHUB_BYTES = 4 * MIB
NO_ROUTE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN)


class NoAnswer(Undetermined):
    """A port did not answer. ``port_state`` is what the line to it met."""

    def __init__(self, reason: str, port_state: PortState) -> None:
        super().__init__(reason)
        self.port_state = port_state


class Outside:
    """Asks a target's edge."""

    def __init__(self, target: Target) -> None:
        self._target = target
        variable = target.github.token_variable
        self._token = os.environ.get(variable, "") if variable else None  # here, for threads leave the environment be

    @cached_property
    def _client(self) -> Client:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return Client(context)

    @cached_property
    def _github(self) -> Client:
        return Client(httpcore.default_ssl_context())

    def http(self, question: HttpGet) -> HttpAnswer:
        """Send one GET.

        Raises:
            Undetermined: There was no whole HTTP answer, and why.
        """
        path = question.path_on(template_values(self._target))
        url = f"{question.scheme}://{_bracketed(self._target.address)}:{self._port(question.scheme)}{path}"
        headers = {
            "Host": self._target.domain,
            "Accept": "*/*",
            "Accept-Encoding": "identity",  # a short answer could become a very long one
            "Connection": "keep-alive",
            "User-Agent": USER_AGENT,
        }
        until = time.monotonic() + question.seconds
        try:
            answer = self._client.ask(url, headers, until=until, most=question.most, name=self._target.domain)
        except TimeoutError:
            raise Undetermined(f"no complete HTTP answer within {question.seconds:g} s") from None
        except NoExchange as error:
            raise Undetermined(f"no HTTP answer: {error}") from None
        return HttpAnswer(answer.status, answer.headers, _plain(answer))

    def github(self, question: GitHubGet) -> HttpAnswer:
        """Send one GET to GitHub's API, with the token that the target's variable held when this was made.

        Raises:
            Undetermined: There is no token where one is named, or no whole HTTP answer.
        """
        asked = self._target.github
        if self._token == "":
            raise Undetermined(f"the environment variable {asked.token_variable} is not set", right=question.needs)
        headers = {"Accept": "application/vnd.github+json", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        headers |= {"Authorization": f"Bearer {self._token}"} if self._token else {}
        url = f"{asked.api}{in_path(question.path, template_values(self._target))}"
        until = time.monotonic() + question.seconds
        try:
            answer = self._github.ask(url, headers, until=until, most=GITHUB_BYTES)
        except TimeoutError:
            raise Undetermined(f"no complete answer of GitHub's API within {question.seconds:g} s") from None
        except NoExchange as error:
            raise Undetermined(f"no answer of GitHub's API: {error}") from None
        return HttpAnswer(answer.status, {}, _plain(answer))

    def tls(self, question: TlsHandshake) -> Handshake:
        """Shake hands once; a refusal by either side is an answer, a closed port is not.

        Raises:
            NoAnswer: The port does not answer.
            Undetermined: The authority's file is not there.
        """
        context, until = self._context(question), time.monotonic() + question.seconds
        try:
            with connect(self._target.address, self._target.edge.https_port, until) as plain:
                return self._shake(plain, context)
        except TimeoutError:
            raise NoAnswer(f"no TLS answer within {question.seconds:g} s", PortState.TIMED_OUT) from None
        except OSError as error:
            raise NoAnswer(f"no TLS answer: {error.strerror or error}", _met(error)) from None

    def port(self, question: PortProbe) -> PortState:
        """Connect once, and wait for the first words of an answer, whatever they say."""
        try:
            with connect(
                self._target.address, self._port(question.serves), time.monotonic() + question.seconds
            ) as line:
                return self._first_words(line, question.serves)
        except TimeoutError:
            return PortState.TIMED_OUT
        except OSError as error:
            return _met(error)

    def dns(self, question: DnsQuery) -> Resolution:
        """Ask the target's resolver for the domain's addresses, of the kind that the target's own address is of.

        Raises:
            Undetermined: The target names no resolver, or it does not answer.
        """
        domain, address, asked = self._target.domain, self._target.address, self._target.dns
        if asked.resolver is None:
            raise Undetermined("the target names no resolver (key dns.resolver)")
        version = 6 if ":" in address else 4
        try:
            return dns.resolve(domain, asked.resolver, asked.port, question.seconds, version=version)
        except TimeoutError:
            raise Undetermined(f"no answer of the resolver {asked.resolver} within {question.seconds:g} s") from None
        except OSError as error:
            raise Undetermined(f"no answer of the resolver {asked.resolver}: {error.strerror or error}") from None
        except ValueError as error:
            raise Undetermined(f"the answer of the resolver {asked.resolver} could not be read: {error}") from None

    def close(self) -> None:
        """Close the HTTP connections."""
        for client in ("_client", "_github"):
            if client in self.__dict__:
                self.__dict__[client].close()

    def _first_words(self, line: socket.socket, serves: str) -> PortState:
        try:
            if serves == "https":
                self._context(TlsHandshake()).wrap_socket(line, server_hostname=self._target.domain).close()
                return PortState.OK
            line.sendall(f"HEAD / HTTP/1.1\r\nHost: {self._target.domain}\r\nUser-Agent: {USER_AGENT}\r\n\r\n".encode())
            return PortState.OK if line.recv(1) else PortState.CUT
        except TimeoutError:
            return PortState.SILENT
        except (ssl.SSLEOFError, ConnectionError):
            return PortState.CUT
        except ssl.SSLError:
            return PortState.NO_TLS

    def _shake(self, plain: socket.socket, context: ssl.SSLContext) -> Handshake:
        try:
            with context.wrap_socket(plain, server_hostname=self._target.domain) as line:
                return Handshake(line.version(), line.getpeercert(binary_form=True), None)
        except ssl.SSLCertVerificationError as error:
            return Handshake(None, None, error.verify_message)
        except ssl.SSLError as error:
            return Handshake(None, None, error.reason or str(error))
        except ConnectionResetError as error:
            return Handshake(None, None, str(error.strerror))

    def _context(self, question: TlsHandshake) -> ssl.SSLContext:
        ca_file = self._target.edge.ca_file
        if question.trusted and ca_file and not ca_file.is_file():
            raise Undetermined(f"the authority's file {ca_file} does not exist (key edge.ca_file of the target)")
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        context.check_hostname = False
        if not question.trusted:
            context.verify_mode = ssl.CERT_NONE
        if question.at_most is not None:
            _offer_old(context, question.at_most)
        return context

    def _port(self, scheme: str) -> int:
        return self._target.edge.https_port if scheme == "https" else self._target.edge.http_port


def _offer_old(context: ssl.SSLContext, at_most: str) -> None:
    """Our own library refuses old versions at its default security level, which would pass for the server's."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion[at_most.replace(".", "_")]


def _plain(answer: Answer) -> str:
    """The body's text.

    Raises:
        Undetermined: It is compressed, though nobody asked for that.
    """
    encoding = answer.headers.get("content-encoding", "identity")
    if encoding != "identity" and answer.body:
        raise Undetermined("the HTTP answer is compressed, although that was not requested")
    return answer.text


def _met(error: OSError) -> PortState:
    if isinstance(error, ConnectionRefusedError):
        return PortState.REFUSED
    if isinstance(error, socket.gaierror):
        return PortState.NO_ADDRESS
    return PortState.NO_ROUTE if error.errno in NO_ROUTE else PortState.FAILED


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
