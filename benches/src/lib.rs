//! Benchmarks of Bulla.
