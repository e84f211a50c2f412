//! The examples that check themselves, run.

#[path = "../examples/sensors.rs"]
mod sensors;

#[test]
fn three_codecs_exchange_the_same_values() {
    sensors::main().unwrap();
}
