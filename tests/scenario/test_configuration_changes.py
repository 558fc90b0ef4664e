"""Each key of gofax.yaml is changed while a fax goes out and one comes in, and back while the next ones do: each page once.

FreeSWITCH follows every key at run time; gofaxsend reads the file at the start of each job.  None is read by FreeSWITCH at its
own start only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest
import yaml

from gofaxpy.config.keys import Config, fields_of
from rig.house import House, HouseMaker
from rig.pages import read_pages
from rig.receiving import faxrcvd, finished, status
from rig.rundir import FAX_USER, RunDir
from rig.servers import set_keys
from rig.spool import make_spool

DONE = 2
FAR_ENDS = [{"number": "47..", "does": "loop"}, {"number": "0?1000", "does": "fax", "ident": "+49 30 FAR"}]
pytestmark = pytest.mark.standin("seventy faxes take an hour on a real line")

# What each key becomes.  A key that is not here fails the test: think of what its change means for faxes under way.
OTHER: Mapping[str, Mapping[str, object]] = {
    "freeswitch": {
        "servers": "localhost", "server_order": "round_robin", "connect_timeout": 6, "gateways": ["closed", "default"],
        "ident": "+1 2", "header": "another", "verbose": True, "softmodem_fallback": True,
    },
    "hylafax": {
        "spooldir": "{run}/spool2", "modems": 1, "modem_prefix": "fax", "xferfaxlog": "log/another", "lock_dir": "{run}/lock2",
        "user": "daemon",
    },
    "inbound": {
        "enable_t38": False, "request_t38": False, "recipient_from": "request", "answer_after": 100, "wait_time": 50,
        "dynamic_config": "etc/dynamic", "dynamic_config_on_error": "reject", "dynamic_config_timeout": 11, "reject_status": 486,
        "min_free": 17, "faxrcvd": "bin/faxrcvd2", "faxrcvd_timeout": 100, "recv_file_mode": "0600", "allocate_modems": "off",
        "no_modem_cause": "CALL_REJECTED", "log_calls": False, "page_timeout": 200, "call_timeout": 3600,
    },
    "outbound": {
        "enable_t38": False, "request_t38": False, "fax_number": "123", "dial": "number", "call_prefix": "0",
        "dynamic_config": "etc/dynamic", "dynamic_config_on_error": "send", "dynamic_config_timeout": 11, "job_tsi": True,
        "job_fax_number": True, "job_tag_line": False, "disable_v17_after_retry": 1, "disable_ecm_after_retry": 1,
        "cid_name": "number", "failed_response": ["USER_BUSY"], "ladder": True, "ladder_days": 5, "retry_busy": 10,
        "retry_no_answer": 10, "retry_no_carrier": 10, "retry_protocol": 10, "retry_other": 10, "no_carrier_retries": 2,
        "progress_timeout": 10, "ring_timeout": 50, "page_timeout": 200, "call_timeout": 3600,
    },
    "log": {"syslog_facility": "local0", "level": "err", "metrics_file": "{run}/spool/log/metrics.prom"},
}
# With these nothing can begin on the other side of the change, so it is taken back while the same faxes are under way.
MEANWHILE = frozenset({"hylafax.user", "hylafax.spooldir"})


@pytest.fixture
def busy(make_house: HouseMaker, run_dir: RunDir, section: str) -> House:
    """A house with what the other values name.  Its faxes last as long as it takes until a change of the section is seen."""
    house = make_house(far_ends=FAR_ENDS, speed=12 if section == "hylafax" else 60)
    for name in ("bin/faxrcvd", "bin/faxrcvd2"):
        faxrcvd(house, name=name)
    house.script("dynamic", "exit 0")
    make_spool(f"{run_dir.path}/spool2", f"{run_dir.path}/lock2", sendfaxcmd="/bin/true", sendmail="/bin/true", modems=[])
    return house


def test_the_table_has_every_key() -> None:
    assert {name: set(fields_of(kind)) for name, kind in fields_of(Config).items()} == {
        name: set(keys) for name, keys in OTHER.items()
    }


def value_of(house: House, section: str, key: str) -> object:
    """What the key becomes."""
    if (section, key) == ("freeswitch", "servers"):
        return [{"host": "localhost", "port": house.switch.esl_port, "password": house.switch.password}]
    other = OTHER[section][key]
    return other.format(run=house.run_dir.path) if isinstance(other, str) else other


def changed(house: House, section: str, **keys: object) -> None:
    """Until FreeSWITCH goes by it: it looks at ``hylafax:`` every two seconds, and at the rest when it needs it."""
    before = followed(house)
    set_keys(house.config, section, **keys)
    if keys.get("user") == FAX_USER:        # there were no modems meanwhile: nothing is set up anew, but for the first time
        house.wait("the modems", lambda: status(house, "freeswitch0") == "Running and idle")
    elif section == "hylafax":
        house.wait("the change", lambda: followed(house) > before)


def followed(house: House) -> int:
    with open(house.switch.log, encoding="utf-8", errors="replace") as file:
        return file.read().count("the modems are set up anew")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("section", list(OTHER))
def test_each_page_arrives_once_whatever_is_changed_meanwhile(busy: House, document: str, section: str) -> None:
    house = busy
    before = before_of(house, section)
    back: dict[str, object] = {}
    for key in [*OTHER[section], ""]:
        sent, received = len(house.far_received()), len(house.received())
        job = house.job("1000")
        process = house.start_gofaxsend(job)
        assert house.switch.place_call("4711", document).answered, key
        house.wait(f"{key}: page 1", lambda job=job: house.qfile(job)["npages"] == "1")     # type: ignore[misc]
        if key:
            changed(house, section, **back, **{key: value_of(house, section, key)})
            back = {key: before[key]}
            if f"{section}.{key}" in MEANWHILE:
                changed(house, section, **back)
        else:
            changed(house, section, **back)
        output, _ = process.communicate(timeout=60)
        assert (process.returncode, output) == (DONE, ""), f"{key}: {house.qfile(job)['status']}"
        finished(house)
        assert [len(read_pages(path)) for path in house.far_received()[sent:]] == [3], key
        assert [len(read_pages(path)) for path in house.received()[received:]] == [3], key
        assert house.qfile(job)["npages"] == "3" and house.journal() == [], key
        for directory in (house.lock_dir, f"{house.run_dir.path}/lock2"):
            assert os.listdir(directory) == [], key


def before_of(house: House, section: str) -> dict[str, object]:
    """The values that are in force, as a file has them."""
    with open(house.config, encoding="utf-8") as file:
        settings = yaml.safe_load(file)[section]
    defaults = getattr(Config(), section)
    found = {}
    for key in OTHER[section]:
        default = getattr(defaults, key)
        found[key] = settings.get(key, list(default) if isinstance(default, tuple) else default)
    return found
