"""The table of figures, in the order in which they are taken."""

from __future__ import annotations

from bench import crowd, idle, live, receiving, sending, spool
from bench.figure import Figure, at_most, times

TABLE: tuple[Figure, ...] = (
    Figure(
        "start", "gofaxsend: exec to first byte on the event socket", sending.start, 40, 2,
        {"gofaxsend_start": times(3)},
    ),
    Figure("resident", "gofaxsend: memory", sending.resident, 5, 1, {"gofaxsend_resident": at_most(20)}),
    Figure("cpu", "gofaxsend: CPU per fax, whole process", sending.cpu, 8, 1, {"gofaxsend_cpu_per_fax": times(5)}),
    Figure(
        "copied", "bytes of a one-document job copied before dialling", sending.copied, 3, 1,
        {"bytes_copied_before_dialling": at_most(0)},
    ),
    Figure(
        "answer", "inbound: handler entry to answer executed, 30 calls/s", receiving.answer, 300, 3,
        {"answer_median": at_most(5), "answer_p99": at_most(20)},
    ),
    Figure(
        "announcement", "inbound: rxfax returned to faxrcvd started", receiving.announcement, 20, 1,
        {"faxrcvd_start_median": at_most(50)},
    ),
    Figure(
        "gil", "longest time Python holds the interpreter during 60 calls", crowd.gil, 3, 1, {"gil_longest_hold": at_most(5)},
    ),
    Figure("cost", "cost per call as calls grow", crowd.cost, 3, 1, {"call_cpu_200_at_once": times(1.3)}),
    Figure("memory", "memory per concurrent call in our code", crowd.memory, 1, 1, {"call_memory": at_most(200)}),
    Figure("idle", "supervisor: idle CPU with 60 modems", idle.supervisor, 3, 1, {"supervisor_idle": at_most(0.5)}),
    Figure("sent", "spool work of a fax sent", spool.sent, 30, 2, {"spool_work_sent": times(2)}),
    Figure("received", "spool work of a fax received", spool.received, 30, 2, {"spool_work_received": times(2)}),
    Figure(
        "live", "CPU per fax on a real FreeSWITCH (FREESWITCH=/prefix)", live.fax, 3, 1,
        {"live_cpu_received": times(1.03), "live_cpu_sent": times(1.03)}, live.available,
    ),
)
