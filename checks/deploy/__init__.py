"""What a deploy or a rollback stands on: the clone, a release to go back to, room, and nothing under way."""
