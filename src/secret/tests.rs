//! What is cleaned, and what is not.

use super::forms::{any_spelling, lower_percent};
use super::*;

#[test]
fn only_the_very_value_is_it_and_nothing_is_an_empty_one() {
    let secret = Secret::new("t0ken");
    assert!(secret.is("t0ken") && !secret.is("t0ke") && !secret.is(""));
    assert!(!Secret::new("").is(""));
}

#[test]
fn a_secret_is_cleaned_as_json_and_pages_have_it() {
    let secret = Secret::new("abcd/efgh<ijkl&mnop".to_owned());
    let redactor = Redactor::new([("TOKEN".to_owned(), secret)]);
    for text in ["Bearer abcd\\/efgh<ijkl&mnop", "abcd/efgh&lt;ijkl&amp;mnop"] {
        assert!(redactor.clean(text).contains("[secret TOKEN]"), "{text}");
    }
}

#[test]
fn a_secret_is_cleaned_however_it_is_spelled() {
    let redactor = Redactor::new([("PW".to_owned(), Secret::new("p@ss/w!rd&<9>\"x'"))]);
    for text in [
        r#"p@ss/w!rd\u0026\u003c9\u003e\"x'"#,
        "p%40ss%2Fw!rd%26%3C9%3E%22x'",
        "p%40ss/w%21rd%26%3c9%3e%22x%27",
        "p%2540ss%252Fw!rd%2526%253C9%253E%2522x'",
        "p@ss&#x2F;w!rd&amp;&lt;9&gt;&quot;x&#39;",
        "p@ss&#47;w&#33;rd&amp;&lt;9&gt;&#34;x&apos;",
        r"p@ss/w!rd&<9>\x22x\'",
        "P@SS/W!RD&<9>\"X'",
        r#"\u0070\u0040\u0073\u0073\u002f\u0077\u0021\u0072\u0064\u0026\u003c\u0039\u003e\u0022\u0078\u0027"#,
    ] {
        assert_eq!(
            redactor.clean(&format!("a={text};b")),
            "a=[secret PW];b",
            "{text}"
        );
    }
    let shown = format!("{redactor:?}");
    assert!(
        !shown.contains("w!rd") && !shown.contains("0072"),
        "{shown}"
    );
    assert_eq!(
        redactor.clean("p@ss/w!rd is another"),
        "p@ss/w!rd is another"
    );
}

#[test]
fn every_secret_of_which_spellings_are_looked_for_has_a_pattern() {
    let letters: Vec<char> = (' '..='~').chain(['ß', '€', '密', '😀']).collect();
    let secret: String = letters.iter().cycle().take(256).collect();
    let spelled = any_spelling(&secret).expect("it is not too large");
    assert!(spelled.is_match(&secret.to_uppercase().replace("SS", "ß")));
    assert!(any_spelling(&format!("{secret}x")).is_none());
}

