"""One way to get each code for real, in the order of `shared/problem_kinds`."""
