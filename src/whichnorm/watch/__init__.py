"""What a study is doing, from its files alone: another process may be training in its folder meanwhile."""
