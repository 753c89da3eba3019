"""Break the rules of the checks one at a time, and see whether one of their own cases notices.

Neither mutmut nor cosmic-ray fits: both start pytest for every mutant (a second and more each; the cases of one check
take milliseconds), and neither knows that a helper file belongs to the checks that import it. Here a mutant is a forked
child of a process that has read all cases: it imports the changed file and what depends on it, and runs the cases of
those checks until one fails.
"""
