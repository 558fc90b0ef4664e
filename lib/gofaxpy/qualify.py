"""Which stations may send to us: HylaFAX's QualifyTSI, a file of regular expressions (faxd/FaxRecv.c++, hylafax-config(5)).

One expression a line; the first that is found in the sender's TSI decides, and ``!`` before it means *refuse*.  Nothing
found, or an empty file, means refuse as well, and so does a file that cannot be read (ServerConfig::checkACL: reject
if there are no patterns).  Empty lines and lines that start with ``#`` are nothing.
"""

from __future__ import annotations

import re

MAX_FILE = 1 << 20
MAX_LINE = 512


def accepts(path: str, tsi: str, problems: list[str]) -> bool:
    """Whether the station may send.  What is wrong with the file is appended to ``problems``, line by line."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(MAX_FILE)
    except OSError as error:
        problems.append(f"{path}: QualifyTSI cannot be read, so every sender is refused: {error.strerror}")
        return False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        refuse = line.startswith("!")
        try:
            found = re.search(line[refuse:][:MAX_LINE], tsi)
        except (re.error, RecursionError, OverflowError) as error:
            problems.append(f"{path}:{number}: not a regular expression, left out: {error}")
            continue
        if found:
            return not refuse
    return False
