//! The stock codecs of Bulla, one feature each
