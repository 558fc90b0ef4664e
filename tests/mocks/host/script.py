"""One call of a script: import, execute the module again, call the function, and what becomes of an exception.

Source: `eval_some_python` and `print_python_error` in FreeSWITCH `src/mod/languages/mod_python3/mod_python3.c`.
"""

from __future__ import annotations

import gc
import importlib
import sys
from types import TracebackType
from typing import Any

from mocks.host.events import Event, Stream
from mocks.host.link import ask, crash
from mocks.host.session import Session

LOG_ERROR = 3

#: Bytes of the buffer into which mod_python3 writes an exception with strcat, the final NUL included.
ERROR_BUFFER = 20 * 1024
#: Bytes of the buffer for one line of the traceback, the final NUL included; longer ones are cut.
ERROR_LINE = 256


def run(call: dict[str, Any]) -> str | None:
    """Run one call: `module`, `function`, `argument`, with `session` (uuid) and `env` (headers) if there are any.

    Returns what the script wrote to its stream. Never raises: an exception is logged as mod_python3 logs it.
    """
    name, function_name = call["module"], call["function"]
    step = "Error importing module"
    try:
        __import__(name, {}, {}, ["__doc__"], 0)
        module = sys.modules[name]
        step = "Error reloading module"
        module = importlib.reload(module)
        step = f"Module does not define {function_name}"
        function = getattr(module, function_name)
    except BaseException as error:  # the C code catches whatever there is
        ask("log", LOG_ERROR, step)
        _log_exception(name, error)
        return None
    stream = Stream.of_call() if "env" in call else None
    try:
        function(*_arguments(call, stream))
    except SystemExit:
        pass
    except BaseException as error:  # likewise
        ask("log", LOG_ERROR, "Error calling python script")
        _log_exception(name, error)
        del error
        gc.collect()
    return stream.get_data() if stream is not None else None


def _arguments(call: dict[str, Any], stream: Stream | None) -> tuple[Any, ...]:
    argument = call["argument"]
    session = Session.of_call(call["session"]) if "session" in call else None
    try:
        argument.encode("utf-8")
    except UnicodeEncodeError:
        # The tuple of arguments cannot be built, nobody looks at that, and the function is called without any.
        return ()
    if stream is not None:
        env = Event.of_call(call["env"])
        return (session if session is not None else "na", stream, env, argument)
    return (session, argument) if session is not None else (argument,)


def _log_exception(script: str, error: BaseException) -> None:
    text = describe(script, error)
    size = len(text.encode("utf-8", "surrogateescape")) + 1
    if size > ERROR_BUFFER:
        crash(
            "escaping exception",
            f"{type(error).__name__} with {size} bytes of message and traceback left {script}; mod_python3 writes it "
            f"into a buffer of {ERROR_BUFFER} bytes and destroys the heap. Let no exception leave a script",
        )
    ask("log", LOG_ERROR, text)


def describe(script: str, error: BaseException) -> str:
    """The text mod_python3 makes of an exception. A message that is not UTF-8 ends the switch."""
    text = f'Python Error by calling script "{script}": {type(error)!s}'
    try:
        message = str(error)
    except Exception:  # a broken __str__ is the script's business; the C code prints this instead
        message = "<unknown exception date> "
    try:
        message.encode("utf-8")
    except UnicodeEncodeError:
        crash(
            "escaping exception",
            f"the message of {type(error).__name__} is not UTF-8 (lone surrogates): {message[:200]!a}; mod_python3 "
            "appends the NULL it gets for it and segfaults. Let no exception leave a script",
        )
    text += f"\nMessage: {message}"
    trace = _without_own(error.__traceback__)
    if trace is None:
        return text
    # The exception is already fetched when the C code asks traceback.format_exc for it.
    text += "\nException: NoneType: None\n\nTraceback (most recent call last)"
    while trace is not None:
        code = trace.tb_frame.f_code
        line = f'\n\tFile: "{code.co_filename}", line {trace.tb_lineno}, in {code.co_name}'
        text += line.encode("utf-8", "surrogateescape")[: ERROR_LINE - 1].decode("utf-8", "surrogateescape")
        trace = trace.tb_next
    return text


def _without_own(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that the C code would have seen."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace
