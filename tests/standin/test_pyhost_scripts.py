"""Scripts in the embedded interpreter: found, executed again at every call, in the surroundings mod_python3 gives them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from mocks.esl.event import Event
from mocks.host.bare import BareChannel, started
from mocks.host.pyhost import HostGone

ECHO = """
def fsapi(session, stream, env, args):
    stream.write(ascii((session, env.getType(), env.getHeader("api-command"), args)))

def other(session, stream, env, args):
    stream.write("other " + args)
"""


def test_api_command_calls_fsapi_with_na_stream_env_and_argument(tmp_path: Path) -> None:
    with started(str(tmp_path), {"echo": ECHO}) as (_switch, host):
        assert host.api("echo it's 'quoted text' ok") == repr(("na", "API", "python", "its quoted text' ok"))


def test_another_function_is_named_behind_two_colons(tmp_path: Path) -> None:
    with started(str(tmp_path), {"echo": ECHO}) as (_switch, host):
        assert host.api("echo::other x") == "other x"


def test_api_command_inside_a_call_gets_its_session(tmp_path: Path) -> None:
    script = "def fsapi(session, stream, env, args):\n    stream.write(session.get_uuid())\n"
    with started(str(tmp_path), {"inside": script}) as (switch, host):
        channel = switch.add_channel(BareChannel())
        assert host.api("inside", channel.uuid) == channel.uuid


def test_application_calls_handler_with_session_and_argument(tmp_path: Path) -> None:
    script = "def handler(session, args):\n    session.setVariable('got', args)\n"
    with started(str(tmp_path), {"app": script}) as (_switch, host):
        channel = BareChannel()
        host.application(channel, "app one two")
        assert channel.variables["got"] == "one two"


def test_pyrun_calls_runtime_in_a_thread_and_returns_at_once(tmp_path: Path) -> None:
    script = """
import freeswitch
def runtime(args):
    event = freeswitch.Event("CUSTOM", "test::started")
    event.addHeader("args", args)
    event.fire()
"""
    with started(str(tmp_path), {"supervisor": script}) as (switch, host):
        arrived: list[Event] = []
        done = threading.Event()

        def arrive(event: Event) -> None:
            arrived.append(event)
            done.set()

        switch.subscribe("CUSTOM", "test::started", arrive)
        host.thread("supervisor go on")
        assert done.wait(20)
        assert arrived[0].get("args") == "go on"


COUNTING = """
import sys
sys.executions = getattr(sys, "executions", 0) + 1
import counted
def fsapi(session, stream, env, args):
    stream.write(f"{sys.executions} {sys.library_imports}")
"""


def test_script_is_executed_again_at_every_call_and_a_library_once(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "counted.py").write_text("import sys\nsys.library_imports = getattr(sys, 'library_imports', 0) + 1\n")
    with started(str(tmp_path), {"counting": COUNTING}, python_path=[str(library)]) as (_switch, host):
        # The first call imports the module and then executes it again.
        assert [host.api("counting") for _ in range(3)] == ["2 1", "3 1", "4 1"]


RELOADED = """
class Job:
    pass
def handler(session, args):
    job = Job()
    same_before = isinstance(job, Job)
    session.execute("wait")
    session.setVariable("verdict", f"{same_before} {isinstance(job, Job)}")
"""


def test_classes_of_a_script_are_replaced_under_handlers_that_run(tmp_path: Path) -> None:
    with started(str(tmp_path), {"reloaded": RELOADED}) as (_switch, host):
        channels = [BareChannel() for _ in range(18)]
        threads = [threading.Thread(target=host.application, args=(channel, "reloaded")) for channel in channels]
        for thread, channel in zip(threads, channels, strict=True):
            thread.start()
            assert channel.waiting.wait(20)
        for channel in channels:
            channel.release.set()
        for thread in threads:
            thread.join()
        verdicts = [channel.variables["verdict"] for channel in channels]
        assert verdicts == ["True False"] * 17 + ["True True"]  # only the last one's class is still the module's


def test_every_call_has_thread_locals_of_its_own(tmp_path: Path) -> None:
    script = """
import sys, threading
sys.mine = getattr(sys, "mine", threading.local())
def fsapi(session, stream, env, args):
    stream.write(str(hasattr(sys.mine, "value")))
    sys.mine.value = 1
