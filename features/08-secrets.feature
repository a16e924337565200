Feature: 8. Secrets

  @rb-8.1 @check
  Rule: 8.1 The important variables

    @critical @gate
    Scenario: The releases have the required secrets
      Then the running release and the one to roll back to have a sound value for RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD

    # A release that is started again has the variables that it was created with. After a rotation the one to roll
    # back to has the old keys: then a deploy is let through by hand, and a rollback is not one.
    @critical @gate @depends-on-the-releases-have-the-required-secrets
    Scenario: Both releases have the same secrets
      Then RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD are the same in the running release and the one to roll back to

    @critical @gate
    Scenario: The next release gets the required secrets
      Then .kamal/secrets gives a value to RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD

    # Told by how long they are and how many different characters they have: the values themselves stay where they are.
    @major @depends-on-the-releases-have-the-required-secrets
    Scenario: The required secrets are strong
      Then each of them has at least so many characters, and so many different ones
        | variable           | characters | different |
        | RAILS_MASTER_KEY   | 32         | 8         |
        | SECRET_KEY_BASE    | 64         | 8         |
        | ATTR_ENCRYPTED_KEY | 32         | 8         |
        | BLIND_INDEX_KEY    | 32         | 8         |
        | POSTGRES_PASSWORD  | 16         | 8         |
      And no two of RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD are the same

    # Inside the database's container psql asks for no password at all. This goes over the network, as the service does.
    @critical @depends-on-the-database-is-up @depends-on-the-next-release-gets-the-required-secrets
    Scenario: The database accepts the password of the next release
      Then POSTGRES_PASSWORD of .kamal/secrets logs in to the database over TCP

    @critical @depends-on-the-database-is-up
    Scenario: The database requires a password
      Then nobody logs in to the database over TCP without a password

  # A release that is started again, and one that bin/deploy.sh of an older kind makes from the running one, keep what
  # they were created with: a new value in .kamal/secrets alone changes nothing.
  @rb-8.2 @check
  Rule: 8.2 A rotation that took effect

    @major @depends-on-the-next-release-gets-the-required-secrets
    Scenario: The running release uses the current secrets
      Then every variable of .kamal/secrets has the same value in the running release

    # Sessions are signed with it. Whether an old one is refused only who has one can try.
    @major @manual
    Scenario: A new SECRET_KEY_BASE ends every session
      Then a person has attested that a session from before the last new SECRET_KEY_BASE was refused (section 8.2)

  @rb-8.1 @check
  Rule: 8.1 The secrets stay where they belong

    @critical
    Scenario: Secret files are readable by their owner only
      Then .kamal/secrets, and .env where there is one, can be read by their owner alone, mode 0600

    @critical
    Scenario: The secrets are not in git
      Then git does not track .kamal/secrets or .env, and no commit of any branch ever did
      And no value of the secrets stands in what git keeps

    @critical
    Scenario: The secrets are not in the images
      Then no value of the secrets stands in the history or the settings of a release's image

    @critical
    Scenario: The secrets are not in the logs
      Then no value of the secrets stands in the log of a container
      And no value of the secrets stands in the log of a job of the crontab

    @critical
    Scenario: The secrets are not in the process list
      Then no value of the secrets stands in the command line of a process

  @rb-8.3 @check
  Rule: 8.3 The secrets of GitHub Actions

    # GitHub tells names and times, never a value.
    @major
    Scenario: GitHub Actions has its secrets
      Then the repository has the Actions secrets SERVER_HOST, SERVER_USER, SSH_PRIVATE_KEY and SSH_PORT
