// One after the other: what a process holds is looked at.

import Testing

/// Everything that takes the clock forward.
@Suite(.serialized) enum Lifetime {}
