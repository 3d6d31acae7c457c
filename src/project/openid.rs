//! Logging in by somebody who knows people: OpenID Connect, as configured, and what a token must say. Pure.
//!
//! Does not fetch anything and does not look at signatures. Source: OpenID Connect Core 1.0, section 3.1.3.7.
//! Invariant: whoever is given no role by what the token says gets none.

use super::access::Role;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::scenario::reader::{Reader, text, texts};
use crate::scenario::template::Template;
use serde_json::Value;

/// How far clocks may be apart, in seconds.
const LEEWAY_S: i64 = 60;
/// Letters of a name.
const NAME_MAX: usize = 120;
/// Where a name is looked for, if nothing is said.
const NAMES: [&str; 4] = ["email", "preferred_username", "name", "sub"];

/// Somebody who knows people.
#[derive(Debug)]
pub struct OpenId {
    /// Who gives out tokens: an address.
    pub issuer: String,
    /// As whom we are known there.
    pub client_id: Template,
    /// By what we are believed there.
    pub client_secret: Template,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim that says who it is, where it is not one of the usual ones.
    pub name: Option<String>,
    /// The claim by which roles are given.
    pub claim: String,
    /// Values of it that give a role, the most powerful first; `*` is any.
    pub roles: Vec<(Role, Vec<String>)>,
}

/// Its form.
pub static OPENID: Object = Object {
    name: "openid",
    called: "OpenID Connect",
    fields: &[
        required(
            "issuer",
            Shape::Text,
            "who gives out tokens: the address before `/.well-known/openid-configuration`",
        ),
        required(
            "client_id",
            Shape::Template,
            "as whom Bellwether is known there",
        ),
        required(
            "client_secret",
            Shape::Template,
            "by what it is believed there: `${secrets.NAME}`",
        ),
        field(
            "scopes",
            Shape::List(&Shape::Text),
            "what is asked for (openid, profile, email)",
        ),
        field(
            "name",
            Shape::Text,
            "the claim that says who it is (email, preferred_username, name or sub)",
        ),
        field(
            "claim",
            Shape::Text,
            "the claim by which roles are given (groups)",
        ),
        required(
            "roles",
            Shape::Object(&ROLES),
            "values of the claim that give a role; `*` is any",
        ),
    ],
};

static ROLES: Object = Object {
    name: "openid_roles",
    called: "roles",
    fields: &[
        field("read", Shape::List(&Shape::Text), "who may look"),
        field(
            "operate",
            Shape::List(&Shape::Text),
            "who may start gates, roll back, run probes, silence",
        ),
        field(
            "approve",
            Shape::List(&Shape::Text),
            "who may agree and answer for failures",
        ),
        field(
            "administer",
            Shape::List(&Shape::Text),
            "who may do everything",
        ),
    ],
};

impl Reader<'_> {
    /// OpenID Connect under `server`.
    pub fn openid(&mut self, server: Option<&Node>) -> Option<OpenId> {
        let server = server?;
        let node = server.get("openid")?;
        if server.get("public_url").is_none() {
            let title = "people are sent back from OpenID Connect, and nothing says to where";
            self.error(
                "missing-field",
                title,
                node.span,
                "add `public_url` under `server`",
            );
        }
        let issuer = node.get("issuer")?;
        if !crate::net::redirect::is_absolute(&issuer.text) {
            let title = format!("`{}` is no issuer", issuer.text);
            self.error("wrong-type", title, issuer.span, "an address, `https://…`");
        }
        let roles = node.get("roles")?;
        let given: Vec<(Role, Vec<String>)> = Role::ALL
            .into_iter()
            .rev()
            .map(|role| (role, texts(roles, role.word())))
            .filter(|(_, values)| !values.is_empty())
            .collect();
        if given.is_empty() {
            self.error(
                "missing-field",
                "nobody gets a role",
                roles.span,
                "such as `read: [\"*\"]`",
            );
        }
        let scopes = match texts(node, "scopes") {
            none if none.is_empty() => ["openid", "profile", "email"].map(str::to_owned).to_vec(),
            scopes => scopes,
        };
        Some(OpenId {
            issuer: issuer.text.trim_end_matches('/').to_owned(),
            client_id: self.template(node.get("client_id")?)?,
            client_secret: self.template(node.get("client_secret")?)?,
            scopes,
            name: text(node, "name"),
            claim: text(node, "claim").unwrap_or_else(|| "groups".to_owned()),
            roles: given,
        })
    }
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Who gave it out, as they call themselves.
    pub issuer: &'a str,
    /// For whom.
    pub client_id: &'a str,
    /// What we gave along.
    pub nonce: &'a str,
    /// Now, in seconds since 1970.
    pub now_s: i64,
}

fn is_or_holds(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Array(all) => all.iter().any(|one| one.as_str() == Some(wanted)),
        _ => false,
    }
}

/// Seconds from 1970 to a moment at the most.
const MOMENT_MAX: f64 = 3e12;

/// Whether a token is about the log-in that was begun.
///
/// # Errors
///
/// Which of its claims says otherwise, without its values.
pub fn held(claims: &Value, expected: &Expected<'_>) -> Result<(), String> {
    // Within what can be reckoned with: a hundred thousand years are for ever.
    let within = |value: f64| value.clamp(-MOMENT_MAX, MOMENT_MAX) as i64;
    let number = |name: &str| claims[name].as_f64().map(within);
    if claims["iss"].as_str() != Some(expected.issuer) {
        return Err("it is of another issuer (`iss`)".to_owned());
    }
    if !is_or_holds(&claims["aud"], expected.client_id) {
        return Err("it is for somebody else (`aud`)".to_owned());
    }
    let is_for_many = claims["aud"].as_array().is_some_and(|all| all.len() > 1);
    let party = claims["azp"].as_str();
    if party.is_some_and(|party| party != expected.client_id) || is_for_many && party.is_none() {
        return Err("it was given to somebody else (`azp`)".to_owned());
    }
    match number("exp") {
        Some(end) if end + LEEWAY_S > expected.now_s => {}
        Some(_) => return Err("it has run out (`exp`)".to_owned()),
        None => return Err("it does not say when it ends (`exp`)".to_owned()),
    }
    if number("iat").is_some_and(|made| made - LEEWAY_S > expected.now_s) {
        return Err("it is of the future (`iat`): is the clock right?".to_owned());
    }
    if number("nbf").is_some_and(|from| from - LEEWAY_S > expected.now_s) {
        return Err("it is not good yet (`nbf`)".to_owned());
    }
    if claims["sub"].as_str().is_none_or(str::is_empty) {
        return Err("it does not say of whom it is (`sub`)".to_owned());
    }
    if claims["nonce"].as_str() != Some(expected.nonce) {
        return Err("it is of another log-in (`nonce`)".to_owned());
    }
    Ok(())
}

/// A name as it is shown: in a line, of a length that fits, and without what turns letters around.
fn plain(name: &str) -> String {
    let turns = |letter: &char| matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let letters = name
        .trim()
        .chars()
        .filter(|letter| !letter.is_control() && !turns(letter));
    letters.take(NAME_MAX).collect()
}

impl OpenId {
    /// What a session of somebody who logged in rests on: who vouches, and by what somebody may do something.
    pub fn terms(&self) -> String {
        format!(
            "{} {:?} {} {:?}",
            self.issuer, self.name, self.claim, self.roles
        )
    }

    /// Who somebody is.
    pub fn name_of(&self, claims: &Value) -> Option<String> {
        let usual = NAMES.into_iter();
        let wanted = self.name.as_deref().into_iter();
        let mut names: Vec<&str> = wanted.collect();
        if names.is_empty() {
            names.extend(usual);
        }
        // An address that nobody has checked may be anybody's, unless the configuration trusts it.
        let is_chosen = self.name.is_some();
        let is_checked = |name: &str| match &claims["email_verified"] {
            Value::Bool(is_verified) => *is_verified || name != "email",
            _ => is_chosen || name != "email",
        };
        let found = names.into_iter().filter(|name| is_checked(name));
        let text = |name: &str| {
            claims[name]
                .as_str()
                .map(plain)
                .filter(|text| !text.is_empty())
        };
        found.map(text).find(Option::is_some).flatten()
    }

    /// What somebody may do; nothing if no role is given to them.
    pub fn role_of(&self, claims: &Value) -> Option<Role> {
        let value = &claims[&self.claim];
        let gives = |wanted: &String| wanted == "*" || is_or_holds(value, wanted);
        let found = self
            .roles
            .iter()
            .find(|(_, values)| values.iter().any(gives));
        found.map(|(role, _)| *role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn openid(name: Option<&str>, roles: &[(Role, &str)]) -> OpenId {
        let template = || Template::parse("x", false).unwrap();
        OpenId {
            issuer: "https://id.test".to_owned(),
            client_id: template(),
            client_secret: template(),
            scopes: Vec::new(),
            name: name.map(str::to_owned),
            claim: "groups".to_owned(),
            roles: roles
                .iter()
                .map(|(role, value)| (*role, vec![(*value).to_owned()]))
                .collect(),
        }
    }

    #[test]
    fn a_token_of_another_log_in_is_refused() {
        let sound = json!({ "sub": "1", "iss": "https://id.test", "aud": "us", "exp": 1_000, "iat": 900, "nonce": "n" });
        let expected = Expected {
            issuer: "https://id.test",
            client_id: "us",
            nonce: "n",
            now_s: 950,
        };
        assert_eq!(held(&sound, &expected), Ok(()));
        for (claim, value, said) in [
            ("iss", json!("https://evil.test"), "iss"),
            ("aud", json!("them"), "aud"),
            ("aud", json!(["us", "them"]), "azp"),
            ("azp", json!("them"), "azp"),
            ("exp", json!(800), "run out"),
            ("exp", json!(-1e300), "run out"),
            ("nbf", json!(1e300), "not good yet"),
            ("exp", Value::Null, "when it ends"),
            ("iat", json!(2_000), "future"),
            ("nbf", json!(2_000), "not good yet"),
            ("sub", Value::Null, "of whom"),
            ("nonce", json!("another"), "nonce"),
            ("nonce", Value::Null, "nonce"),
        ] {
            let mut claims = sound.clone();
            claims[claim] = value;
            let refused = held(&claims, &expected).unwrap_err();
            assert!(refused.contains(said), "{refused}");
        }
        let mut many = sound;
        many["aud"] = json!(["us", "them"]);
        many["azp"] = json!("us");
        assert_eq!(held(&many, &expected), Ok(()));
    }

    #[test]
    fn roles_and_names_come_from_claims_and_from_nothing_else() {
        let some = openid(None, &[(Role::Approve, "leads"), (Role::Operate, "devs")]);
        assert_eq!(
            some.role_of(&json!({ "groups": ["devs", "leads"] })),
            Some(Role::Approve)
        );
        assert_eq!(
            some.role_of(&json!({ "groups": "devs" })),
            Some(Role::Operate)
        );
        assert_eq!(some.role_of(&json!({ "groups": ["others"] })), None);
        assert_eq!(some.role_of(&json!({})), None);
        assert_eq!(
            openid(None, &[(Role::Read, "*")]).role_of(&json!({})),
            Some(Role::Read)
        );
        let claims = json!({ "email": "a@b.test", "email_verified": false, "preferred_username": " jane ", "sub": "1" });
        assert_eq!(some.name_of(&claims).as_deref(), Some("jane"));
        assert_eq!(
            openid(Some("sub"), &[]).name_of(&claims).as_deref(),
            Some("1")
        );
        assert_eq!(openid(Some("nick"), &[]).name_of(&claims), None);
        let unsaid = json!({ "email": "a@b.test", "sub": "j\u{202e}a\r\nne" });
        assert_eq!(some.name_of(&unsaid).as_deref(), Some("jane"));
        let trusted = openid(Some("email"), &[]).name_of(&unsaid);
        assert_eq!(trusted.as_deref(), Some("a@b.test"));
        assert_eq!(
            some.name_of(&json!({ "email": "a@b.test", "email_verified": true }))
                .as_deref(),
            Some("a@b.test")
        );
    }
}
