//! A day of load, as a smooth curve over its hours.

/// The hour at which the demo's day begins: before anyone is up.
const FIRST_HOUR: f64 = 4.0;

/// The hour of day at `share` (0 to 1) of the demo.
pub(super) fn hour_of_day(share: f64) -> f64 {
    (FIRST_HOUR + 24.0 * share).rem_euclid(24.0)
}

/// Users who are active at `hour`: few at night, a wave before noon, a higher one at night fall.
pub(super) fn users(hour: f64) -> u32 {
    (600.0 + wave(hour, 11.0, 2.8, 2700.0) + wave(hour, 20.0, 2.4, 4800.0)) as u32
}

/// Orders in progress at `hour`: one sharp rush in the early afternoon, another in the evening.
pub(super) fn orders(hour: f64) -> u32 {
    (15.0 + wave(hour, 13.0, 1.3, 230.0) + wave(hour, 20.5, 1.6, 390.0)) as u32
}

/// Orders that arrive each second at `hour`: a rush at noon, a longer one in the evening.
pub(super) fn orders_a_second(hour: f64) -> f64 {
    6.0 + wave(hour, 12.5, 1.6, 65.0) + wave(hour, 20.0, 2.2, 105.0)
}

/// Mails that are to be sent each second at `hour`: a few of them always, and two newsletters.
pub(super) fn mails_a_second(hour: f64) -> f64 {
    4.0 + wave(hour, 9.0, 0.4, 500.0) + wave(hour, 17.0, 0.4, 800.0)
}

/// Requests that a shop gets each second at `hour`: many at noon, more in the evening.
pub(super) fn visits_a_second(hour: f64) -> f64 {
    90.0 + wave(hour, 12.0, 2.4, 480.0) + wave(hour, 20.0, 2.6, 790.0)
}

/// Greetings each second at `hour`: nobody is there at night.
pub(super) fn greetings_a_second(hour: f64) -> f64 {
    wave(hour, 11.0, 1.8, 110.0) + wave(hour, 19.0, 1.8, 240.0)
}

/// Requests that a small machine gets each second at `hour`: some at noon, more in the evening.
pub(super) fn calls_a_second(hour: f64) -> f64 {
    10.0 + wave(hour, 12.0, 2.4, 90.0) + wave(hour, 20.0, 2.6, 150.0)
}

/// Searches each second at `hour`: they begin with the day, and are far more than a budget is for
/// in the evening.
pub(super) fn searches_a_second(hour: f64) -> f64 {
    15.0 + wave(hour, 10.0, 2.0, 120.0) + wave(hour, 18.5, 2.6, 380.0)
}

/// Pages that a shop shows each second at `hour`: it opens, has two campaigns, and closes, each at
/// once.
pub(super) fn page_views_a_second(hour: f64) -> f64 {
    const FROM_HOUR: [(f64, f64); 7] =
        [(0.0, 90.0), (8.0, 260.0), (11.5, 540.0), (14.5, 310.0), (18.0, 720.0), (21.0, 380.0), (23.5, 90.0)];
    FROM_HOUR.iter().rev().find(|(from, _)| hour >= *from).map_or(90.0, |(_, views)| *views)
}

fn wave(hour: f64, peak: f64, width: f64, height: f64) -> f64 {
    let away = (hour - peak + 12.0).rem_euclid(24.0) - 12.0;
    height * (-(away / width).powi(2)).exp()
}

/// `14:05`.
pub(super) fn clock(hour: f64) -> String {
    let minutes = (hour * 60.0) as u32;
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_has_quiet_and_busy_hours() {
        let day: Vec<u32> = (0..240).map(|tenth| users(f64::from(tenth) / 10.0)).collect();
        assert!(day.iter().min() < Some(&1000) && day.iter().max() > Some(&5000), "{day:?}");
        let quiet = hour_of_day(0.0);
        assert!(
            orders_a_second(quiet) < 12.0 && mails_a_second(quiet) < 15.0,
            "one pod copes with the night"
        );
        assert!(visits_a_second(quiet) < 200.0 && searches_a_second(quiet) < 50.0);
        assert_eq!(page_views_a_second(quiet), 90.0);
        assert_eq!([7.9, 8.0, 20.9, 23.9].map(page_views_a_second), [90.0, 260.0, 720.0, 90.0]);
        assert_eq!(quiet, FIRST_HOUR);
        assert_eq!(clock(hour_of_day(0.5)), "16:00");
    }
}
