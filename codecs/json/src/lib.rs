//! The json codec of Bulla
