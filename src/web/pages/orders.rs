//! What people may do on a gate's page: approve, waive, consent, call off, roll back. Each asks for a reason
//! and is confirmed by opening it first.
//!
//! Does not carry anything out: it asks as the API does. Invariant: a form of another site orders nothing.

use super::frame::name_field;
use crate::project::access::Role;
use crate::record::note::{Note, NoteKind};
use crate::record::state::{Consent, Order, Phase};
use crate::report::view::GateView;
use crate::web::api;
use crate::web::local::not_from_elsewhere;
use crate::web::problem::Problem;
use crate::web::site::{Site, Viewer};
use axum::Form;
use axum::extract::{Path, State};
use axum::response::Redirect;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;

/// Hours that a waiver may last.
const WAIVED_HOURS: i64 = 24;

/// What a form brings.
#[derive(Debug, Default, Deserialize)]
pub struct Ordered {
    #[serde(default)]
    by: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    check: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    with_down: String,
}

/// What whoever looks may do with a gate.
pub fn orders(gate: &GateView, viewer: &Viewer) -> Markup {
    let is_open = gate.verdict.is_none();
    let form = |to: &str, name: &str, more: Markup| {
        html! {
            details.order { summary { (name) } form.order method="post" action=(format!("/gates/{}/{to}", gate.id)) {
                (name_field(viewer))
                (more)
                label { "Reason" input name="reason" required; }
                button class=[matches!(to, "rollback" | "cancel").then_some("bad")] { (name) }
            } }
        }
    };
    // What is measured can be waived; scenarios by their names.
    let checks = Phase::ALL.into_iter().filter(|phase| phase.measures());
    let waive = html! { label { "What" input name="check" required list="checks" placeholder="a phase or scenario"; } datalist id="checks" { @for check in checks { option value=(check.word()) {} } } };
    let down = html! { label { "Database" select name="with_down" { option value="" { "stays as it is" } option value="yes" { "is changed back first" } } } };
    let to = html! { label { "To version" input name="to" placeholder=(gate.rollback_to.as_deref().unwrap_or("the last good one")); } };
    if !viewer.may(Role::Operate) {
        return html! { @if !gate.done && viewer.has_tokens { p.soft.small { "Whoever has the role operate or approve can act here: " a href=(format!("/login?to=/gates/{}", gate.id)) { "log in" } "." } } };
    }
    html! {
        div.orders {
            @if is_open && viewer.may(Role::Approve) { (form("approve", "Approve", html! {})) (form("waive", "Waive", waive)) }
            @if gate.migrated.is_some() && viewer.may(Role::Approve) { (form("consent", "Consent to the rollback", down)) }
            @if is_open { (form("cancel", "Call off", html! {})) }
            (form("rollback", "Roll back", to))
        }
    }
}

/// `POST /gates/{id}/{order}`, from its page.
pub async fn ordered(
    State(site): State<Site>,
    Path((id, order)): Path<(i64, String)>,
    headers: HeaderMap,
    Form(ordered): Form<Ordered>,
) -> Result<Redirect, Problem> {
    not_from_elsewhere(&headers)?;
    let Ordered {
        by,
        reason,
        check,
        to,
        with_down,
    } = ordered;
    if reason.trim().is_empty() {
        let detail = "an order says why: fill in the reason";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let said = Note {
        by: by.clone(),
        reason: reason.clone(),
        ..Note::default()
    };
    match order.as_str() {
        "approve" => {
            api::note(site, id, NoteKind::Approval, &headers, said).await?;
        }
        "waive" => {
            let until_ms = crate::clock::now_ms() + WAIVED_HOURS * 3_600_000;
            let waiver = Note {
                check,
                until_ms,
                ..said
            };
            api::note(site, id, NoteKind::Waiver, &headers, waiver).await?;
        }
        "consent" => {
            let caller = site.caller(&headers, Role::Approve)?;
            let by = caller.agrees_as(&by).map_err(api::not_you)?;
            let consent = Consent {
                by,
                reason,
                with_down: !with_down.is_empty(),
            };
            site.driver.consent(id, consent).await?;
        }
        "cancel" => {
            let by = site.acting(&headers, Role::Operate, &by)?;
            site.driver.cancel(id, &format!("{by}: {reason}")).await?;
        }
        "rollback" => {
            let by = site.acting(&headers, Role::Operate, &by)?;
            let unknown = || Problem::new(StatusCode::NOT_FOUND, format!("there is no gate {id}"));
            let record = site.store.gate(id).await?.ok_or_else(unknown)?;
            let order = Order {
                by,
                reason,
                gate: None,
                to,
            };
            let started = site.driver.roll_back(&record.gate, order, "").await?;
            return Ok(Redirect::to(&format!("/gates/{}", started.id)));
        }
        _ => {
            let detail = format!("`{order}` is no order of a gate");
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        }
    }
    Ok(Redirect::to(&format!("/gates/{id}")))
}
