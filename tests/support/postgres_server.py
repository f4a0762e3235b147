"""A PostgreSQL server of one's own: the system's, else that of the wheel ``pgserver``; gone when its owner is."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

USER = "steelyard"
START_SECONDS = 60.0
# The shell holds a pipe from its owner: when that closes, however the owner has ended, the server stops and its
# folder goes.
_WATCHED = """
"$1/postgres" -D "$2/data" -h 127.0.0.1 -p "$3" -k '' $4 >"$2/log" 2>&1 &
server=$!
while read -r signal; do kill -s "$signal" $server; wait $server; break; done
kill -s QUIT $server 2>/dev/null
wait $server
test "$signal" = INT || rm -rf "$2" 2>/dev/null
"""
_PEOPLES_ORDER = " template template0 locale_provider icu icu_locale 'en-US' lc_collate 'C' lc_ctype 'C'"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_SMALL = ("shared_buffers=64MB", "max_connections=50", "work_mem=64MB", "max_wal_size=512MB")


class MissingServerError(Exception):
    """There is no PostgreSQL to start."""


class PostgresServer:
    """A server on a free port of this machine, with a password, as a context manager.

    Args:
        is_durable: Whether what is committed outlives a crash, as in production; slower.
        programs: Folder of ``initdb`` and ``postgres``; None looks for it.
        settings: Settings of the server, like ``work_mem=1GB``, beside and above the usual ones.
    """

    def __init__(
        self, *, is_durable: bool = False, programs: Path | None = None, settings: Sequence[str] = ()
    ) -> None:
        self._settings = (*_SMALL, *(() if is_durable else _FAST), *settings)
        self._programs = programs or find_programs()
        self._databases = 0
        self._password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        # The path is short and every folder of it can be entered: root hands the server to another user.
        self._folder = Path(tempfile.mkdtemp(prefix="steelyard-pg-"))
        try:
            self._create()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _create(self) -> None:
        if os.geteuid() == 0:
            self._programs = _readable(self._programs, self._folder)
            shutil.chown(self._folder, *_owner())
        words = self._folder / "password"
        words.write_text(self._password, encoding="utf-8")
        if os.geteuid() == 0:
            shutil.chown(words, *_owner())
        subprocess.run(
            [
                self._programs / "initdb",
                *("-D", self._folder / "data", "-U", USER, "-E", "UTF8", "--no-locale", "--no-sync"),
                *("--auth=scram-sha-256", f"--pwfile={words}"),
            ],
            check=True,
            capture_output=True,
            cwd=self._folder,
            **_identity(),
        )
        words.unlink()

    def start(self) -> None:
        """Start the server on a free port, or again on the one it had."""
        self.port = self.port or _free_port()
        options = " ".join(f"-c {setting}" for setting in self._settings)
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHED, "sh", self._programs, self._folder, str(self.port), options],
            stdin=subprocess.PIPE,
            cwd=self._folder,
            **_identity(),
        )
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > until:
                    log = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start: {log[-2000:]}") from error
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Shut the server down as an administrator does, ending every session; its data stay."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(b"INT\n")
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process = None

    def process_id(self) -> int:
        """Return the process that all of the server's processes are below of."""
        assert self._process is not None
        return self._process.pid

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Return a connection of the administrator, each statement a transaction."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self._password,
            dbname=database,
            autocommit=True,
        )

    def new_database(self) -> str:
        """Create an empty database and return its name."""
        self._databases += 1
        name = f"test_{self._databases}"
        create = sql.SQL("create database {}").format(sql.Identifier(name))
        with self.connect() as connection:
            try:
                # Sorted as people sort: else no test would see where the engine needs the order of bytes.
                connection.execute(create + sql.SQL(_PEOPLES_ORDER))
            except (psycopg.errors.FeatureNotSupported, psycopg.errors.SyntaxError):
                connection.execute(create)
        return name

    def output(self, database: str, **settings: Any) -> dict[str, Any]:
        """Return the output of a profile that leads to a database."""
        return {
            "type": "postgres",
            "host": "127.0.0.1",
            "port": self.port,
            "user": USER,
            "password": self._password,
            "dbname": database,
            "schema": "steelyard",
            **settings,
        }

    def _remove(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(timeout=60)
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)


def find_programs() -> Path:
    """Return the folder of a PostgreSQL's programs: the system's newest, else that of ``pgserver``.

    Raises:
        MissingServerError: There is none.
    """
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    folders += [Path(f"{prefix}/opt/postgresql/bin") for prefix in ("/opt/homebrew", "/usr/local")]
    wheel = find_spec("pgserver")
    if wheel is not None and wheel.origin is not None:
        folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise MissingServerError("no PostgreSQL: install the system's server, or pip install pgserver")


def _owner() -> tuple[str, str]:
    """Return the user and group that a server of root's is run by: it refuses to be root itself."""
    user = next(name for name in ("postgres", "nobody") if name in {one.pw_name for one in pwd.getpwall()})
    group = pwd.getpwnam(user).pw_gid
    return user, group  # type: ignore[return-value]


def _identity() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user, group = _owner()
    return {"user": user, "group": group, "extra_groups": []}


def _readable(programs: Path, folder: Path) -> Path:
    """Return the programs where another user can run them: a wheel may lie in a home that only root enters."""
    if all(parent.stat().st_mode & 0o001 for parent in (programs, *programs.parents)):
        return programs
    package = programs.parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, folder / "programs" / part.name)
    return folder / "programs" / package.name / programs.relative_to(package)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
