//! A blocking client for sealed messages in any format
