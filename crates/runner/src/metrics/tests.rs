use std::sync::Arc;

use super::*;

#[test]
fn every_metric_has_its_name_from_the_start_or_its_first_event() {
    let metrics = Metrics::new();
    metrics.objects("BusinessScaling", 2);
    metrics.objects("BusinessScaling", -1);
    metrics.read("http", None, Duration::from_millis(7));
    metrics.read("http", Some(AbsenceReason::Timeout), Duration::from_secs(5));
    metrics.advised(Some(AbsenceReason::Malformed));
    let key = ObjectKey::new("BusinessScaling", "", "");
    metrics.late(&resources::business_scaling::KIND, &key, Duration::from_millis(2));
    metrics.leads(true);
    metrics.write_result("lease", "done");
    metrics.reviewed("BusinessScaling", false);
    let verdict = Verdict::Conflict("taken".to_owned().into());
    let (uid, warnings) = ("1".to_owned(), Arc::default());
    let outcome = Outcome { uid, generation: 1, at: engine::Time::default(), verdict, warnings };
    metrics.looked(&key, &outcome);
    let mut standing = Standing::default();
    for namespace in ["before", "shop", "shop"] {
        metrics.stands(
            "BusinessScaling",
            &mut standing,
            Standing::of(&namespace.into(), &outcome, &outcome.health()),
        );
    }
    let text = metrics.render();
    for line in [
        r#"polyscaler_objects{kind="BusinessScaling"} 1"#,
        r#"polyscaler_objects_not_ready{kind="BusinessScaling",namespace="shop",reason="TargetConflict"} 1"#,
        concat!(r#"polyscaler_build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""} 1"#),
        r#"polyscaler_decisions_total{kind="BusinessScaling",outcome="conflict"} 1"#,
        r#"polyscaler_readings_total{source="http",result="ok"} 1"#,
        r#"polyscaler_readings_total{source="http",result="MetricTimeout"} 1"#,
        r#"polyscaler_reading_duration_seconds_bucket{le="0.01",source="http"} 1"#,
        r#"polyscaler_reading_duration_seconds_count{source="http"} 2"#,
        r#"polyscaler_poll_lateness_seconds_bucket{le="0.002"} 1"#,
        r#"polyscaler_advices_total{result="MetricMalformed"} 1"#,
        r#"polyscaler_writes_total{resource="lease",result="done"} 1"#,
        "polyscaler_leader 1",
        r#"polyscaler_admission_reviews_total{kind="BusinessScaling",allowed="false"} 1"#,
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line} is missing:\n{text}");
    }
    assert!(!text.contains("before"), "a namespace without such objects has no series:\n{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_label_value_cannot_break_out_of_its_quotes() {
    let metrics = Metrics::new();
    metrics.read("a\"b\\c\nd", None, Duration::ZERO);
    let text = metrics.render();
    assert!(text.contains(r#"polyscaler_readings_total{source="a\"b\\c\nd",result="ok"} 1"#), "{text}");
}

#[test]
fn writes_are_counted_by_how_they_ended() {
    let metrics = Metrics::new();
    let failure = |reason| Err(WriteFailure { reason, message: String::new() });
    for result in [
        Ok(()),
        failure(Reason::ScaleConflict),
        failure(Reason::TargetForbidden),
        failure(Reason::TargetNotFound),
        failure(Reason::ScaleTimedOut),
        failure(Reason::FailedUpdateScale),
    ] {
        metrics.wrote("scale", &result);
    }
    let text = metrics.render();
    for (result, count) in [("done", 1), ("refused", 3), ("timed_out", 1), ("failed", 1)] {
        let line = format!("polyscaler_writes_total{{resource=\"scale\",result=\"{result}\"}} {count}\n");
        assert!(text.contains(&line), "{line} is missing:\n{text}");
    }
}
