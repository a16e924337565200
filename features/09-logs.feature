Feature: 9. Logs

  # The containers are started by bin/deploy.sh and by hand, never from docker-compose.prod.yml: what counts is what the
  # running ones were created with.
  @rb-9.2 @check
  Rule: 9.2 Rotation of Docker's logs

    @major @depends-on-the-web-release-is-up
    Scenario: The log of the web release is rotated
      Then every running web release keeps its log in 5 files of 50 MB

    @major @depends-on-the-database-is-up
    Scenario: The log of the database is rotated
      Then the database keeps its log in 3 files of 10 MB

    @minor @depends-on-the-web-release-is-up
    Scenario: Container logs stay within their rotation limits
      Then no log file of a container is more than 1 MB larger than its limit
      And no container has more log files than its limit

  # Section 6.4 checks that cron runs the clean-up every week and that its last run succeeded.
  @rb-9.3 @check
  Rule: 9.3 Docker's clean-up

    @minor
    Scenario: Reclaimable Docker data stays small
      Then images and build cache that no container uses take less than 10 % of the Docker Engine's disk

    # A clean-up may keep one stopped release, the newest by its name, and that can be the one that failed;
    # `docker system prune -f` keeps none.
    @major @depends-on-there-is-a-release-to-roll-back-to
    Scenario: The clean-up leaves a release to roll back to
      Then the newest stopped web release exited cleanly
      And its image still exists and is tagged
