Feature: 2. Health and what is alive

  @rb-2.1 @check
  Rule: 2.1 The API's health check

    @critical
    Scenario: The application itself answers the health check
      Then the health check is answered by the application, not by the proxy for it

    # Where the database is down, that is the cause. From outside alone it is told too.
    @critical @needs-the-application-itself-answers-the-health-check @follows-the-database-is-up
    Scenario: The API is healthy
      Then the health check answers with HTTP status 200
      And the health status in it is "healthy"
      And the database check in it is "ok"

    # Whoever pipes the answer to a JSON reader, as the runbook does, sees the word and never the status; a proxy or a
    # monitor sees the status and never the word.
    @major @needs-the-application-itself-answers-the-health-check
    Scenario: The status of the health check says what its words say
      Then the health check answers with 200 where it says "healthy", and with 503 where it says "degraded"

    @major @needs-the-application-itself-answers-the-health-check
    Scenario: The health answer has its documented form
      Then every documented field is in the health answer, with its type

    @major @needs-the-health-answer-has-its-documented-form
    Scenario: The health answer is fresh
      Then the time in the health answer is within 60 s of the server's clock

    @major @needs-the-health-answer-has-its-documented-form
    Scenario: The API has the version of its release
      Then the health answer names the version of the running release's image

    @critical @needs-the-api-is-healthy
    Scenario: A page that reads the database answers
      Then the page that the target names answers with rows of the database

    @major
    Scenario: Plain HTTP leads to HTTPS
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
    Scenario: Every container finds itself healthy
      Then the health check of every running container of the service says "healthy"

    @critical
    Scenario: No container restarts over and over
      Then no container of the service is waiting to be restarted
      And none that was restarted 3 times or more is up for less than 10 minutes
      And no container of the service ran out of memory

    @major
    Scenario: Every container comes back after a restart of the server
      Then every running container of the service has a restart policy

    @major @needs-the-web-release-is-up
    Scenario: One release runs
      Then exactly one web release is running

    @major @needs-one-release-runs
    Scenario: The running release is the one deployed
      Then the running release was made from the commit that the server's clone stands at

    @major @gate
    Scenario: There is a release to roll back to
      Then at least one stopped web release ended in good order

    @minor
    Scenario: No unexpected container exists
      Then every container on the server belongs to the service

  @rb-2.3 @check
  Rule: 2.3 kamal-proxy

    @critical @needs-the-proxy-is-up
    Scenario: The proxy passes requests on
      Then the proxy lists the service as "running"
      And the proxy's state file says "running" too

    @major @needs-the-proxy-passes-requests-on
    Scenario: What the proxy saved is what it does
      Then the proxy's state file agrees with its list

    @critical @needs-the-proxy-is-up
    Scenario: TLS is ended for the domain
      Then the proxy serves the domain
      And TLS is ended for it, by the proxy itself or by nginx in front of it

    @critical @needs-the-proxy-is-up
    Scenario: What comes in by TLS reaches the proxy
      Then whoever ends TLS passes the domain's requests to the proxy

    @critical @needs-the-web-release-is-up @needs-the-proxy-is-up
    Scenario: The proxy routes to the running release
      Then every target of the proxy belongs to the running release as it is now

    @critical @needs-the-proxy-is-up
    Scenario: The release behind the proxy answers
      Then every target of the proxy answers its health path with HTTP status 200
