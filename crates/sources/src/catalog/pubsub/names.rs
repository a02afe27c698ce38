//! Names of projects, subscriptions and topics, by Google's rules. They end up in an address and in a
//! filter, so what could end a quoted text or a path segment is not a name.

/// Longest name of a project, with room for a domain in front.
const LONGEST_PROJECT: usize = 100;

/// What is measured: a subscription or a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Subscription,
    Topic,
}

impl Resource {
    /// What Google and people call it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Topic => "topic",
        }
    }
}

/// A subscription or a topic, and its project where the name says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named<'a> {
    pub(super) project: Option<&'a str>,
    pub(super) name: &'a str,
}

/// Reads a short or a full name, or says what is wrong with it.
pub(super) fn named(resource: Resource, text: &str) -> Result<Named<'_>, String> {
    let word = resource.word();
    let Some(full) = text.strip_prefix("projects/") else {
        let problem = name_problem(resource, text);
        return problem.map_or(Ok(Named { project: None, name: text }), Err);
    };
    let Some((project, name)) = full.split_once(&format!("/{word}s/")) else {
        return Err(format!("must be a {word}'s name, or projects/PROJECT/{word}s/NAME"));
    };
    match project_problem(project).map(str::to_owned).or_else(|| name_problem(resource, name)) {
        Some(problem) => Err(problem),
        None => Ok(Named { project: Some(project), name }),
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

fn name_problem(resource: Resource, text: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+%".contains(&byte);
    let good = (3..=255).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(allowed)
        && !text.starts_with("goog");
    (!good).then(|| {
        format!(
            "must be a {}'s name: 3 to 255 letters, digits and characters of -_.~+%, starting with a letter, but not \
             with goog",
            resource.word()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_are_taken_apart() {
        let of = |project, name| Ok(Named { project, name });
        for (text, expected) in [
            ("orders", of(None, "orders")),
            ("Or-d_e.r~s+%25", of(None, "Or-d_e.r~s+%25")),
            ("projects/shop-1/subscriptions/orders", of(Some("shop-1"), "orders")),
            ("projects/example.com:shop/subscriptions/orders", of(Some("example.com:shop"), "orders")),
            ("projects", of(None, "projects")),
        ] {
            assert_eq!(named(Resource::Subscription, text), expected, "{text}");
        }
    }

    #[test]
    fn a_topic_has_a_path_of_its_own() {
        let topic = |text| named(Resource::Topic, text);
        assert_eq!(topic("projects/shop/topics/orders"), Ok(Named { project: Some("shop"), name: "orders" }));
        assert_eq!(
            topic("projects/shop/subscriptions/orders").unwrap_err(),
            "must be a topic's name, or projects/PROJECT/topics/NAME"
        );
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
            assert!(named(Resource::Subscription, text).is_err(), "{text}");
        }
        assert!(named(Resource::Subscription, &format!("a{}", "b".repeat(255))).is_err());
        for text in
            ["", "-shop", "shop/x", "shop?x", "..", "shop\"", "a:b:c", ":shop", "shop:", &"a".repeat(101)]
        {
            assert!(project_problem(text).is_some(), "{text}");
        }
        assert_eq!(project_problem("123456789012"), Some("must be the project's ID, not its number"));
    }
}
