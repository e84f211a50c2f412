//! Settings that let all benchmarks end within minutes.

use std::time::Duration;

use criterion::Criterion;
use criterion::measurement::Measurement;

/// Criterion, in a hurry: short measurements, few samples, no pictures.
pub(crate) fn criterion<M: Measurement>(measurement: M) -> Criterion<M> {
    Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
        .sample_size(20)
        .nresamples(5000)
        .without_plots()
        .with_measurement(measurement)
}
