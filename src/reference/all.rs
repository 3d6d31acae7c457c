//! Pages that need nothing else than this house, in the order in which one reads them.
//!
//! Does not know the commands or the API, whose pages whoever has them adds.

use super::page::Page;
use super::{codes, exit_codes, expressions, keys, messages, metrics};

/// Pages that need nothing else.
pub fn pages() -> Vec<Page> {
    vec![
        keys::language(),
        expressions::page(),
        keys::configuration(),
        metrics::page(),
        messages::page(),
        exit_codes::page(),
        codes::page(),
    ]
}
