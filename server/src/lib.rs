//! A mio event-loop server for sealed messages in any format
