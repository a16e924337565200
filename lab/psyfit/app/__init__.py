"""A small stand-in for PsyFit's API: what it imitates of a Rails application it imitates truly."""
