//! What happened, and who asked for it: the timelines of all gates, and the audit log of orders.

use super::frame::{Frame, clock, prose, toned};
use crate::record::audit::Audited;
use crate::report::view::time;
use crate::report::wrong::Tone;
use crate::web::problem::Problem;
use crate::web::site::Site;
use axum::Json;
use axum::extract::State;
use axum::response::Html;
use http::HeaderMap;
use maud::html;
use schemars::JsonSchema;
use serde::Serialize;

/// Lines of each.
const LINES: u32 = 150;
/// Orders that the API gives.
const ORDERS_MAX: u32 = 1_000;

fn answer(status: u16) -> (Tone, String) {
    match status {
        200..=399 => (Tone::Good, "done".to_owned()),
        401 | 403 => (Tone::Bad, format!("refused ({status})")),
        _ => (Tone::Doubt, format!("not done ({status})")),
    }
}

/// `GET /events`
pub async fn events(State(site): State<Site>, headers: HeaderMap) -> Result<Html<String>, Problem> {
    let viewer = site.viewer(&headers);
    let orders = site.store.orders(LINES).await?;
    let happened = site.store.happened(LINES).await?;
    let frame = Frame {
        title: "Events".to_owned(),
        at: "/events",
        is_live: true,
        viewer: &viewer,
    };
    Ok(frame.page(html! {
        h1 { "Events" }
        h2 { "Orders" }
        p.soft { "Who asked for what over the network, and what they were answered." }
        div.card { @if orders.is_empty() { p.soft { "Nobody has asked for anything yet." } } @else { table {
            thead { tr { th scope="col" { "When" } th scope="col" { "By" } th scope="col" { "Order" } th scope="col" { "Answer" } } }
            tbody { @for order in &orders { tr {
                td { (clock(&time(order.at_ms))) }
                td { @if order.by.is_empty() { span.soft { "no name" } } @else { (order.by) } }
                td { (order.order) }
                @let (tone, word) = answer(order.status);
                td { (toned(tone, &word)) }
            } } }
        } } }
        h2 { "Gates" }
        div.card { @if happened.is_empty() { p.soft { "No gate has run yet." } } @else { ol.timeline { @for line in &happened { li {
            span.soft.small { (clock(&time(line.at_ms))) } " " a href=(format!("/gates/{}", line.gate_id)) { (line.gate) " " (line.gate_id) } " " (prose(&line.event))
        } } } } }
    }))
}

/// An order that came over the network.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderView {
    /// Its number.
    id: i64,
    /// When, RFC 3339.
    at: String,
    /// Who; empty where nobody is known.
    by: String,
    /// What was asked for: the method and the path.
    order: String,
    /// The status that it was answered with.
    status: u16,
}

/// `GET /api/v1/audit`
pub async fn audit(State(site): State<Site>) -> Result<Json<Vec<OrderView>>, Problem> {
    let orders = site.store.orders(ORDERS_MAX).await?.into_iter();
    let view = |order: Audited| OrderView {
        id: order.id,
        at: time(order.at_ms),
        by: order.by,
        order: order.order,
        status: order.status,
    };
    Ok(Json(orders.map(view).collect()))
}
