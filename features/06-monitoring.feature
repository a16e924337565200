Feature: 6. Monitoring and alerts

  # Sections 2.1 (health), 2.2 (containers), 5.2 (age of the backups) and 7 (certificate) check the rest of 6.3's table.
  @rb-6.3 @check
  Rule: 6.3 What is monitored

    @major
    Scenario: Every disk has room
      Then every file system of the service is less than 80 % full

    @major
    Scenario: Every disk has inodes left
      Then every file system of the service has used less than 80 % of its inodes

    # The values themselves are checked above and in those sections. This checks that somebody is alerted to them.
    @major
    Scenario: The monitor watches what the runbook lists
      Then monitor.sh checks each of these against its threshold
        | item                 | words                     | threshold |
        | HTTP health check    | /api/v1/health or /up     | 200       |
        | psyfit-web container | psyfit-web                |           |
        | psyfit-db container  | psyfit-db                 |           |
        | psyfit-redis         | psyfit-redis              |           |
        | certificate          | openssl or x509           | 14        |
        | disks                | df                        | 80        |
        | age of the backups   | backup                    | 25        |

    @critical
    Scenario: Alerts have a recipient and a mailer
      Then ALERT_EMAIL is set in the environment of cron's monitor
      And monitor.sh finds sendmail or mail

    @critical
    Scenario: No alert is stuck in the mail queue
      Then the server's mail queue is empty

    # Nothing is sent to find out: this is what happened to the last one.
    @critical @depends-on-alerts-have-a-recipient-and-a-mailer
    Scenario: The last alert was delivered
      Then the last mail to ALERT_EMAIL was delivered, according to the server's mail log

  @rb-6.4 @check
  Rule: 6.4 The crontab

    @critical
    Scenario: Cron is running
      Then a cron process is running on the server

    @critical
    Scenario: The crontab is well formed
      Then cron can read every line of the crontab

    @critical @depends-on-the-crontab-is-well-formed
    Scenario: Cron runs the monitor
      Then the crontab runs monitor.sh at "*/5 * * * *"
      And the output of monitor.sh is appended to its log
      And monitor.sh is executable

    @critical @depends-on-the-crontab-is-well-formed
    Scenario: Cron runs the nightly backup
      Then the crontab runs backup.sh at "0 2 * * *"
      And the output of backup.sh is appended to its log
      And backup.sh is executable

    # 6.4 does not list the weekly clean-up; 9.3 says that cron runs it.
    @minor @depends-on-the-crontab-is-well-formed
    Scenario: Cron runs the weekly clean-up
      Then the crontab runs cleanup-docker.sh at "0 3 * * 0"
      And the output of cleanup-docker.sh is appended to its log
      And cleanup-docker.sh is executable

    # Cron's own PATH is /usr/bin:/bin; the crontab may set another, and so may a script.
    @critical
    Scenario: Cron jobs find their programs on PATH
      Then monitor.sh finds curl, docker, openssl and df
      And backup.sh finds docker, gzip and gpg

    # The limits are a job's interval, the time that it may take, and a minute.
    @critical @depends-on-cron-is-running @depends-on-cron-runs-the-monitor
    Scenario: The last monitor run succeeded
      Then the log of monitor.sh ends with a successful run, or with one that was still writing less than 1 minute ago
      And the last successful run of monitor.sh ended less than 7 minutes ago

    @critical @depends-on-cron-is-running @depends-on-cron-runs-the-nightly-backup
    Scenario: The last backup run succeeded
      Then the log of backup.sh ends with a successful run, or with one that was still writing less than 59 minutes ago
      And the last successful run of backup.sh ended less than 25 hours ago

    @minor @depends-on-cron-is-running @depends-on-cron-runs-the-weekly-clean-up
    Scenario: The last clean-up run succeeded
      Then the log of cleanup-docker.sh ends with a successful run, or with one that was still writing less than 59 minutes ago
      And the last successful run of cleanup-docker.sh ended less than 169 hours ago
