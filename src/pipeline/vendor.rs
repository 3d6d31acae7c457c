//! Platforms that deploy: one adapter in one file each, and the one line that names it here.
//!
//! Every adapter reads before it writes where the vendor has no idempotency key, so that an attempt
//! that was cut off after it had acted is not carried out twice; waits until the vendor says that
//! the change is made; and can prove its credentials and its target before anything is deployed.
//! That the change is really served is proven elsewhere, by looking at the service itself.

use super::call::Call;
use super::{argo, compose, dispatch, fly, gitlab, kubernetes, railway, vercel};
use crate::delivery::attempt::Delivery;

/// A platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// Fly.io, by its Machines API.
    Fly,
    /// Vercel: instant rollback and promotion.
    Vercel,
    /// Railway: rollback of a deployment.
    Railway,
    /// Kubernetes: `rollout undo`, as kubectl does it.
    Kubernetes,
    /// Argo Rollouts: promote and abort.
    Argo,
    /// Docker Compose with a pinned image.
    Compose,
    /// GitHub: a workflow or a repository event.
    Dispatch,
    /// GitLab: a pipeline trigger.
    Gitlab,
}

impl Vendor {
    /// All of them, with the key of their settings in an action.
    pub const ALL: [(&'static str, Vendor); 8] = [
        ("fly", Vendor::Fly),
        ("vercel", Vendor::Vercel),
        ("railway", Vendor::Railway),
        ("kubernetes", Vendor::Kubernetes),
        ("argo_rollouts", Vendor::Argo),
        ("compose", Vendor::Compose),
        ("github", Vendor::Dispatch),
        ("gitlab", Vendor::Gitlab),
    ];

    /// The key of its settings in an action.
    pub fn key(self) -> &'static str {
        let found = Vendor::ALL.iter().find(|(_, vendor)| *vendor == self);
        found.map_or("", |(key, _)| key)
    }

    /// The setting that is JSON, if one is.
    pub fn json_setting(self) -> Option<&'static str> {
        match self {
            Vendor::Dispatch => Some("inputs"),
            Vendor::Gitlab => Some("variables"),
            _ => None,
        }
    }

    /// What an action lacks beside the settings that every one of its kind needs. `given` is a
    /// setting as it is written.
    pub fn lacks<'a>(self, given: impl Fn(&str) -> Option<&'a str>) -> Option<&'static str> {
        let has = |name: &str| given(name).is_some();
        match self {
            Vendor::Vercel if given("to") == Some("check") => (!has("check") || !has("conclusion"))
                .then_some("a check of Vercel needs its name, `check`, and a `conclusion`"),
            Vendor::Dispatch => (!has("workflow") && !has("event"))
                .then_some("an action of GitHub starts a `workflow` or sends an `event`"),
            Vendor::Gitlab if has("approval") => {
                (!has("deployment")).then_some("an approval needs the `deployment` that it is for")
            }
            Vendor::Gitlab if has("status") => {
                (!has("commit")).then_some("a status needs the `commit` that it is for")
            }
            Vendor::Gitlab => (!has("trigger_token")).then_some(
                "an action of GitLab starts a pipeline (`trigger_token`), sets a `status` or gives an `approval`",
            ),
            _ => None,
        }
    }

    /// Performs its change once.
    pub async fn perform(self, call: &Call<'_>) -> Delivery {
        let done = match self {
            Vendor::Fly => fly::perform(call).await,
            Vendor::Vercel => vercel::perform(call).await,
            Vendor::Railway => railway::perform(call).await,
            Vendor::Kubernetes => kubernetes::perform(call).await,
            Vendor::Argo => argo::perform(call).await,
            Vendor::Compose => compose::perform(call).await,
            Vendor::Dispatch => dispatch::perform(call).await,
            Vendor::Gitlab => gitlab::perform(call).await,
        };
        done.map_or_else(|refused| refused, Delivery::done)
    }

    /// Proves credentials and target, without changing anything.
    pub async fn preflight(self, call: &Call<'_>) -> Result<String, String> {
        let proven = match self {
            Vendor::Fly => fly::preflight(call).await,
            Vendor::Vercel => vercel::preflight(call).await,
            Vendor::Railway => railway::preflight(call).await,
            Vendor::Kubernetes => kubernetes::preflight(call).await,
            Vendor::Argo => argo::preflight(call).await,
            Vendor::Compose => compose::preflight(call).await,
            Vendor::Dispatch => dispatch::preflight(call).await,
            Vendor::Gitlab => gitlab::preflight(call).await,
        };
        proven.map_err(|refused| refused.text)
    }
}
