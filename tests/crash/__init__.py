"""Promises tried by force: processes killed, system calls failing, connections cut, power lost; then an audit."""
