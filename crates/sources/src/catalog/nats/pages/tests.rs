use super::*;

#[test]
fn pages_are_asked_for_with_all_that_counting_needs() {
    let base: Url = "http://nats:8222/base".parse().unwrap();
    let selector = |account: Option<&str>| Selector {
        subject: Some("a".into()),
        account: account.map(str::to_owned),
        stream: None,
        consumer: None,
    };
    for (page, expected) in [
        (Page::first(&selector(None)), "accounts=true&limit=100&consumers=true&config=true"),
        (Page::first(&selector(Some("a&b"))), "accounts=true&limit=1&consumers=true&config=true&acc=a%26b"),
        (Page::from(200), "accounts=true&limit=100&offset=200&consumers=true&config=true"),
        (Page::names(), "accounts=true&limit=20000"),
    ] {
        assert_eq!(page.url(&base).as_str(), format!("http://nats:8222/base/jsz?{expected}"));
    }
}
