Feature: 6. Monitoring and alerts

  # The other rows of 6.3's table are told by 2.1 (health), 2.2 (containers), 5.2 (age of the backups) and 7 (certificate).
  @rb-6.3 @check
  Rule: 6.3 What is monitored

    @major
    Scenario: Every disk has room
      Then every file system of the service is less than 80 % full

    @major
    Scenario: Every disk has inodes left
      Then every file system of the service has used less than 80 % of its inodes

  @rb-6.4 @check
  Rule: 6.4 The crontab

    @critical
    Scenario: Cron is running
      Then a cron process is alive on the server

    @critical
    Scenario: The crontab is well formed
      Then cron can read every line of the crontab

    @critical @needs-the-crontab-is-well-formed
    Scenario: Cron runs the monitor
      Then the crontab runs monitor.sh at "*/5 * * * *"
      And what monitor.sh prints is appended to its log
      And monitor.sh can be executed

    @critical @needs-the-crontab-is-well-formed
    Scenario: Cron runs the nightly backup
      Then the crontab runs backup.sh at "0 2 * * *"
      And what backup.sh prints is appended to its log
      And backup.sh can be executed

    # 6.4 does not list the weekly clean-up; 9.3 says that it is set in cron.
    @minor @needs-the-crontab-is-well-formed
    Scenario: Cron runs the weekly clean-up
      Then the crontab runs cleanup-docker.sh at "0 3 * * 0"
      And what cleanup-docker.sh prints is appended to its log
      And cleanup-docker.sh can be executed

    # The limits are a job's interval, the time that it may take, and a minute.
    @critical @needs-cron-is-running @needs-cron-runs-the-monitor
    Scenario: The last monitor run ended well
      Then the log of monitor.sh ends with a run that ended well, or with one that was writing less than 1 minute ago
      And the last good run of monitor.sh ended less than 7 minutes ago

    @critical @needs-cron-is-running @needs-cron-runs-the-nightly-backup
    Scenario: The last backup run ended well
      Then the log of backup.sh ends with a run that ended well, or with one that was writing less than 59 minutes ago
      And the last good run of backup.sh ended less than 25 hours ago

    @minor @needs-cron-is-running @needs-cron-runs-the-weekly-clean-up
    Scenario: The last clean-up run ended well
      Then the log of cleanup-docker.sh ends with a run that ended well, or with one that was writing less than 59 minutes ago
      And the last good run of cleanup-docker.sh ended less than 169 hours ago
