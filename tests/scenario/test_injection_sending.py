"""What a user, a script or the operator writes of a job stays text: every trick in every place, through whole calls.

Each job carries one trick in all of its places at once (:mod:`rig.tricks`): every place would leave a trace of its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress

import pytest

from gofaxpy.switch.db import Db, DbError
from rig import Installed, gofaxyaml
from rig.rundir import FAX_USER
from rig.tricks import TRICKS, Scene, in_a_line, make_scene, number_of, quoted, trick

DONE, FAILED, RETRY = 2, 1, 0
FIELDS = dict(zip((
    "sender mailaddr owner jobtag tagline tsi faxnumber receiver company location regarding comments client subaddr passwd"
).split(), "abcdefghijklmno", strict=True))
SAID = ("LocalIdentifier", "TagLine", "FAXNumber")          # by a DynamicConfigOutgoing
CONFIGURED = ("ident", "header", "fax_number", "cid_name")


@pytest.fixture(scope="module")
def scene(installed: Installed) -> Iterator[Scene]:
    with make_scene(installed) as made:
        yield made


def send(scene: Scene, name: str, fields: dict[str, str], *more: str, status: int = DONE) -> int:
    house = scene.house
    job = house.job(number_of(name), pages=(1,), desiredtl="1")
    path = house.path("sendq", f"q{job}")
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    seen = {line.partition(":")[0] for line in lines}
    lines = [f"{tag}:{fields[tag]}" if (tag := line.partition(":")[0]) in fields else line for line in lines]
    lines[1:1] = [f"{tag}:{value}" for tag, value in fields.items() if tag not in seen]
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write("\n".join(lines))
    assert house.gofaxsend(job, *more) == status, house.qfile(job).fields
    qfile = house.qfile(job)
    assert qfile["returned"] == str(status) and qfile["jobid"] == str(job)
    assert not [tag for tag in qfile.fields if tag.startswith("x_") or tag.startswith("FORGED")]
    if status == DONE:
        assert not [item for item in qfile.items if item.startswith("fax:")] and qfile["npages"] == "1"
    else:
        assert qfile["totdials"] == "0", "nobody was called"
    return job


@pytest.mark.parametrize("name", TRICKS)
def test_a_jobs_own_words_and_the_far_ends_name(scene: Scene, name: str) -> None:
    """Every text of a qfile, and the CSI; afterwards HylaFAX's own notify reads what we wrote."""
    job = send(scene, name, {tag: in_a_line(trick(name, place)) for tag, place in FIELDS.items()})
    notified = subprocess.run(
        ["bin/notify", f"sendq/q{job}", "done", "0:00:10"], cwd=scene.house.spool, env=scene.house.run_dir.environ, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, user=FAX_USER, group=FAX_USER, extra_groups=(), timeout=60,
    )
    assert notified.returncode == 0, notified.stderr
    scene.check()


@pytest.mark.parametrize("name", TRICKS)
def test_what_a_script_and_the_operator_say_of_a_job(scene: Scene, name: str) -> None:
    """DynamicConfigOutgoing's texts, an override of mod_db, and JobControl's options; then the configuration's texts."""
    house, text = scene.house, trick(name, "s")
    jobid = house.jobs + 1
    said = [f"{tag}: {in_a_line(text)}" for tag in SAID]
    said += [f'{tag}: "{quoted(text)}"' for tag in SAID]
    with open(house.path("etc", f"say.{jobid}"), "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write("\n".join(said) + "\n")
    db = Db(lambda command, args: scene.switch.api(f"{command} {args}"))
    with suppress(DbError):     # what cannot be stored cannot do harm
        db.insert(f"override-{number_of(name)}", "sip_h_X-Test", trick(name, "t"))
    send(scene, name, {}, "-c", f'receiver:"{in_a_line(trick(name, "u"))}"', "-c", f'sender:"{in_a_line(trick(name, "v"))}"')
    db.delete(f"override-{number_of(name)}", "sip_h_X-Test")
    other = gofaxyaml(
        os.path.join(house.run_dir.path, "other.yaml"), spool=house.spool, lock_dir=house.lock_dir,
        esl_port=scene.switch.esl_port,
        overrides={
            "freeswitch": {tag: _yaml(trick(name, "w")) for tag in CONFIGURED[:2]},
            "outbound": {tag: _yaml(trick(name, "y")) for tag in CONFIGURED[2:]},
        },
    )
    send(scene, name, {}, "-C", other)
    scene.check()


def _yaml(text: str) -> str:
    return "".join(char for char in text if char != "\n" and not "\ud800" <= char <= "\udfff")


@pytest.mark.parametrize("name", [name for name in TRICKS if name not in ("dash", "newline")])
def test_what_is_to_be_dialled_is_refused_or_only_digits(scene: Scene, name: str) -> None:
    """A number, a prefix and a gateway with a trick in it: nobody is called at all."""
    house, text = scene.house, in_a_line(trick(name, "n"))
    send(scene, name, {"external": f"1000{text}"}, status=FAILED)
    for line in (f"CallPrefix: 1{text}", f"Gateway: default{text}", f'Gateway: "default, de{quoted(text)}"'):
        if name in ("comma-variable", "second-leg") and line.startswith("Gateway"):
            continue        # that is a list of gateways, the others of which do not exist
        with open(house.path("etc", f"say.{house.jobs + 1}"), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(line + "\n")
        send(scene, name, {}, status=RETRY)     # the script's trouble, not the job's
    scene.check()