"""
    with started(str(tmp_path), {"local": script}) as (_switch, host):
        assert [host.api("local") for _ in range(5)] == ["False"] * 5


def test_recursion_limit_is_240_and_reaching_it_is_an_ordinary_exception(tmp_path: Path) -> None:
    script = """
import sys
def down(n):
    try:
        return down(n + 1)
    except RecursionError:
        return n
def fsapi(session, stream, env, args):
    stream.write(f"{sys.getrecursionlimit()} {200 < down(0) < 240}")
"""
    with started(str(tmp_path), {"deep": script}) as (_switch, host):
        assert host.api("deep") == "240 True"


SURROUNDINGS = """
import os, signal, subprocess, sys
def limits(session, stream, env, args):
    child = subprocess.run(["sh", "-c", "ulimit -Ss; ulimit -Hs; exit 3"], capture_output=True, text=True)
    stream.write(f"{child.stdout.split()} {child.returncode}")
def signals(session, stream, env, args):
    with open("/proc/self/status") as status:
        masks = dict(line.split(":\\t") for line in status.read().splitlines() if line.startswith("Sig"))
    ignored = int(masks["SigIgn"], 16)
    stream.write(" ".join(s.name for s in signal.Signals if ignored >> (s - 1) & 1))
def paths(session, stream, env, args):
    stream.write("\\n".join([os.getcwd(), os.environ["PYTHONPATH"], os.environ["GREETING"], *sys.path]))
def modules(session, stream, env, args):
    import yaml, filelock, json, re, logging
    stream.write(yaml.safe_load("{a: [1, {b: deep}]}")["a"][1]["b"])
def argv(session, stream, env, args):
    stream.write(repr(sys.argv))
"""


def test_children_inherit_a_soft_stack_limit_of_240_kib_and_their_status_is_right(tmp_path: Path) -> None:
    with started(str(tmp_path), {"around": SURROUNDINGS}) as (_switch, host):
        assert host.api("around::limits") == "['240', '8192'] 3"


def test_threads_of_calls_and_of_scripts_have_stacks_of_240_kib(tmp_path: Path) -> None:
    script = """
import ctypes, threading
libc = ctypes.CDLL(None)
def size():
    attributes = ctypes.create_string_buffer(64)
    libc.pthread_self.restype = ctypes.c_void_p
    libc.pthread_getattr_np(ctypes.c_void_p(libc.pthread_self()), attributes)
    found = ctypes.c_size_t()
    libc.pthread_attr_getstacksize(attributes, ctypes.byref(found))
    libc.pthread_attr_destroy(attributes)
    return found.value
def fsapi(session, stream, env, args):
    sizes = [size()]
    thread = threading.Thread(target=lambda: sizes.append(size()))
    thread.start(); thread.join()
    stream.write(repr(sizes))
"""
    with started(str(tmp_path), {"stack": script}) as (_switch, host):
        assert host.api("stack") == repr([240 * 1024, 240 * 1024])


def test_signals_are_ignored_as_in_the_switch_and_sigchld_is_not(tmp_path: Path) -> None:
    with started(str(tmp_path), {"around": SURROUNDINGS}) as (_switch, host):
        assert host.api("around::signals").split() == ["SIGQUIT", "SIGPIPE", "SIGALRM", "SIGXFSZ", "SIGIO"]


def test_script_directory_comes_behind_pythonpath_and_the_tests_are_not_importable(tmp_path: Path) -> None:
    os.environ["GREETING"] = "hello"
    try:
        with started(str(tmp_path), {"around": SURROUNDINGS}, python_path=["/somewhere/lib"]) as (_switch, host):
            lines = host.api("around::paths").split("\n")
    finally:
        del os.environ["GREETING"]
    assert lines[:3] == [str(tmp_path), f"/somewhere/lib:{tmp_path}", "hello"]
    assert lines[3:5] == ["/somewhere/lib", str(tmp_path)]
    assert not [path for path in lines[5:] if os.path.isdir(os.path.join(path, "mocks"))]


def test_installed_packages_work_within_the_limits(tmp_path: Path) -> None:
    with started(str(tmp_path), {"around": SURROUNDINGS}) as (_switch, host):
        assert host.api("around::modules") == "deep"


def test_argv_is_that_of_an_embedded_interpreter(tmp_path: Path) -> None:
    with started(str(tmp_path), {"around": SURROUNDINGS}) as (_switch, host):
        assert host.api("around::argv") == "['']"


FAILING = """
import sys
def fsapi(session, stream, env, args):
    stream.write("before")
    raise ValueError("small " + args)
