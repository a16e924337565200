"""What holds a drill: the interlock before it, its session, the journal of its undos."""
