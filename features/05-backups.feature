Feature: 5. Backups and restore

  @rb-5.2 @check
  Rule: 5.2 The backups

    @critical @gate
    Scenario: There are backups
      Then there is at least one backup of the database

    # Only this one blocks a deploy: the others may be many, and take long to read.
    @critical @gate @depends-on-there-are-backups
    Scenario: The newest backup is intact
      Then the newest backup is intact to its last byte

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

    # Only the holder of the private key can see a changed byte inside the encrypted data: the restore drill checks
    # that. A file that is truncated, overwritten at its beginning or longer than it says is found here.
    @critical @depends-on-there-are-backups
    Scenario: The encrypted backups are intact
      Then every encrypted backup has all its packets, to its last byte

    @critical @depends-on-there-are-backups
    Scenario: The encrypted backups are encrypted to the backup key
      Then every encrypted backup is encrypted to the backup key
      And no encrypted backup is also encrypted to a passphrase or another key

    # 30 days as find counts them (more than 30 full days), and the night until the next run.
    @minor @depends-on-there-are-backups
    Scenario: Old backups are removed
      Then no backup is more than 32 days old, not counting the newest 7
      And no archive of the files or the keys is more than 32 days old, not counting the newest 7

    @major @depends-on-there-are-backups
    Scenario: Enough backups are kept
      Then there are at least 7 backups

    @critical @depends-on-there-are-backups
    Scenario: Only their owner can read the backups
      Then the backup folder is accessible to its owner only, mode 0700
      And every backup is readable by its owner only, mode 0600

    @major @depends-on-there-are-backups
    Scenario: Backups are on a separate file system
      Then the backups share no file system with the root, the service or Docker

    # A table that a deploy has just created or dropped is no sign of another database.
    @critical @depends-on-there-are-backups @depends-on-the-database-is-up
    Scenario: The backup contains this database
      Then the newest intact plain backup has at least 80 % of production's tables

    @major @depends-on-there-are-backups @depends-on-the-last-backup-run-succeeded
    Scenario: The backup log matches the backups
      Then the backup that the log names last exists

  # The database refers to files in volumes, and needs keys to be decrypted: restored alone it is of little use.
  @rb-5.2 @check
  Rule: 5.2 What has to be backed up besides the database

    @major
    Scenario: Every volume of the releases is listed for backup
      Then every volume of a web release is one that the target lists for backup

    # The age is the one in the archive's name. Only the holder of the private key can see inside an encrypted one.
    @critical
    Scenario: The uploaded files are backed up
      Then each volume listed for backup has an archive that is less than 25 hours old
      And the newest encrypted archive of each volume, if there is one, is intact and encrypted to the backup key only

    @critical @depends-on-the-uploaded-files-are-backed-up
    Scenario: The archives contain the uploaded files
      Then the newest archive of each volume can be read to its last byte
      And every file of the volume that is older than the archive is in it

    @critical
    Scenario: The keys are backed up, encrypted
      Then there is an archive of the keys that is less than 25 hours old
      And the newest encrypted archive of the keys is intact and encrypted to the backup key only
      And no archive of the keys is unencrypted

  # bin/restore.sh, which the runbook names "for tests", replaces production with the backup.
  @rb-5.3 @check
  Rule: 5.3 What a manual restore leaves behind

    @critical @depends-on-the-database-is-up @depends-on-there-are-backups
    Scenario: The database is not older than its backups
      Then the newest row of the database is not older than the newest row of the plain backups

  # The backup is restored into a scratch database next to production, which is removed afterwards. Never by
  # bin/restore.sh, which drops production's own database first.
  @rb-5.3 @drill
  Rule: 5.3 Restore

    @drill-restore @critical
    Scenario: The latest backup can be restored
      Given the latest backup, or the one that is named
      And it can be read to its last byte and is one complete dump
      And there is room for it next to production
      When it is restored into a scratch database
      Then the scratch database is isolated from the network
      And its tables and columns match production
      And its extensions match production
      And its indexes match production
      And its constraints match production
      And its views match production
      And its sequences match production
      And its triggers, functions and types match production
      And its encoding and collation match production
      And no sequence is behind its column
      # Production keeps changing meanwhile, so this much of it may be newer or gone.
      And each table has as many rows as production, within these limits
        | table        | percent |
        | appointments | 5       |
        | audit_events | 5       |
        | check_ins    | 5       |
        | messages     | 5       |
        | people       | 2       |
        | any other    | 1       |
      And in 200 rows taken at random, every encrypted value decrypts with the key of the running release
      And its newest row meets the RPO
      And the time that it took meets the RTO
      And production is unchanged

    @drill-restore @critical
    Scenario: The latest encrypted backup can be restored
      Given the latest encrypted backup, if that is a different one
      And it can be read to its last byte and is one complete dump
      And there is room for it next to production
      When it is restored into a scratch database
      Then its tables and columns match production
      And each table has as many rows as production, within 10 %
      And in 200 rows taken at random, every encrypted value decrypts with the key of the running release
      And the time that it took meets the RTO
      And production is unchanged

  # A cron job never sees what a shell exports as 5.4 and 5.5 say: the nightly backup continues as before.
  @rb-5.4 @check
  Rule: 5.4 Encryption

    @major
    Scenario: Backup settings reach cron
      Then every BACKUP_ variable that is set for shells is set in cron's environment

    @critical @depends-on-there-are-backups
    Scenario: Backups are encrypted once BACKUP_ENCRYPT_KEY is set
      Then every backup made since cron's job has BACKUP_ENCRYPT_KEY is encrypted

    @major
    Scenario: The backup key does not expire soon
      Then the server can encrypt to the backup key for 30 more days

    # A changed byte inside, a missing table: nobody can see it without the private key. Each drill that passes is noted
    # on the server (/var/lib/psyfit-runbook/passed), with the id of its scenario, the backup and the date.
    @major @depends-on-there-are-backups
    Scenario: A restore drill verified an encrypted backup recently
      Then a restore drill with an encrypted backup passed within the required interval

  # This reads the bucket that the target names, with a read-only key. The same run of the script makes the backup and
  # then the copy; a younger copy may still be uploading.
  # The backups of the database, and the archives of the files and of the keys.
  @rb-5.5 @check
  Rule: 5.5 Off-site copies

    @critical @depends-on-there-are-backups
    Scenario: Every backup has an off-site copy
      Then every backup that was made more than 60 minutes ago has a copy in the bucket

    # By the checksum that S3 itself keeps of the whole object, which the upload has to request.
    @critical @depends-on-there-are-backups
    Scenario: Off-site copies match the backups
      Then every copy has the SHA-256 of its backup

    @critical @depends-on-there-are-backups
    Scenario: The off-site copies are encrypted at rest
      Then every copy is encrypted at rest
      And the bucket encrypts new objects by default

    @critical
    Scenario: The off-site bucket is not public
      Then the bucket has all four S3 Block Public Access settings on
      And neither its policy nor its ACL grants public access

    @major
    Scenario: The off-site bucket has versioning enabled
      Then the bucket keeps the old versions of overwritten and deleted objects
