//! The one way in which replicas are written.

use kube::api::PostParams;

use super::*;
use crate::FIELD_MANAGER;

/// A target changes all the time while its pods come and go: a conflict about anything but the
/// replicas is no reason to give up.
const ATTEMPTS: usize = 5;

/// A request that the API server did not carry out.
pub(super) struct Failed {
    pub(super) error: kube::Error,
    /// Whether it was the read before the write.
    pub(super) is_of_read: bool,
}

/// Asks for `to` replicas where `from` are still asked for.
///
/// The scale is read first and its resourceVersion written back, so a change by someone
/// else, before or in between, is a conflict and never overwritten. All of that is given up after `limit`.
///
/// # Errors
/// What the API server answered, where that is no conflict about the replicas.
pub(super) async fn scale(
    api: &Api<DynamicObject>,
    target: &Target,
    from: u32,
    to: u32,
    limit: Duration,
) -> Result<Result<(), WriteFailure>, Failed> {
    let write = async {
        let mut conflict = String::new();
        for _ in 0..ATTEMPTS {
            let read = api.get_scale(&target.name).await;
            let mut scale: ScaleObject = read.map_err(|error| Failed { error, is_of_read: true })?;
            let found = asked(&scale);
            if found != from {
                let how = format!("found {found} replicas, expected {from}");
                return Ok(Err(changed(target, &how)));
            }
            scale.spec.get_or_insert_default().replicas = Some(i32::try_from(to).unwrap_or(i32::MAX));
            let params =
                PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
            match api.replace_scale(&target.name, &params, &scale).await {
                Ok(_) => return Ok(Ok(())),
                Err(kube::Error::Api(status)) if status.is_conflict() => conflict = status.message,
                Err(error) => return Err(Failed { error, is_of_read: false }),
            }
        }
        Ok(Err(changed(target, &conflict)))
    };
    match tokio::time::timeout(limit, write).await {
        Ok(result) => result,
        Err(_) => Ok(Err(WriteFailure {
            reason: Reason::ScaleTimedOut,
            message: format!("{target}: {}; the next poll shows whether it was scaled", no_answer(limit)),
        })),
    }
}

fn changed(target: &Target, how: &str) -> WriteFailure {
    WriteFailure {
        reason: Reason::ScaleConflict,
        message: format!("{target} was changed by another client in the meantime: {how}; it is read again"),
    }
}

/// What the API server's refusal means for the target.
pub(super) fn failure(target: &Target, refusal: Refusal) -> WriteFailure {
    let reason = match refusal.cause {
        Some(Cause::NotFound) => {
            let message = format!("{target} no longer exists");
            return WriteFailure { reason: Reason::TargetNotFound, message };
        }
        Some(Cause::NotServed) => Reason::TargetNotScalable,
        Some(Cause::MissingRight | Cause::Forbidden) => Reason::TargetForbidden,
        Some(Cause::Admission | Cause::AdmissionPolicy | Cause::Webhook | Cause::NamespaceTerminating) => {
            Reason::AdmissionDenied
        }
        _ => Reason::FailedUpdateScale,
    };
    WriteFailure { reason, message: format!("{target}: {}", refusal.message) }
}
