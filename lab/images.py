"""The images that a lab is made of: pulled where a registry answers, else made from the machine's own packages.

Each is tagged by a digest of what it is made from, so a second lab builds nothing. Those that run inside the lab are
also kept as one archive that the lab's own engine loads.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import LabError, machine, s3_server
from lab.programs import run
from lab.progress import Steps
from lab.together import together

HERE = Path(__file__).resolve().parent
PREFIX = "runbook-lab/"
REGISTRY_SECONDS = 8.0
PULL_SECONDS = 240.0
BUILD_SECONDS = 240.0

BASE = "debian:bookworm-slim"
PROXY = "basecamp/kamal-proxy:v0.9.2"
POSTGRES = "postgres:16"
REDIS = "redis:7"
RUNTIME = "psyfit-runtime:latest"
PROXY_COMMAND = "github.com/basecamp/kamal-proxy/cmd/kamal-proxy"
GO_NEEDED = "Go 1.25 or newer"

LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*")
BASE_PACKAGES = ("ca-certificates",)


@dataclass(frozen=True)
class Images:
    """What a lab is started from.

    Attributes:
        server: The outer container's image on this machine's engine.
        archive: The inner images, as ``docker load`` reads them.
        inner: The name that each inner image has in the archive, and the one that it has on the server.
        redis_uid: The number of Redis's account in its image, which must be able to read its configuration.
        proxy_uid: The number of the proxy's account in its image, which must be able to read its certificate's key.
    """

    server: str
    archive: Path
    inner: dict[str, str]
    redis_uid: int
    proxy_uid: int

    @property
    def postgres(self) -> str:
        return next(name for name in self.inner.values() if name.startswith("postgres:"))


def cache_folder() -> Path:
    """Where what took long to make is kept between labs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "psyfit-lab"


def ensure(client: Any, steps: Steps) -> Images:
    """All images of a lab; those that are not there yet are made."""
    with one_at_a_time("images"):
        return _Workshop(client, steps).images()


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Keep another process on this machine from doing the same at the same time: it waits."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_all(client: Any) -> list[str]:
    """Remove every image and cache of labs, and tell their names."""
    names = [tag for image in client.images.list() for tag in image.tags if tag.startswith(PREFIX)]
    for name in names:
        client.images.remove(name, force=True)
    if cache_folder().exists():
        shutil.rmtree(cache_folder())
        names.append(str(cache_folder()))
    return names


