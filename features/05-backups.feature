Feature: 5. Backups and restore

  @rb-5.2 @check
  Rule: 5.2 The backups

    @critical @gate
    Scenario: There are backups
      Then there is at least one backup of the database

    # The age is that of the newest row in a backup where that can be read and the target names the columns,
    # else that of the dump's start, of the file's name, or of the file; a failing sentence says which.
    @critical @gate @needs-there-are-backups
    Scenario: The newest backup is fresh
      Then the content of the newest backup is less than 25 hours old

    @major @needs-there-are-backups
    Scenario: The backups move on
      Then no backup holds older content than the one before it

    @critical @needs-there-are-backups
    Scenario: The plain backups are whole
      Then every plain backup can be decompressed to its last byte

    @critical @needs-there-are-backups
    Scenario: The dumps are complete
      Then every plain backup that can be decompressed is one complete dump, from its first line to its last

    @major @needs-there-are-backups
    Scenario: The newest dump has its usual size
      Then the newest dump has at least 50 % of the usual size
      And the newest dump has at most 200 % of the usual size

    # A byte changed inside the encrypted data shows only to the holder of the private key: that is the restore
    # drill's to tell. A file that is cut off, overwritten at its beginning or longer than it says shows here.
    @critical @needs-there-are-backups
    Scenario: The encrypted backups are whole
      Then every encrypted backup has all its packets, to its last byte

    @critical @needs-there-are-backups
    Scenario: The encrypted backups are for the backup key
      Then every encrypted backup is encrypted to the backup key
      And no encrypted backup is encrypted to a passphrase or another key as well

    @major @needs-there-are-backups @needs-the-last-backup-run-ended-well
    Scenario: The backup log agrees with the backups
      Then the backup that the log names last is there
