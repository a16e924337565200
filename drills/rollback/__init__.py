"""The rollback drill: the older release is put in place and back again, under a probe through the edge."""
