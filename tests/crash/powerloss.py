"""What a power failure leaves: the system calls of a run are recorded, and replayed with what was not synced left out.

The model is the strictest that POSIX allows.  What was written to a file is on the disk after fsync or fdatasync of that
file; that a name is there, gone, or another one, only after fsync of its directory.  Everything that was there before the
recording counts as on the disk.  Real file systems mostly keep more, but none has to.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from rig.rundir import FAX_USER

TRACED = (
    "openat", "close", "write", "pwrite64", "lseek", "ftruncate", "fallocate", "fsync", "fdatasync", "link", "linkat", "unlink",
    "unlinkat", "rename", "renameat", "mkdir", "mkdirat", "rmdir", "symlink", "symlinkat", "clone", "clone3", "fork", "vfork",
)
BEGETS = ("clone", "clone3", "fork", "vfork")
OPTIONS = ("-s", "16777216", "-xx", "-e", f"trace={','.join(TRACED)}")
_OPEN_FILE = re.compile(r"^/proc/self/fd/(\d+)$")
_SAME = {"pwrite64": "pwrite", "linkat": "link", "unlinkat": "unlink", "renameat": "rename", "mkdirat": "mkdir",
         "symlinkat": "symlink", "fdatasync": "fsync"}
_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)(?: .*)?$")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that succeeded: who made it, its strings (paths, data), its other arguments, its result."""

    process: int
    name: str
    strings: tuple[bytes, ...]
    words: tuple[str, ...]
    result: int


def _lines(log: str) -> Iterator[tuple[int, str, str, int]]:
    """Thread, name, arguments and result of each call of a log that succeeded, in the order in which they ended."""
    waiting: dict[str, str] = {}
    with open(log, encoding="latin-1") as file:
        for line in file:
            found = _LINE.match(line.rstrip("\n"))
            if not found:
                continue
            thread, text = found[1], found[2]
            if text.endswith("<unfinished ...>"):
                waiting[thread] = text.removesuffix("<unfinished ...>").rstrip()
                continue
            if resumed := _RESUMED.match(text):
                text = waiting.pop(thread, "") + resumed[1].lstrip()
            called = _CALL.match(text)
            if called and int(called[3]) >= 0:
                yield int(thread), called[1], called[2], int(called[3])


def recorded(log: str, process_of: dict[int, int]) -> Iterator[Call]:
    """The calls of a log of ``strace -f`` with :data:`OPTIONS`; ``process_of`` tells the process of the threads that there
    were at its beginning, those to come are in the log.  A process that is new begins with a call ``fork``, whose result
    it is."""
    processes, parents = dict(process_of), dict[int, int]()
    for thread, name, arguments, result in _lines(log):
        if name in BEGETS:
            if "CLONE_THREAD" in arguments:
                processes[result] = processes.get(thread, thread)
            else:
                parents[result] = thread
    for thread, name, arguments, result in _lines(log):
        process = processes.get(thread, thread)
        if process in parents:      # its parent may be told of it later than it makes its first call
            parent = parents.pop(process)
            yield Call(processes.get(parent, parent), "fork", (), (), process)
        strings = tuple(bytes.fromhex(item.replace("\\x", "")) for item in _STRING.findall(arguments))
        words = tuple(word.strip() for word in _STRING.sub("", arguments).split(","))
        yield Call(process, name, strings, words, result)


@dataclass(slots=True)
class Inode:
    """A file: what reading it shows now, and what the disk has."""

    now: bytearray
    disk: bytes = b""
    target: str = ""        # of a symbolic link


