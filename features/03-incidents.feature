Feature: 3. Incidents

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
    Scenario: Rolling back as section 3.4 is written takes TLS away
      Given a release that was made before the running one and is kept, stopped
      And the proxy leads to the running release by name, with options that can all be kept
      When the older release is started and the proxy switched as section 3.4 is written
      Then the proxy ends TLS for the service no more: a handshake fails
      And plain HTTP is answered without a redirect
      And at least 5 options of the service are lost beside it
