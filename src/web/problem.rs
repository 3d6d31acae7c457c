//! Errors of the API, as RFC 9457 wants them.

use crate::gate::driver::GateFault;
use crate::store::StoreFault;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

/// An error that the caller sees.
#[derive(Debug)]
pub struct Problem {
    /// Status.
    pub status: StatusCode,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// Further members.
    pub extra: serde_json::Value,
}

impl Problem {
    /// A problem with a status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            detail: detail.into(),
            extra: serde_json::Value::Null,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = serde_json::json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let (serde_json::Value::Object(body), serde_json::Value::Object(extra)) =
            (&mut body, self.extra)
        {
            body.extend(extra);
        }
        let headers = [(http::header::CONTENT_TYPE, "application/problem+json")];
        (self.status, headers, body.to_string()).into_response()
    }
}

impl From<StoreFault> for Problem {
    fn from(fault: StoreFault) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, fault.to_string())
    }
}

impl From<GateFault> for Problem {
    fn from(fault: GateFault) -> Problem {
        let status = match &fault {
            GateFault::Unknown(_) => StatusCode::NOT_FOUND,
            GateFault::Conflict(_) => StatusCode::CONFLICT,
            GateFault::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            GateFault::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Problem::new(status, fault.to_string())
    }
}
