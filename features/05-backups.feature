Feature: 5. Backups and restore

  @rb-5.2 @check
  Rule: 5.2 The backups

    @critical @gate
    Scenario: There are backups
      Then there is at least one backup of the database

    # A deploy waits for this one alone: the others may be many, and take long to read.
    @critical @gate @depends-on-there-are-backups
    Scenario: The newest backup is intact
      Then the newest backup is whole, to its last byte

    # The age is that of the newest row in the backup where that can be read and the target names the columns,
    # else that of the dump's start, of the file's name, or of the file; a failing sentence says which.
    @critical @gate @depends-on-the-newest-backup-is-intact
    Scenario: The newest backup is fresh
      Then the content of the newest backup is less than 25 hours old

    @major @depends-on-there-are-backups
    Scenario: Each backup is newer than the last
      Then no backup holds older content than the one before it

    @critical @depends-on-there-are-backups
    Scenario: The plain backups are intact
      Then every plain backup can be decompressed to its last byte

    @critical @depends-on-there-are-backups
    Scenario: The dumps are complete
      Then every plain backup that can be decompressed is one complete dump, from its first line to its last

    @major @depends-on-there-are-backups
    Scenario: The newest dump has a plausible size
      Then the newest dump has at least 50 % of the usual size
      And the newest dump has at most 200 % of the usual size

    # A byte changed inside the encrypted data shows only to the holder of the private key: that is the restore
    # drill's to tell. A file that is cut off, overwritten at its beginning or longer than it says shows here.
    @critical @depends-on-there-are-backups
    Scenario: The encrypted backups are intact
      Then every encrypted backup has all its packets, to its last byte

    @critical @depends-on-there-are-backups
    Scenario: The encrypted backups are encrypted to the backup key
      Then every encrypted backup is encrypted to the backup key
      And no encrypted backup is encrypted to a passphrase or another key as well

    # 30 days as find counts them, whole ones and more than 30, and the night until the next run.
    @minor @depends-on-there-are-backups
    Scenario: Old backups are removed
      Then no backup is more than 32 days old, the newest 7 left aside
      And no archive of the files or the keys is more than 32 days old, the newest 7 left aside

    @major @depends-on-there-are-backups
    Scenario: Enough backups are kept
      Then there are at least 7 backups

    @critical @depends-on-there-are-backups
    Scenario: Only their owner can read the backups
      Then the folder of the backups is open to its owner alone, mode 0700
      And every backup can be read by its owner alone, mode 0600

    @major @depends-on-there-are-backups
    Scenario: Backups are on a separate file system
      Then the backups share no file system with the server's own, the service or Docker

    # A table that a deploy has just made or dropped is no sign of another database.
    @critical @depends-on-there-are-backups @depends-on-the-database-is-up
    Scenario: The backup contains this database
      Then the newest whole plain backup has at least 80 % of production's tables

    @major @depends-on-there-are-backups @depends-on-the-last-backup-run-succeeded
    Scenario: The backup log matches the backups
      Then the backup that the log names last is there

  # The database names files that lie in volumes, and opens with keys: it brings back little alone.
  @rb-5.2 @check
  Rule: 5.2 What has to be saved beside the database

    @major
    Scenario: Every volume of the releases is listed for backup
      Then every volume of a web release is among those that the target names as to be saved

    # The age is that in the archive's name. What is inside an encrypted one is for the holder of the private key to see.
    @critical
    Scenario: The uploaded files are backed up
      Then each volume that has to be saved has an archive that is less than 25 hours old
      And the newest encrypted archive of each volume, where there is one, is whole and for the backup key alone

    @critical @depends-on-the-uploaded-files-are-backed-up
    Scenario: The archives contain the uploaded files
      Then the newest archive of each volume can be read to its last byte
      And every file of the volume that is older than the archive is in it

    @critical
    Scenario: The keys are backed up, encrypted
      Then there is an archive of the keys that is less than 25 hours old
      And the newest encrypted archive of the keys is whole and for the backup key alone
      And no archive of the keys is plain

  # bin/restore.sh, which the runbook names "for tests", puts the backup in production's place.
  @rb-5.3 @check
  Rule: 5.3 What a restore by hand leaves

    @critical @depends-on-the-database-is-up @depends-on-there-are-backups
    Scenario: The database is not older than its backups
      Then the newest row of the database is not older than the newest row of the plain backups

  # The backup is restored into a throw-away database beside production, which is gone afterwards. Never by
  # bin/restore.sh: that one drops production's own database first.
  @rb-5.3 @drill
  Rule: 5.3 Restore

    @drill-restore @critical
    Scenario: The latest backup can be restored
      Given the latest backup, or the one that is named
      And it can be read to its last byte and is one whole dump
      And there is room for it beside production
      When it is restored into a throw-away database
      Then nobody reaches the throw-away, and it reaches nobody
      And its tables and columns are those of production
      And its extensions are those of production
      And its indexes are those of production
      And its constraints are those of production
      And its views are those of production
      And its sequences are those of production
      And its triggers, functions and types are those of production
      And its encoding and collation are those of production
      And no sequence is behind its column
      # Production moves on meanwhile, and so much of it may be newer or gone.
      And each table has as many rows as production, within these limits
        | table        | percent |
        | appointments | 5       |
        | audit_events | 5       |
        | check_ins    | 5       |
        | messages     | 5       |
        | people       | 2       |
        | any other    | 1       |
      And of 200 rows taken at random, every encrypted value opens with the key of the release that runs
      And its newest row is as new as the objective asks for
      And the time that it took is within the objective
      And production is what it was before

    @drill-restore @critical
    Scenario: The latest encrypted backup can be restored
      Given the latest encrypted backup, where that is another one
      And it can be read to its last byte and is one whole dump
      And there is room for it beside production
      When it is restored into a throw-away database
      Then its tables and columns are those of production
      And each table has as many rows as production, within 10 %
      And of 200 rows taken at random, every encrypted value opens with the key of the release that runs
      And the time that it took is within the objective
      And production is what it was before

  # What a shell exports as 5.4 and 5.5 say, no job of cron's ever sees: the nightly backup goes on as before.
  @rb-5.4 @check
  Rule: 5.4 Encryption

    @major
    Scenario: Backup settings reach cron
      Then every BACKUP_ variable that is set for shells is set where cron's job sees it

    @critical @depends-on-there-are-backups
    Scenario: Backups are encrypted once BACKUP_ENCRYPT_KEY is set
      Then every backup that was made since cron's job has BACKUP_ENCRYPT_KEY is encrypted

    @major
    Scenario: The backup key does not expire soon
      Then the server can encrypt to the backup key for 30 more days

    # A byte changed inside, a table that is missing: who has no private key cannot tell. Each drill that passes is noted
    # on the server (/var/lib/psyfit-runbook/passed), with the name of its scenario, the backup and the date.
    @major @depends-on-there-are-backups
    Scenario: A restore drill verified an encrypted backup recently
      Then a restore drill with an encrypted backup passed within its cadence

  # What is looked at is the bucket that the target names, with a key that may only read. The copy follows the backup in
  # the same run of the script; one that is younger may still be on its way.
  # The backups of the database, and the archives of the files and of the keys.
  @rb-5.5 @check
  Rule: 5.5 Off-site copies

    @critical @depends-on-there-are-backups
    Scenario: Every backup has an off-site copy
      Then every backup that was made more than 60 minutes ago has its copy in the bucket

    # By the sum that S3 itself keeps of the whole object, which the upload has to ask for.
    @critical @depends-on-there-are-backups
    Scenario: Off-site copies match the backups
      Then every copy has the bytes of its backup, by SHA-256

    @critical @depends-on-there-are-backups
    Scenario: The off-site copies are encrypted at rest
      Then every copy is encrypted where it lies
      And the bucket encrypts what comes to it

    @critical
    Scenario: The off-site bucket is not public
      Then the bucket blocks public access in all four ways
      And neither its policy nor its grants let the public in

    @major
    Scenario: The off-site bucket has versioning enabled
      Then the bucket keeps the versions of what is overwritten or deleted
