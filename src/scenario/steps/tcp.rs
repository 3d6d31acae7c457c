//! A TCP connection, as the language has it.

use crate::document::shape::{Field, Shape, field};

pub(super) const FIELD: Field = field("tcp", Shape::Template, "connect to `host:port`");
