"""What looks at the log offline: reports now, learning from it later. Nothing that serves a turn
imports anything from here."""
