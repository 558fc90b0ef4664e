"""The project's documents as tests see them: code blocks, links, headings."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rig.install import CHECKOUT

_FENCE = re.compile(r"^( *)```(.*)$")
_MARK = re.compile(r"^ *<!-- (run: [\w ]+|not gofax\.yaml) -->$")


@dataclass(frozen=True, slots=True)
class Block:
    """One code block.  ``mark`` is what the comment in the line before it says, such as ``run: spool``."""

    path: str
    line: int
    language: str
    text: str
    mark: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def documents() -> list[str]:
    """The documents, relative to the checkout."""
    found = [*glob.glob("docs/*.md", root_dir=CHECKOUT), *glob.glob("*.md", root_dir=CHECKOUT)]
    return sorted(found)


def read(path: str) -> str:
    """A document's text."""
    with open(os.path.join(CHECKOUT, path), encoding="utf-8") as file:
        return file.read()


def blocks(*languages: str) -> list[Block]:
    """The code blocks of all documents in one of ``languages`` (``""`` for those that name none)."""
    return [block for path in documents() for block in _blocks(path) if block.language in languages]


def _blocks(path: str) -> Iterator[Block]:
    opened = 0
    indent = language = mark = ""
    body: list[str] = []
    previous = ""
    for number, line in enumerate(read(path).splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and not opened:
            opened, indent, language, body = number, fence[1], fence[2].strip(), []
            found = _MARK.match(previous)
            mark = found[1] if found else ""
        elif fence and fence[1] == indent and not fence[2]:
            yield Block(path, opened, language, "".join(f"{text}\n" for text in body), mark)
            opened = 0
        elif opened:
            body.append(line.removeprefix(indent))
        previous = line
    assert not opened, f"{path}:{opened}: the code block is not closed"


def prose(path: str) -> str:
    """A document without its code blocks and comments."""
    text = re.sub(r"^ *```.*?^ *```$", "", read(path), flags=re.M | re.S)
    return re.sub(r"<!--.*?-->", "", text, flags=re.S)


def anchors(path: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", prose(path), re.M):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        name, count = slug, 0
        while name in found:
            count += 1
            name = f"{slug}-{count}"
        found.add(name)
    return found


def links(path: str) -> list[str]:
    """The targets of a document's links."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(path)))


def words(path: str) -> list[str]:
    """What stands in single backquotes in a document's text."""
    return re.findall(r"`([^`]+)`", prose(path))
