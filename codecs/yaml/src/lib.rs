//! The yaml codec of Bulla
