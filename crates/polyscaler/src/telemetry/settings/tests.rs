//! Each variable by itself, and the order in which they count.

use super::*;

const ON: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, BadVariable> {
    let get = |name: &str| {
        variables.iter().rev().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned())
    };
    Settings::read(&get)
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    read(variables).unwrap().unwrap()
}

#[test]
fn nothing_is_sent_unless_it_is_asked_for() {
    for off in [
        &[][..],
        &[("OTEL_SERVICE_NAME", "x"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "  ")],
        &[ON, ("OTEL_SDK_DISABLED", "True")],
        &[ON, ("OTEL_TRACES_EXPORTER", "none")],
        // What is turned off need not be right.
        &[ON, ("OTEL_SDK_DISABLED", "true"), ("OTEL_BSP_SCHEDULE_DELAY", "soon")],
    ] {
        assert!(read(off).unwrap().is_none(), "{off:?}");
    }
    for on in [&[ON][..], &[("OTEL_TRACES_EXPORTER", "otlp")], &[ON, ("OTEL_SDK_DISABLED", "false")]] {
        assert!(read(on).unwrap().is_some(), "{on:?}");
    }
}

#[test]
fn endpoints_are_those_of_the_specification() {
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let exporter = ("OTEL_TRACES_EXPORTER", "otlp");
    let all = |url| ("OTEL_EXPORTER_OTLP_ENDPOINT", url);
    let traces = |url| ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url);
    let call = GRPC_PATH;
    let cases: [(&[(&str, &str)], String); 8] = [
        (&[exporter], "http://localhost:4318/v1/traces".into()),
        (&[exporter, grpc], format!("http://localhost:4317{call}")),
        (&[all("http://c:4318")], "http://c:4318/v1/traces".into()),
        (&[all("https://c/otlp/")], "https://c/otlp/v1/traces".into()),
        (&[traces("http://c:4318")], "http://c:4318/".into()),
        (&[all("http://other"), traces("https://c/in?key=1")], "https://c/in?key=1".into()),
        (&[all("http://c:4317"), grpc], format!("http://c:4317{call}")),
        (
            &[all("http://c:4317"), grpc, ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")],
            "http://c:4317/v1/traces".into(),
        ),
    ];
    for (variables, wanted) in cases {
        assert_eq!(settings(variables).endpoint.as_str(), wanted, "{variables:?}");
    }
}

