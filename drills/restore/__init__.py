"""The restore drill: the backup is opened, loaded into a scratch database, decrypted and compared."""
