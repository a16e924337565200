Feature: 4. Deploying

  # What a deploy waits for, together with a release to roll back to (2.2), the newest backup (5.2) and the variables
  # (8.1). Health, certificate and alerts do not block: a deploy may be what repairs them.
  # What is in progress for a moment fails the gate only; in any other run it is no failure.

  @rb-4.1 @check
  Rule: 4.1 Before a deploy

    @critical @gate
    Scenario: There is disk space for another release
      Then the Docker Engine's disk has space for another image of the running release's size plus 1 GB

    @critical @gate
    Scenario: No deploy is in progress
      Then nobody holds the lock for deploys
      And neither a deploy nor a clean-up is running

    @critical @gate
    Scenario: No backup is in progress
      Then nobody holds the lock for backups
      And neither a backup nor a restore is running

    @critical @gate
    Scenario: No drill is in progress
      Then nobody holds the lock for drills
      And no drill has left anything to undo

  # A pull request is the work of people, and happens elsewhere than on this server.
  @rb-4.1 @check
  Rule: 4.1 The usual way

    @minor @manual
    Scenario: A change reaches production through a pull request
      Then a person has attested that a change went by branch, pull request, green CI and deploy.yml (section 4.1)

  @rb-4.2 @check
  Rule: 4.2 The clone on the server

    @critical @gate
    Scenario: The clone is clean
      Then the branch "main" is checked out in the clone
      And the clone has no uncommitted changes

    @critical @gate
    Scenario: The clone is up to date with its origin
      Then the clone is at the same commit as "main" at its origin

    @major
    Scenario: The deploy script is executable
      Then the deploy script is a file that its owner can execute

  @rb-4.3 @check
  Rule: 4.3 Migrations

    @critical @gate @depends-on-the-database-is-up
    Scenario: No migration is in progress
      Then no migration is running
      And nobody holds the database's migration lock

    # The runbook's command migrates in a running container: with none or two it breaks, and an old image has nothing
    # new to apply. So this compares the database with what every release and the clone would apply.
    @major @depends-on-the-database-is-up
    Scenario: No migration is pending
      Then the database has every migration of the running releases
      And the database has every migration of the clone
