"""Prometheus' text format, version 0.0.4 (prometheus.io, "Exposition formats")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gofaxpy.hylafax.encoding import one_line

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LONGEST_LABEL = 200
_ESCAPES = {ord("\\"): "\\\\", ord('"'): '\\"'}


class Metric:
    """One metric: its name, ``counter`` or ``gauge``, its help, the names of its labels, and a value for each set of labels."""

    __slots__ = ("help", "kind", "labels", "name", "samples")

    def __init__(self, name: str, kind: str, help: str, labels: tuple[str, ...] = ()) -> None:
        self.name = name
        self.kind = kind
        self.help = help
        self.labels = labels
        self.samples: dict[tuple[str, ...], float] = {}

    def add(self, amount: float, *labels: str) -> None:
        """Adds to the sample of these labels."""
        self.samples[labels] = self.samples.get(labels, 0) + amount

    def set(self, value: float, *labels: str) -> None:
        """Sets the sample of these labels."""
        self.samples[labels] = value


def render(metrics: Iterable[Metric]) -> str:
    """The metrics as text.  The values of labels are cleaned here; a metric without samples is left out."""
    lines: list[str] = []
    for metric in metrics:
        if not metric.samples:
            continue
        lines.append(f"# HELP {metric.name} {metric.help}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        for labels, value in sorted(_clean(metric.samples).items()):
            pairs = ",".join(f'{name}="{text.translate(_ESCAPES)}"' for name, text in zip(metric.labels, labels, strict=True))
            lines.append(f"{metric.name}{{{pairs}}} {_number(value)}" if pairs else f"{metric.name} {_number(value)}")
    return "\n".join(lines) + "\n"


def _clean(samples: Mapping[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """The samples with cleaned labels.  Samples whose labels are then the same are added up: the format allows each only once."""
    cleaned: dict[tuple[str, ...], float] = {}
    for labels, value in samples.items():
        key = tuple(_text(label) for label in labels)
        cleaned[key] = cleaned.get(key, 0) + value
    return cleaned


def _text(label: str) -> str:
    return one_line(label[:_LONGEST_LABEL]).encode("utf-8", "replace").decode("utf-8")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(round(value, 3))
