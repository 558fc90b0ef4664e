"""What the next attempt concludes from an attempt that was killed, whatever clients and administrators did to the job since."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping

import pytest

from gofaxpy.switch.arguments import encode_args
from rig.house import House, HouseMaker
from rig.pages import make_tiff, read_pages
from rig.rundir import FAX_USER

RETRY, FAILED, DONE = 0, 1, 2


def pages_sent(house: House) -> list[int]:
    """The pages of each fax that the far ends have."""
    return [len(read_pages(far)) for far in house.far_received()]


def kill_after_page(house: House, job: int, page: int, *more: str) -> None:
    """Kills gofaxsend when that page is confirmed; the call goes on to its end."""
    process = house.start_gofaxsend(job, *more)
    house.wait(f"page {page}", lambda: house.qfile(job)["npages"] == str(page))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    house.switch.wait_calls_over()
    assert len(house.journal()) == 1


def change(house: House, job: int, tags: Mapping[str, str], more: str = "") -> None:
    """Rewrites the qfile of a waiting job, under another inode as hfaxd does not, but a copy of the spool does."""
    path = house.path("sendq", f"q{job}")
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    lines = [f"{tag}:{tags[tag]}" if (tag := line.partition(":")[0]) in tags else line for line in lines]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n" + more)


def add_document(house: House, job: int, name: str, pages: int) -> None:
    """As a client adds one (hfaxd: JSUSP, JPARM DOCUMENT, JSUBM), once faxq has described the pages anew."""
    qfile = house.qfile(job)
    left = int(qfile["totpages"]) - int(qfile["npages"]) + pages
    image = house.path("docq", f"{name};e1")
    make_tiff(image, pages, title=name)
    shutil.copyfile(image, house.path("docq", f"{name}.{job}"))
    for file in (image, house.path("docq", f"{name}.{job}")):
        shutil.chown(file, FAX_USER, FAX_USER)
    change(
        house, job, {"totpages": str(int(qfile["totpages"]) + pages), "pagehandling": "e1S" * (left - 1) + "e1P"},
        f"!tiff:0::docq/{name}.{job}\nfax:0::docq/{name};e1\n",
    )


def images_anew(house: House, job: int, code: str, documents: list[int]) -> None:
    """As a client has it imaged anew (hfaxd: JPARM VRES, flushPreparedDocuments): each document from its first page on."""
    qfile = house.qfile(job)
    lines = []
    for index, pages in enumerate(documents):
        name = f"docq/doc{job}{index}.tif"
        original = next(line.rpartition(":")[2] for line in qfile.items if line.startswith(f"!tiff:0::{name}"))
        make_tiff(house.path(f"{name};{code}"), pages, title=f"job {job} document {index}, finer")
        shutil.chown(house.path(f"{name};{code}"), FAX_USER, FAX_USER)
        lines.append(f"!tiff:0::{original}\nfax:0::{name};{code}\n")
    path = house.path("sendq", f"q{job}")
    with open(path, encoding="utf-8") as file:
        kept = [line for line in file.read().splitlines() if not line.startswith(("fax:", "!tiff:"))]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(kept) + "\n" + "".join(lines))
    total = int(qfile["npages"]) + sum(documents)
    change(house, job, {"totpages": str(total), "pagehandling": "e1S" * (sum(documents) - 1) + "e1P"})


def keep_entry(house: House, job: int) -> str:
    """A second name for the journal entry of a call that goes on, outside the journal."""
    [name] = [name for name in house.journal() if name.startswith(f"{job}-")]
    kept = house.path("gofax", name)
    os.link(house.path("gofax", "journal", name), kept)
    return kept


def entry_comes_back(house: House, kept: str) -> None:
    """As if gofaxsend had been ended just before it removed its entry."""
    os.rename(kept, house.path("gofax", "journal", os.path.basename(kept)))


@pytest.mark.parametrize("page", [1, 2])
def test_a_document_added_after_a_killed_attempt_is_sent_and_nothing_else(make_house: HouseMaker, page: int) -> None:
    house = make_house(speed=20)
    job = house.job("1000")
    kill_after_page(house, job, page)
    add_document(house, job, "doc99.tif", 2)
    assert house.gofaxsend(job) == DONE
    assert pages_sent(house) == [3, 2]
    qfile = house.qfile(job)
    assert (qfile["npages"], qfile["totpages"], qfile["totdials"]) == ("5", "5", "2")
    assert [(record[1], record[10]) for record in house.records()] == [("SEND", "3"), ("SEND", "2")]


def test_to_another_number_all_pages_go_that_had_not_left_the_job(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1000")
    kill_after_page(house, job, 1)
    add_document(house, job, "doc99.tif", 1)
    change(house, job, {"external": "4711", "number": "4711"})
    assert house.gofaxsend(job) == DONE
    house.wait("the fax", lambda: not house.journal())
    assert pages_sent(house) == [3] and [len(read_pages(fax)) for fax in house.received()] == [3]
    sent = [(record[7], record[10]) for record in house.records() if record[1] == "SEND"]
    assert sent == [("1000", "3"), ("4711", "3")]


def test_a_job_imaged_anew_after_a_killed_attempt_does_not_send_again_what_that_has_delivered(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1000", pages=(2, 1))
    kill_after_page(house, job, 1)
    images_anew(house, job, "e9", [2, 1])
    assert house.gofaxsend(job) == DONE
    assert pages_sent(house) == [3]


def test_delivered_pages_behind_others_are_left_out(make_house: HouseMaker) -> None:
    """The first document was sent by an attempt that ended well; imaged anew, HylaFAX has it sent again, the second not."""
    house = make_house(speed=20)
    job = house.job("1001", pages=(1, 2))
    assert house.gofaxsend(job) == RETRY
    assert house.qfile(job)["npages"] == "1"
    change(house, job, {"external": "1000", "number": "1000"})
    kill_after_page(house, job, 2)
    images_anew(house, job, "e9", [1, 2])
    assert house.gofaxsend(job) == DONE
    assert pages_sent(house) == [1, 2, 1]
    qfile = house.qfile(job)
    assert (qfile["nskip"], qfile["npages"]) == ("2", qfile["totpages"])


def test_a_fax_that_was_delivered_is_not_sent_again_after_the_spool_was_copied(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1000")
    kill_after_page(house, job, 1)
    house.switch.stop()
    subprocess.run(["cp", "-a", house.spool, house.spool + ".copy"], check=True)
    os.rename(house.spool, house.spool + ".old")
    os.rename(house.spool + ".copy", house.spool)
    house.switch.start()
    assert house.gofaxsend(job) == DONE
    assert pages_sent(house) == [3]
    assert [(record[1], record[10]) for record in house.records()] == [("SEND", "3")]


def test_another_job_under_the_same_number_is_sent_whatever_an_old_entry_says(make_house: HouseMaker) -> None:
    """sendq/seqf and docq/seqf were set back: number, owner, client and even the documents' names are the same."""
    house = make_house(speed=20)
    job = house.job("1000")
    kill_after_page(house, job, 1)
    house.switch.stop()
    kept = house.journal()
    house.jobs -= 1
    assert house.job("1000", pages=(2,)) == job and house.journal() == kept
    house.switch.start()
    assert house.gofaxsend(job) == DONE
    assert pages_sent(house) == [3, 2]


