//! How long a request waits: a standard approximation for many servers behind one queue.
//!
//! - The share of requests that wait at all and the mean wait follow H. Sakasegawa, "An approximation formula
//!   L_q ≈ α·ρ^β/(1−ρ)", Annals of the Institute of Statistical Mathematics 29 (1977), for M/M/c:
//!   `P(wait) ≈ ρ^(√(2(c+1))−1)`, `W = P(wait) · s / (c(1−ρ))`.
//! - Arrivals and service that vary otherwise stretch the wait by `(ca² + cs²)/2`, as in J. F. C. Kingman, "The
//!   single server queue in heavy traffic" (1961), and Hopp and Spearman, "Factory Physics", for many servers.
//! - Of those that wait, the wait is taken to be exponential: exact for M/M/c, an approximation else (W. Whitt,
//!   "Approximations for the GI/G/m queue", Production and Operations Management 2, 1993).
//!
//! The latency that is compared with an SLO is the mean service time plus the wait's percentile. It is what a
//! service comes to that goes on like this; how long it takes to get there is not modelled, except that what
//! cannot be served piles up.

/// What serves requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Station {
    /// Requests that are served at once, by all replicas together; may be a fraction.
    pub servers: f64,
    /// Mean seconds that one takes.
    pub service_time: f64,
    /// `(ca² + cs²)/2`: 1 where arrivals and service times are exponential, 0 where nothing varies.
    pub variability: f64,
}

/// Seconds that all but a share of `1 − percentile` of requests take at most, service included, where `arrivals` come
/// a second. Infinite where more come than can be served.
pub fn latency(station: Station, arrivals: f64, percentile: f64) -> f64 {
    let Station { servers, service_time, variability } = station;
    if arrivals <= 0.0 {
        return service_time;
    }
    let used = arrivals * service_time / servers;
    if used.is_nan() || used >= 1.0 {
        return f64::INFINITY;
    }
    let waiting_share = used.powf((2.0 * (servers + 1.0)).sqrt() - 1.0);
    let wait_of_those = variability * service_time / (servers * (1.0 - used));
    let beyond = 1.0 - percentile;
    let wait = if waiting_share <= beyond { 0.0 } else { wait_of_those * (waiting_share / beyond).ln() };
    service_time + wait
}

#[cfg(test)]
mod tests {
    use super::*;

    fn station(servers: f64) -> Station {
        Station { servers, service_time: 0.1, variability: 1.0 }
    }

    /// The exact share of requests that wait in M/M/c, by Erlang's formula.
    fn erlang_c(servers: u32, offered: f64) -> f64 {
        let mut blocking = 1.0;
        for server in 1..=servers {
            blocking = offered * blocking / (f64::from(server) + offered * blocking);
        }
        let used = offered / f64::from(servers);
        blocking / (1.0 - used * (1.0 - blocking))
    }

    #[test]
    fn one_server_is_exact() {
        // M/M/1: the response time at 80 % is five service times in the mean, and the wait beyond t is 0.8·e^(−2t).
        let found = latency(station(1.0), 8.0, 0.95);
        let exact = 0.1 + (0.8_f64 / 0.05).ln() / 2.0;
        assert!((found - exact).abs() < 1e-9, "{found} {exact}");
    }

    #[test]
    fn many_servers_are_near_erlang() {
        for (servers, used) in [(2_u32, 0.7), (5, 0.8), (10, 0.9), (50, 0.95), (100, 0.98)] {
            let arrivals = used * f64::from(servers) / 0.1;
            let exact_share = erlang_c(servers, used * f64::from(servers));
            let wait = 0.1 / (f64::from(servers) * (1.0 - used));
            let exact = 0.1 + wait * (exact_share / 0.05).ln().max(0.0);
            let found = latency(station(f64::from(servers)), arrivals, 0.95);
            assert!((found / exact - 1.0).abs() < 0.1, "{servers} at {used}: {found}, exactly {exact}");
        }
    }

    #[test]
    fn it_grows_with_load_and_falls_with_servers() {
        let at = |servers: f64, arrivals: f64| latency(station(servers), arrivals, 0.95);
        assert!(at(4.0, 20.0) < at(4.0, 30.0) && at(4.0, 30.0) < at(4.0, 39.0));
        assert!(at(5.0, 39.0) < at(4.0, 39.0));
        assert_eq!(at(4.0, 40.0), f64::INFINITY);
        assert_eq!(at(4.0, 0.0), 0.1);
        assert_eq!(at(0.0, 1.0), f64::INFINITY);
        let calm = Station { variability: 0.0, ..station(4.0) };
        assert_eq!(latency(calm, 39.0, 0.95), 0.1, "where nothing varies nobody waits");
    }
}
