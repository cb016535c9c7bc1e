"""The checks of `bench.first_light`, and what they run on."""