#[test]
fn what_stands_under_a_name_that_lets_in_is_not_shown() {
    for (text, shown) in [
        (
            r#"{"session": "abc", "id": 7}"#,
            r#"{"session": "***", "id": 7}"#,
        ),
        (
            r#"{"access_token":"a.b.c","next":"x"}"#,
            r#"{"access_token":"***","next":"x"}"#,
        ),
        (r#"{\"apiKey\": \"abc\"}"#, r#"{\"apiKey\": \"***\"}"#),
        (
            "http://a/?api_key=abc&page=2",
            "http://a/?api_key=***&page=2",
        ),
        (
            "authorization: Bearer abc.def\nhost: a",
            "authorization: ***\nhost: a",
        ),
        ("the session is over", "the session is over"),
        ("status: 500", "status: 500"),
        (
            r#"{"token_count": 5, "session": null}"#,
            r#"{"token_count": 5, "session": null}"#,
        ),
        (
            "token: eyJhbGciOiJIUzI1NiJ9.e30.x, id: 7",
            "token: ***, id: 7",
        ),
    ] {
        assert_eq!(without_named(text), shown);
    }
}

#[test]
fn the_start_of_a_secret_that_was_cut_off_is_cleaned_too() {
    let redactor = Redactor::new([("TOKEN".to_owned(), Secret::new("tok\u{e9}n-0123456789"))]);
    let text = "it said: Bearer tok\u{e9}n-0123456789 is wrong";
    for cut in 0..text.chars().count() {
        let clean = redactor.clean(&format!("{:?}", start_of(text, cut)));
        assert!(!clean.contains("tok\u{e9}"), "{cut}: {clean}");
    }
    assert_eq!(start_of("abc", 3), "abc");
    assert_eq!(
        redactor.clean("wait\u{2026} ok\u{2026}"),
        "wait\u{2026} ok\u{2026}"
    );
}

#[test]
fn half_of_a_long_secret_or_more_is_cleaned_and_leaves_nothing() {
    let value = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let redactor = Redactor::new([("KEY".to_owned(), Secret::new(value))]);
    let whole = redactor.clean(&format!("the key is {value}."));
    assert_eq!(whole, "the key is [secret KEY].");
    for length in value.len() / 2 + 1..value.len() {
        let start = redactor.clean(&format!("is {}... not", &value[..length]));
        assert_eq!(start, "is [secret KEY]... not", "{length}");
        let end = redactor.clean(&format!("is ...{} not", &value[value.len() - length..]));
        assert!(end.contains("[secret KEY] not"), "{length}: {end}");
        assert!(!end.contains("ILPZIo2L"), "{length}: {end}");
    }
    assert_eq!(
        redactor.clean("whsec_ is how they begin"),
        "whsec_ is how they begin"
    );
}

#[test]
fn a_secret_shows_nothing_and_is_cleaned_from_text() {
    let secret = Secret::new("s3cr+t/value");
    assert_eq!(format!("{secret:?}"), "Secret(…)");
    let redactor = Redactor::new([("TOKEN".to_owned(), secret)]);
    assert_eq!(
        redactor.clean("a=s3cr+t/value&b=s3cr%2Bt%2Fvalue&c=czNjcit0L3ZhbHVl"),
        "a=[secret TOKEN]&b=[secret TOKEN]&c=[secret TOKEN]"
    );
    // In small letters, and as the password of basic authentication.
    use base64::Engine as _;
    assert_eq!(redactor.clean("s3cr%2bt%2fvalue"), "[secret TOKEN]");
    let other = Redactor::new([("T".to_owned(), Secret::new("p@ss-word!"))]);
    assert_eq!(other.clean("q=p%40ss-word%21"), "q=[secret T]");
    for user in ["a", "jo", "ann", "jane"] {
        let pair = format!("{user}:s3cr+t/value");
        let basic = base64::engine::general_purpose::STANDARD.encode(pair);
        let clean = redactor.clean(&format!("Basic {basic}"));
        assert!(clean.contains("[secret TOKEN]"), "{user}: {clean}");
    }
}

proptest::proptest! {
    #[test]
    fn no_form_of_a_secret_is_left(secret in "[a-zA-Z0-9+/ ]{12,40}", before in "[a-z]{0,5}", after in "[a-z]{0,5}") {
        use base64::Engine as _;
        let redactor = Redactor::new([("T".to_owned(), Secret::new(secret.clone()))]);
        let percent = percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC).to_string();
        for shown in [secret.clone(), percent.clone(), percent.to_lowercase()] {
            let clean = redactor.clean(&format!("{before}{shown}{after}"));
            let same_letters = shown == secret || shown == percent || lower_percent(&percent) == shown;
            proptest::prop_assert!(!same_letters || clean.contains("[secret T]"), "{}", clean);
        }
        let whole = base64::engine::general_purpose::STANDARD.encode(format!("{before}{secret}{after}"));
        proptest::prop_assert!(redactor.clean(&whole).contains("[secret T]"));
    }
}
