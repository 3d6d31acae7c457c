//! ICMP steps on the machine's own addresses, where the system lets them.

use super::support::performed;

fn step(icmp: &str, more: &str) -> (i32, String) {
    let scenario =
        format!("name: ping\nsteps:\n  - name: ping\n    icmp: {icmp}\n    timeout: 3s\n{more}");
    performed(("a", "http://127.0.0.1"), &scenario, &[], &[])
}

#[test]
fn an_echo_comes_back_or_it_is_said_why_none_does() {
    let (code, said) = step("127.0.0.1", "    check: [ phases.wait > duration('0s') ]\n");
    if said.contains("no socket for echo requests") {
        // Nothing is measured where the system does not let us.
        assert_eq!(code, 98, "{said}");
        return;
    }
    assert_eq!(code, 0, "{said}");
    let (code, said) = step("{ host: localhost, payload: 1400 }", "");
    assert_eq!(code, 0, "{said}");
    // An address for documentation (RFC 5737): nobody is there.
    let (code, said) = step("192.0.2.1", "");
    assert_eq!(code, 99, "{said}");
    let (code, said) = step("nobody.invalid", "");
    assert_ne!(code, 0, "{said}");
    assert!(
        said.contains("resolve") || said.contains("no-record"),
        "{said}"
    );
}
