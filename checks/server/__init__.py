"""The host: disks, ports, cron, mail, host keys."""
