use engine::{AbsenceReason, Holder};

use super::*;

const PASSWORD: &str = "hunter2";

fn holder(namespace: &str) -> Holder {
    Holder::Secret { namespace: namespace.to_owned(), name: "db".to_owned() }
}

fn vault(namespace: &str, password: &str) -> Credentials {
    let mut secrets = Credentials::default();
    let data = [("password", password), ("ca", "authority"), ("other", password)];
    let data = data.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
    secrets.insert(holder(namespace), data.into());
    secrets
}

fn login_in(namespace: &str, username: Option<&str>, key: Option<&str>) -> Login {
    Login { username: username.map(str::to_owned), password: key.map(|key| holder(namespace).value(key)) }
}

fn login(username: Option<&str>, key: Option<&str>) -> Login {
    login_in("shop", username, key)
}

fn access(namespace: &str, password: &str) -> Access {
    let tls = Tls { ca: Some(holder(namespace).value("ca")), ..Tls::default() };
    let login = login_in(namespace, Some("ann"), Some("password"));
    Access::of(&login, 2, Some(&tls), &vault(namespace, password)).unwrap()
}

fn node() -> Node {
    Node::new("cache", 6379).unwrap()
}

#[test]
fn printing_it_shows_no_secret() {
    let shown = format!("{:?}", access("shop", PASSWORD));
    assert!(shown.contains("ann") && !shown.contains(PASSWORD) && !shown.contains("104"), "{shown}");
}

#[test]
fn a_user_without_a_password_still_enters() {
    let none = Credentials::default();
    let of = |login: &Login| Access::of(login, 0, None, &none).unwrap().login;
    assert_eq!(of(&login(Some("ann"), None)), Some((Some("ann".into()), String::new())));
    assert_eq!(of(&Login::default()), None);
}

#[test]
fn a_missing_secret_is_an_absence() {
    let absence = Access::of(&login(None, Some("none")), 0, None, &vault("shop", PASSWORD)).unwrap_err();
    assert_eq!(absence.reason, AbsenceReason::SecretUnavailable);
    assert_eq!(absence.message, "secret shop/db: it has no key \"none\"");
}

#[test]
fn whatever_gives_other_rights_is_another_connection() {
    let (node, secrets) = (node(), vault("shop", PASSWORD));
    let tls = Tls { ca: Some(holder("shop").value("ca")), ..Tls::default() };
    let ann = login(Some("ann"), Some("password"));
    let of = |login: &Login, db, tls: Option<&Tls>| Access::of(login, db, tls, &secrets).unwrap().key(&node);
    let all = [
        of(&Login::default(), 0, None),
        of(&Login::default(), 1, None),
        of(&ann, 0, None),
        of(&login(Some("bob"), Some("password")), 0, None),
        of(&login(None, Some("password")), 0, None),
        of(&login(Some("ann"), Some("ca")), 0, None),
        of(&ann, 0, Some(&tls)),
        of(&ann, 0, Some(&Tls { server_name: Some("db".into()), ..tls.clone() })),
        of(&ann, 0, Some(&Tls { skip_verify: true, ..Tls::default() })),
        of(&ann, 0, Some(&Tls::default())),
        Access::of(&ann, 0, None, &secrets).unwrap().key(&Node::new("cache", 6380).unwrap()),
    ];
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    // Which secret it came from does not matter.
    assert_eq!(of(&ann, 0, None), of(&login(Some("ann"), Some("other")), 0, None));
}

#[test]
fn the_owner_stays_when_the_secret_changes() {
    let [old, new, elsewhere] = [("shop", PASSWORD), ("shop", "other"), ("bank", PASSWORD)]
        .map(|(namespace, password)| access(namespace, password));
    assert_eq!(old.owner(&node()), new.owner(&node()));
    assert_ne!(old.key(&node()), new.key(&node()));
    assert_ne!(old.owner(&node()), elsewhere.owner(&node()));
    assert_eq!(old.key(&node()), elsewhere.key(&node()));
    let open = Access::of(&Login::default(), 0, None, &Credentials::default()).unwrap();
    assert_eq!(open.owner(&node()), None);
    assert!(!old.owner(&node()).unwrap().contains(PASSWORD));
}
