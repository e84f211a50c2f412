//! The xml codec of Bulla
