//! From a compiled request to what goes on the wire: URL, headers, body.

use crate::net::address;
use crate::net::digest::Credentials;
use crate::net::form::pair;
use crate::net::redirect::is_absolute;
use crate::net::{ErrorClass, Fault};
use crate::scenario::scope::Scope;
use crate::scenario::steps::http::{Auth, Body, HttpRequest, JsonTemplate, Part, PartContent};
use crate::scenario::template::{Template, plain};
use crate::secret::Secret;
use base64::Engine as _;
use bytes::Bytes;
use http::Uri;
use http::header::HeaderValue;
use serde_json::Value;

pub(super) fn fault(reason: String) -> Fault {
    Fault::new(ErrorClass::Template, reason)
}

/// The whole URL of a step.
pub fn url(request: &HttpRequest, base: Option<&str>, scope: &dyn Scope) -> Result<Uri, Fault> {
    let written = request.url.render_by(scope, address::put).map_err(fault)?;
    let mut text = joined(written, base)?;
    for (name, value) in &request.query {
        let value = value.render(scope).map_err(fault)?;
        text.push(if text.contains('?') { '&' } else { '?' });
        text.push_str(&pair(name, &value));
    }
    parsed(text)
}

/// What is written, on the base URL of the service where it is relative, without a fragment.
pub(super) fn joined(written: String, base: Option<&str>) -> Result<String, Fault> {
    let mut text = if is_absolute(&written) {
        written
    } else {
        let base = base.ok_or_else(|| {
            fault(format!(
                "`{written}` is relative, but the step has no service"
            ))
        })?;
        let slash = if written.starts_with('/') || written.starts_with('?') {
            ""
        } else {
            "/"
        };
        format!("{base}{slash}{written}")
    };
    if let Some(at) = text.find('#') {
        text.truncate(at);
    }
    Ok(text)
}

/// A URL; what cannot stand in one is escaped.
pub(super) fn parsed(text: String) -> Result<Uri, Fault> {
    let wrong = |error| fault(format!("the URL of the step is not one: {error}"));
    let uri = address::url(&text).map_err(wrong)?;
    if address::has_user(&uri) {
        // It would be shown wherever the URL is.
        let why = "the URL of the step carries a name or a password: say `auth: { basic: … }` with secrets instead";
        return Err(fault(why.to_owned()));
    }
    Ok(uri)
}

/// The `authorization` header of a step, if it has authentication.
pub fn authorization(auth: &Auth, scope: &dyn Scope) -> Result<Option<HeaderValue>, Fault> {
    Ok(match auth {
        // What answers a challenge is not known before it comes.
        Auth::None | Auth::Digest(..) | Auth::Token(_) | Auth::Signed(_) => None,
        Auth::Bearer(token) => {
            let token = token.render(scope).map_err(fault)?;
            Some(header("authorization", &format!("Bearer {token}"))?)
        }
        Auth::Basic(user, password) => {
            let pair = format!(
                "{}:{}",
                user.render(scope).map_err(fault)?,
                password.render(scope).map_err(fault)?
            );
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            Some(header("authorization", &format!("Basic {encoded}"))?)
        }
    })
}

/// Who answers a challenge of a server, if anybody does.
pub fn credentials(auth: &Auth, scope: &dyn Scope) -> Result<Option<Credentials>, Fault> {
    let Auth::Digest(user, password) = auth else {
        return Ok(None);
    };
    Ok(Some(Credentials {
        user: user.render(scope).map_err(fault)?,
        password: Secret::new(password.render(scope).map_err(fault)?),
    }))
}

/// The value of a header, which is named where it cannot be one.
pub(super) fn header(name: &str, text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text).map_err(|_| {
        fault(format!(
            "the value of the header `{name}` holds a line break or another control character"
        ))
    })
}

/// A body, with the content type that it asks for.
pub fn body(body: &Body, scope: &dyn Scope) -> Result<(Bytes, Option<String>), Fault> {
    Ok(match body {
        Body::Empty => (Bytes::new(), None),
        Body::Raw(text) => (text.render(scope).map_err(fault)?.into(), None),
        Body::Json(value) => (
            json(value, scope)?.to_string().into(),
            Some("application/json".to_owned()),
        ),
        Body::Form(fields) => {
            let mut pairs = Vec::new();
            for (name, value) in fields {
                let value = value.render(scope).map_err(fault)?;
                pairs.push(pair(name, &value));
            }
            (
                pairs.join("&").into(),
                Some("application/x-www-form-urlencoded".to_owned()),
            )
        }
        Body::Multipart(parts) => multipart(parts, scope)?,
    })
}

pub(super) fn json(value: &JsonTemplate, scope: &dyn Scope) -> Result<Value, Fault> {
    Ok(match value {
        JsonTemplate::Fixed(value) => value.clone(),
        JsonTemplate::Text(text) => text.render_value(scope).map_err(fault)?,
        JsonTemplate::List(items) => Value::Array(
            items
                .iter()
                .map(|item| json(item, scope))
                .collect::<Result<_, _>>()?,
        ),
        JsonTemplate::Map(entries) => {
            let mut map = serde_json::Map::new();
            for (name, value) in entries {
                map.insert(name.clone(), json(value, scope)?);
            }
            Value::Object(map)
        }
    })
}

fn multipart(parts: &[Part], scope: &dyn Scope) -> Result<(Bytes, Option<String>), Fault> {
    let boundary = format!("bellwether-{}", crate::ids::random_uuid());
    let quoted = |text: &str| text.replace('"', "%22").replace(['\r', '\n'], " ");
    let rendered = |text: &Option<Template>| -> Result<Option<String>, Fault> {
        text.as_ref()
            .map(|text| text.render(scope).map_err(fault))
            .transpose()
    };
    let mut bytes = Vec::new();
    for part in parts {
        let mut head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"",
            quoted(&part.name)
        );
        if let Some(name) = rendered(&part.filename)? {
            head.push_str(&format!("; filename=\"{}\"", quoted(&name)));
        }
        if let Some(kind) = rendered(&part.content_type)? {
            head.push_str(&format!("\r\ncontent-type: {}", quoted(&kind)));
        }
        head.push_str("\r\n\r\n");
        bytes.extend(head.into_bytes());
        match &part.content {
            PartContent::Text(text) => {
                bytes.extend(plain(&text.render_value(scope).map_err(fault)?).into_bytes());
            }
            PartContent::File(content) => bytes.extend_from_slice(content),
        }
        bytes.extend(b"\r\n");
    }
    bytes.extend(format!("--{boundary}--\r\n").into_bytes());
    Ok((
        bytes.into(),
        Some(format!("multipart/form-data; boundary={boundary}")),
    ))
}
