Feature: 1. Access

  # Section 3.1 checks that the application's log can be read.
  @rb-1 @check
  Rule: 1 Access to the service

    @critical
    Scenario: The domain resolves to the server
      Then the domain resolves to the server's address and to no other

    # Sections 2.1 and 7 check what they answer. A port that does not answer at all may be blocked only from here.
    # Without an SSH connection this is undetermined, like everything that is asked over it.
    @critical
    Scenario: The ports answer
      Then the HTTP, HTTPS and SSH ports accept connections and speak their protocols

    # If the key that ssh uses does not match, there is no connection at all. This covers the keys that it does not use.
    @major
    Scenario: The host keys match known_hosts
      Then every host key of a type in known_hosts matches known_hosts

    # The limits are each job's interval, the time that it may take, and a minute.
    @major
    Scenario: The logs are up to date
      Then the log of monitor.sh exists and was written to less than 7 minutes ago
      And the log of backup.sh exists and was written to less than 25 hours ago

    @minor
    Scenario: The logs are rotated
      Then no log of the service's scripts is larger than 20 MB

    @major
    Scenario: No process holds a deleted log open
      Then no process has a deleted log file of the service open

    @major @manual
    Scenario: The emergency contact answers
      Then a person has attested that the emergency contact was called and answered (section 1)
