//! Numbers, truth values and characters.

use bulla_core::codec::{Capability, Codec};
use bulla_core::value::Value;

use crate::Verdict;
use crate::trial::Trial;
use crate::zoo::{Double, Single};

/// `bool`.
///
/// # Errors
/// What happened instead.
pub fn booleans<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry_each("bool", [true, false])?;
    trial.carry("bools", vec![true, false, true])?;
    trial.verdict()
}

/// `i8` to `i64`, at their limits. Where the bytes say what they hold, also read as another width: exact if it fits, else refused.
///
/// # Errors
/// What happened instead.
pub fn signed_integers<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry_each("i8", [i8::MIN, -1, 0, 1, i8::MAX])?;
    trial.carry_each("i16", [i16::MIN, -129, i16::MAX])?;
    trial.carry_each("i32", [i32::MIN, -32_769, i32::MAX])?;
    trial.carry_each("i64", [i64::MIN, -(1 << 53) - 1, (1 << 53) + 1, i64::MAX])?;
    trial.read_as(-128_i64, Some(-128_i8))?;
    trial.read_as(-128_i8, Some(-128_i64))?;
    trial.read_as(127_i64, Some(127_u8))?;
    trial.read_as(-129_i64, None::<i8>)?;
    trial.read_as(i64::from(i32::MAX) + 1, None::<i32>)?;
    trial.read_as(-1_i8, None::<u8>)?;
    trial.read_as(-1_i64, None::<u64>)?;
    trial.read_as(i64::MIN, None::<u32>)?;
    trial.verdict()
}

/// `u8` to `u64`, at their limits. Where the bytes say what they hold, also read as another width: exact if it fits, else refused.
///
/// # Errors
/// What happened instead.
pub fn unsigned_integers<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    trial.carry_each("u8", [0, 1, 127, 128, 250, 251, u8::MAX])?;
    trial.carry_each("u16", [0, 250, 251, 252, u16::MAX])?;
    trial.carry_each("u32", [0, 65_536, u32::MAX])?;
    trial.carry_each("u64", [0, 1 << 32, (1 << 53) + 1, (1 << 63) + 1, u64::MAX])?;
    trial.read_as(255_u64, Some(255_u8))?;
    trial.read_as(255_u8, Some(255_u64))?;
    trial.read_as(255_u8, Some(255_i16))?;
    trial.read_as(256_u64, None::<u8>)?;
    trial.read_as(u64::from(u32::MAX) + 1, None::<u32>)?;
    trial.read_as(255_u8, None::<i8>)?;
    trial.read_as(u64::MAX, None::<i64>)?;
    trial.read_as(1.5_f64, None::<u64>)?;
    trial.verdict()
}

/// `i128` and `u128`, if declared; then also read as another width.
///
/// # Errors
/// What happened instead.
pub fn wide_integers<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    for value in [i128::MIN, i128::from(i64::MIN) - 1, -1, 0, i128::from(u64::MAX) + 1, i128::MAX] {
        trial.carry_if(Capability::WideIntegers, &format!("i128 {value}"), value)?;
        trial.carry_if(Capability::WideIntegers, &format!("i128 {value} in a list"), vec![value])?;
    }
    for value in [0, u128::from(u64::MAX) + 1, u128::MAX] {
        trial.carry_if(Capability::WideIntegers, &format!("u128 {value}"), value)?;
        trial.carry_if(Capability::WideIntegers, &format!("u128 {value} in Some"), Some(value))?;
    }
    if codec.capabilities().has(Capability::WideIntegers) {
        trial.read_as(-1_i8, Some(-1_i128))?;
        trial.read_as(u64::MAX, Some(u128::from(u64::MAX)))?;
        trial.read_as(7_u128, Some(7_u8))?;
        trial.read_as(-1_i128, None::<u128>)?;
        trial.read_as(u128::MAX, None::<i128>)?;
        trial.read_as(u128::from(u64::MAX) + 1, None::<u64>)?;
        trial.read_as(i128::from(i64::MIN) - 1, None::<i64>)?;
    }
    trial.verdict()
}

/// `f32` and `f64`, subnormal ones and both zeros included, bit for bit. Where the bytes say what they hold, also read as another width: the
/// nearest, and never an infinity in the stead of a number.
///
/// # Errors
/// What happened instead.
pub fn finite_floats<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let subnormal = [f64::from_bits(1), f64::from_bits(0x000f_ffff_ffff_ffff), -f64::from_bits(1)];
    let doubles = [0.0, -0.0, 1.0, -1.5, 0.1, 1.0 / 3.0, f64::MIN_POSITIVE, f64::MAX, f64::MIN, f64::EPSILON];
    let awkward = [1e15, 1e16, 1e17, 1e21, 1e-7, 1e100, 123_456_789_012_345_680.0, 9_007_199_254_740_993.0, 5e22];
    let large = [(1_u64 << 63) as f64, u64::MAX as f64, 1e20, -1e20, 1e38];
    let all = doubles.into_iter().chain(subnormal).chain(awkward).chain(large);
    trial.carry_each("f64", all.map(Double))?;
    let subnormal = [f32::from_bits(1), f32::from_bits(0x007f_ffff)];
    let singles = [0.0, -0.0, 0.1, 1.0 / 3.0, f32::MIN_POSITIVE, f32::MAX, f32::MIN, f32::EPSILON, 16_777_217.0, 1e10];
    trial.carry_each("f32", singles.into_iter().chain(subnormal).map(Single))?;
    trial.read_as(-1.5_f32, Some(-1.5_f64))?;
    trial.read_as(0.1_f64, Some(0.1_f32))?;
    trial.read_as(f64::from(f32::MAX), Some(f32::MAX))?;
    trial.read_as(7_u8, Some(7.0_f64))?;
    trial.read_as(1e39_f64, None::<f32>)?;
    trial.read_as(-1e300_f64, None::<f32>)?;
    trial.verdict()
}

/// NaN and the infinities, if declared, in documents too.
///
/// # Errors
/// What happened instead.
pub fn non_finite_floats<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    for value in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        trial.carry_if(Capability::NonFiniteFloats, &format!("f64 {value}"), Double(value))?;
        trial.carry_if(Capability::NonFiniteFloats, &format!("f64 {value} in Some"), Some(Double(value)))?;
    }
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        trial.carry_if(Capability::NonFiniteFloats, &format!("f32 {value}"), Single(value))?;
        trial.carry_if(Capability::NonFiniteFloats, &format!("f32 {value} in a list"), vec![Single(value)])?;
    }
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Value::from) {
        trial.carry_if(Capability::NonFiniteFloats, &format!("a document of {value:?}"), value.clone())?;
        trial.carry_if(Capability::NonFiniteFloats, &format!("documents of {value:?}"), (1, vec![value]))?;
    }
    trial.verdict()
}

/// `char`: any of them.
///
/// # Errors
/// What happened instead.
pub fn characters<C: Codec>(codec: &C) -> Verdict {
    let mut trial = Trial::new(codec);
    let plain = ['a', '1', 'ö', '漢', '😀', '\u{10ffff}', '\u{301}', '\u{d7ff}', '\u{e000}'];
    let odd = [
        '\0', '\t', '\n', '\r', '\u{1b}', '\u{7f}', '\u{85}', '\u{a0}', '\u{2028}', '\u{feff}', '\u{fffe}', '\u{ffff}',
    ];
    let marks = [' ', '<', '&', '>', '"', '\'', '~', '-', ':', '#', '\\', ','];
    trial.carry_each("char", plain.into_iter().chain(odd).chain(marks))?;
    trial.verdict()
}
