"""What the machine offers for a private server: binaries, a user, memory, a place for a socket."""

import contextlib
import hashlib
import os
import pwd
import shutil
import socket
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from layers.errors import ClusterFailed

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_MAX = 107  # bytes, sun_path of unix(7)
OLDEST_POSTGRES = 15
BINARIES = Path("/usr/lib/postgresql")
CONTROL = "/usr/share/postgresql/{}/extension/postgis.control"
INSTALL = "apt-get install postgresql-15 postgresql-15-postgis-3"


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The operating system's user who runs the server; never root, PostgreSQL refuses that."""

    name: str
    uid: int
    gid: int

    @property
    def environment(self) -> dict[str, str]:
        """An environment without anything of whoever starts the server."""
        return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def own(self, path: Path) -> None:
        """Give ``path`` to this user, as far as that is ours to do."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a short command as this user."""
        root = os.geteuid() == 0
        return subprocess.run(  # noqa: S603 (the machine's own tools) # nosec B603
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env=self.environment,
            user=self.uid if root else None,
            group=self.gid if root else None,
            extra_groups=[] if root else None,
        )

    def require_reach(self, folder: Path) -> None:
        """Refuse a folder that this user cannot get at, such as one in root's home."""
        if os.geteuid() != 0:
            return
        for step in [*reversed(folder.parents), folder]:
            if not step.exists():
                return  # what we make ourselves is open to this user
            if self.run(["test", "-x", str(step)]).returncode:
                raise ClusterFailed(
                    f"The database server runs as user {self.name}, who may not enter {step}, so "
                    f"the data cannot live in {folder}. Choose a folder outside of it with "
                    "LIANXIN_DATA_DIR, such as /var/lib/lianxin."
                )


def server_user(pgdata: Path) -> ServerUser:
    """Return who runs the server: ourselves, or as root an unprivileged user."""
    owner = pgdata.stat().st_uid if pgdata.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise ClusterFailed(
                f"The data in {pgdata} belong to user {_name(owner)}. Run Lianxin as that user or "
                "as root, or choose another folder with LIANXIN_DATA_DIR."
            )
        return ServerUser(_name(os.geteuid()), os.geteuid(), os.getegid())
    if owner:
        # What one user made, that user goes on running.
        group = pgdata.stat().st_gid
        return ServerUser(_name(owner), owner, group)
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise ClusterFailed(
        "Root may not run a database server, and there is neither a user postgres nor nobody. "
        "Make one with: useradd --system postgres"
    )


def find_binaries(pgdata: Path) -> Path:
    """Return the folder of the server's binaries: those that made ``pgdata``, else the newest."""
    folders = {
        int(folder.parent.name): folder
        for folder in BINARIES.glob("*/bin")
        if folder.parent.name.isdecimal() and (folder / "initdb").exists()
    }
    if not folders and (initdb := shutil.which("initdb")):
        return Path(initdb).resolve().parent
    made_by = pgdata / "PG_VERSION"
    if made_by.is_file():
        version = int(made_by.read_text("ascii").strip())
        if version in folders:
            return folders[version]
        raise ClusterFailed(
            f"The data in {pgdata.parent.parent} were made by PostgreSQL {version}, which is not "
            f"on this machine. As root: apt-get install postgresql-{version} "
            f"postgresql-{version}-postgis-3"
        )
    able = {v: f for v, f in folders.items() if Path(CONTROL.format(v)).exists()}
    usable = [version for version in able if version >= OLDEST_POSTGRES]
    if not usable:
        found = ", ".join(f"PostgreSQL {v} without PostGIS" for v in folders if v not in able)
        raise ClusterFailed(
            f"There is no PostgreSQL {OLDEST_POSTGRES} with PostGIS on this machine"
            f"{f' (only {found})' if found else ''}. As root: {INSTALL}; or name a server with "
            "LIANXIN_DATABASE_URL."
        )
    return folders[max(usable)]


def memory_settings(total_mb: int) -> dict[str, str]:
    """Return the server's memory settings for a machine with ``total_mb``, shared with others.

    Examples
    --------
    >>> memory_settings(2_048)["shared_buffers"], memory_settings(24_576)["shared_buffers"]
    ('256MB', '2048MB')
    """
    return {
        "shared_buffers": f"{min(max(total_mb // 8, 128), 2_048)}MB",
        "effective_cache_size": f"{max(total_mb // 2, 256)}MB",
        "work_mem": f"{min(max(total_mb // 256, 4), 64)}MB",
        "maintenance_work_mem": f"{min(max(total_mb // 32, 64), 512)}MB",
    }


def memory_mb() -> int:
    """Return the memory that we may use: the machine's, or less in a container."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(OSError, ValueError):  # "max" is no number
            total = min(total, int(Path(limit).read_text("ascii")))
    return total >> 20


def has_shared_memory() -> bool:
    """Whether /dev/shm is large enough for parallel queries; containers often give 64 MB."""
    try:
        room = os.statvfs("/dev/shm")  # noqa: S108 (the kernel's, not a temporary file) # nosec B108
    except OSError:
        return False
    return room.f_blocks * room.f_frsize >= 256 << 20


def socket_folder(data_dir: Path) -> Path:
    """Return where the server's socket is: in its data folder, or elsewhere if that path is long.

    libpq and the server split a list of sockets at commas and take ``@`` and spaces their own way,
    so a folder with anything but plain characters gets the short path too.
    """
    inside = data_dir / "postgres" / "run"
    plain = str(inside).isascii() and all(c.isalnum() or c in "/._-" for c in str(inside))
    if plain and len(str(inside / SOCKET_NAME)) <= SOCKET_PATH_MAX:
        return inside
    mark = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    if os.geteuid() == 0:
        return Path("/run") / f"lianxin-{mark}"
    return Path("/tmp") / f"lianxin-{os.geteuid()}-{mark}"  # noqa: S108 (checked when made) # nosec B108


def make_socket_folder(folder: Path, user: ServerUser) -> None:
    """Make the folder that only the server's user and root may enter."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        user.own(folder)
    found = folder.lstat()
    # In /tmp anybody could have been there first.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user.uid or found.st_mode & 0o077:
        raise ClusterFailed(
            f"The folder {folder} for the database's socket belongs to somebody else or is open "
            "to others. Delete it and start again."
        )


def answers(socket_path: Path) -> bool:
    """Whether somebody listens at a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(socket_path))
        except OSError:
            return False
        return True


def running_pid(pgdata: Path) -> int | None:
    """Return the process that serves ``pgdata``, if the one in its note is alive and does."""
    try:
        pid = int((pgdata / "postmaster.pid").read_text("utf-8").split("\n", 1)[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        # A killed one is a zombie with no words until its parent looks; another process may have
        # taken its number.
        if Path(os.fsdecode(words[0])).name == "postgres" and b"-D" in words:
            served = os.fsdecode(words[words.index(b"-D") + 1])
            return pid if Path(served).samefile(pgdata) else None
    except (OSError, ValueError, IndexError):
        return None
    return None


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return str(uid)
