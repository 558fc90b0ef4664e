"""The stand-in switch: a small FreeSWITCH for tests and the demo. `standin` is its program, `config` its file."""