def leave(session, stream, env, args):
    stream.write("left")
    sys.exit(3)
def big(session, stream, env, args):
    raise ValueError("x" * int(args))
def handler(session, args):
    raise KeyError("in a call")
"""


def test_small_escaping_exception_is_logged_and_the_call_goes_on(tmp_path: Path) -> None:
    with started(str(tmp_path), {"failing": FAILING}) as (switch, host):
        assert host.api("failing x") == "before"
        logged = [text for level, text in switch.lines if level == 3]
        assert logged[0] == "Error calling python script"
        assert logged[1] == (
            "Python Error by calling script \"failing\": <class 'ValueError'>\nMessage: small x\n"
            "Exception: NoneType: None\n\nTraceback (most recent call last)"
            f'\n\tFile: "{tmp_path}/failing.py", line 5, in fsapi'
        )
        host.application(BareChannel(), "failing")
        assert host.api("failing::leave") == "left"
        assert not host.crashed.is_set()


def test_escaping_exception_of_19_kb_survives(tmp_path: Path) -> None:
    with started(str(tmp_path), {"failing": FAILING}) as (_switch, host):
        host.api("failing::big 19000")
        assert not host.crashed.is_set()
        assert host.api("failing::leave") == "left"


def test_sys_exit_is_not_an_error(tmp_path: Path) -> None:
    with started(str(tmp_path), {"failing": FAILING}) as (switch, host):
        host.api("failing::leave")
        assert [level for level, _text in switch.lines] == [5]


@pytest.mark.parametrize(
    ("text", "first_error"),
    [
        ("nosuchmodule x", "Error importing module"),
        ("echo::nosuch x", "Module does not define nosuch"),
        ("", "No module name specified!"),
    ],
)
def test_what_cannot_be_called_is_logged_and_answers_nothing(tmp_path: Path, text: str, first_error: str) -> None:
    with started(str(tmp_path), {"echo": ECHO}) as (switch, host):
        assert host.api(text) == ""
        assert next(line for level, line in switch.lines if level == 3) == first_error


def test_error_in_a_script_after_it_was_loaded_shows_at_the_reload(tmp_path: Path) -> None:
    with started(str(tmp_path), {"echo": ECHO}) as (switch, host):
        host.api("echo")
        (tmp_path / "echo.py").write_text("def fsapi(:\n")
        assert host.api("echo") == ""
        assert next(line for level, line in switch.lines if level == 3) == "Error reloading module"


def test_argument_that_is_not_utf8_makes_the_function_run_without_arguments(tmp_path: Path) -> None:
    script = "def fsapi(*args):\n    import freeswitch\n    freeswitch.consoleLog('notice', repr(args))\n"
    with started(str(tmp_path), {"bare": script}) as (switch, host):
        host.api("bare M\udcfcller")
        assert (5, "()") in switch.lines


def test_end_of_the_interpreter_by_a_script_is_a_crash_of_the_switch(tmp_path: Path) -> None:
    script = "import os\ndef fsapi(session, stream, env, args):\n    os._exit(3)\n"
    with started(str(tmp_path), {"ending": script}) as (_switch, host):
        with pytest.raises(HostGone):
            host.api("ending")
        assert host.crashed.is_set()
        assert "status 3" in host.crash_reason


def test_two_hundred_calls_at_once_each_get_their_own_answers(tmp_path: Path) -> None:
    script = """
def handler(session, args):
    session.setVariable("first", args)
    session.execute("wait")
    session.setVariable("second", session.getVariable("first") + str(session.ready()))
"""
    with started(str(tmp_path), {"many": script}) as (_switch, host):
        channels = [BareChannel() for _ in range(200)]
        threads = [
            threading.Thread(target=host.application, args=(channel, f"many n{number}"))
            for number, channel in enumerate(channels)
        ]
        for thread in threads:
            thread.start()
        for channel in channels:
            assert channel.waiting.wait(30)
        for channel in channels:
            channel.release.set()
        for thread in threads:
            thread.join()
        assert [channel.variables["second"] for channel in channels] == [f"n{number}True" for number in range(200)]
