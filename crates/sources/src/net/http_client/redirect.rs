//! Where a redirect leads, and whether it may be followed.

use engine::AbsenceReason;
use reqwest::header::HeaderMap;
use reqwest::{StatusCode, Url, header};

use super::Missed;
use crate::values::url::shown_origin;

/// Redirects followed before giving up.
pub(super) const MAX_REDIRECTS: usize = 5;

/// Whether `status` sends a request elsewhere.
pub(super) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The address to which the answer from `from` leads. `with_form` says that the request was a POST,
/// which only some redirects let stay one.
pub(super) fn target(
    from: &Url,
    status: StatusCode,
    headers: &HeaderMap,
    with_form: bool,
) -> Result<Url, Missed> {
    let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    let Some(mut url) = location.and_then(|location| from.join(location).ok()) else {
        let what = format!("it answered {} without a usable Location", status.as_u16());
        return Err(Missed::new(AbsenceReason::BadStatus, what));
    };
    if with_form && !matches!(status.as_u16(), 307 | 308) {
        let what = format!(
            "it answered a POST with {}, which would lose the request body; use the address that it leads \
             to, at {}",
            status.as_u16(),
            shown_origin(&url)
        );
        return Err(Missed::new(AbsenceReason::BadStatus, what));
    }
    let refuse = |what: String| Err(Missed::new(AbsenceReason::AddressRefused, what));
    match (from.scheme(), url.scheme()) {
        ("https", "http") => return refuse(format!("it redirected from https to {}", shown_origin(&url))),
        (_, "http" | "https") => {}
        (_, other) => return refuse(format!("it redirected to an address with scheme {other}")),
    }
    without_credentials(&mut url);
    Ok(url)
}

/// Takes user and password out of an address; the transport would send them along.
fn without_credentials(url: &mut Url) {
    // Setting them fails only for addresses that cannot have any.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(from: &str, location: &str) -> Result<String, AbsenceReason> {
        let headers = HeaderMap::from_iter([(header::LOCATION, location.parse().unwrap())]);
        target(&from.parse().unwrap(), StatusCode::FOUND, &headers, false)
            .map(|url| url.to_string())
            .map_err(|missed| missed.reason)
    }

    #[test]
    fn targets_are_resolved_and_checked() {
        let refused = Err(AbsenceReason::AddressRefused);
        for (from, location, expected) in [
            ("http://a/x/y", "/z", Ok("http://a/z".to_owned())),
            ("http://a/x/y", "z", Ok("http://a/x/z".to_owned())),
            ("http://a/", "//b/c", Ok("http://b/c".to_owned())),
            ("http://a/", "https://b/", Ok("https://b/".to_owned())),
            ("https://a/", "https://b/", Ok("https://b/".to_owned())),
            ("http://a/", "http://user:pass@b/", Ok("http://b/".to_owned())),
            ("https://a/", "http://a/", refused.clone()),
            ("http://a/", "file:///etc/passwd", refused.clone()),
            ("http://a/", "gopher://b/", refused),
            ("http://a/", "http://[bad", Err(AbsenceReason::BadStatus)),
        ] {
            assert_eq!(follow(from, location), expected, "{from} → {location}");
        }
    }

    #[test]
    fn a_form_is_not_lost_on_the_way() {
        let headers = HeaderMap::from_iter([(header::LOCATION, "/b?t=1".parse().unwrap())]);
        for status in [301, 302, 303, 307, 308] {
            let status = StatusCode::from_u16(status).unwrap();
            let found = target(&"http://a/".parse().unwrap(), status, &headers, true);
            match found {
                Ok(url) => assert!(status.as_u16() >= 307 && url.as_str() == "http://a/b?t=1", "{status}"),
                Err(missed) => assert!(
                    status.as_u16() < 307
                        && missed.what.ends_with("use the address that it leads to, at http://a"),
                    "{missed:?}"
                ),
            }
        }
    }

    #[test]
    fn a_redirect_needs_a_location() {
        let from = "http://a/".parse().unwrap();
        let error = target(&from, StatusCode::MOVED_PERMANENTLY, &HeaderMap::new(), false).unwrap_err();
        assert_eq!(error.what, "it answered 301 without a usable Location");
    }
}
