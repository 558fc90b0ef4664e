"""Figures for Prometheus: ``gofaxctl metrics``, and the text file that node_exporter picks up (``log.metrics_file``).

:mod:`counters` counts accounting records, :mod:`state` keeps the counters between processes and reads only what is new in
the accounting, :mod:`gauges` looks at the spool as it is now, :mod:`exposition` writes Prometheus' text, and
:mod:`textfile` is what the end of each fax calls.
"""
