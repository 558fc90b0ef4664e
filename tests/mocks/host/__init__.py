"""The embedded interpreter of the stand-in switch.

Two processes share this package. In the switch itself (`mocks.host.pyhost` is its door): `service` answers what scripts
ask, `consumers` holds their event queues, `gil` keeps count of who stopped all Python. In the child process, where the
scripts run: `interpreter` is the program, `script` runs one call as mod_python3 does, `link` carries a thread's
requests to the switch, `swig` converts arguments as the generated wrapper does, `session` and `events` are the
classes, and `site/freeswitch.py` is the module scripts import. `wire` is the form of what goes between the two.
"""
