//! One whole number, whatever type it came from.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use crate::value::Kind;

/// A whole number from `i128::MIN` to `u128::MAX`. The type it came from is not kept: `1_u8` and `1_i128` are the same number.
///
/// ```
/// use bulla_core::value::Integer;
/// let number: Integer = "-12".parse()?;
/// assert_eq!(number, Integer::from(-12_i64));
/// assert_eq!(i8::try_from(number), Ok(-12));
/// assert!(u8::try_from(number).is_err());
/// assert!(number < Integer::from(u128::MAX));
/// # Ok::<(), std::num::ParseIntError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Integer(pub(super) Repr);

/// The smallest of four types that holds the number: exactly one fits, so the derived equality and order are those of numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Repr {
    /// Below `i64::MIN`.
    I128(i128),
    /// Negative.
    I64(i64),
    /// Not negative.
    U64(u64),
    /// Above `u64::MAX`.
    U128(u128),
}

/// The number does not fit the type asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{number} does not fit {wanted}")]
pub struct IntegerOutOfRange {
    number: Integer,
    wanted: &'static str,
}

impl Integer {
    pub(super) const fn kind(self) -> Kind {
        match self.0 {
            Repr::I128(_) => Kind::I128,
            Repr::I64(_) => Kind::I64,
            Repr::U64(_) => Kind::U64,
            Repr::U128(_) => Kind::U128,
        }
    }
}

impl From<u128> for Integer {
    fn from(number: u128) -> Self {
        Self(u64::try_from(number).map_or(Repr::U128(number), Repr::U64))
    }
}

impl From<i128> for Integer {
    fn from(number: i128) -> Self {
        match (u128::try_from(number), i64::try_from(number)) {
            (Ok(number), _) => Self::from(number),
            (Err(_), Ok(number)) => Self(Repr::I64(number)),
            (Err(_), Err(_)) => Self(Repr::I128(number)),
        }
    }
}

impl From<u64> for Integer {
    fn from(number: u64) -> Self {
        Self(Repr::U64(number))
    }
}

impl From<i64> for Integer {
    fn from(number: i64) -> Self {
        Self(u64::try_from(number).map_or(Repr::I64(number), Repr::U64))
    }
}

macro_rules! from_narrow {
    ($($narrow:ty as $wide:ty),*) => {$(
        impl From<$narrow> for Integer {
            fn from(number: $narrow) -> Self {
                // Widening: every target has 64 bits, and no platform's `usize` has more.
                Self::from(number as $wide)
            }
        }
    )*};
}

from_narrow!(u8 as u64, u16 as u64, u32 as u64, usize as u64, i8 as i64, i16 as i64, i32 as i64, isize as i64);

macro_rules! try_into {
    ($($wanted:ty),*) => {$(
        impl TryFrom<Integer> for $wanted {
            type Error = IntegerOutOfRange;

            fn try_from(number: Integer) -> Result<Self, Self::Error> {
                match number.0 {
                    Repr::I128(number) => Self::try_from(number).ok(),
                    Repr::I64(number) => Self::try_from(number).ok(),
                    Repr::U64(number) => Self::try_from(number).ok(),
                    Repr::U128(number) => Self::try_from(number).ok(),
                }
                .ok_or(IntegerOutOfRange { number, wanted: stringify!($wanted) })
            }
        }
    )*};
}

try_into!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

impl FromStr for Integer {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with('-') { text.parse::<i128>().map(Self::from) } else { text.parse::<u128>().map(Self::from) }
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::I128(number) => fmt::Display::fmt(number, f),
            Repr::I64(number) => fmt::Display::fmt(number, f),
            Repr::U64(number) => fmt::Display::fmt(number, f),
            Repr::U128(number) => fmt::Display::fmt(number, f),
        }
    }
}

impl fmt::Debug for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_number_has_one_form() {
        assert_eq!(Integer::from(7_u8), Integer::from(7_i128));
        assert_eq!(Integer::from(-7_i8), Integer::from(-7_i128));
        assert_eq!(Integer::from(u64::MAX), Integer::from(u128::from(u64::MAX)));
        assert_eq!(Integer::from(i64::MIN), Integer::from(i128::from(i64::MIN)));
        assert_eq!(Integer::from(i64::MAX).kind(), Kind::U64);
    }

    #[test]
    fn says_what_does_not_fit() {
        let error = u8::try_from(Integer::from(256)).unwrap_err();
        assert_eq!(error.to_string(), "256 does not fit u8");
        assert!(i128::try_from(Integer::from(u128::MAX)).is_err());
        assert!(u128::try_from(Integer::from(-1)).is_err());
    }

    #[test]
    fn refuses_text_beyond_its_range() {
        for bad in ["", "-", "1.0", "0x1", "340282366920938463463374607431768211456"] {
            assert!(bad.parse::<Integer>().is_err(), "{bad:?}");
        }
        assert_eq!("-0".parse(), Ok(Integer::from(0)));
    }

    fn around_the_borders() -> impl Strategy<Value = i128> {
        let borders = prop_oneof![
            Just(0_i128),
            Just(i64::MIN.into()),
            Just(i64::MAX.into()),
            Just(u64::MAX.into()),
            Just(i128::MIN + 3),
            Just(i128::MAX - 3),
        ];
        (borders, -3..=3_i128).prop_map(|(border, step)| border + step)
    }

    proptest! {
        #[test]
        fn orders_as_numbers(a in around_the_borders(), b in around_the_borders()) {
            prop_assert_eq!(Integer::from(a).cmp(&Integer::from(b)), a.cmp(&b));
        }

        #[test]
        fn goes_through_text_and_back(number in around_the_borders()) {
            let integer = Integer::from(number);
            prop_assert_eq!(integer.to_string(), number.to_string());
            prop_assert_eq!(number.to_string().parse(), Ok(integer));
            prop_assert_eq!(i128::try_from(integer), Ok(number));
            prop_assert_eq!(u64::try_from(integer).ok(), u64::try_from(number).ok());
            prop_assert_eq!(i64::try_from(integer).ok(), i64::try_from(number).ok());
        }

        #[test]
        fn carries_every_u128(number: u128) {
            prop_assert_eq!(u128::try_from(Integer::from(number)), Ok(number));
            prop_assert_eq!(number.to_string().parse(), Ok(Integer::from(number)));
        }
    }
}
