use std::sync::atomic::{AtomicUsize, Ordering};

use engine::{AbsenceReason, Fault, Holder, SourceCatalog as _, Time};
use serde_json::json;

use super::*;
use crate::pods::NoCluster;
use crate::registry::{Content, Registry};
use crate::values::fault::{invalid, quoted};
use crate::values::settings::given_later::Form;
use crate::values::settings::tests::asked;

/// Reads the length of `address` and the number of `names`; both must be short.
#[derive(Default)]
struct Lengths {
    prepared: Arc<AtomicUsize>,
}

impl Source for Lengths {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        self.prepared.fetch_add(1, Ordering::Relaxed);
        let short = |text: &str| match text.len() {
            0..9 => Ok(text.len()),
            _ => Err(invalid(quoted(text), "must be short")),
        };
        let address = settings.parsed("address", short);
        let names = settings.section("of", |of| of.texts("names", 2, |text| Ok::<_, Fault>(text.to_owned())));
        settings.asks(|| "a server".to_owned());
        let number = address? + 100 * names.unwrap_or_default().len();
        Some(Box::new(Number(number)))
    }

    fn given_later(&self) -> &'static [GivenLater] {
        const ADDRESS: GivenLater =
            GivenLater { name: "address", sample: "a", must_be: "short", form: Form::First };
        &[ADDRESS, GivenLater { name: "of.names", must_be: "two names", form: Form::List, ..ADDRESS }]
    }
}

struct Number(usize);

impl Ask for Number {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        std::future::ready(Reading::of(self.0 as f64, request.begun)).boxed()
    }
}

fn secret() -> Holder {
    Holder::Secret { namespace: "shop".to_owned(), name: "db".to_owned() }
}

/// What a query reads while the secret's keys have these values.
fn read(content: &Content, values: &[(&str, &str)]) -> Result<f64, String> {
    let mut credentials = Credentials::default();
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
    credentials.insert(secret(), values.collect());
    let begun = Time::from_seconds(0);
    let request = Request { credentials: &credentials, pods: &NoCluster, services: &NoCluster, begun };
    let reading = content.ask.ask(request).now_or_never().unwrap();
    reading.value().ok_or_else(|| {
        let absence = reading.absence().unwrap();
        assert_eq!(absence.reason, AbsenceReason::SecretUnavailable);
        absence.message.clone()
    })
}

#[test]
fn a_text_is_read_with_each_reading_and_prepared_when_it_has_changed() {
    let source = Lengths::default();
    let prepared = Arc::clone(&source.prepared);
    let registry = Registry::of([("lengths", Arc::new(source) as Arc<dyn Source>)]);
    let config = json!({ "addressFrom": { "secretKeyRef": { "name": "db", "key": "a" } }, "of": {} });
    let given = [("of.namesFrom", secret().value("n"))];
    let query = registry.prepare(&Asked { credentials: &given, ..asked("lengths", &config) }).unwrap().query;
    let content: &Content = query.content().unwrap();
    assert_eq!(content.needs[&secret()], ["a".to_owned(), "n".to_owned()].into());
    assert_eq!(query.server(), None, "it is not known yet");

    assert_eq!(read(content, &[("a", "abc\n"), ("n", "x, y")]), Ok(203.0));
    let times = prepared.load(Ordering::Relaxed);
    assert_eq!(read(content, &[("a", "abc"), ("n", "x,y")]), Ok(203.0));
    assert_eq!(prepared.load(Ordering::Relaxed), times, "nothing has changed");
    assert_eq!(read(content, &[("a", "abcd,longer than that"), ("n", "x")]), Ok(104.0));

    for (values, message) in [
        ([("a", "hidden-text"), ("n", "x")], "secret shop/db: the value of its key \"a\" must be short"),
        ([("a", "abc"), ("n", "x,y,z")], "secret shop/db: the value of its key \"n\" must be two names"),
        ([("a", "  "), ("n", "x")], "secret shop/db: the value of its key \"a\" is blank"),
        ([("a", "abc"), ("m", "x")], "secret shop/db: it has no key \"n\""),
    ] {
        assert_eq!(read(content, &values).as_ref().map_err(String::as_str), Err(message));
    }
}

#[test]
fn what_else_is_wrong_is_found_before_the_text_is_known() {
    let registry = Registry::of([("lengths", Arc::new(Lengths::default()) as Arc<dyn Source>)]);
    let problems = |config: Value| {
        let problems = registry.prepare(&asked("lengths", &config)).unwrap_err();
        problems.iter().map(Problem::to_string).collect::<Vec<_>>()
    };
    let from = json!({ "secretKeyRef": { "name": "db", "key": "a" } });
    assert_eq!(problems(json!({})), ["spec.config.address: Required value"]);
    assert_eq!(
        problems(json!({ "address": "x", "addressFrom": from, "of": { "nmes": [] } })),
        [
            "spec.config.addressFrom: Forbidden: must not be set together with address",
            "spec.config.of.nmes: unknown field; this source accepts names, namesFrom",
        ]
    );
    assert_eq!(
        problems(json!({ "addressFrom": { "secretKeyRef": { "name": "db" } } })),
        ["spec.config.addressFrom.secretKeyRef.key: Required value"]
    );
}
