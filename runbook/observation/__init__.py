"""One view of one server at one time: questions asked, answers redacted and kept as evidence."""
