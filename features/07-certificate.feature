Feature: 7. The certificate

  @rb-7 @check
  Rule: 7 The certificate of the domain

    @critical
    Scenario: The domain serves a certificate
      Then the domain serves a certificate in the TLS handshake

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: The certificate does not expire soon
      Then the certificate's validity has started
      And the certificate is valid for at least 14 more days

    @critical @depends-on-the-domain-serves-a-certificate
    Scenario: The certificate covers the domain
      Then the certificate's names cover the domain

    @critical @depends-on-the-domain-serves-a-certificate
    Scenario: The certificate is trusted
      Then the certificate chains up to an authority that clients trust

    @critical @depends-on-the-domain-serves-a-certificate
    Scenario: Private key matches the certificate
      Then the private key on the server matches the served certificate

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: The served certificate is the one on disk
      Then the certificate file on the server holds the served certificate

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: Every address serves the same certificate
      Then every address of the server that answers serves the certificate that is served to the outside

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: Certificate renewal is set up
      Then the certificate files in use are the ones that the renewal writes

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: Certificate renewal runs automatically
      Then the renewal runs on a schedule
      And nothing that it needs is missing

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: A renewed certificate is reloaded
      Then whatever terminates TLS reloads a renewed certificate

    # The manual renewal, `kamal-proxy renew-ssl`, is a command that no version of it has: a job or script that relies
    # on it lets the certificate expire.
    @major @depends-on-the-proxy-is-up
    Scenario: No job calls an unknown kamal-proxy command
      Then every kamal-proxy command that a job or a script of the server calls exists

    @major @depends-on-the-domain-serves-a-certificate
    Scenario: Only TLS 1.2 and newer is accepted
      Then the domain accepts TLS 1.2 or newer
      And the domain refuses TLS 1.1
