Feature: 1. Access

  # That the application's log can be read is told by 3.1.
  @rb-1 @check
  Rule: 1 Where the service is found

    @critical
    Scenario: The domain resolves to the server
      Then the domain resolves to the server's address and to no other

    # What they answer is told by 2.1 and 7. A port that gives no answer at all may be cut off from here alone. Without
    # a line by ssh this is undetermined, as is all that is asked over it.
    @critical
    Scenario: The ports answer
      Then the ports of HTTP, HTTPS and ssh answer, each in its own protocol

    # Where the key that ssh takes is another one, there is no line at all. This tells of those that it does not take.
    @major
    Scenario: The host keys match known_hosts
      Then every host key of the server that is of a kind known here is the known one

    # The limits are each job's interval, the time that it may take, and a minute.
    @major
    Scenario: The logs are up to date
      Then the log of monitor.sh is there and was written to less than 7 minutes ago
      And the log of backup.sh is there and was written to less than 25 hours ago

    @minor
    Scenario: The logs are rotated
      Then no log of the service's scripts is larger than 20 MB

    @major
    Scenario: No process holds a deleted log open
      Then no process has a log of the service open that was taken away

    @major @manual
    Scenario: The emergency contact answers
      Then a person has attested that the emergency contact was called and answered (section 1)
