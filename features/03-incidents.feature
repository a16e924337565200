Feature: 3. Incidents

  # What an incident is diagnosed with has to work before there is one.

  @rb-3.1 @check
  Rule: 3.1 The service is down

    # However many releases run: `docker logs $(docker ps -q …)` fails with none and with two.
    @major
    Scenario: The logs can be read
      Then the log of every web release and of the database can be read
      And the log of every running web release is not empty

  @rb-3.2 @check
  Rule: 3.2 Connections fail

    # `psql` in the container connects through the socket, which asks for no password.
    @critical @depends-on-the-database-is-up @depends-on-the-web-release-is-up
    Scenario: The application can log in to the database
      Then the running release's own credentials log in to the database over the network

    @major @depends-on-redis-is-up @depends-on-the-web-release-is-up @depends-on-no-container-is-in-a-restart-loop
    Scenario: The application can log in to Redis
      Then the running release's own credentials log in to Redis over the network

  @rb-3.3 @check
  Rule: 3.3 High load

    # The session that asks does not count, nor does a backup's.
    @minor @depends-on-the-database-is-up
    Scenario: No query is slow
      Then no query has been running for 5 s or longer

    @major @depends-on-the-database-is-up
    Scenario: No session is idle in transaction
      Then no session has been idle in transaction for 5 s or longer

    @major @depends-on-the-database-is-up
    Scenario: No query is blocked by a lock
      Then no query has been blocked by a lock for 5 s or longer

    @major @depends-on-the-database-is-up
    Scenario: The database has connections left
      Then less than 80 % of the database's connections are in use

    @major
    Scenario: Every container has memory left
      Then every container uses less than 90 % of the memory available to it

    @major
    Scenario: No process in a container was OOM-killed
      Then no process in a running container was OOM-killed since the container started

    @minor
    Scenario: No container is CPU-throttled
      Then every container with a CPU limit was throttled in less than 25 % of its periods

  # The runbook's own commands for 3.4 lose every option of the service, and stop the newer release even if the switch
  # failed. Here each step waits for the one before it while requests keep flowing; the second scenario shows the
  # commands as written.

  @rb-3.4 @drill
  Rule: 3.4 Manual rollback

    @critical @drill-rollback
    Scenario: Rolling back and forward loses no request
      Given a stopped release that was created before the running one
      And its image still exists, and it exited cleanly when it was last stopped
      And its RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD match those of the running release
      And the database has every migration that is in its image
      And the proxy routes to the running release by name, with options that can all be preserved
      And at least 50 requests a second are sent through the edge at a fixed rate, and none is lost for 5 s
      When the older release is started
      Then the older release is healthy and reports its version
      When the proxy is switched to the older release with every option that the service has
      Then every option of the service is as it was before
      And only the older release answers the requests
      When the newer release is stopped
      Then the newer release has exited cleanly
      When the newer release is started again
      Then the newer release is healthy and reports its version
      When the proxy is switched back to the newer release with every option that the service has
      Then every option of the service is as it was before
      And only the newer release answers the requests
      When the older release is stopped again
      Then the older release has exited cleanly
      And no request was lost and none was left unsent
      And every POST was counted exactly once, if the target names one

    @critical @as-written @drill-rollback-as-written
    Scenario: Rolling back as section 3.4 is written breaks TLS
      Given the proxy itself terminates TLS for the domain
      And a stopped release that was created before the running one
      And the proxy routes to the running release by name, with options that can all be preserved
      When the older release is started and the proxy switched as section 3.4 is written
      Then the proxy no longer terminates TLS for the service: a handshake fails
      And plain HTTP is answered without a redirect
      And at least 5 options of the service are lost as well