#[test]
fn an_address_for_grpc_may_be_host_and_port_alone() {
    let endpoint = |insecure: &str| {
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        let variables =
            [grpc, ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4317"), ("OTEL_EXPORTER_OTLP_INSECURE", insecure)];
        read(&variables).map(|settings| settings.unwrap().endpoint.to_string())
    };
    assert_eq!(endpoint("").unwrap(), format!("https://c:4317{GRPC_PATH}"));
    assert_eq!(endpoint("True").unwrap(), format!("http://c:4317{GRPC_PATH}"));
    assert_eq!(
        endpoint("yes").unwrap_err().to_string(),
        "OTEL_EXPORTER_OTLP_INSECURE=yes: must be true or false"
    );
}

#[test]
fn choices_count_in_any_case_of_letters() {
    let found = settings(&[
        ("OTEL_TRACES_EXPORTER", "OTLP"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "gRPC"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
        ("OTEL_TRACES_SAMPLER", "ParentBased_Always_Off"),
    ]);
    assert_eq!((found.protocol, found.is_compressed), (Protocol::Grpc, true));
    assert_eq!(format!("{:?}", found.sampler), "ParentBased(AlwaysOff)");
    assert!(!settings(&[ON, ("OTEL_EXPORTER_OTLP_COMPRESSION", "none")]).is_compressed);
    assert!(read(&[ON, ("OTEL_TRACES_EXPORTER", "None")]).unwrap().is_none());
}

#[test]
fn headers_and_resource_are_decoded() {
    let found = settings(&[
        ON,
        ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20a%3Db, x-tenant=one ,"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,k8s.cluster.name=the%20big%20one"),
        ("POD_NAME", "polyscaler-0"),
    ]);
    assert_eq!(found.headers["authorization"], "Bearer a=b");
    assert_eq!(found.headers["x-tenant"], "one");
    assert!(!format!("{found:?}").contains("Bearer"), "{found:?}");
    let resource = |found: &Settings, name: &'static str| {
        found.resource.get(&opentelemetry::Key::new(name)).map(|value| value.to_string())
    };
    assert_eq!(resource(&found, "k8s.cluster.name").as_deref(), Some("the big one"));
    assert_eq!(resource(&found, "service.name").as_deref(), Some("other"));
    assert_eq!(resource(&found, "service.instance.id").as_deref(), Some("polyscaler-0"));
    assert_eq!(resource(&found, "telemetry.sdk.language").as_deref(), Some("rust"));
    let named = [ON, ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other"), ("OTEL_SERVICE_NAME", "mine")];
    assert_eq!(resource(&settings(&named), "service.name").as_deref(), Some("mine"));
    assert_eq!(resource(&settings(&[ON]), "service.name").as_deref(), Some("polyscaler"));
}

#[test]
fn times_and_sizes_have_defaults_and_bounds() {
    let found = settings(&[ON]);
    assert_eq!(found.timeout, Duration::from_secs(10));
    assert_eq!(found.batch, Batch { queue: 2048, size: 512, delay: Duration::from_secs(5) });
    let found = settings(&[
        ON,
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "7000"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "500"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ]);
    assert_eq!(found.timeout, Duration::from_millis(500));
    assert_eq!(found.batch, Batch { queue: 100, size: 100, delay: Duration::from_millis(20) });
}

#[test]
fn samplers_have_their_standard_names() {
    let sampler = |name, argument| {
        let variables = [ON, ("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)];
        format!("{:?}", settings(&variables).sampler)
    };
    assert_eq!(format!("{:?}", settings(&[ON]).sampler), "ParentBased(AlwaysOn)");
    assert_eq!(sampler("always_off", ""), "AlwaysOff");
    assert_eq!(sampler("traceidratio", "0.25"), "TraceIdRatioBased(0.25)");
    assert_eq!(sampler("parentbased_traceidratio", ""), "ParentBased(TraceIdRatioBased(1.0))");
}

#[test]
fn a_value_that_means_nothing_is_reported_with_what_to_do() {
    let cases = [
        ("OTEL_SDK_DISABLED", "yes", "OTEL_SDK_DISABLED=yes: must be true or false"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "OTEL_TRACES_EXPORTER=zipkin: must be otlp or none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "must be http/protobuf or grpc"),
        (
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "udp",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=udp: must be http/protobuf",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", "such as http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector", "such as http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hush@c", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c?key=hush", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,hush", "OTEL_EXPORTER_OTLP_HEADERS: entry 2 is not name=value"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=hush", "entry 1 cannot be a header"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=hush%0A", "entry 1 cannot be a header"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "must be a number of milliseconds from 1 to"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "must be a number of milliseconds from 1 to"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "must be gzip or none"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nonexistent", "name a file in PEM format"),
        (
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "/nonexistent",
            "also name the certificate's file in \
             OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        ),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1", "must be a number of spans from 1 to"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096", "must be a number of spans from 1 to 2048"),
        ("OTEL_BSP_SCHEDULE_DELAY", "soon", "must be a number of milliseconds"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "1e3", "must be a number of milliseconds"),
        ("OTEL_TRACES_SAMPLER", "sometimes", "must be always_on, always_off or traceidratio"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team", "OTEL_RESOURCE_ATTRIBUTES: entry 1 is not name=value"),
    ];
    for (name, value, words) in cases {
        let reported = read(&[ON, (name, value)]).unwrap_err().to_string();
        assert!(reported.starts_with(name) && reported.contains(words), "{reported}");
        assert!(
            !reported.contains("hush") && !reported.contains('\n') && !reported.contains("  "),
            "{reported}"
        );
    }
    let share = read(&[ON, ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")]);
    assert_eq!(share.unwrap_err().to_string(), "OTEL_TRACES_SAMPLER_ARG=2: must be a ratio from 0 to 1");
}
