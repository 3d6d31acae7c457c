//! Files that people already have, as scenarios: Hurl, Postman, recordings of browsers, OpenAPI,
//! blackbox_exporter, Gatus, and command lines of curl.
//!
//! Rooms: [`draft`] (a scenario while it is made) with [`credentials`] and [`writing`] (as YAML), [`words`] (pieces of expressions),
//! [`json_path`], [`json_body`], [`placeholders`] (`{{name}}`), [`reading`] and [`sound`] (what is not valid is left out); then one room a format: [`curl`] with
//! [`curl_options`] and [`shell_words`], [`hurl`] with [`hurl_syntax`], [`hurl_lines`], [`hurl_letters`], [`hurl_options`] and
//! [`hurl_asked`], [`hurl_predicates`], [`postman`] with [`postman_auth`], [`postman_body`], [`postman_script`], [`postman_expected`], [`postman_values`],
//! [`javascript`], [`javascript_text`] and [`javascript_shown`], [`har`] with [`har_origin`], [`openapi`] with [`openapi_schema`], [`blackbox`], [`gatus`];
//! [`kinds`] names them all.
//!
//! Reads texts and gives texts; opens no file and performs nothing. Invariant: what is not carried over is
//! named, in the report and where it stood.

pub mod blackbox;
mod credentials;
pub mod curl;
mod curl_options;
pub mod draft;
pub mod gatus;
pub mod har;
mod har_origin;
pub mod hurl;
mod hurl_asked;
mod hurl_letters;
mod hurl_lines;
mod hurl_options;
mod hurl_predicates;
mod hurl_syntax;
mod javascript;
mod javascript_shown;
mod javascript_text;
mod json_body;
mod json_path;
pub mod kinds;
pub mod openapi;
mod openapi_schema;
mod placeholders;
pub mod postman;
mod postman_auth;
mod postman_body;
mod postman_expected;
mod postman_script;
mod postman_values;
mod reading;
mod shell_words;
pub mod sound;
mod words;
pub mod writing;
