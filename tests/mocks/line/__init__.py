"""The telephone line of the stand-in switch: real T.30 engines, the line that joins two of them, and its faults.

The modem is Debian's libspandsp2 (SpanDSP 0.0.6); FreeSWITCH's mod_spandsp is built with a newer SpanDSP (version 3).
What a caller of this package sees is mod_spandsp's behaviour.  These differences remain:

- **No T.85 (JBIG).**  Two newer SpanDSPs agree on ``T.85(L0)`` with error correction; two of these engines agree on
  ``T.6`` with error correction and on ``T.4 2-D`` without.  Image sizes in bytes differ accordingly, and pages take
  longer.  What is written to the file is G3 2-D in both.
- **Resolutions in inches** (200x100, 200x200, 200x400, 400x400 dpi) travel as their metric neighbours (8040x3850 …),
  where the newer library can negotiate them as such (7874x3937 …).  Pages of 300, 600 and 1200 dpi are refused
  with code 11 by both, because mod_spandsp does not offer them.
- **No colour**, no scaling of pages of unusual width: they fail with code 12 or 43.
- **Patience of a receiver.**  0.0.6 sends its DIS three times and gives up after 21.7 s with code 48, the newer one
  goes on until timer T1 ends, 39 s after the start, with code 3.  The endpoint makes up for that: it calls the engine
  up again (so a late caller is still served, after another CED tone) and ends at 39 s with code 3.
- **V.17 training.**  The short training of 0.0.6 now and then fails on a line with slight noise, which ends
  the fax with code 26 or 38 (without noise 300 of 300 four-page faxes were good).  Where a test needs bad rows,
  short cuts are the better tool; see :class:`Spoil`.

What is equal, and was compared with the newer source: completion codes and texts, when phase B, D and E are reported
and the page counts in them, the removal of a received file without a complete page, what a hang-up means at which
moment (`t30_terminate`), and the treatment of overlong identifiers and header lines (not sent at all).

Sources: FreeSWITCH mod_spandsp_fax.c; SpanDSP t30.c, t30_api.c, t4_rx.c, t4_tx.c; Debian libspandsp-dev; ITU-T T.30.
"""

from mocks.line.clock import Clock
from mocks.line.endpoint import FaxEndpoint, FaxSetup
from mocks.line.line import Line
from mocks.line.results import FaxStats
from mocks.line.spoil import CLEAN, Spoil

__all__ = ["CLEAN", "Clock", "FaxEndpoint", "FaxSetup", "FaxStats", "Line", "Spoil"]
