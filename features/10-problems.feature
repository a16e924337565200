Feature: 10. Known problems and their causes

  # Each sentence fails where the problem is there, and then says its cause.
  @rb-10 @check
  Rule: 10 A problem is known by its cause

    # A container does not start: what its log says is looked at for releases that failed, not for what is past.

    @critical
    Scenario: No release has a wrong key
      Then no release that failed says that its key does not open what was encrypted

    @critical
    Scenario: No release lacks a key
      Then no release that failed says that an environment variable must be set

    # In the words of libpq of today and of before version 14.
    @critical @needs-the-database-is-up
    Scenario: The releases reach their database
      Then no release says that the database is away

    # A backup is old: cron, the disk or the script.
    @major @needs-there-are-backups
    Scenario: No backup is late for a known cause
      Then the newest backup is less than 25 hours old, or cron, the disk or the script says why it is not

    # A disk is full: what uses it, across Docker, backups, logs and the application.
    @major
    Scenario: Nothing fills a disk
      Then no file system of the service is 80 % full, or it is said what uses it
      And none has used 80 % of its inodes, or it is said what uses them
