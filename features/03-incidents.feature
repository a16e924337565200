Feature: 3. Incidents

  # What an incident is told by has to work before there is one.

  @rb-3.1 @check
  Rule: 3.1 The service is down

    # However many releases run: `docker logs $(docker ps -q …)` fails with none and with two.
    @major
    Scenario: The logs can be read
      Then the log of every web release and of the database can be read
      And there is something in the log of every running web release

  @rb-3.2 @check
  Rule: 3.2 Connections fail

    # `psql` in the container comes by the socket, where nobody is asked for a password.
    @critical @depends-on-the-database-is-up @depends-on-the-web-release-is-up
    Scenario: The application can log in to the database
      Then the running release's own credentials log in to the database over the network

    @major @depends-on-redis-is-up @depends-on-the-web-release-is-up @depends-on-no-container-is-in-a-restart-loop
    Scenario: The application can log in to Redis
      Then the running release's own credentials log in to Redis over the network

  @rb-3.3 @check
  Rule: 3.3 High load

    # Neither the session that asks counts, nor a backup's.
    @minor @depends-on-the-database-is-up
    Scenario: No query is slow
      Then no query runs for 5 s or longer

    @major @depends-on-the-database-is-up
    Scenario: No session is idle in transaction
      Then no session has a transaction open without doing anything for 5 s or longer

    @major @depends-on-the-database-is-up
    Scenario: No query is blocked by a lock
      Then no query waits for a lock for 5 s or longer

    @major @depends-on-the-database-is-up
    Scenario: The database has connections left
      Then less than 80 % of the database's connections are taken

    @major
    Scenario: Every container has memory left
      Then every container uses less than 90 % of the memory that it may have

    @major
    Scenario: No process in a container was OOM-killed
      Then no process in a running container was killed for want of memory since that started

    @minor
    Scenario: No container is CPU-throttled
      Then every container with a limit of CPU time was held back in less than 25 % of its periods

  # The runbook's own commands for 3.4 lose every option of the service, and stop the newer release whatever came of
  # the switch. Here each step waits for the one before, while requests go on; the scenario after it shows the other.

  @rb-3.4 @drill
  Rule: 3.4 Manual rollback

    @critical @drill-rollback
    Scenario: Rolling back and forward loses no request
      Given a release that was made before the running one and is kept, stopped
      And its image is still there, and it ended in good order when it was last stopped
      And its RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD are those of the running release
      And the database has every migration that is in its image
      And the proxy leads to the running release by name, with options that can all be kept
      And at least 50 requests a second go through the edge by the clock, and none is lost for 5 s
      When the older release is started
      Then the older release finds itself healthy and says its version
      When the proxy is switched to the older release with every option that the service has
      Then every option of the service is as it was before
      And the requests are answered by the older release alone
      When the newer release is stopped
      Then the newer release has ended in good order
      When the newer release is started again
      Then the newer release finds itself healthy and says its version
      When the proxy is switched back to the newer release with every option that the service has
      Then every option of the service is as it was before
      And the requests are answered by the newer release alone
      When the older release is stopped again
      Then the older release has ended in good order
      And 0 requests were lost and 0 left unsent of all
      And every POST counted exactly once, where the target has one

    @critical @as-written @drill-rollback-as-written
    Scenario: Rolling back as section 3.4 is written breaks TLS
      Given the proxy itself ends TLS for the domain
      And a release that was made before the running one and is kept, stopped
      And the proxy leads to the running release by name, with options that can all be kept
      When the older release is started and the proxy switched as section 3.4 is written
      Then the proxy ends TLS for the service no more: a handshake fails
      And plain HTTP is answered without a redirect
      And at least 5 options of the service are lost beside it
