//! Floats as the controller would get them: in thousandths.

/// `value` in thousandths, rounded away from zero, as if it had been written in decimal and read as a quantity; at the
/// ends of `i64` where it lies beyond them. The noise of binary fractions does not round anything up: 51.319 is 51319.
pub fn milli(value: f64) -> i64 {
    let exact = value * 1000.0;
    let nearest = exact.round();
    let is_noise = (exact - nearest).abs() <= 2.0 * f64::EPSILON * exact.abs();
    let rounded = if is_noise { nearest } else { exact.abs().ceil().copysign(exact) };
    rounded as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpa::Quantity;

    #[test]
    fn floats_are_what_their_text_is() {
        for value in [0.0, 51.319, 33.3, 605.851, -1.5, 0.0001, 1e-9, 123_456.789, 1e15, 4.35, 1.005] {
            let text = format!("{value}");
            assert_eq!(milli(value), text.parse::<Quantity>().unwrap().milli(), "{text}");
        }
        assert_eq!(milli(0.1 + 0.2), 300);
        assert_eq!((milli(1e300), milli(-1e300)), (i64::MAX, i64::MIN));
    }
}
