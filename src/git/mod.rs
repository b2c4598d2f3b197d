//! Git through the `git` binary: commits of our own paths only, reverts in a temporary worktree, pushes that are never forced.