def test_an_old_entry_takes_no_dial_from_another_job_under_the_same_number(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1000")
    kill_after_page(house, job, 1)
    house.switch.stop()
    house.jobs -= 1
    assert house.job("1000", pages=(2,), maxdials="1") == job
    house.switch.start()
    assert house.gofaxsend(job) == DONE
    assert pages_sent(house) == [3, 2]


def test_a_call_to_a_number_that_was_changed_and_changed_back_has_its_record(make_house: HouseMaker) -> None:
    house = make_house(speed=2)
    job = house.job("1000")
    process = house.start_gofaxsend(job)
    house.wait("page 1", lambda: house.qfile(job)["npages"] == "1")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    change(house, job, {"external": "2000", "number": "2000"})
    assert house.gofaxsend(job) == RETRY
    house.switch.wait_calls_over()
    change(house, job, {"external": "1000", "number": "1000"})
    assert house.gofaxsend(job) == DONE
    sent = sorted((record[7], record[10]) for record in house.records() if record[1] == "SEND")
    assert sent == [("1000", "3"), ("2000", "0")]


def test_a_killed_attempts_dial_is_counted_once_without_an_xferfaxlog(make_house: HouseMaker) -> None:
    house = make_house({"hylafax": {"xferfaxlog": ""}}, speed=5)
    job = house.job("1001", pages=(1,) * 2)
    process = house.start_gofaxsend(job)
    house.wait("page 1", lambda: house.qfile(job)["npages"] == "1")
    kept = keep_entry(house, job)
    assert process.wait(60) == RETRY
    process.communicate()
    assert (house.qfile(job)["totdials"], house.qfile(job)["tottries"]) == ("1", "1")
    entry_comes_back(house, kept)
    assert house.gofaxsend(job) == DONE
    assert (house.qfile(job)["totdials"], house.qfile(job)["tottries"]) == ("2", "2")


def test_an_attempt_that_ended_between_its_record_and_its_qfile_is_counted_and_not_recorded_again(make_house: HouseMaker) -> None:
    house = make_house(speed=5)
    job = house.job("1001", pages=(2,))
    process = house.start_gofaxsend(job)
    house.wait("page 1", lambda: house.qfile(job)["npages"] == "1")
    kept = keep_entry(house, job)
    assert process.wait(60) == RETRY
    process.communicate()
    entry_comes_back(house, kept)
    change(house, job, {"totdials": "0", "tottries": "0"})
    assert house.gofaxsend(job) == DONE
    assert (house.qfile(job)["totdials"], house.qfile(job)["tottries"]) == ("2", "2")
    assert [(record[1], record[10]) for record in house.records()] == [("SEND", "1"), ("SEND", "1")]


def test_an_attempt_for_which_freeswitch_made_no_call_is_no_dial_to_the_next_one_either(house: House) -> None:
    """gofaxsend is ended between its answer and the removal of its entry.  The job may be dialled once."""
    house.switch.api("fsctl pause")
    job = house.job("1000", maxdials="1")
    process = house.start_gofaxsend(job)
    house.wait("the entry", house.journal)
    kept = keep_entry(house, job)
    assert process.wait(60) == RETRY
    process.communicate()
    assert (house.qfile(job)["totdials"], house.records()) == ("0", [])
    entry_comes_back(house, kept)
    house.switch.api("fsctl resume")
    assert house.gofaxsend(job) == DONE
    assert house.qfile(job)["totdials"] == "1"
    assert [(record[1], record[10]) for record in house.records()] == [("SEND", "3")]


def test_a_call_that_the_user_ended_while_it_rang_is_no_dial_to_the_next_attempt_either(house: House) -> None:
    job = house.job("2001", maxdials="1")
    process = house.start_gofaxsend(job)
    house.wait("the call", house.switch.sessions)
    kept = keep_entry(house, job)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == RETRY
    process.communicate()
    assert (house.qfile(job)["statuscode"], house.qfile(job)["totdials"], len(house.records())) == ("345", "0", 1)
    entry_comes_back(house, kept)
    assert house.gofaxsend(job) == FAILED       # the one dial that it may have
    assert (house.qfile(job)["totdials"], house.qfile(job)["status"].partition(";")[0]) == ("1", "No answer from remote")
    assert len(house.records()) == 2


def test_no_job_gets_the_session_log_of_another_one(house: House) -> None:
    """bin/notify mails log/c<commid> to the user; log/seqf is behind after a power failure or a restore."""
    first = house.job("1000", pages=(1,))
    assert house.gofaxsend(first) == DONE
    os.unlink(house.path("log", "seqf"))
    second = house.job("2000", pages=(1,))
    assert house.gofaxsend(second) == RETRY
    commid = house.qfile(second)["commid"]
    assert commid != house.qfile(first)["commid"]
    assert f"JOB {second} " in house.session_log(commid) and f"JOB {first} " not in house.session_log(commid)


def test_a_killed_attempt_is_counted_and_recorded_where_its_commid_has_a_record_of_another_job(make_house: HouseMaker) -> None:
    """log/seqf was set back and the old session logs were removed (faxcron); the accounting still has the commid."""
    house = make_house(speed=20)
    first = house.job("1000", pages=(1,))
    assert house.gofaxsend(first) == DONE
    os.unlink(house.path("log", "seqf"))
    os.unlink(house.path("log", f"c{house.qfile(first)['commid']}"))
    second = house.job("1000")
    kill_after_page(house, second, 1)
    assert house.journal()[0].endswith(house.qfile(first)["commid"])
    assert house.gofaxsend(second) == DONE
    assert house.qfile(second)["totdials"] == "1"
    assert [(record[4], record[10]) for record in house.records()] == [(str(first), "1"), (str(second), "3")]


def test_a_session_log_that_cannot_be_made_is_told_and_holds_up_nothing(house: House) -> None:
    for name in ("seqf", "xferfaxlog"):
        with open(house.path("log", name), "a", encoding="utf-8"):
            shutil.chown(house.path("log", name), FAX_USER, FAX_USER)
    os.chmod(house.path("log"), 0o555)
    try:
        assert house.gofaxsend(house.job("1000", pages=(1,))) == DONE
    finally:
        os.chmod(house.path("log"), 0o755)


def test_the_documents_of_another_spool_are_not_sent(house: House) -> None:
    """gofax.yaml names another spool than that of the faxq that runs the job; both have documents of the same names."""
    job = house.job("1000")
    other = house.spool + ".other"
    subprocess.run(["cp", "-a", house.spool, other], check=True)
    make_tiff(os.path.join(other, f"docq/doc{job}0.tif;e1"), 3, title="for somebody else")
    process = subprocess.Popen(
        [house.installed.gofaxsend, "-C", house.config, "-m", "freeswitch0", f"sendq/q{job}"], cwd=other,
        env=house.run_dir.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        user=FAX_USER, group=FAX_USER, extra_groups=(),
    )
    assert process.communicate(timeout=60 * house.switch.patience)[0] == "" and process.returncode == RETRY
    with open(os.path.join(other, f"sendq/q{job}"), encoding="utf-8") as file:
        status = next(line for line in file if line.startswith("status:"))
    assert "hylafax.spooldir is" in status and other in status
    assert pages_sent(house) == [] and house.records() == []


def test_freeswitch_sends_nothing_from_an_entry_of_the_same_name_in_another_spool(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1000")
    kill_after_page(house, job, 1)
    [name] = house.journal()
    uuid = "01234567-89ab-4def-8123-456789abcdef"
    order = encode_args({"ref": name, "uuid": uuid, "job_uuid": uuid, "gateway": "default"})
    assert "is not this attempt's" in house.switch.api(f"python outbound_fax::launch {order}")
    far = house.switch.originate("sofia/gateway/default/1000", f"python(outbound_fax {name})")
    house.wait("the end of the call", lambda: not house.switch.calls())
    assert far.startswith("+OK") and pages_sent(house) == [3]


def test_an_accounting_that_cannot_be_written_holds_up_no_job(make_house: HouseMaker) -> None:
    house = make_house(speed=20)
    job = house.job("1000")
    kill_after_page(house, job, 1)
    change(house, job, {"external": "2000"})
    if os.path.exists(house.path("log", "xferfaxlog")):
        os.unlink(house.path("log", "xferfaxlog"))
    os.mkdir(house.path("log", "xferfaxlog"))
    assert house.gofaxsend(job) == RETRY
    assert house.qfile(job)["status"] == "Busy signal detected"
    assert "could not be recorded" in house.session_log(house.qfile(job)["commid"])
    os.rmdir(house.path("log", "xferfaxlog"))
    assert house.gofaxsend(job) == RETRY
    assert sorted((record[7], record[10]) for record in house.records()) == [("1000", "3"), ("2000", "0")]
    assert house.journal() == []
