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
    @critical @depends-on-the-database-is-up
    Scenario: The releases reach their database
      Then no release says that the database is away

    # Somebody cannot log in: when sessions end and accounts are locked is what the running release was created with.
    # The minutes are section 10's own; it names no number for the lock, and these are PCI DSS 8.3.4's.

    @major @depends-on-the-web-release-is-up
    Scenario: Idle sessions time out
      Then the running release ends a user's session after 30 minutes without use
      And a staff member's after 15 minutes

    @major @depends-on-the-web-release-is-up
    Scenario: Failed logins lock an account
      Then the running release locks an account after at most 10 failed log-ins
      And for at least 30 minutes

    # A few are their owners' mistakes; many at once are an attack, or a client with an old password.
    @major @depends-on-the-web-release-is-up @depends-on-the-database-is-up
    Scenario: Few accounts are locked
      Then less than 10 % of the accounts are locked now

    # A backup is old: cron, the disk or the script.
    @major @depends-on-there-are-backups
    Scenario: The newest backup is not late; the cause is named
      Then the newest backup is less than 25 hours old, or cron, the disk or the script says why it is not

    # A disk is full: what uses it, across Docker, backups, logs and the application.
    @major
    Scenario: No disk is full; the largest users are named
      Then no file system of the service is 80 % full, or it is said what uses it
      And none has used 80 % of its inodes, or it is said what uses them

    # What a browser keeps no server tells.
    @minor @manual
    Scenario: Login works with cleared cookies
      Then a person has attested that who had cleared the browser's cache and cookies could log in again (section 10)
