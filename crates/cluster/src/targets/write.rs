//! The one way in which replicas are written.

use kube::api::PostParams;

use super::*;
use crate::FIELD_MANAGER;

/// A target changes all the time while its pods come and go: a conflict about anything but the
/// replicas is no reason to give up.
const ATTEMPTS: usize = 5;

/// Asks for `to` replicas where `from` are still asked for.
///
/// The scale is read first and its resourceVersion written back, so a change by someone
/// else, before or in between, is a conflict and never overwritten. All of that is given up after `limit`.
pub(super) async fn scale(
    api: &Api<DynamicObject>,
    target: &Target,
    from: u32,
    to: u32,
    limit: Duration,
) -> Result<(), WriteFailure> {
    let write = async {
        let mut conflict = String::new();
        for _ in 0..ATTEMPTS {
            let mut scale: ScaleObject = api.get_scale(&target.name).await?;
            let found = asked(&scale);
            if found != from {
                let how = format!("{found} replicas were found where {from} were expected");
                return Ok(Err(changed(target, &how)));
            }
            scale.spec.get_or_insert_default().replicas = Some(i32::try_from(to).unwrap_or(i32::MAX));
            let params =
                PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
            match api.replace_scale(&target.name, &params, &scale).await {
                Ok(_) => return Ok(Ok(())),
                Err(kube::Error::Api(status)) if status.is_conflict() => conflict = status.message,
                Err(error) => return Err(error),
            }
        }
        Ok(Err(changed(target, &conflict)))
    };
    match tokio::time::timeout(limit, write).await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(failure(target, &error)),
        Err(_) => Err(WriteFailure {
            reason: Reason::ScaleTimedOut,
            message: format!("{target}: {}; whether it was scaled shows at the next poll", no_answer(limit)),
        }),
    }
}

fn changed(target: &Target, how: &str) -> WriteFailure {
    WriteFailure {
        reason: Reason::ScaleConflict,
        message: format!("{target} was changed by someone else in between: {how}; it is looked at again"),
    }
}

fn failure(target: &Target, error: &kube::Error) -> WriteFailure {
    let (reason, message) = match error {
        kube::Error::Api(status) if status.is_not_found() => {
            (Reason::TargetNotFound, format!("{target} does not exist any more"))
        }
        kube::Error::Api(status) if status.is_forbidden() => {
            (Reason::TargetForbidden, format!("{target}: {}", status.message))
        }
        error => (Reason::FailedUpdateScale, format!("{target}: {}", chain(error))),
    };
    WriteFailure { reason, message }
}