@dataclass
class _Workshop:
    """Makes what is missing, once."""

    client: Any
    steps: Steps
    _registry: bool | None = None
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def images(self) -> Images:
        base = self._tag("base", BASE, platform.machine(), *LEFT_OUT, *BASE_PACKAGES)
        runtime = self._tag("runtime", base, digest_of(HERE / "runtime"))
        postgres = self._tag("postgres", base, digest_of(HERE / "postgres"), POSTGRES)
        redis = self._tag("redis", base, digest_of(HERE / "redis"), REDIS)
        proxy = self._tag("kamal-proxy", base, digest_of(HERE / "kamal-proxy"), PROXY)
        server = self._tag("server", base, digest_of(HERE / "machine-image"), *s3_server.made_from())

        def build(tag: str, published: str | None, folder: str) -> Callable[[], None]:
            return lambda: self._ensure(tag, published, lambda: self._build(tag, HERE / folder, base))

        # The proxy's compilation and the package downloads fill each other's waits.
        together(lambda: self._ensure(base, BASE, self._make_base), lambda: self._prepare_proxy(proxy))
        together(
            lambda: self._ensure(server, None, lambda: self._make_server(server, base)),
            build(postgres, POSTGRES, "postgres"),
            build(runtime, None, "runtime"),
            build(redis, REDIS, "redis"),
            lambda: self._ensure(proxy, PROXY, lambda: self._make_proxy(proxy, base)),
        )
        return self._archived(server, runtime, postgres, redis, proxy)

    def _tag(self, name: str, *made_from: str) -> str:
        digest = hashlib.sha256("\0".join(made_from).encode()).hexdigest()[:12]
        return f"{PREFIX}{name}:{digest}"

    def _ensure(self, tag: str, published: str | None, make: Any) -> None:
        if self._exists(tag):
            return
        if not (published and self._pull(published, tag)):
            make()
        self._remove_older(tag)

    def _exists(self, tag: str) -> bool:
        from docker.errors import ImageNotFound

        try:
            self.client.images.get(tag)
        except ImageNotFound:
            return False
        return True

    def _remove_older(self, tag: str) -> None:
        repository = tag.split(":")[0]
        for image in self.client.images.list(repository):
            for other in image.tags:
                if other != tag and other.startswith(repository + ":"):
                    self.client.images.remove(other, force=True)

    def _pull(self, published: str, tag: str) -> bool:
        from docker.errors import DockerException

        if not self._registry_answers():
            return False
        was_here = self._exists(published)
        with self.steps.step(f"pulling {published}"):
            try:
                self._api(PULL_SECONDS).pull(*published.split(":"))
            except (DockerException, OSError):
                return False
        self.client.api.tag(published, *tag.split(":"))
        if not was_here:
            self.client.images.remove(published)
        return True

    def _registry_answers(self) -> bool:
        from docker.errors import DockerException

        with self._asking:
            if self._registry is None:
                with self.steps.step("asking whether a registry answers"):
                    try:
                        self._api(REGISTRY_SECONDS).inspect_distribution(BASE)
                        self._registry = True
                    except (DockerException, OSError):
                        self._registry = False
            return self._registry

    def _api(self, seconds: float) -> Any:
        """The engine's interface with a time limit of its own."""
        import docker

        return docker.from_env(timeout=seconds).api

    def _make_base(self) -> None:
        tag = self._tag("base", BASE, platform.machine(), *LEFT_OUT, *BASE_PACKAGES)
        if not machine.is_debian() or shutil.which("apt-get") is None:
            raise LabError(
                f"no registry gives {BASE}, and this machine is neither Debian nor Ubuntu, whose packages would do: "
                f"bring that image here (docker load) as {tag}"
            )
        machine.need("mmdebstrap", "mmdebstrap", self.steps)
        with self.steps.step("making the base image from this machine's package sources"), _folder() as folder:
            archive = folder / "base.tar"
            run(
                [
                    "mmdebstrap",
                    "--quiet",
                    "--variant=minbase",
                    f"--include={','.join(BASE_PACKAGES)}",
                    *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
                    "--format=tar",
                    platform.freedesktop_os_release()["VERSION_CODENAME"],
                    str(archive),
                    "-",
                ],
                seconds=BUILD_SECONDS,
                stdin="".join(f"{line}\n" for line in _package_sources()).encode(),
            )
            with archive.open("rb") as stream:
                self._api(BUILD_SECONDS).import_image_from_data(stream, *tag.split(":"))

    def _prepare_proxy(self, tag: str) -> None:
        if not self._exists(tag) and not self._registry_answers():
            self._proxy_binary()

    def _make_server(self, tag: str, base: str) -> None:
        with _folder() as folder:
            shutil.copytree(HERE / "machine-image", folder, dirs_exist_ok=True)
            s3_server.copy_into(folder / "s3")
            self._build(tag, folder, base)

    def _make_proxy(self, tag: str, base: str) -> None:
        binary = self._proxy_binary()
        with _folder() as folder:
            shutil.copy(HERE / "kamal-proxy" / "Dockerfile", folder)
            shutil.copy(binary, folder / "kamal-proxy")
            self._build(tag, folder, base)

    def _proxy_binary(self) -> Path:
        module = HERE / "kamal-proxy"
        kept = cache_folder() / f"kamal-proxy-{digest_of(module)[:12]}"
        if kept.exists():
            return kept
        if shutil.which("go") is None:
            raise LabError(f"no registry gives {PROXY}: install {GO_NEEDED}, from which the lab builds it")
        part = kept.with_suffix(".part")
        with self.steps.step("building kamal-proxy from source"):
            run(
                ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(part), PROXY_COMMAND],
                seconds=BUILD_SECONDS,
                folder=module,
                environment={**os.environ, "CGO_ENABLED": "0"},
            )
        part.rename(kept)
        return kept

    def _build(self, tag: str, folder: Path, base: str) -> None:
        proxies = {key: value for key, value in os.environ.items() if key.lower() in ("http_proxy", "https_proxy")}
        with self.steps.step(f"building {tag.split(':')[0].removeprefix(PREFIX)}"):
            said = list[str]()
            for line in self._api(BUILD_SECONDS).build(
                path=str(folder), tag=tag, buildargs={"BASE": base, **proxies}, rm=True, forcerm=True, decode=True
            ):
                said.append(line.get("stream", ""))
                if "error" in line:
                    raise LabError(f"building {tag} failed: {line['error']}", "".join(said))

    def _archived(self, server: str, runtime: str, postgres: str, redis: str, proxy: str) -> Images:
        made_from = [runtime, postgres, redis, proxy]
        digest = hashlib.sha256("\0".join(made_from).encode()).hexdigest()[:12]
        archive = cache_folder() / f"images-{digest}.tar"
        kept = archive.with_suffix(".json")
        if not (archive.exists() and kept.exists()):
            with self.steps.step("keeping the lab's inner images as one archive"):
                self._save(made_from, archive)
                major = self._said(postgres, "postgres", "--version").split(")")[1].split(".")[0].strip()
                facts = {
                    "inner": {runtime: RUNTIME, redis: REDIS, proxy: PROXY, postgres: f"postgres:{major}"},
                    "redis_uid": int(self._said(redis, "id", "-u", "redis")),
                    "proxy_uid": int(self._said(proxy, "id", "-u", "kamal-proxy")),
                }
                kept.write_text(json.dumps(facts))
                _remove_others(archive, kept)
        return Images(server=server, archive=archive, **json.loads(kept.read_text()))

    def _said(self, image: str, program: str, *arguments: str) -> str:
        command = ["docker", "run", "--rm", "--network=none", f"--entrypoint={program}", image, *arguments]
        return run(command, seconds=BUILD_SECONDS).decode()

    def _save(self, tags: list[str], archive: Path) -> None:
        part = archive.with_suffix(".part")
        api = self.client.api
        response = api.get(f"{api.base_url}/v{api._version}/images/get", params={"names": tags}, stream=True)
        response.raise_for_status()
        with part.open("wb") as stream:
            for chunk in response.iter_content(1 << 20):
                stream.write(chunk)
        part.rename(archive)


def _remove_others(*kept: Path) -> None:
    for path in cache_folder().glob("images-*"):
        if path not in kept:
            path.unlink()


def _package_sources() -> Iterator[str]:
    """This machine's own package sources of its distribution, one line each; those of third parties left out."""
    origins = {"Debian", "Ubuntu"}
    form = "$(ORIGIN)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    listed = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"], seconds=BUILD_SECONDS).decode()
    for line in dict.fromkeys(listed.splitlines()):
        origin, address, suite, component = line.split("|")
        if origin in origins:
            yield f"deb {address} {suite} {component}"


def digest_of(folder: Path) -> str:
    """A digest of all files of a folder, their names and whether they can be run."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_mode & 0o111:o}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
