"""States of a project's storyboard: saved so that none is ever lost, listed, and loaded again.

A save goes through these steps, in this order, and may be cut off after any of them:

1. What lies in the file and nobody told of (edited by hand, left by another program or by a crash
   after step 5) is kept: `.gallery/states/<sha256>.json.gz`. What is kept is never replaced.
2. `project.saved` is told of that, with the origin `found`.
3. The new state is kept.
4. `<name>.bak` becomes a copy of the old file, if that is a state.
5. The file becomes the new state, in one rename.
6. `project.saved` is told of the new state.

So every state is kept and told before it is replaced, and a file that is not what the log says is
told of by the next save.
"""