@dataclass(slots=True)
class Disk:
    """A tree under ``root`` while calls are replayed: ``names`` as they are now, ``durable`` as the disk has them (None:
    there is no such name).  Directories have no inode here, only a name."""

    root: str
    cwd: str
    names: dict[str, Inode | None] = field(default_factory=dict)
    durable: dict[str, Inode | None] = field(default_factory=dict)
    pending: list[tuple[str, Inode | None]] = field(default_factory=list)
    descriptors: dict[tuple[int, int], tuple[str, Inode | None]] = field(default_factory=dict)
    offsets: dict[tuple[int, int], int] = field(default_factory=dict)
    append: set[tuple[int, int]] = field(default_factory=set)
    made: set[str] = field(default_factory=set)

    def replay(self, call: Call) -> None:
        """What the call changes, now and on the disk."""
        handler = getattr(self, "_" + _SAME.get(call.name, call.name), None)
        if handler is not None:
            handler(call)

    def _fork(self, call: Call) -> None:
        """The new process has the descriptors of the one that has made it."""
        for key in [key for key in self.descriptors if key[0] == call.process]:
            new = (call.result, key[1])
            self.descriptors[new], self.offsets[new] = self.descriptors[key], self.offsets.get(key, 0)
            self.append |= {new} if key in self.append else set()

    # -- names

    def _path(self, name: bytes) -> str:
        return os.path.normpath(os.path.join(self.cwd, os.fsdecode(name)))

    def _inside(self, path: str) -> bool:
        return path.startswith(self.root + "/")

    def _inode(self, path: str) -> Inode | None:
        """The file of that name: one of this run, or one from before, whose contents the disk has."""
        if path in self.names:
            return self.names[path]
        if not os.path.isfile(_before(self.root, path)):
            return None
        with open(_before(self.root, path), "rb") as file:
            data = file.read()
        inode = Inode(bytearray(data), data)
        self.names[path] = inode
        return inode

    def _name(self, path: str, inode: Inode | None) -> None:
        self.names[path] = inode
        self.pending.append((path, inode))

    def _openat(self, call: Call) -> None:
        path = self._path(call.strings[0])
        key = (call.process, call.result)
        flags = call.words[2] if len(call.words) > 2 else ""
        self.offsets[key] = 0
        self.append.discard(key)
        if not self._inside(path):
            self.descriptors[key] = (path, None)
            return
        if "O_TMPFILE" in flags:
            self.descriptors[key] = (path, Inode(bytearray()))
            self.append |= {key} if "O_APPEND" in flags else set()
            return
        inode = None if "O_DIRECTORY" in flags or os.path.isdir(_before(self.root, path)) or path in self.made \
            else self._inode(path)
        if inode is None and "O_CREAT" in flags:
            inode = Inode(bytearray())
            self._name(path, inode)
        if inode is not None and "O_TRUNC" in flags:
            inode.now[:] = b""
        if "O_APPEND" in flags:
            self.append.add(key)
        self.descriptors[key] = (path, inode)

    def _close(self, call: Call) -> None:
        self.descriptors.pop((call.process, int(call.words[0])), None)

    def _link(self, call: Call) -> None:
        old, new = (self._path(name) for name in call.strings)
        if self._inside(new):
            descriptor = _OPEN_FILE.match(old)      # a file that had no name gets one
            self._name(new, self.descriptors[call.process, int(descriptor[1])][1] if descriptor else self._inode(old))

    def _unlink(self, call: Call) -> None:
        path = self._path(call.strings[0])
        if self._inside(path):
            self._name(path, None)

    def _rename(self, call: Call) -> None:
        old, new = (self._path(name) for name in call.strings)
        if self._inside(new):
            inode = self._inode(old)
            self._name(old, None)
            self._name(new, inode)

    def _symlink(self, call: Call) -> None:
        path = self._path(call.strings[1])
        if self._inside(path):
            self._name(path, Inode(bytearray(), target=os.fsdecode(call.strings[0])))

    def _mkdir(self, call: Call) -> None:
        """A directory counts as there at once: journalling file systems keep it with what is synced in it."""
        path = self._path(call.strings[0])
        if self._inside(path):
            self.made.add(path)

    # -- contents

    def _file(self, call: Call) -> tuple[tuple[int, int], Inode | None]:
        key = (call.process, int(call.words[0]))
        return key, self.descriptors.get(key, ("", None))[1]

    def _write(self, call: Call) -> None:
        key, inode = self._file(call)
        if inode is None or not call.strings:
            return
        at = len(inode.now) if key in self.append else self.offsets.get(key, 0)
        _put(inode.now, at, call.strings[0][: call.result])
        self.offsets[key] = at + call.result

    def _pwrite(self, call: Call) -> None:
        _, inode = self._file(call)
        if inode is not None and call.strings:
            _put(inode.now, int(call.words[-1]), call.strings[0][: call.result])

    def _lseek(self, call: Call) -> None:
        key, _ = self._file(call)
        self.offsets[key] = call.result

    def _ftruncate(self, call: Call) -> None:
        _, inode = self._file(call)
        if inode is not None:
            size = int(call.words[1])
            del inode.now[size:]
            inode.now.extend(bytes(size - len(inode.now)))

    def _fallocate(self, call: Call) -> None:
        _, inode = self._file(call)
        if inode is not None:
            size = int(call.words[2]) + int(call.words[3])
            inode.now.extend(bytes(max(size - len(inode.now), 0)))

    def _fsync(self, call: Call) -> None:
        path, inode = self.descriptors.get((call.process, int(call.words[0])), ("", None))
        if inode is not None:
            inode.disk = bytes(inode.now)
            return
        for name, named in [item for item in self.pending if os.path.dirname(item[0]) == path]:
            self.durable[name] = named
        self.pending = [item for item in self.pending if os.path.dirname(item[0]) != path]

    # -- the end

    def contents(self) -> dict[str, bytes | None]:
        """What the disk has of every file this run has touched: its octets, or None where there is no such name."""
        found: dict[str, bytes | None] = {}
        for path, inode in self.names.items():
            if inode is not None and path not in self.durable and os.path.exists(_before(self.root, path)):
                found[path] = inode.disk        # a file from before: its name is there, its new contents if synced
        for path, inode in self.durable.items():
            found[path] = None if inode is None else inode.disk
        return found


def copy_before(root: str) -> None:
    """Keeps a copy of the tree as it is before the recording."""
    shutil.rmtree(root + ".before", ignore_errors=True)
    subprocess.run(["/bin/cp", "-a", root, root + ".before"], check=True)


def restore(disk: Disk) -> None:
    """Makes the tree what the disk of ``disk`` has.  FIFOs stay; owners and modes are those of the copy, or of user uucp."""
    root, before = disk.root, disk.root + ".before"
    for directory, _, files in os.walk(root):
        for name in files:
            path = os.path.join(directory, name)
            if not stat.S_ISFIFO(os.lstat(path).st_mode) and not os.path.lexists(_before(root, path)):
                os.unlink(path)
    # in place: a job is known by the inode of its qfile as well
    subprocess.run(["/bin/cp", "-a", before + "/.", root], check=True)
    for path, octets in disk.contents().items():
        if octets is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            continue
        new = not os.path.exists(path)
        with open(path, "wb") as file:
            file.write(octets)
        if new:
            os.chmod(path, 0o600)
            shutil.chown(path, FAX_USER, FAX_USER)


def _put(data: bytearray, at: int, octets: bytes) -> None:
    data.extend(bytes(max(at - len(data), 0)))
    data[at : at + len(octets)] = octets


def _before(root: str, path: str) -> str:
    """Where the copy of a file from before the recording is."""
    return root + ".before" + path[len(root):]
