"""The backups: what is in them, for which key, where their copies are, and when a drill restored one."""
