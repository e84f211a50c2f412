//! The bincode codec of Bulla
