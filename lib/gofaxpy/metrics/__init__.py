"""Figures for Prometheus: ``gofaxctl metrics``, and the text file that node_exporter reads (``log.metrics_file``).

:mod:`counters` counts accounting records, :mod:`state` keeps the counters between processes and reads only new records of the
accounting, :mod:`gauges` describes the spool as it is now, :mod:`exposition` writes Prometheus's text format, and
:mod:`textfile` puts all of it together, also at the end of each fax.
"""
