//! Names of projects and subscriptions, by Google's rules. They end up in an address and in a
//! filter, so what could end a quoted text or a path segment is not a name.

/// Longest name of a project, with room for a domain in front.
const LONGEST_PROJECT: usize = 100;

/// A subscription, and its project where the name says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subscription<'a> {
    pub(super) project: Option<&'a str>,
    pub(super) name: &'a str,
}

/// Reads a short or a full name, or says what is wrong with it.
pub(super) fn subscription(text: &str) -> Result<Subscription<'_>, &'static str> {
    let Some(full) = text.strip_prefix("projects/") else {
        let problem = subscription_problem(text);
        return problem.map_or(Ok(Subscription { project: None, name: text }), Err);
    };
    let Some((project, name)) = full.split_once("/subscriptions/") else {
        return Err("must be a subscription's name, or projects/PROJECT/subscriptions/NAME");
    };
    match project_problem(project).or_else(|| subscription_problem(name)) {
        Some(problem) => Err(problem),
        None => Ok(Subscription { project: Some(project), name }),
    }
}

/// What is wrong with a project's ID.
pub(super) fn project_problem(text: &str) -> Option<&'static str> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("must be the project's ID, not its number");
    }
    // Old projects have a domain in front of their name: `example.com:shop`.
    let (domain, name) = text.split_once(':').unwrap_or(("a", text));
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = text.len() <= LONGEST_PROJECT
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(lower)
        && !domain.is_empty()
        && domain.bytes().all(|byte| lower(byte) || byte == b'.');
    (!good)
        .then_some("must be a project's ID: lower-case letters, digits and hyphens, starting with a letter")
}

fn subscription_problem(text: &str) -> Option<&'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+%".contains(&byte);
    let good = (3..=255).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(allowed)
        && !text.starts_with("goog");
    (!good).then_some(
        "must be a subscription's name: 3 to 255 letters, digits and characters of -_.~+%, starting with a \
         letter, but not with goog",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_are_taken_apart() {
        let of = |project, name| Ok(Subscription { project, name });
        for (text, expected) in [
            ("orders", of(None, "orders")),
            ("Or-d_e.r~s+%25", of(None, "Or-d_e.r~s+%25")),
            ("projects/shop-1/subscriptions/orders", of(Some("shop-1"), "orders")),
            ("projects/example.com:shop/subscriptions/orders", of(Some("example.com:shop"), "orders")),
            ("projects", of(None, "projects")),
        ] {
            assert_eq!(subscription(text), expected, "{text}");
        }
    }

    #[test]
    fn what_could_end_a_text_or_a_path_is_no_name() {
        for text in [
            "or",
            "1orders",
            "google-orders",
            "orders\" OR metric.type = \"x",
            "orders\\",
            "orders\n",
            "or ders",
            "órders",
            "a/b",
            "projects/shop/topics/orders",
            "projects//subscriptions/orders",
            "projects/shop/subscriptions/",
            "projects/shop/subscriptions/orders/x",
            "projects/../subscriptions/orders",
            "projects/Shop/subscriptions/orders",
        ] {
            assert!(subscription(text).is_err(), "{text}");
        }
        assert!(subscription(&format!("a{}", "b".repeat(255))).is_err());
        for text in
            ["", "-shop", "shop/x", "shop?x", "..", "shop\"", "a:b:c", ":shop", "shop:", &"a".repeat(101)]
        {
            assert!(project_problem(text).is_some(), "{text}");
        }
        assert_eq!(project_problem("123456789012"), Some("must be the project's ID, not its number"));
    }
}
