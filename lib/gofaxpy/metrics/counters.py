"""Counters of accounting records."""

from __future__ import annotations

from gofaxpy.hylafax.params import EC_DISABLE
from gofaxpy.hylafax.statuscode import StatusCode
from gofaxpy.hylafax.xferfaxlog import Record
from gofaxpy.metrics.exposition import Metric

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OTHER = "other"
MOST_SAMPLES = 2000     # of one metric; a log full of invented modems must not fill Prometheus
_CAUSES = {code.text.rstrip("."): code.name.lower() for code in StatusCode if code.text}


def cause(reason: str) -> str:
    """A reason as one of few names, those of HylaFAX's status codes: ``busy``, ``no_carrier`` … or ``other``.

    After HylaFAX's own text a reason may continue with ``: `` or ``; ``; that part is ignored.
    """
    text = reason
    while text:
        known = _CAUSES.get(text.rstrip(". "))
        if known:
            return known
        cut = max(text.rfind(": "), text.rfind("; "))
        text = text[:cut] if cut > 0 else ""
    return OTHER


class Counters:
    """All counters.  The label ``type`` is that of the record in lower case: send, recv, call, poll, page."""

    def __init__(self) -> None:
        kind = ("type", "modem")
        self.transfers = Metric(
            "gofax_transfers_total", "counter", "Accounting records: attempts to send, faxes received, calls that came in.",
            (*kind, "result"),
        )
        self.pages = Metric("gofax_pages_total", "counter", "Pages sent or received, also those of faxes that failed.", kind)
        self.seconds = Metric("gofax_connected_seconds_total", "counter", "Time during which calls were connected.", kind)
        self.failures = Metric(
            "gofax_failures_total", "counter", "Failed transfers by cause, named as HylaFAX's status codes.", ("type", "cause")
        )
        self.rates = Metric(
            "gofax_negotiated_total", "counter", "Transfers that negotiated, by their last rate in bit/s and ECM.",
            ("type", "rate", "ecm"),
        )
        self.malformed = Metric(
            "gofax_accounting_malformed_lines_total", "counter", "Lines of the accounting that are no records."
        )
        self.malformed.set(0)
        self.last_success = Metric(
            "gofax_last_success_timestamp_seconds", "gauge", "End of the latest transfer without an error.", ("type",)
        )
        self.last_failure = Metric(
            "gofax_last_failure_timestamp_seconds", "gauge", "End of the latest transfer that failed.", ("type",)
        )

    def all(self) -> list[Metric]:
        """Every metric, in the order in which they are written."""
        return [
            self.transfers, self.pages, self.seconds, self.failures, self.rates, self.malformed, self.last_success,
            self.last_failure,
        ]

    def add(self, record: Record) -> None:
        """Counts one record."""
        kind, modem = record.type.value.lower(), record.device
        if len(self.transfers.samples) > MOST_SAMPLES:
            modem = OTHER
        self.transfers.add(1, kind, modem, "failed" if record.reason else "ok")
        self.pages.add(record.pages, kind, modem)
        self.seconds.add(record.conn_seconds, kind, modem)
        if record.reason:
            self.failures.add(1, kind, cause(record.reason))
        if record.params is not None:
            self.rates.add(1, kind, str(record.params.rate), "off" if record.params.ec == EC_DISABLE else "on")
        last = self.last_failure if record.reason else self.last_success
        last.set(max(last.samples.get((kind,), 0), record.start + record.job_seconds), kind)

    def to_json(self) -> dict[str, Any]:
        """The samples by metric, as :mod:`gofaxpy.metrics.state` keeps them."""
        return {
            metric.name: [[*labels, value] for labels, value in metric.samples.items()] for metric in self.all()
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Counters:
        """From :meth:`to_json`; a metric that is missing there starts at 0.  Raises ValueError, TypeError, AttributeError."""
        counters = cls()
        for metric in counters.all():
            for *labels, value in data.get(metric.name, []):
                if len(labels) != len(metric.labels):
                    raise ValueError(f"{metric.name} has other labels")
                metric.set(float(value), *(str(label) for label in labels))
        return counters
