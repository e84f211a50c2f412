//! Echo: any document comes back as it went in.

use bulla_core::value::Value;

use crate::builder::Builder;
use crate::services::Service;

/// The route `echo`: answers with the very document that it got. For a first call, and for measurements.
#[derive(Debug, Clone, Copy, Default)]
pub struct Echo;

impl Service for Echo {
    fn install(self, builder: Builder) -> Builder {
        builder.route_inline("echo", |document: Value, _| Ok(document))
    }
}
