Feature: 8. Secrets

  @rb-8.1 @check
  Rule: 8.1 The important variables

    @critical @gate
    Scenario: The releases have the important variables
      Then the running release and the one to roll back to have a sound value for RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD

    # A release that is started again has the variables that it was created with. After a rotation the one to roll
    # back to has the old keys: then a deploy is let through by hand, and a rollback is not one.
    @critical @gate @needs-the-releases-have-the-important-variables
    Scenario: The important variables are equal
      Then RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD are the same in the running release and the one to roll back to

    @critical @gate
    Scenario: The next release gets the important variables
      Then .kamal/secrets gives a value to RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD
