//! How a request of Postman lets itself in.

use super::credentials::ClientCredentials;
use super::draft::{Draft, Step};
use super::postman::made_up;
use super::reading::text;
use serde_json::{Value, json};

/// A value of a kind of authentication: a list of keys and values, or a mapping in older files.
fn of_auth(auth: &Value, kind: &str, key: &str) -> String {
    match &auth[kind] {
        Value::Array(all) => {
            let found = all.iter().find(|one| one["key"] == key);
            found.map(|one| text(&one["value"])).unwrap_or_default()
        }
        Value::Object(all) => all.get(key).map(text).unwrap_or_default(),
        _ => String::new(),
    }
}

/// What lets somebody in, as a template: a value that stands there becomes a secret.
fn secret(draft: &mut Draft, value: &str, name: &str) -> String {
    match value.contains("{{") {
        true => draft.template(value, made_up),
        false => format!("${{{}}}", draft.secret_of(name, value)),
    }
}

pub(super) fn authenticate(draft: &mut Draft, step: &mut Step, auth: &Value) {
    let kind = auth["type"].as_str().unwrap_or_default();
    match kind {
        "" | "noauth" => {}
        "bearer" => {
            let token = secret(draft, &of_auth(auth, kind, "token"), "TOKEN");
            step.say("auth", json!({ "bearer": token }));
        }
        "basic" | "digest" => {
            let (user, word) = (
                of_auth(auth, kind, "username"),
                of_auth(auth, kind, "password"),
            );
            let (user, word) = (
                draft.template(&user, made_up),
                draft.template(&word, made_up),
            );
            draft.basic(step, kind, &user, &word);
        }
        "apikey" => {
            let (key, value) = (of_auth(auth, kind, "key"), of_auth(auth, kind, "value"));
            let value = secret(draft, &value, &key);
            match of_auth(auth, kind, "in").as_str() {
                "query" => step.add("query", &key, &value),
                _ => step.add("headers", &key, &value),
            }
        }
        "oauth2" => oauth2(draft, step, auth),
        "awsv4" => {
            let given = |key: &str| of_auth(auth, kind, key);
            let mut aws = serde_json::Map::new();
            for (key, ours) in [
                ("accessKey", "access_key"),
                ("region", "region"),
                ("service", "service"),
            ] {
                let value = draft.template(&given(key), made_up);
                aws.insert(ours.to_owned(), value.into());
            }
            let key = secret(draft, &given("secretKey"), "AWS_SECRET_KEY");
            aws.insert("secret_key".to_owned(), key.into());
            if !given("sessionToken").is_empty() {
                let token = secret(draft, &given("sessionToken"), "AWS_SESSION_TOKEN");
                aws.insert("session_token".to_owned(), token.into());
            }
            step.say("auth", json!({ "aws": aws }));
        }
        other => draft.leave(step, None, format!("the authentication `{other}`")),
    }
}

/// A token that is given, or client credentials. All else needs a person.
fn oauth2(draft: &mut Draft, step: &mut Step, auth: &Value) {
    let given = |key: &str| of_auth(auth, "oauth2", key);
    let in_query = given("addTokenTo") == "queryParams";
    if !in_query && given("grant_type") == "client_credentials" {
        let url = draft.template(&given("accessTokenUrl"), made_up);
        let id = draft.template(&given("clientId"), made_up);
        let secret = secret(draft, &given("clientSecret"), "CLIENT_SECRET");
        let scopes = draft.template(&given("scope"), made_up);
        let about = ClientCredentials {
            token_url: &url,
            id: &id,
            secret: &secret,
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
            in_body: given("client_authentication") == "body",
            ..ClientCredentials::default()
        };
        draft.client_credentials(step, about);
        return;
    }
    let token = given("accessToken");
    if in_query || token.is_empty() {
        let kind = given("grant_type");
        draft.leave(step, None, format!("the authentication `oauth2` ({kind})"));
        return;
    }
    let token = secret(draft, &token, "TOKEN");
    step.say("auth", json!({ "bearer": token }));
}
