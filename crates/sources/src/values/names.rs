//! Names as DNS has them, and Kubernetes after it. They end up in addresses of the API server, so what
//! could lead to another one is not a name.

/// Longest label, in bytes.
const MAX_LABEL: usize = 63;
/// Longest subdomain.
const MAX_SUBDOMAIN: usize = 253;

/// Whether `text` is a label: lower-case letters, digits, and hyphens between them.
pub(crate) fn is_label(text: &str) -> bool {
    text.len() <= MAX_LABEL && is_part(text)
}

/// Whether `text` is a subdomain, as most objects are named: parts like labels, with dots between.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= MAX_SUBDOMAIN && text.split('.').all(is_part)
}

fn is_part(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(good) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinguished_from_what_leads_elsewhere() {
        for name in ["a", "a-b.c", "1.2", "redis-password"] {
            assert!(is_subdomain(name), "{name}");
        }
        assert!(is_subdomain(&"a".repeat(253)) && !is_subdomain(&"a".repeat(254)));
        for text in [
            "",
            ".",
            "..",
            "../a",
            "../../other/secrets/a",
            "a/b",
            "a?b",
            "a%2fb",
            "A",
            "a_b",
            "-a",
            "a.-b",
            "a..b",
        ] {
            assert!(!is_subdomain(text), "{text}");
        }
        assert!(
            is_label("a-1") && is_label(&"a".repeat(63)) && !is_label(&"a".repeat(64)) && !is_label("a.b")
        );
    }
}
