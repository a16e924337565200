Feature: 7. The certificate

  @rb-7 @check
  Rule: 7 The certificate of the domain

    @critical
    Scenario: The domain serves a certificate
      Then the domain answers a TLS handshake with a certificate

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: The certificate does not expire soon
      Then the certificate has begun
      And the certificate is valid for at least 14 more days

    @critical @depends-on-the-domain-serves-a-certificate
    Scenario: The certificate covers the domain
      Then the certificate's names cover the domain

    @critical @depends-on-the-domain-serves-a-certificate
    Scenario: The certificate is trusted
      Then the certificate's chain leads to an authority that clients trust

    @critical @depends-on-the-domain-serves-a-certificate
    Scenario: Private key matches the certificate
      Then the private key on the server belongs to the certificate that is shown

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: The served certificate is the one on disk
      Then the certificate's file on the server is the certificate that is shown

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: Every address serves the same certificate
      Then every address of the server that answers shows the certificate that is shown to the outside

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: Certificate renewal is set up
      Then the files that are in use are those that the renewal writes

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: Certificate renewal runs automatically
      Then the renewal is started regularly
      And nothing that it needs is missing

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: A renewed certificate is reloaded
      Then whoever ends TLS is made to load a renewed certificate

    # The renewal by hand, `kamal-proxy renew-ssl`, is a command that no version of it has: who waits for it to renew,
    # from cron or a script, waits until the certificate has ended.
    @major @depends-on-the-proxy-is-up
    Scenario: No job calls an unknown kamal-proxy command
      Then every command of kamal-proxy that a job or a script of the server calls is one that it has

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: Only TLS 1.2 and newer is accepted
      Then the domain speaks TLS 1.2 or newer
      And the domain refuses TLS 1.1
