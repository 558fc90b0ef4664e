"""``python -m demo``: see demo.show."""

from __future__ import annotations

import sys

from demo.show import main

sys.exit(main())
