use std::sync::atomic::{AtomicUsize, Ordering};

use engine::{AbsenceReason, Fault, Holder, Otherwise, Query, Sought, SourceCatalog as _, Target, Time};
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
    let (pods, metrics, services) = (&NoCluster, &NoCluster, &NoCluster);
    let request = Request { credentials: &credentials, pods, metrics, services, begun };
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
    let given = [("of.namesFrom", secret().value("n").into())];
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

fn environment() -> Holder {
    let (api_version, kind) = ("apps/v1".to_owned(), "Deployment".to_owned());
    let target = Target { api_version, kind, namespace: "shop".to_owned(), name: "web".to_owned() };
    Holder::TargetEnv { target, container: None }
}

/// A query whose address is looked for in the environment and then in the secret, and whose names may be left out.
fn sought(otherwise: Otherwise) -> Query {
    let registry = Registry::of([("lengths", Arc::new(Lengths::default()) as Arc<dyn Source>)]);
    let places = vec![environment().value("ADDRESS"), secret().value("a")];
    let names = Sought { places: vec![environment().value("NAMES")], otherwise: Otherwise::LeftOut };
    let given = [("addressFrom", Sought { places, otherwise }), ("of.namesFrom", names)];
    let config = json!({ "of": {} });
    registry.prepare(&Asked { credentials: &given, ..asked("lengths", &config) }).unwrap().query
}

/// What it reads where the environment and the secret have these values.
fn found(query: &Query, variables: &[(&str, &str)], keys: &[(&str, &str)]) -> Result<f64, String> {
    let content: &Content = query.content().unwrap();
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(
        content.needs,
        [(environment(), named(&["ADDRESS", "NAMES"])), (secret(), named(&["a"]))].into()
    );
    let mut credentials = Credentials::default();
    for (holder, values) in [(environment(), variables), (secret(), keys)] {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        credentials.insert(holder, values.collect());
    }
    let begun = Time::from_seconds(0);
    let request = Request {
        credentials: &credentials,
        pods: &NoCluster,
        metrics: &NoCluster,
        services: &NoCluster,
        begun,
    };
    let reading = content.ask.ask(request).now_or_never().unwrap();
    reading.value().ok_or_else(|| reading.absence().unwrap().message.clone())
}

#[test]
fn contract_6_0_an_empty_value_is_none_and_makes_way_for_the_next_place() {
    let query = sought(Otherwise::Fails);
    for (variables, keys, expected) in [
        (&[("ADDRESS", "four"), ("NAMES", "x,y")][..], &[("a", "sixsix")][..], Ok(204.0)),
        (&[("ADDRESS", " four\n"), ("NAMES", " ")], &[("a", "sixsix")], Ok(4.0)),
        (&[("ADDRESS", ""), ("NAMES", "x")], &[("a", "sixsix")], Ok(106.0)),
        (&[("ADDRESS", " \t")], &[("a", " sixsix ")], Ok(6.0)),
        (&[], &[("a", "sixsix")], Ok(6.0)),
        (
            &[],
            &[("a", " ")],
            Err(
                "environment of Deployment shop/web: its variable \"ADDRESS\" has no value, nor has the key \"a\" of \
                 secret shop/db",
            ),
        ),
        // A key that was named has to be there.
        (&[], &[("b", "sixsix")], Err("secret shop/db: it has no key \"a\"")),
        // The first place that has a value counts, even where that is wrong.
        (
            &[("ADDRESS", "much-too-long")],
            &[("a", "sixsix")],
            Err("environment of Deployment shop/web: the value of its variable \"ADDRESS\" must be short"),
        ),
    ] {
        assert_eq!(found(&query, variables, keys), expected.map_err(str::to_owned), "{variables:?} {keys:?}");
    }
}

#[test]
fn where_no_place_has_a_value_a_text_stands_in_or_the_setting_is_left_out() {
    let by_default = sought(Otherwise::Text("sevense".to_owned()));
    assert_eq!(found(&by_default, &[], &[("a", "")]), Ok(7.0));
    assert_eq!(found(&by_default, &[("ADDRESS", "four")], &[("a", "")]), Ok(4.0));
    let other = sought(Otherwise::Text("hidden".to_owned()));
    assert_ne!(by_default.key(), other.key());
    assert!(!other.key().contains("hidden"), "{}", other.key());
    // The source says by itself what it cannot do without.
    let left_out = sought(Otherwise::LeftOut);
    let message = found(&left_out, &[], &[("a", "")]).unwrap_err();
    assert!(message.starts_with("environment of Deployment shop/web: its variable \"ADDRESS\" has no value"));
}
