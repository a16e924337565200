"""What each sentence of the features means. Steps judge; they ask nothing themselves."""
