"""Section 5.3: a backup brings the database back, in a scratch database beside production that is gone afterwards.

It is opened, loaded, compared and, for a sample of its columns, decrypted. The backup is read twice, each time as a
stream: once to see that it is whole, before anything of it is used, and once into the scratch database. No plaintext
comes to a disk, and no line of a dump comes back: counts, times and names do.
"""
