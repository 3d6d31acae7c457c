//! What samples are told apart by, and who is told of each.
//!
//! Tags are looked up by name, and only where somebody asks for one.

use super::lines::SYSTEM_TAGS;
use super::metric::Metric;

/// The tags of a sample, by name.
pub trait Tags {
    /// The value of a tag, if it has it.
    fn tag(&self, name: &str) -> Option<&str>;

    /// Names of tags that the script gave, some of them more than once.
    fn given(&self) -> Vec<&str>;
}

/// Takes every sample as it is counted.
pub trait Output: Send + Sync + std::fmt::Debug {
    /// A sample of a metric, with all of its tags.
    fn put(&self, metric: &Metric, sample: f64, tags: &[(&str, &str)]);
}

/// Tags as pairs.
impl Tags for [(String, String)] {
    fn tag(&self, name: &str) -> Option<&str> {
        let found = self.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    fn given(&self) -> Vec<&str> {
        self.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// All tags that a sample has, each once.
pub(super) fn all_of(tags: &(impl Tags + ?Sized)) -> Vec<(&str, &str)> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for name in SYSTEM_TAGS.into_iter().chain(tags.given()) {
        let is_known = all.iter().any(|(known, _)| *known == name);
        if let (false, Some(value)) = (is_known, tags.tag(name)) {
            all.push((name, value));
        }
    }
    all
}
