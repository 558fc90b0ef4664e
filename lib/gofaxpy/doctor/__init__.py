"""``gofaxctl doctor``: everything that has to be in its place before a fax can go through, looked at once.

A check is a function from a :class:`~gofaxpy.doctor.patient.Patient` to findings; :mod:`gofaxpy.doctor.rounds` has them in
their order.  What only the process of FreeSWITCH can know is asked in there (:mod:`gofaxpy.doctor.inside`).
"""
