Feature: 2. Health and liveness

  @rb-2.1 @check
  Rule: 2.1 The API's health check

    @critical
    Scenario: The application itself answers the health check
      Then the health check is answered by the application itself, not by the proxy

    # If the database is down, that is the cause. It can be determined from outside alone as well.
    @critical @depends-on-the-application-itself-answers-the-health-check @explained-by-the-database-is-up
    Scenario: The API is healthy
      Then the health check answers with HTTP status 200
      And the health status in it is "healthy"
      And the database check in it is "ok"

    # Piped into a JSON tool, as in the runbook, the answer shows its body and never its status; a proxy or a monitor
    # sees the status and never the body.
    @major @depends-on-the-application-itself-answers-the-health-check
    Scenario: The health check's HTTP status matches its body
      Then the health check answers with 200 when it says "healthy" and with 503 when it says "degraded"

    @major @depends-on-the-application-itself-answers-the-health-check
    Scenario: The health response has its documented fields
      Then the health response has every documented field, with its type

    @major @depends-on-the-health-response-has-its-documented-fields
    Scenario: The health response is fresh
      Then the time in the health response is within 60 s of the server's clock

    @major @depends-on-the-health-response-has-its-documented-fields
    Scenario: The API reports the version of its release
      Then the health response reports the version of the running release's image

    @critical @depends-on-the-api-is-healthy
    Scenario: A page that reads the database responds
      Then the page that the target names returns rows from the database

    @major
    Scenario: Plain HTTP redirects to HTTPS
      Then the health check over plain HTTP redirects to HTTPS

  @rb-2.2 @check
  Rule: 2.2 Containers

    @critical
    Scenario: The web release is up
      Then the web release is running
      And the web release is not paused

    @critical
    Scenario: The database is up
      Then the database is running
      And the database is not paused

    @critical
    Scenario: Redis is up
      Then Redis is running
      And Redis is not paused

    @critical
    Scenario: The proxy is up
      Then the proxy is running
      And the proxy is not paused

    @critical
    Scenario: Every container is healthy
      Then the health check of every running container of the service reports "healthy"

    @critical
    Scenario: No container is in a restart loop
      Then no container of the service is waiting to be restarted
      And none that was restarted 3 times or more has been up for less than 10 minutes
      And no container of the service ran out of memory

    @major
    Scenario: Every container restarts after a reboot
      Then every running container of the service has a restart policy

    @major @depends-on-the-web-release-is-up
    Scenario: Exactly one release runs
      Then exactly one web release is running

    @major @depends-on-exactly-one-release-runs
    Scenario: The running release is the one deployed
      Then the running release was built from the commit that is checked out in the server's clone

    @major @gate
    Scenario: There is a release to roll back to
      Then at least one stopped web release exited cleanly

    @minor
    Scenario: No unexpected container exists
      Then every container on the server belongs to the service

  @rb-2.3 @check
  Rule: 2.3 kamal-proxy

    @critical @depends-on-the-proxy-is-up
    Scenario: The proxy forwards requests
      Then the proxy lists the service as "running"
      And the proxy's state file says "running" too

    @major @depends-on-the-proxy-forwards-requests
    Scenario: kamal-proxy's saved state matches its live state
      Then the proxy's state file matches its list

    @critical @depends-on-the-proxy-is-up
    Scenario: TLS is terminated for the domain
      Then the proxy serves the domain
      And TLS is terminated for it by the proxy itself or by nginx in front of it

    @critical @depends-on-the-proxy-is-up
    Scenario: HTTPS traffic reaches kamal-proxy
      Then whatever terminates TLS forwards the domain's requests to the proxy

    @critical @depends-on-the-web-release-is-up @depends-on-the-proxy-is-up
    Scenario: The proxy routes to the running release
      Then every target of the proxy is the running release at its current address

    @critical @depends-on-the-proxy-is-up
    Scenario: The release behind the proxy answers
      Then every target of the proxy answers its health path with HTTP status 200
