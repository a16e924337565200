Feature: 7. The certificate

  @rb-7 @check
  Rule: 7 The certificate of the domain

    @critical
    Scenario: The domain shows a certificate
      Then the domain answers a TLS handshake with a certificate

    @major @needs-the-domain-shows-a-certificate
    Scenario: The certificate is valid for long enough
      Then the certificate has begun
      And the certificate is valid for at least 14 more days

    @critical @needs-the-domain-shows-a-certificate
    Scenario: The certificate is for the domain
      Then the certificate's names cover the domain

    @critical @needs-the-domain-shows-a-certificate
    Scenario: The certificate is trusted
      Then the certificate's chain leads to an authority that clients trust

    @critical @needs-the-domain-shows-a-certificate
    Scenario: The key on the server fits the certificate
      Then the private key on the server belongs to the certificate that is shown

    @major @needs-the-domain-shows-a-certificate
    Scenario: The certificate on the server is the one shown
      Then the certificate's file on the server is the certificate that is shown

    @major @needs-the-domain-shows-a-certificate
    Scenario: Every address shows the same certificate
      Then every address of the server that answers shows the certificate that is shown to the outside

    @major @needs-the-domain-shows-a-certificate
    Scenario: The renewal of the certificate is set up
      Then the files that are in use are those that the renewal writes

    @major @needs-the-domain-shows-a-certificate
    Scenario: The renewal of the certificate runs by itself
      Then the renewal is started regularly
      And nothing that it needs is missing

    @major @needs-the-domain-shows-a-certificate
    Scenario: A renewed certificate comes into use
      Then whoever ends TLS is made to load a renewed certificate

    # The renewal by hand, `kamal-proxy renew-ssl`, is a command that no version of it has: who waits for it to renew,
    # from cron or a script, waits until the certificate has ended.
    @major @needs-the-proxy-is-up
    Scenario: Nobody relies on a command that the proxy does not have
      Then every command of kamal-proxy that a job or a script of the server calls is one that it has

    @major @needs-the-domain-shows-a-certificate
    Scenario: Only TLS of today is spoken
      Then the domain speaks TLS 1.2 or newer
      And the domain refuses TLS 1.1
