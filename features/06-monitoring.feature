Feature: 6. Monitoring and alerts

  @rb-6.3 @check
  Rule: 6.3 What is monitored

    @major
    Scenario: Every disk has room
      Then every file system of the service is less than 80 % full

    @major
    Scenario: Every disk has inodes left
      Then every file system of the service has used less than 80 % of its inodes
