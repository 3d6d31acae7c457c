//! Platforms that deploy: the registry of their adapters, one in a file each.
//!
//! Every adapter reads before it writes where the vendor has no idempotency key, so that an attempt
//! that was cut off after it had acted is not carried out twice; waits until the vendor says that
//! the change is made; and can prove its credentials and its target before anything is deployed.
//! That the change is really served is proven elsewhere, by looking at the service itself.
//!
//! To add one: its file with form, settings and doing, and its line in [`VENDORS`].

use super::call::Call;
use super::{argo, circleci, compose, dispatch, fly, gitlab, kubernetes, railway, vercel};
use crate::delivery::attempt::Delivery;
use crate::document::kind::Kind;
use crate::doing::Doing;
use std::fmt::Debug;

/// What came of a call: a sentence, or how the attempt ended instead.
pub type Done<'a> = Doing<'a, Result<String, Delivery>>;

/// A platform.
pub trait Vendor: Debug + Sync {
    /// The setting that is JSON, if one is.
    fn json_setting(&self) -> Option<&'static str> {
        None
    }

    /// What an action lacks beside the settings that every one of its kind needs. `given` is a
    /// setting as it is written.
    fn lacks<'n>(&self, given: &dyn Fn(&str) -> Option<&'n str>) -> Option<&'static str> {
        let _ = given;
        None
    }

    /// Performs its change once.
    fn perform<'a>(&'a self, call: &'a Call<'a>) -> Done<'a>;

    /// Proves credentials and target, without changing anything.
    fn preflight<'a>(&'a self, call: &'a Call<'a>) -> Done<'a>;
}

/// A platform with the field of an action that names it.
pub type VendorKind = Kind<&'static dyn Vendor>;

/// All platforms.
pub const VENDORS: &[VendorKind] = &[
    fly::KIND,
    vercel::KIND,
    railway::KIND,
    kubernetes::KIND,
    argo::KIND,
    compose::KIND,
    dispatch::KIND,
    gitlab::KIND,
    circleci::KIND,
];
