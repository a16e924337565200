Feature: 8. Secrets

  @rb-8.1 @check
  Rule: 8.1 The required secrets

    @critical @gate
    Scenario: The releases have the required secrets
      Then the running release and the one to roll back to have a valid value for RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD

    # A release that is started again has the variables that it was created with. After a rotation the one to roll
    # back to has the old keys: then a deploy needs an override, and the release cannot be rolled back to.
    @critical @gate @depends-on-the-releases-have-the-required-secrets
    Scenario: Both releases have the same secrets
      Then RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD are the same in the running release and the one to roll back to

    @critical @gate
    Scenario: The next release gets the required secrets
      Then .kamal/secrets gives a value to RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD

    # Judged by length and number of distinct characters: the values themselves never leave the server.
    @major @depends-on-the-releases-have-the-required-secrets
    Scenario: The required secrets are strong
      Then each of them has at least the length and the number of distinct characters in the table
        | variable           | characters | distinct |
        | RAILS_MASTER_KEY   | 32         | 8        |
        | SECRET_KEY_BASE    | 64         | 8        |
        | ATTR_ENCRYPTED_KEY | 32         | 8        |
        | BLIND_INDEX_KEY    | 32         | 8        |
        | POSTGRES_PASSWORD  | 16         | 8        |
      And no two of RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD are the same

    # Inside the database's container psql asks for no password. This connects over the network, as the service does.
    @critical @depends-on-the-database-is-up @depends-on-the-next-release-gets-the-required-secrets
    Scenario: The database accepts the password of the next release
      Then POSTGRES_PASSWORD of .kamal/secrets logs in to the database over TCP

    @critical @depends-on-the-database-is-up
    Scenario: The database requires a password
      Then the database accepts no login over TCP without a password

  # A release that is started again, and one that an older bin/deploy.sh makes from the running one, keep the values
  # they were created with: a new value in .kamal/secrets alone changes nothing.
  @rb-8.2 @check
  Rule: 8.2 Rotated secrets take effect

    @major @depends-on-the-next-release-gets-the-required-secrets @depends-on-the-web-release-is-up
    Scenario: The running release uses the current secrets
      Then every variable of .kamal/secrets has the same value in the running release

    # Sessions are signed with it. Only somebody with an old session can try whether it is refused.
    @major @manual
    Scenario: A new SECRET_KEY_BASE ends every session
      Then a person has attested that a session from before the last new SECRET_KEY_BASE was refused (section 8.2)

  @rb-8.1 @check
  Rule: 8.1 Secrets do not leak

    @critical
    Scenario: Secret files are readable by their owner only
      Then .kamal/secrets, and .env if there is one, are readable by their owner only, mode 0600

    @critical
    Scenario: The secrets are not in git
      Then git does not track .kamal/secrets or .env, and no commit of any branch ever did
      And no secret value appears anywhere in the git history

    @critical
    Scenario: The secrets are not in the images
      Then no secret value appears in the history or the configuration of a release's image

    @critical
    Scenario: The secrets are not in the logs
      Then no secret value appears in the log of a container
      And no secret value appears in the log of a cron job

    @critical
    Scenario: The secrets are not in the process list
      Then no secret value appears in the command line of a process

  @rb-8.3 @check
  Rule: 8.3 The secrets of GitHub Actions

    # GitHub shows names and times, never a value.
    @major
    Scenario: GitHub Actions has its secrets
      Then the repository has the Actions secrets SERVER_HOST, SERVER_USER, SSH_PRIVATE_KEY and SSH_PORT
