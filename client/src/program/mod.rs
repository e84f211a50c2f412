//! The program `bulla`.
