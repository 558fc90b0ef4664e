"""What the documents say can be done as they say it: links, YAML, XML, commands, keys and options."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from gofaxpy.config.file import load
from gofaxpy.config.keys import Config, fields_of
from gofaxpy.ctl.command import HelpWanted
from gofaxpy.ctl.main import COMMANDS, build_parser
from mocks.config import from_tree
from mocks.sip.profile import CallerProfile
from mocks.switch import Switch
from rig.install import CHECKOUT
from rig.markdown import Block, anchors, blocks, documents, links, prose, read, words

SECTIONS = fields_of(Config)
SHELL = ("sh", "bash")
KNOWN_LANGUAGES = {"", "sh", "yaml", "xml", "ini"}


def commands(block: Block) -> list[str]:
    """The command lines of a block, without comments, continued lines joined."""
    joined = block.text.replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip() and not line.strip().startswith("#")]


def test_every_document_is_looked_at() -> None:
    assert {"README.md", "docs/install.md", "docs/pbx.md", "docs/troubleshooting.md"} <= set(documents())


@pytest.mark.parametrize("path", documents())
def test_code_blocks_name_a_language_that_is_tested(path: str) -> None:
    found = set(re.findall(r"^ *```(\S+)", read(path), re.M))
    assert found <= KNOWN_LANGUAGES


@pytest.mark.parametrize("path", documents())
def test_links_lead_somewhere(path: str) -> None:
    lost = []
    for target in links(path):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
        if not os.path.exists(os.path.join(CHECKOUT, place)) or (anchor and anchor not in anchors(place)):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("path", documents())
def test_a_list_of_contents_names_every_chapter(path: str) -> None:
    contents = [target[1:] for target in links(path) if target.startswith("#")]
    chapters = re.findall(r"^## (.+)$", read(path), re.M)
    if len(contents) > 3:
        assert len(contents) >= len(chapters)


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml_is_understood(block: Block, tmp_path: Path) -> None:
    """As gofax.yaml, with the sections it leaves out; what is for another program says so before it."""
    settings = yaml.safe_load(block.text)
    if block.mark == "not gofax.yaml":
        return
    missing = "".join(f"{section}: {{}}\n" for section in SECTIONS if section not in settings)
    (tmp_path / "gofax.yaml").write_text(block.text + missing, encoding="utf-8")
    load(str(tmp_path / "gofax.yaml"))


@pytest.mark.parametrize("block", blocks("xml"), ids=str)
def test_xml_is_well_formed_and_the_dialplan_can_be_loaded(block: Block, tmp_path: Path) -> None:
    document = ElementTree.fromstring(f"<include>{block.text}</include>")
    if document.find(".//extension") is not None:
        assert hunted(block.text, tmp_path)[-1][0] in ("python", "socket", "bridge")
    for gateway in document.iter("gateway"):
        names = {param.get("name") for param in gateway.iter("param")}
        assert names <= GATEWAY_PARAMETERS, names - GATEWAY_PARAMETERS


def hunted(extensions: str, tmp_path: Path) -> list[tuple[str, str]]:
    """The applications that a call to 4711 runs."""
    (tmp_path / "dialplan.xml").write_text(f"<include><context name='fax'>{extensions}</context></include>", encoding="utf-8")
    switch = Switch(from_tree({"run_dir": str(tmp_path / "run"), "dialplan": str(tmp_path / "dialplan.xml")}, "/"))
    try:
        channel = switch.new_channel("inbound")
        assert channel is not None
        channel.profile = CallerProfile("inbound", channel.uuid, "sofia/fax/1", "4711", caller_id_number="030", context="fax")
        return switch.dialplan.hunt(channel)
    finally:
        switch.close()


# mod_sofia's parse_gateways, as far as the documents use them
GATEWAY_PARAMETERS = {
    "proxy", "realm", "username", "password", "register", "caller-id-in-from", "ping", "expire-seconds", "retry-seconds",
    "extension", "from-domain", "from-user", "outbound-proxy", "register-transport",
}


@pytest.mark.parametrize("block", blocks("ini"), ids=str)
def test_asterisk_would_understand_the_lines(block: Block) -> None:
    for line in block.text.splitlines():
        assert re.fullmatch(r"(\[[\w-]+\](\(\+\))?|[a-z_0-9]+=\S.*|(exten| same) => \S.*|;.*|)", line), f"{block}: {line}"


@pytest.mark.parametrize("block", blocks(*SHELL), ids=str)
def test_commands_are_shell(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("block", blocks(*SHELL), ids=str)
def test_commands_name_what_there_is(block: Block) -> None:
    """Files of the checkout, make's targets, and gofaxctl's subcommands and options."""
    for line in commands(block):
        for path in re.findall(r"(?<![\w/.])((?:conf|docs|lib|bin|dialplan|fs_scripts|tests)/[\w./*-]+)", line):
            if path in IN_THE_SPOOL:
                continue
            assert list(Path(CHECKOUT).glob(path.rstrip("/"))), f"{block}: there is no {path}"
        for target in re.findall(r"(?:^|&& |; )make ([a-z]+)", line):
            assert re.search(rf"^{target}:", read("Makefile"), re.M), f"{block}: make has no target {target}"
        for command in re.findall(r"(?<!/)gofaxctl ([^|;>&)]*)", line):
            understood(command, str(block))
        for command in re.findall(r"'python gofax ([^']*)'", line):
            understood(command, str(block))


def understood(command: str, where: str) -> None:
    """Raises UsageError where gofaxctl would not understand these words."""
    arguments = shlex.split(command, comments=True)
    try:
        parsed: argparse.Namespace = build_parser().parse_args(arguments)
    except HelpWanted:
        return
    assert parsed.command is not None, f"{where}: gofaxctl {command}"


@pytest.mark.parametrize("path", documents())
def test_the_text_names_what_there_is(path: str) -> None:
    """Keys of the configuration, subcommands, and files."""
    for word in words(path):
        key = re.fullmatch(r"([a-z]+)\.([a-z_0-9]+)(: .*)?", word)
        if key and key[1] in SECTIONS and key[2] not in ("py", "log") and path not in OF_GOFAXIP:
            assert key[2] in fields_of(SECTIONS[key[1]]), f"{path}: there is no key {word}"
        if word.startswith("gofaxctl "):
            assert word.split()[1] in {command.name for command in COMMANDS} | {"COMMAND", "--help"}, f"{path}: {word}"
        if re.match(r"(conf|docs|lib|bin|dialplan|fs_scripts|tests)/[\w./*-]+$", word) and word not in IN_THE_SPOOL:
            assert list(Path(CHECKOUT).glob(word.rstrip("/"))), f"{path}: there is no {word}"
        target = re.match(r"make ([a-z]+)", word)
        if target:
            assert re.search(rf"^{target[1]}:", read("Makefile"), re.M), f"{path}: make has no target {target[1]}"


OF_GOFAXIP = {"docs/migration.md", "docs/configuration.md"}    # they name its keys, too
IN_THE_SPOOL = {"bin/faxrcvd", "bin/faxrcvd.sales", "bin/notify"}


@pytest.mark.parametrize("block", [block for block in blocks("") if block.path == "docs/troubleshooting.md"], ids=str)
def test_log_lines_are_those_that_are_written(block: Block) -> None:
    """What stands between the … of a line is a text of our own source."""
    for line in block.text.splitlines():
        said(line, str(block))


def test_status_texts_are_those_that_are_written() -> None:
    """They stand in italics."""
    found = re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", prose("docs/troubleshooting.md"))
    assert len(found) > 10
    for text in found:
        said(text, "docs/troubleshooting.md")


def said(text: str, where: str) -> None:
    """Fails unless the pieces of ``text`` between its … are in our source."""
    for piece in text.split("…"):
        fixed = piece.strip()
        assert len(fixed) < 8 or fixed in OUR_TEXTS, f"{where}: nothing says {fixed!r}"


def our_texts() -> str:
    """The library's source with the pieces of texts that span lines joined, and nothing else changed."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(CHECKOUT, "lib", "gofaxpy").rglob("*.py")))
    return re.sub(r'"\n\s+f?"', "", text)


OUR_TEXTS = our_texts()


def test_the_architecture_names_modules_and_functions_that_there_are() -> None:
    named = [re.fullmatch(r"([\w/]+\.py)(?:: (.+))?", word) for word in words("docs/architecture.md")]
    assert sum(found is not None for found in named) > 20
    for found in named:
        if found is None:
            continue
        [path] = [
            path for path in (Path(CHECKOUT, "lib", "gofaxpy", found[1]), Path(CHECKOUT, found[1])) if path.exists()
        ] or [None]
        assert path is not None, f"there is no {found[1]}"
        for name in re.findall(r"\w+", found[2] or ""):
            assert re.search(rf"^\s*(def|class) {name}\b", path.read_text(encoding="utf-8"), re.M), f"{found[1]} has no {name}"


def test_the_stand_in_names_modules_that_there_are() -> None:
    for name in re.findall(r"`((?:\w+/)*\w+\.py|\w+/)`", prose("docs/stand-in.md")):
        assert Path(CHECKOUT, "tests", "mocks", name).exists(), name
