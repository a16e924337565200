Feature: 10. Known problems and their causes

  # Each sentence fails where the problem exists, and then names its cause.
  @rb-10 @check
  Rule: 10 Known problems and their causes

    # A container does not start: only the logs of releases that failed are searched, not past errors.

    @critical
    Scenario: No release has a wrong key
      Then no failed release logs a decryption error

    @critical
    Scenario: No release lacks a key
      Then no failed release logs a missing environment variable

    # In the words of libpq, today's and those before version 14.
    @critical @depends-on-the-database-is-up
    Scenario: The releases reach their database
      Then no release logs a failed database connection

    # Somebody cannot log in: session timeout and account lockout are what the running release was created with.
    # The minutes are section 10's own; it names no number for the lock, and these are PCI DSS 8.3.4's.

    @major @depends-on-the-web-release-is-up
    Scenario: Idle sessions time out
      Then the running release ends a user's session after 30 minutes of inactivity
      And a staff member's after 15 minutes

    @major @depends-on-the-web-release-is-up
    Scenario: Failed logins lock an account
      Then the running release locks an account after at most 10 failed logins
      And for at least 30 minutes

    # A few are their owners' mistakes; many at once mean an attack, or a client with an old password.
    @major @depends-on-the-web-release-is-up @depends-on-the-database-is-up
    Scenario: Few accounts are locked
      Then less than 10 % of the accounts are locked now

    # The failure names the cause: cron, the disk or the script. A late backup without a known cause is undetermined.
    @major @depends-on-there-are-backups
    Scenario: The newest backup is not late; the cause is named
      Then the newest backup is less than 25 hours old

    # The failure lists what uses the space, across Docker, backups, logs and the application.
    @major
    Scenario: No disk is full; the largest users are named
      Then no file system of the service is 80 % full or more
      And none has used 80 % of its inodes or more

    # No server can see what a browser keeps.
    @minor @manual
    Scenario: Login works with cleared cookies
      Then a person has attested that a user with a cleared cache and cookies could log in again (section 10)
